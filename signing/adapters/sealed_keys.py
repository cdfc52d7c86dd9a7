"""Software key store: P-256 keys sealed with AES-256-GCM under the master key.

Layout of a sealed key: nonce (12) || AES-256-GCM(master, nonce, aad = "<id>|<version>", PKCS #8 DER). The additional
data make a blob useless under any other credential, so swapping two rows of the register gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signing.errors import KeyNotReadable
from signing.ports import NewKey

# The nonce length that GCM is defined for without extra hashing (NIST SP 800-38D 5.2.1.1); random nonces are safe
# below 2^32 seals per master key (8.3), far above any number of experts.
NONCE_BYTES = 12
# Order of P-256 (FIPS 186-5, SP 800-186 3.2.1.3).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKeyStore:
    """Keys that are readable only with `master`; `entropy(n)` gives n random bytes."""

    master: bytes = field(repr=False)
    entropy: Callable[[int], bytes]

    def generate(self, credential: str, version: int) -> NewKey:
        key = ec.generate_private_key(ec.SECP256R1())
        return NewKey(self.seal(credential, version, key), key.public_key())

    def seal(self, credential: str, version: int, key: ec.EllipticCurvePrivateKey) -> bytes:
        """The sealed form of `key`."""
        plain = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = self.entropy(NONCE_BYTES)
        return nonce + AESGCM(self.master).encrypt(nonce, plain, _bound_to(credential, version))

    def unseal(self, credential: str, version: int, sealed: bytes) -> ec.EllipticCurvePrivateKey:
        """The key inside `sealed`, or KeyNotReadable."""
        try:
            plain = AESGCM(self.master).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(credential, version)
            )
            key = serialization.load_der_private_key(plain, password=None)
        except (InvalidTag, ValueError) as error:
            raise KeyNotReadable(f"the sealed key of {credential} does not open") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyNotReadable(f"the sealed key of {credential} is of another kind")
        return key

    def sign(self, credential: str, version: int, sealed: bytes, digest: bytes) -> bytes:
        return sign_digest(self.unseal(credential, version, sealed), digest)


def sign_digest(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """ECDSA as DER. The nonce is that of RFC 6979, so that a retry repeats the signature; s is the lower of the two
    that verify, so that nobody can make a second valid signature out of the first."""
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)))
    return encode_dss_signature(r, min(s, _ORDER - s))


def is_low_s(signature: bytes) -> bool:
    """`signature` is DER and has the lower s."""
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    return encode_dss_signature(r, s) == signature and s <= _ORDER // 2


def _bound_to(credential: str, version: int) -> bytes:
    return f"{credential}|{version}".encode("ascii")
