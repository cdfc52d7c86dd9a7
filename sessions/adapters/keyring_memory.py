"""Keys in memory, for tests and rehearsals."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.core.act import SoftwareSigner
from evidence.core.note import ED25519, NoteSigner


class MemoryKeyring:
    """A `sessions.ports.Keyring` whose durability is the process's life."""

    def __init__(self, *, domain: str) -> None:
        self.identity = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
        self.centre_log = NoteSigner(f"{domain}/centre", ED25519, Ed25519PrivateKey.generate())
        self._logs: dict[str, NoteSigner] = {}

    def create(self, origin: str) -> NoteSigner:
        return self._logs.setdefault(origin, NoteSigner(origin, ED25519, Ed25519PrivateKey.generate()))

    def log_key(self, origin: str) -> NoteSigner | None:
        return self._logs.get(origin)

    def destroy(self, origin: str) -> None:
        self._logs.pop(origin, None)


class MemoryPreparations:
    """A `sessions.ports.Preparations` whose durability is the process's life."""

    def __init__(self) -> None:
        self._revisions: dict[tuple[str, bytes], bytes] = {}

    def keep(self, proceeding: str, dtbs: bytes, revision: bytes) -> None:
        self._revisions[proceeding, dtbs] = revision

    def find(self, proceeding: str, dtbs: bytes) -> bytes | None:
        return self._revisions.get((proceeding, dtbs))
