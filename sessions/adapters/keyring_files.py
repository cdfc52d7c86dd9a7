"""The main server's keys as sealed files: one file per key, named by what it signs.

Layout: nonce (12) || AES-256-GCM(master key, nonce, aad = the key's name, raw private key). The name in the additional
data makes a file useless in another one's place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence.core.act import SoftwareSigner
from evidence.core.note import ED25519, NoteSigner
from sessions.service_errors import KeyLost

# The nonce length that GCM takes without extra hashing (NIST SP 800-38D 5.2.1.1).
_NONCE = 12
_IDENTITY = "identity"
_CENTRE_LOG = "centre-log"


class FileKeyring:
    """A `sessions.ports.Keyring` in `folder`, sealed under `master` (32 bytes); `entropy(n)` gives random bytes."""

    def __init__(self, folder: Path, *, domain: str, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._domain = domain
        self._cipher = AESGCM(master)
        self._entropy = entropy
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity, centre_log = self._read(_IDENTITY), self._read(_CENTRE_LOG)
        if identity is None or centre_log is None:
            raise KeyLost("the installation has no centre keys; `initialise` makes them once")
        self.identity = SoftwareSigner(ec.derive_private_key(int.from_bytes(identity, "big"), ec.SECP256R1()))
        self.centre_log = _note_signer(f"{domain}/centre", centre_log)

    @classmethod
    def initialise(cls, folder: Path, *, domain: str, master: bytes, entropy: Callable[[int], bytes]) -> FileKeyring:
        """Make the centre's keys where there are none yet."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        maker = cls.__new__(cls)
        maker._folder, maker._domain, maker._cipher, maker._entropy = folder, domain, AESGCM(master), entropy
        if maker._read(_IDENTITY) is None:
            secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
            maker._write(_IDENTITY, secret.to_bytes(32, "big"))
        if maker._read(_CENTRE_LOG) is None:
            maker._write(_CENTRE_LOG, Ed25519PrivateKey.generate().private_bytes_raw())
        return cls(folder, domain=domain, master=master, entropy=entropy)

    def create(self, origin: str) -> NoteSigner:
        name = _name(origin)
        secret = self._read(name)
        if secret is None:
            secret = Ed25519PrivateKey.generate().private_bytes_raw()
            self._write(name, secret)
        return _note_signer(origin, secret)

    def log_key(self, origin: str) -> NoteSigner | None:
        secret = self._read(_name(origin))
        return None if secret is None else _note_signer(origin, secret)

    def destroy(self, origin: str) -> None:
        """First the key has no name any more, so that nobody reads half of it, whenever this ends; then its octets are
        overwritten. What a file system keeps elsewhere is sealed under the master key."""
        path = self._path(_name(origin))
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

    def _read(self, name: str) -> bytes | None:
        try:
            sealed = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except InvalidTag as error:
            if not self._path(name).exists():  # destroyed between being opened and being read
                return None
            raise KeyLost(f"the key {name} does not open: another master key, or another key's file") from error

    def _write(self, name: str, secret: bytes) -> None:
        nonce = self._entropy(_NONCE)
        path = self._path(name)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(nonce + self._cipher.encrypt(nonce, secret, name.encode()))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name(origin: str) -> str:
    """The file name of a proceeding's key: its id, which is base32."""
    name = origin.rpartition("/")[2]
    if not name.isalnum() or not name.isascii():
        raise KeyLost(f"{origin!r} names no proceeding")
    return f"log-{name}"


def _note_signer(name: str, secret: bytes) -> NoteSigner:
    return NoteSigner(name, ED25519, Ed25519PrivateKey.from_private_bytes(secret))
