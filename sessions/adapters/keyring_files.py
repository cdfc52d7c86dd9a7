"""The main server's keys as sealed files: one file per key, named by what it signs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.adapters.sealed_files import SealedFiles
from evidence.core.act import SoftwareSigner
from evidence.core.note import ED25519, NoteSigner
from evidence.core.origins import proceeding_of
from evidence.errors import Untrusted
from sessions.service_errors import KeyLost

_IDENTITY = "identity"
_CENTRE_LOG = "centre-log"


class FileKeyring:
    """A `sessions.ports.Keyring` in `folder`, sealed under `master` (32 bytes); `entropy(n)` gives random bytes."""

    def __init__(self, folder: Path, *, domain: str, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self._files = SealedFiles(folder, master=master, entropy=entropy)
        identity, centre_log = _read(self._files, _IDENTITY), _read(self._files, _CENTRE_LOG)
        if identity is None or centre_log is None:
            raise KeyLost("the installation has no centre keys; `initialise` makes them once")
        self.identity = SoftwareSigner(ec.derive_private_key(int.from_bytes(identity, "big"), ec.SECP256R1()))
        self.centre_log = _note_signer(f"{domain}/centre", centre_log)

    @classmethod
    def initialise(cls, folder: Path, *, domain: str, master: bytes, entropy: Callable[[int], bytes]) -> FileKeyring:
        """Make the centre's keys where there are none yet."""
        files = SealedFiles(folder, master=master, entropy=entropy)
        if _read(files, _IDENTITY) is None:
            secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
            files.write(_IDENTITY, secret.to_bytes(32, "big"))
        if _read(files, _CENTRE_LOG) is None:
            files.write(_CENTRE_LOG, Ed25519PrivateKey.generate().private_bytes_raw())
        return cls(folder, domain=domain, master=master, entropy=entropy)

    def create(self, origin: str) -> NoteSigner:
        name = _name(origin)
        secret = _read(self._files, name)
        if secret is None:
            secret = Ed25519PrivateKey.generate().private_bytes_raw()
            self._files.write(name, secret)
        return _note_signer(origin, secret)

    def log_key(self, origin: str) -> NoteSigner | None:
        secret = _read(self._files, _name(origin))
        return None if secret is None else _note_signer(origin, secret)

    def destroy(self, origin: str) -> None:
        self._files.destroy(_name(origin))


def _read(files: SealedFiles, name: str) -> bytes | None:
    try:
        return files.read(name)
    except Untrusted as error:
        raise KeyLost(f"the key {error}") from error


def _name(origin: str) -> str:
    """The file name of a log's key: its proceeding's id, which is base32, and which of its logs it is."""
    proceeding = proceeding_of(origin)
    name = proceeding.rpartition("/")[2]
    if not name.isalnum() or not name.isascii():
        raise KeyLost(f"{origin!r} names no proceeding")
    return f"log-{name}{origin.removeprefix(proceeding).replace('/', '-')}"


def _note_signer(name: str, secret: bytes) -> NoteSigner:
    return NoteSigner(name, ED25519, Ed25519PrivateKey.from_private_bytes(secret))
