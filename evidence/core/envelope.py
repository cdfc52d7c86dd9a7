"""Envelopes: commit to a payload and share its key k of n (protocols.md section 1.5), without the ciphers.

Everything here is layout and integers of the standard library; HPKE, AES-GCM and curve points are an adapter's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evidence.core import disclosure
from evidence.core.canonical import Object, b64u, members, tagged, unb64u, z
from evidence.errors import Malformed

SUITE = 0x01
"""HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""q, the order of P-256 (FIPS 186-4 D.1.2.3)."""
SCALAR_BYTES = 32
POINT_BYTES = 33
"""A compressed point (SEC 1)."""
KEY_BYTES = 65
"""An uncompressed point, as DHKEM(P-256) encodes public keys."""
SHARE_BYTES = KEY_BYTES + SCALAR_BYTES + 16
"""HPKE's enc, the share, the GCM tag."""
TAG_BYTES = 16
PAD_TO = 4096
MAX_HOLDERS = 9
"""protocols.md section 3: 3 <= n <= 9 nodes of the agreement."""
MAX_CT = 256 * PAD_TO + TAG_BYTES
"""A sheet's P has at most 40 000 bytes; a comment to every item of it still fits into 1 MiB."""
SEALED = frozenset({"sheet", "ballot"})
"""Purposes with a commitment and a payload. (`case` and `person-key` are reserved.)"""
PURPOSES = SEALED | {"draw"}
SHARE_INFO = b"tongping/share/v1\x00"
KEY_INFO = b"tongping/envelope-key/v1"


@dataclass(frozen=True, slots=True)
class Context:
    """What an envelope is bound to. `subject` = c for sheets and ballots, the leaf hash of `DrawOpened` for draws."""

    purpose: str
    origin: str
    author: str
    round: int
    subject: bytes
    k: int
    holders: tuple[bytes, ...]

    @property
    def set(self) -> bytes:
        """The holder set's hash, 1.5(1)."""
        return holder_set(self.holders)

    @property
    def digest(self) -> bytes:
        """ctx, 1.5(2)."""
        if len(self.subject) != 32 or not 0 <= self.round < 1 << 32 or not 1 <= self.k <= len(self.holders):
            raise Malformed("subject, round or k is out of form")
        head = bytes([SUITE, self.k]) + z(self.purpose) + z(self.origin) + z(self.author)
        return tagged("seal-context", head + self.round.to_bytes(4, "big") + self.subject + self.set)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope of 1.5(6). `c`, `ct_sha256` and `ct_size` are None in a draw, which has no payload."""

    purpose: str
    k: int
    set: bytes
    feldman: tuple[bytes, ...]
    shares: tuple[bytes, ...]
    c: bytes | None = None
    ct_sha256: bytes | None = None
    ct_size: int | None = None

    @staticmethod
    def parse(value: object) -> Envelope:
        """Read the JSON object strictly."""
        required = {"feldman": list, "k": int, "purpose": str, "set": str, "shares": list, "suite": int}
        optional = {"c": str, "ct": dict}
        found = members(value, required, optional)
        if found["suite"] != SUITE:
            raise Malformed("unknown suite")
        if found["purpose"] not in PURPOSES:
            raise Malformed("unknown purpose")
        sealed = found["purpose"] in SEALED
        if ("c" in found, "ct" in found) != (sealed, sealed):
            raise Malformed("c and ct stand in sheets and ballots, and nowhere else")
        ct = members(found["ct"], {"sha256": str, "size": int}) if sealed else None
        if ct is not None and not _ct_size(ct["size"]):
            raise Malformed("the ciphertext's size is not that of a padded payload")
        if not 1 <= found["k"] <= len(found["shares"]) <= MAX_HOLDERS or len(found["feldman"]) != found["k"]:
            raise Malformed("k, feldman and shares do not fit together")
        return Envelope(
            purpose=found["purpose"],
            k=found["k"],
            set=unb64u(found["set"], 32),
            feldman=tuple(unb64u(point, POINT_BYTES) for point in found["feldman"]),
            shares=tuple(unb64u(share, SHARE_BYTES) for share in found["shares"]),
            c=unb64u(found["c"], 32) if sealed else None,
            ct_sha256=unb64u(ct["sha256"], 32) if ct is not None else None,
            ct_size=ct["size"] if ct is not None else None,
        )

    @property
    def json(self) -> Object:
        """The JSON object of 1.5(6)."""
        value: Object = {
            "feldman": [b64u(point) for point in self.feldman],
            "k": self.k,
            "purpose": self.purpose,
            "set": b64u(self.set),
            "shares": [b64u(share) for share in self.shares],
            "suite": SUITE,
        }
        if self.c is not None and self.ct_sha256 is not None:
            value["c"] = b64u(self.c)
            value["ct"] = {"sha256": b64u(self.ct_sha256), "size": self.ct_size}
        return value

    def check_context(self, context: Context) -> None:
        """The part of the holder's check 1.5(7) that needs no key: purpose, k, set, lengths, commitment."""
        if self.purpose != context.purpose or self.k != context.k:
            raise Malformed("the envelope has another purpose or k")
        if self.set != context.set or len(self.shares) != len(context.holders):
            raise Malformed("the envelope is sealed to other holders")
        if self.purpose in SEALED and self.c != context.subject:
            raise Malformed("the envelope commits to something else")


