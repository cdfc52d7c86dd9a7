"""Keys and signatures of Standard Webhooks: symmetric `v1` (HMAC-SHA256) and asymmetric `v1a` (Ed25519).

What is signed is `id.timestamp.body`. Between cities `v1a` is the better one, because no secret is shared; `v1` is
there for receivers whose libraries know nothing else. Every call carries both.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.core.canonical import b64
from sessions.core.webhooks import ED25519, HMAC, Key

# Standard Webhooks asks for 24 to 64 bytes; an Ed25519 private key has 32 (RFC 8032 5.1.5).
SECRET_BYTES = 32


def fresh_keys(entropy: Callable[[int], bytes]) -> tuple[Key, Key]:
    """A new key of each scheme."""
    return Key(ED25519, entropy(SECRET_BYTES)), Key(HMAC, entropy(SECRET_BYTES))


def handed_out(key: Key) -> str:
    """What the receiver needs: the secret of an HMAC, the public half of a key pair."""
    if key.scheme == HMAC:
        return f"whsec_{b64(key.secret)}"
    return f"whpk_{b64(_private(key).public_key().public_bytes_raw())}"


def signature_header(keys: Sequence[Key], *, message: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature per key, so that keys can be exchanged without a gap."""
    signed = f"{message}.{timestamp}.".encode() + body
    return " ".join(f"{key.scheme},{b64(_sign(key, signed))}" for key in keys)


def _sign(key: Key, signed: bytes) -> bytes:
    if key.scheme == HMAC:
        return hmac.new(key.secret, signed, hashlib.sha256).digest()
    return _private(key).sign(signed)


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.secret)
