"""What signing needs from outside, as promises.

Cloud keys live behind `KeyStore`, certificates come from `CertificateAuthority`, everything durable is in
`CredentialRegister`. `SigningDoors` is the service as its callers see it; `CloudSigner` is the service as the
web process sees it, over whatever wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from signing.core.authorisation import Authorisation, Grant, Request
from signing.core.credential import Credential, Holder
from signing.core.prepared import Prepared


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: what the store needs to use it again, and its public half."""

    sealed: bytes
    public: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential's id and DER chain, leaf first."""

    credential: str
    certificates: tuple[bytes, ...]


class KeyStore(Protocol):
    """Makes and uses P-256 keys that never leave it in clear."""

    def generate(self, credential: str, version: int) -> NewKey:
        """A new key. MUST bind `sealed` to credential and version; MUST NOT reveal the private key by it."""
        ...

    def sign(self, credential: str, version: int, sealed: bytes, digest: bytes) -> bytes:
        """ECDSA over a SHA-256 digest as DER Ecdsa-Sig-Value with low s. MUST raise KeyNotReadable when `sealed`
        is not the one generated for this credential and version. MUST NOT hash again."""
        ...


class CertificateAuthority(Protocol):
    """Issues the experts' certificates."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """DER of the roots that verifiers pin."""
        ...

    def issue(self, holder: Holder, public: ec.EllipticCurvePublicKey, *, at: datetime) -> tuple[bytes, ...]:
        """A DER chain for the holder, leaf first, root last. MUST follow `signing.core.certificate`.
        MUST NOT issue two certificates with one serial number."""
        ...


class CredentialRegister(Protocol):
    """Credentials, the acts that authorised signatures, and the signatures. Every method is atomic, MUST be durable
    before it returns, and MUST be safe to call from several threads."""

    def find(self, origin: str, seat: str) -> Credential | None:
        """The seat's credential in this proceeding."""
        ...

    def get(self, credential: str) -> Credential:
        """The credential; UnknownCredential if there is none."""
        ...

    def ids(self, *, after: str, limit: int) -> tuple[str, ...]:
        """Credential ids in ascending order, those greater than `after`."""
        ...

    def add(self, credential: Credential) -> Credential:
        """Keep the credential. MUST return the one that stands there if its (origin, seat) is taken."""
        ...

    def grant(self, authorisation: Authorisation, *, sad_hash: bytes, expires: datetime) -> None:
        """Keep the authorisation (once per act) and a new SAD for all its hashes. MUST NOT keep the SAD itself."""
        ...

    def redeem(
        self,
        sad_hash: bytes,
        *,
        hashes: Sequence[bytes],
        check: Callable[[Grant | None], Grant],
        sign: Callable[[bytes], bytes],
    ) -> tuple[bytes, ...]:
        """One signature per hash, in order. In one step: `check` the SAD's grant (it raises to refuse) and keep
        what it returns; for each hash return the signature already kept for this act and hash, else `sign` and keep
        it. MUST keep nothing if anything raises. MUST NOT return before the signatures are durable."""
        ...


class SigningDoors(Protocol):
    """The signing service."""

    def register(self, holder: Holder) -> Issued:
        """The holder's credential; idempotent. MUST refuse another key or person on the same seat."""
        ...

    def authorize(self, request: Request) -> tuple[str, int]:
        """(SAD, seconds that it lives). MUST refuse all but a valid act over exactly these hashes."""
        ...

    def sign_hash(
        self, *, credential: str, sad: str, hashes: Sequence[bytes], hash_algo: str, sign_algo: str
    ) -> tuple[bytes, ...]:
        """Signatures in the order of the hashes. MUST give the same signature again for a repeated act and hash."""
        ...


class CloudSigner(Protocol):
    """The signing service as the web process uses it."""

    async def register(self, holder: Holder) -> Issued:
        """As `SigningDoors.register`; SigningRefused with the service's code, or SigningUnavailable."""
        ...

    async def finish(self, prepared: Prepared, *, act_jws: str) -> bytes:
        """The prepared revision with its signature: the next revision of the report. Idempotent: the same act gives
        the same bytes, also after a crash on either side. MUST refuse an act over any other hash or document."""
        ...
