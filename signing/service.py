"""The signing service: registers credentials, turns acts into activation data, and signs what was authorised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from evidence.core.canonical import b64u, sha256
from signing.core import authorisation
from signing.core.authorisation import SAD_LIFETIME, Grant, Request
from signing.core.credential import Credential, Holder
from signing.errors import SeatAlreadyBound
from signing.ports import CertificateAuthority, CredentialRegister, Issued, KeyStore

# 256 random bits cannot be guessed, and 128 keep two credentials apart.
SAD_BYTES = 32
CREDENTIAL_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningService:
    """Everything that the doors of the signing process call. `clock` gives UTC, `entropy(n)` n random bytes."""

    keys: KeyStore
    authority: CertificateAuthority
    credentials: CredentialRegister
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]

    def register(self, holder: Holder) -> Issued:
        """The holder's credential: the one that stands there, or a new key and certificate.

        A crash before the register's commit leaves nothing; two callers at once get the same credential, because the
        register keeps the first and the other's key is thrown away.
        """
        credential = self.credentials.find(holder.origin, holder.seat)
        if credential is None:
            credential = self.credentials.add(self._new(holder))
        if credential.holder != holder:
            raise SeatAlreadyBound("this seat has a credential for another key or person")
        return Issued(credential.id, credential.certificates)

    def authorize(self, request: Request) -> tuple[str, int]:
        """Give activation data for an act.

        (1) The credential is known.
        (2) The recipe of `core.authorisation.authorise` holds.
        (3) A fresh random SAD is given; only its hash is kept, with the act and its hashes.
        """
        now = self.clock()
        # (1)
        credential = self.credentials.get(request.credential)
        # (2)
        granted = authorisation.authorise(request, credential, now=now)
        # (3)
        sad = b64u(self.entropy(SAD_BYTES))
        self.credentials.grant(granted, sad_hash=_hash(sad), expires=now + SAD_LIFETIME)
        return sad, int(SAD_LIFETIME.total_seconds())

    def sign_hash(
        self, *, credential: str, sad: str, hashes: Sequence[bytes], hash_algo: str, sign_algo: str
    ) -> tuple[bytes, ...]:
        """Sign hashes that the SAD allows.

        (1) The algorithms are ours, the hashes in form, the credential known.
        (2) The SAD was given for this credential, lives, and still allows each hash as often as it is asked.
        (3) What the act had signed already is returned as it was; the rest is signed and kept, in the same commit
            that marks the SAD as used.
        """
        # (1)
        authorisation.check_algorithms(hash_algo=hash_algo, sign_algo=sign_algo)
        authorisation.check_hashes(hashes)
        held = self.credentials.get(credential)
        now = self.clock()

        # (2)
        def check(grant: Grant | None) -> Grant:
            return authorisation.spend(grant, credential=credential, hashes=hashes, now=now)

        # (3)
        return self.credentials.redeem(
            _hash(sad),
            hashes=hashes,
            check=check,
            sign=lambda digest: self.keys.sign(held.id, held.version, held.sealed, digest),
        )

    def _new(self, holder: Holder) -> Credential:
        identity = self.entropy(CREDENTIAL_BYTES).hex()
        key = self.keys.generate(identity, 1)
        chain = self.authority.issue(holder, key.public, at=self.clock())
        return Credential(id=identity, version=1, holder=holder, certificates=chain, sealed=key.sealed)


def _hash(sad: str) -> bytes:
    return sha256(sad.encode("utf-8"))