def holder_set(keys: Sequence[bytes]) -> bytes:
    """T(holder-set, suite, n, then i and pk_i for i = 1..n); the caller checked that the points are on the curve."""
    if not 1 <= len(keys) <= MAX_HOLDERS or any(len(key) != KEY_BYTES or key[0] != 4 for key in keys):
        raise Malformed("holder keys are one to nine uncompressed points")
    if len(set(keys)) != len(keys):
        raise Malformed("one key holds two shares")
    listed = b"".join(bytes([i]) + key for i, key in enumerate(keys, 1))
    return tagged("holder-set", bytes([SUITE, len(keys)]) + listed)


def share_info(ctx: bytes, index: int) -> bytes:
    """HPKE's `info` for share i, 1.5(4)."""
    return SHARE_INFO + ctx + bytes([index])


def sheet_commitment(plaintext: bytes) -> bytes:
    """c = T(sheet-commitment, P), protocols.md section 3."""
    return tagged("sheet-commitment", plaintext)


def join_payload(plaintext: bytes, disclosures: Sequence[str] = ()) -> bytes:
    """P, a line feed, the disclosures joined by `~` (protocols.md section 3)."""
    if b"\n" in plaintext:
        raise Malformed("a plaintext is one line")
    return plaintext + b"\n" + "~".join(disclosures).encode("ascii")


def split_payload(payload: bytes) -> tuple[bytes, tuple[disclosure.Disclosure, ...]]:
    """The plaintext and its disclosures; whoever opens checks c over the plaintext first."""
    plaintext, separator, rest = payload.partition(b"\n")
    if not separator or not rest.isascii():
        raise Malformed("a payload is a plaintext, a line feed, disclosures")
    return plaintext, tuple(disclosure.parse(text) for text in rest.decode("ascii").split("~") if rest)


def pad(payload: bytes) -> bytes:
    """0x80, then 0x00 to a multiple of 4096, so that the length tells little."""
    return payload + b"\x80" + bytes(-(len(payload) + 1) % PAD_TO)


def unpad(padded: bytes) -> bytes:
    """The payload; refuses every other padding than `pad`'s."""
    payload = padded.rstrip(b"\x00")
    if not payload.endswith(b"\x80") or pad(payload[:-1]) != padded:
        raise Malformed("wrong padding")
    return payload[:-1]


def random_scalar(entropy: Callable[[int], bytes]) -> int:
    """Uniform in [1, q-1] by rejection; `entropy(n)` returns n random bytes."""
    while True:
        value = int.from_bytes(entropy(SCALAR_BYTES), "big")
        if 1 <= value < ORDER:
            return value


def deal(coefficients: Sequence[int], n: int) -> tuple[bytes, ...]:
    """y_1 … y_n of the polynomial s + a_1 x + …, 1.5(3). Where a share is 0 the dealer takes new coefficients."""
    shares = [sum(a * pow(i, j, ORDER) for j, a in enumerate(coefficients)) % ORDER for i in range(1, n + 1)]
    return tuple(share.to_bytes(SCALAR_BYTES, "big") for share in shares)


def scalar(data: bytes) -> int:
    """Read a scalar in [1, q-1] of exactly 32 bytes."""
    value = int.from_bytes(data, "big")
    if len(data) != SCALAR_BYTES or not 1 <= value < ORDER:
        raise Malformed("not a scalar of P-256")
    return value


def combine(shares: Mapping[int, bytes]) -> bytes:
    """Lagrange at 0 over {i: y_i}, 1.5(7). The caller then checks s·G = A_0: nothing else tells a wrong share."""
    if not shares or any(not 1 <= i <= MAX_HOLDERS for i in shares):
        raise Malformed("shares are numbered from 1")
    total = 0
    for i, y in shares.items():
        numerator = denominator = 1
        for j in shares:
            if j != i:
                numerator = numerator * j % ORDER
                denominator = denominator * (j - i) % ORDER
        total += scalar(y) * numerator * pow(denominator, -1, ORDER)
    return (total % ORDER).to_bytes(SCALAR_BYTES, "big")


def _ct_size(size: int) -> bool:
    return PAD_TO + TAG_BYTES <= size <= MAX_CT and (size - TAG_BYTES) % PAD_TO == 0
