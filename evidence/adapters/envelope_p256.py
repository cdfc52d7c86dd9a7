"""Envelopes with real ciphers: HPKE over P-256, AES-256-GCM and the Feldman equation (protocols.md section 1.5).

`seal` is what a seat's browser does, and serves seats that are programs. The module as a whole is an
`evidence.ports.Envelopes`.

Opening a share is the holder's check 1.5(7):
(1) the context: purpose, k, holder set, commitment;
(2) the share opens under the holder's key and this context;
(3) 1 <= y_i < q;
(4) y_i·G = sum of i^j·A_j.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from Crypto.PublicKey import ECC
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence.core.canonical import sha256
from evidence.core.envelope import (
    KEY_INFO,
    MAX_CT,
    SEALED,
    TAG_BYTES,
    Context,
    Envelope,
    combine,
    deal,
    pad,
    random_scalar,
    scalar,
    share_info,
    unpad,
)
from evidence.errors import Malformed, Untrusted

__all__ = [
    "Sealed",
    "check_secret",
    "check_share",
    "combine",
    "holder_key",
    "open_payload",
    "open_share",
    "public_bytes",
    "seal",
]

_SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
# One key encrypts one message (1.5(5)), so the nonce can be fixed.
_NONCE = bytes(12)


@dataclass(frozen=True, slots=True)
class Sealed:
    """`ct` goes to the vault (None in a draw); `secret` stays with the author until it is no longer needed."""

    envelope: Envelope
    ct: bytes | None
    secret: bytes


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """pk_i: 65 bytes, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def holder_key(data: bytes) -> ec.EllipticCurvePublicKey:
    """A holder's public key, checked to be on the curve."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError as error:
        raise Malformed("the holder's key is not a point of P-256") from error
    if len(data) != 65:
        raise Malformed("holder keys are uncompressed points")
    return key


def seal(context: Context, payload: bytes | None, entropy: Callable[[int], bytes]) -> Sealed:
    """Seal `payload` (None for a draw) to the context's holders; `entropy(n)` returns n random bytes."""
    if (payload is not None) != (context.purpose in SEALED):
        raise Malformed("sheets and ballots have a payload, draws have none")
    ctx = context.digest
    keys = [holder_key(key) for key in context.holders]
    shares: tuple[bytes, ...] = (bytes(32),)
    coefficients: list[int] = []
    while bytes(32) in shares:
        coefficients = [random_scalar(entropy) for _ in range(context.k)]
        shares = deal(coefficients, len(keys))
    secret = coefficients[0].to_bytes(32, "big")
    ct = None
    if payload is not None:
        ct = AESGCM(_payload_key(ctx, secret)).encrypt(_NONCE, pad(payload), ctx)
        if len(ct) > MAX_CT:
            raise Malformed("the payload is too large")
    envelope = Envelope(
        purpose=context.purpose,
        k=context.k,
        set=context.set,
        feldman=tuple(_compressed(a) for a in coefficients),
        shares=tuple(
            _SUITE.encrypt(y, key, info=share_info(ctx, i))
            for i, (y, key) in enumerate(zip(shares, keys, strict=True), 1)
        ),
        c=context.subject if ct is not None else None,
        ct_sha256=sha256(ct) if ct is not None else None,
        ct_size=len(ct) if ct is not None else None,
    )
    return Sealed(envelope, ct, secret)


def open_share(envelope: Envelope, context: Context, index: int, key: ec.EllipticCurvePrivateKey) -> bytes:
    """y_i of the holder at `index` (from 1), after the whole check 1.5(7); Malformed or Untrusted = `share.reject`."""
    # (1)
    envelope.check_context(context)
    if not 1 <= index <= len(context.holders) or context.holders[index - 1] != public_bytes(key):
        raise Malformed("this holder's key is not in the set")
    # (2)
    try:
        share = _SUITE.decrypt(envelope.shares[index - 1], key, info=share_info(context.digest, index))
    except (InvalidTag, ValueError) as error:
        raise Untrusted("the share does not open") from error
    # (3) and (4)
    check_share(envelope.feldman, index, share)
    return share


def check_share(feldman: Sequence[bytes], index: int, share: bytes) -> None:
    """y_i·G = sum of i^j·A_j; Untrusted convicts the dealer on sight and the holder afterwards."""
    expected = _point(feldman[-1])
    for point in reversed(feldman[:-1]):
        expected = expected * index + _point(point)
    if expected.is_point_at_infinity() or _public(scalar(share)) != expected.xy:
        raise Untrusted("the share does not lie on the committed polynomial")


def check_secret(envelope: Envelope, secret: bytes) -> None:
    """s·G = A_0."""
    if _compressed(scalar(secret)) != envelope.feldman[0]:
        raise Untrusted("the secret is not the committed one")


def open_payload(envelope: Envelope, context: Context, secret: bytes, ct: bytes) -> bytes:
    """The payload under the combined secret; the caller then splits it and checks c over the plaintext."""
    envelope.check_context(context)
    check_secret(envelope, secret)
    if len(ct) != envelope.ct_size or sha256(ct) != envelope.ct_sha256 or len(ct) < TAG_BYTES:
        raise Untrusted("another ciphertext than the envelope names")
    ctx = context.digest
    try:
        padded = AESGCM(_payload_key(ctx, secret)).decrypt(_NONCE, ct, ctx)
    except InvalidTag as error:
        raise Untrusted("the ciphertext does not open") from error
    return unpad(padded)


def _payload_key(ctx: bytes, secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=ctx, info=KEY_INFO).derive(secret)


def _public(value: int) -> tuple[int, int]:
    numbers = ec.derive_private_key(value, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y


def _compressed(value: int) -> bytes:
    public = ec.derive_private_key(value, ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _point(compressed: bytes) -> Any:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    except ValueError as error:
        raise Untrusted("a commitment is not a point of P-256") from error
    numbers = key.public_numbers()
    return ECC.construct(curve="P-256", point_x=numbers.x, point_y=numbers.y).pointQ
