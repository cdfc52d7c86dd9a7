"""Register, key store and cloud signer in memory, for tests and for a process that need remember nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.errors import EvidenceError
from signing.adapters.pades import check_act, embed
from signing.adapters.sealed_keys import sign_digest
from signing.core.authorisation import ECDSA_SHA256_OID, SHA256_OID, Authorisation, Grant, Request
from signing.core.credential import Credential, Holder
from signing.core.prepared import Prepared
from signing.errors import KeyNotReadable, SigningError, SigningRefused, UnknownCredential
from signing.ports import Issued, NewKey, SigningDoors


class MemoryKeyStore:
    """Keys in a dictionary; `sealed` is only a reference to one."""

    def __init__(self) -> None:
        self._keys: dict[bytes, ec.EllipticCurvePrivateKey] = {}

    def generate(self, credential: str, version: int) -> NewKey:
        key = ec.generate_private_key(ec.SECP256R1())
        sealed = f"{credential}|{version}|{len(self._keys)}".encode("ascii")
        self._keys[sealed] = key
        return NewKey(sealed, key.public_key())

    def sign(self, credential: str, version: int, sealed: bytes, digest: bytes) -> bytes:
        if not sealed.startswith(f"{credential}|{version}|".encode("ascii")) or sealed not in self._keys:
            raise KeyNotReadable(f"no such key of {credential}")
        return sign_digest(self._keys[sealed], digest)


class MemoryRegister:
    """A `CredentialRegister` that forgets everything at the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: dict[str, Credential] = {}
        self._grants: dict[bytes, Grant] = {}
        self._signatures: dict[tuple[bytes, bytes], bytes] = {}

    def find(self, origin: str, seat: str) -> Credential | None:
        with self._lock:
            return self._find(origin, seat)

    def get(self, credential: str) -> Credential:
        with self._lock:
            if credential not in self._credentials:
                raise UnknownCredential("no such credential")
            return self._credentials[credential]

    def ids(self, *, after: str, limit: int) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(identity for identity in self._credentials if identity > after)[:limit])

    def add(self, credential: Credential) -> Credential:
        with self._lock:
            kept = self._find(credential.holder.origin, credential.holder.seat)
            if kept is None:
                kept = self._credentials[credential.id] = credential
            return kept

    def grant(self, authorisation: Authorisation, *, sad_hash: bytes, expires: datetime) -> None:
        with self._lock:
            self._grants[sad_hash] = Grant(
                act=authorisation.act,
                credential=authorisation.credential,
                expires=expires.replace(microsecond=0),
                remaining=authorisation.hashes,
            )

    def redeem(
        self,
        sad_hash: bytes,
        *,
        hashes: Sequence[bytes],
        check: Callable[[Grant | None], Grant],
        sign: Callable[[bytes], bytes],
    ) -> tuple[bytes, ...]:
        with self._lock:
            left = check(self._grants.get(sad_hash))
            made: dict[tuple[bytes, bytes], bytes] = {}
            for digest in hashes:
                place = (left.act, digest)
                if place not in self._signatures and place not in made:
                    made[place] = sign(digest)
            self._signatures.update(made)
            self._grants[sad_hash] = left
            return tuple(self._signatures[(left.act, digest)] for digest in hashes)

    def _find(self, origin: str, seat: str) -> Credential | None:
        matching = (c for c in self._credentials.values() if (c.holder.origin, c.holder.seat) == (origin, seat))
        return next(matching, None)


class MemoryCloudSigner:
    """A `CloudSigner` on a signing service in the same process."""

    def __init__(self, *, doors: SigningDoors) -> None:
        self._doors = doors

    async def register(self, holder: Holder) -> Issued:
        try:
            return self._doors.register(holder)
        except (SigningError, EvidenceError) as error:
            raise SigningRefused(error.code, str(error)) from error

    async def finish(self, prepared: Prepared, *, act_jws: str) -> bytes:
        credential = check_act(prepared, act_jws)
        try:
            sad, _ = self._doors.authorize(Request(credential, (prepared.dtbs,), 1, act_jws))
            (signature,) = self._doors.sign_hash(
                credential=credential,
                sad=sad,
                hashes=[prepared.dtbs],
                hash_algo=SHA256_OID,
                sign_algo=ECDSA_SHA256_OID,
            )
        except (SigningError, EvidenceError) as error:
            raise SigningRefused(error.code, str(error)) from error
        return embed(prepared, signature)
