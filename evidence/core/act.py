"""Acts: what a person or a centre signs (protocols.md section 1.3).

An act is a compact JWS (RFC 7515) with ES256. Its id is taken over `header.payload` and never over the whole JWS,
because ECDSA is malleable. The id is unique in a log and is the idempotency key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from evidence.core import disclosure
from evidence.core.canonical import (
    MAX_BYTES,
    Object,
    b64,
    b64u,
    decode_object,
    encode,
    members,
    sha256,
    tagged,
    unb64,
    unb64u,
    z,
)
from evidence.errors import Malformed, Untrusted

TYP = "tongping-act+jwt"
NO_ACT = bytes(32)
"""`prev` of a key's first act (ctr 1)."""
NOTHING_SEEN: tuple[int, bytes] = (0, sha256(b""))
"""`seen` before any checkpoint was verified: the empty tree."""


@dataclass(frozen=True, slots=True)
class Act:
    """A parsed act. `jws` holds the exact octets; every other field was read from them."""

    jws: str
    id: bytes
    kid: str
    act: str
    aud: str
    sub: str
    body: Object
    ctr: int
    iat: int
    prev: bytes
    seen: tuple[int, bytes]
    sd: tuple[str, ...]


class Signer(Protocol):
    """Holds an ES256 key; `sign` MUST return r||s, 64 bytes, as WebCrypto does."""

    @property
    def jwk(self) -> Object: ...

    def sign(self, data: bytes) -> bytes: ...


def thumbprint(jwk: Object) -> str:
    """RFC 7638 thumbprint of a P-256 JWK, base64url."""
    public_key(jwk)
    return b64u(sha256(encode({name: jwk[name] for name in ("crv", "kty", "x", "y")})))


def public_key(jwk: Object) -> ec.EllipticCurvePublicKey:
    """The P-256 public key of a JWK with exactly crv, kty, x, y; refuses points off the curve."""
    members(jwk, {"crv": str, "kty": str, "x": str, "y": str})
    if jwk["crv"] != "P-256" or jwk["kty"] != "EC":
        raise Malformed("only EC P-256 keys")
    x, y = unb64u(jwk["x"], 32), unb64u(jwk["y"], 32)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    except ValueError as error:
        raise Malformed("the point is not on P-256") from error


def jwk_of(key: ec.EllipticCurvePublicKey) -> Object:
    """The JWK of a P-256 public key."""
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": b64u(numbers.x.to_bytes(32, "big")),
        "y": b64u(numbers.y.to_bytes(32, "big")),
    }


def header(kid: str) -> bytes:
    """The one protected header that an act may have."""
    return encode({"alg": "ES256", "kid": kid, "typ": TYP})


def make(
    signer: Signer,
    *,
    act: str,
    aud: str,
    sub: str,
    body: Object,
    ctr: int,
    iat: int,
    prev: bytes = NO_ACT,
    seen: tuple[int, bytes] = NOTHING_SEEN,
    sd: tuple[str, ...] = (),
) -> Act:
    """Write and sign an act; `iat` in seconds since the epoch, `seen` = (size, root) of a verified checkpoint."""
    payload: Object = {
        "act": act,
        "aud": aud,
        "body": body,
        "ctr": ctr,
        "iat": iat,
        "prev": b64u(prev),
        "seen": [seen[0], b64(seen[1])],
        "sub": sub,
        "v": 1,
    }
    if sd:
        payload["_sd"] = sorted(sd)
    signing_input = b64u(header(thumbprint(signer.jwk))) + "." + b64u(encode(payload))
    return parse(signing_input + "." + b64u(signer.sign(signing_input.encode("ascii"))))


def act_id(signing_input: str) -> bytes:
    """T("act", ASCII of header.payload)."""
    return tagged("act", signing_input.encode("ascii"))


def webauthn_challenge(act_name: str, identity: bytes) -> bytes:
    """Challenge of the assertion that confirms an act (protocols.md 1.3)."""
    return tagged("webauthn", z(act_name) + identity)


def parse(jws: str) -> Act:
    """Read an act strictly; the signature's form is checked, not yet its key (see `verify`)."""
    if not isinstance(jws, str) or len(jws) > MAX_BYTES or jws.count(".") != 2:
        raise Malformed("not a compact JWS")
    head_text, payload_text, signature_text = jws.split(".")
    head = members(decode_object(unb64u(head_text)), {"alg": str, "kid": str, "typ": str})
    unb64u(head["kid"], 32)
    if unb64u(head_text) != header(head["kid"]):
        raise Malformed("the protected header must be exactly alg, kid, typ of an act")
    unb64u(signature_text, 64)
    payload = members(
        decode_object(unb64u(payload_text)),
        {
            "act": str,
            "aud": str,
            "body": dict,
            "ctr": int,
            "iat": int,
            "prev": str,
            "seen": list,
            "sub": str,
            "v": int,
        },
        {"_sd": list},
    )
    if payload["v"] != 1:
        raise Malformed("unknown act version")
    if payload["ctr"] < 1 or payload["iat"] < 0:
        raise Malformed("ctr counts from 1")
    seen = payload["seen"]
    if len(seen) != 2 or type(seen[0]) is not int or seen[0] < 0:
        raise Malformed("seen is [size, root]")
    return Act(
        jws=jws,
        id=act_id(head_text + "." + payload_text),
        kid=head["kid"],
        act=payload["act"],
        aud=payload["aud"],
        sub=payload["sub"],
        body=payload["body"],
        ctr=payload["ctr"],
        iat=payload["iat"],
        prev=unb64u(payload["prev"], 32),
        seen=(seen[0], unb64(seen[1], 32)),
        sd=disclosure.digests(payload["_sd"]) if "_sd" in payload else (),
    )


def verify(act: Act, jwk: Object) -> None:
    """The act's signature holds under `jwk`, and `kid` names that key; else Untrusted."""
    if thumbprint(jwk) != act.kid:
        raise Untrusted("the act names another key")
    signing_input, _, signature_text = act.jws.rpartition(".")
    if not verify_es256(jwk, signing_input.encode("ascii"), unb64u(signature_text, 64)):
        raise Untrusted("the act's signature does not hold")


def verify_es256(jwk: Object, data: bytes, signature: bytes) -> bool:
    """ES256 over `data`; `signature` is r||s."""
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        public_key(jwk).verify(der, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True)
class SoftwareSigner:
    """An ES256 key in memory: a centre's identity key, or a seat's key where the seat is a program."""

    key: ec.EllipticCurvePrivateKey

    @property
    def jwk(self) -> Object:
        return jwk_of(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
