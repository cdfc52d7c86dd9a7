"""What the evidence package needs from outside, in MUST / MUST NOT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core.envelope import Context, Envelope


class Sealed(Protocol):
    """What the author of an envelope keeps: `ct` goes to the vault, `secret` stays."""

    @property
    def envelope(self) -> Envelope: ...
    @property
    def ct(self) -> bytes | None: ...
    @property
    def secret(self) -> bytes: ...


class Envelopes(Protocol):
    """The ciphers of protocols.md 1.5; `evidence.adapters.envelope_p256` is one, as a module."""

    def seal(self, context: Context, payload: bytes | None, entropy: Callable[[int], bytes]) -> Sealed:
        """MUST take a new secret for every envelope."""

    def open_share(self, envelope: Envelope, context: Context, index: int, key: ec.EllipticCurvePrivateKey) -> bytes:
        """y_i. MUST make the whole check 1.5(7) and raise Malformed or Untrusted where it fails."""

    def check_share(self, feldman: Sequence[bytes], index: int, share: bytes) -> None:
        """MUST raise Untrusted where y_i·G differs from the sum of i^j·A_j."""

    def combine(self, shares: Mapping[int, bytes]) -> bytes:
        """Lagrange at 0. MUST NOT be trusted without `check_secret` or `open_payload`."""

    def check_secret(self, envelope: Envelope, secret: bytes) -> None:
        """MUST raise Untrusted where s·G differs from A_0."""

    def open_payload(self, envelope: Envelope, context: Context, secret: bytes, ct: bytes) -> bytes:
        """The payload. MUST check s·G = A_0, the ciphertext's hash and the context; the caller checks c."""
