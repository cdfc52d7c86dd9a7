"""Secrets as files, each sealed under a master key and destroyed for good.

Layout: nonce (12) || AES-256-GCM(master key, nonce, aad = the secret's name, secret). The name in the additional data
makes a file useless in another one's place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence.errors import Untrusted

# The nonce length that GCM takes without extra hashing (NIST SP 800-38D 5.2.1.1).
NONCE = 12


class SealedFiles:
    """Secrets by name in `folder`, sealed under `master` (32 bytes); `entropy(n)` gives random bytes."""

    def __init__(self, folder: Path, *, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._cipher = AESGCM(master)
        self._entropy = entropy
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        """The secret; None where it was never written or is destroyed, Untrusted where the file does not open."""
        try:
            sealed = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], name.encode())
        except InvalidTag as error:
            if not self._path(name).exists():  # destroyed between being opened and being read
                return None
            raise Untrusted(f"{name} does not open: another master key, or another secret's file") from error

    def write(self, name: str, secret: bytes) -> None:
        """Durable before this returns."""
        nonce = self._entropy(NONCE)
        path = self._path(name)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(nonce + self._cipher.encrypt(nonce, secret, name.encode()))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        self._sync()

    def destroy(self, name: str) -> None:
        """First the secret has no name any more, so that nobody reads half of it, whenever this ends; then its octets
        are overwritten. What a file system keeps elsewhere is sealed under the master key."""
        path = self._path(name)
        gone = path.with_suffix(".gone")
        if path.exists():
            path.replace(gone)
            self._sync()
        if gone.exists():
            gone.chmod(0o600)
            with gone.open("r+b") as file:
                file.write(bytes(gone.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            gone.unlink()
            self._sync()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sealed"

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
