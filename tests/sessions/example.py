"""The example of the tests: TV1 with a committee of five in three cities, its keys, sheets and envelopes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric import ec

from evaluation.core.rules import government_procurement as rules
from evidence.adapters import envelope_p256
from evidence.core.act import SoftwareSigner
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.envelope import Context, Envelope, deal, join_payload

MAIN, ZHONGSHAN, ZHUHAI, FINANCE = "hohhot.example", "zhongshan.example", "zhuhai.example", "finance.example"
ORIGIN = f"{MAIN}/proceedings/{'k3' * 13}"
VENUES: list[Object] = [
    {"id": "venue-1", "centre": MAIN, "kind": "main"},
    {"id": "venue-2", "centre": ZHONGSHAN, "kind": "secondary"},
    {"id": "venue-3", "centre": ZHUHAI, "kind": "secondary"},
]
ROOMS: list[Object] = [{"id": f"room-{n}", "venue": f"venue-{n}"} for n in (1, 2, 3)]
SEATS: list[Object] = [
    {"id": "seat-1", "role": "expert", "venue": "venue-1", "centre": MAIN},
    {"id": "seat-2", "role": "expert", "venue": "venue-1", "centre": MAIN},
    {"id": "seat-3", "role": "buyer-representative", "venue": "venue-1", "centre": MAIN},
    {"id": "seat-4", "role": "expert", "venue": "venue-2", "centre": ZHONGSHAN},
    {"id": "seat-5", "role": "expert", "venue": "venue-3", "centre": ZHUHAI},
    {"id": "operator-1", "role": "operator", "venue": "venue-1", "centre": MAIN},
    {"id": "operator-2", "role": "operator", "venue": "venue-2", "centre": ZHONGSHAN},
    {"id": "operator-3", "role": "operator", "venue": "venue-3", "centre": ZHUHAI},
    {"id": "supervisor-1", "role": "supervisor", "venue": None, "centre": FINANCE},
    {"id": "auditor-1", "role": "auditor", "venue": None, "centre": FINANCE},
]
MEMBERS = ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5")
HOLDERS = (ZHONGSHAN, ZHUHAI, FINANCE)
POLICY, TRUST = sha256(b"policy"), sha256(b"trust")
SHOWN = b64u(sha256(b"shown"))
DOCUMENT = sha256(b"a document of the tender")

# TV1: the award notice of the domain study, section 1.9.
TV1_PRICES = ("2311110.40", "2296472.00", "2299360.00", "2288231.72")
TV1_TECHNICAL = ("49.50", "56.00", "49.00", "75.00")
CODES = ("914403001922038216", "9144030071526726XG", "91330100799655058B", "91110000802100433B")


def definition(
    *, origin: str = ORIGIN, prices: Sequence[str] = TV1_PRICES, technical: str = "80.00", price: str = "20.00"
) -> Object:
    """A services tender with two leaf criteria under one branch, and one beside it."""
    half, rest = Decimal(technical) / 2, Decimal(technical) / 4
    leaves = [
        {"id": "team", "name": "项目团队", "max": f"{rest:.2f}", "children": []},
        {"id": "record", "name": "同类业绩", "max": f"{Decimal(technical) - half - rest:.2f}", "children": []},
    ]
    return {
        "v": 1,
        "salt": b64u(bytes(range(16))),
        "origin": origin,
        "title": "教育信息化服务采购",
        "regime": "government-procurement",
        "method": "comprehensive-scoring",
        "category": "services",
        "weights": {"technical": technical, "price": price},
        "bidders": [
            {"id": f"bidder-{i}", "name": f"投标人{i}有限公司", "code": code, "price": amount}
            for i, (code, amount) in enumerate(zip(CODES, prices, strict=False), 1)
        ],
        "criteria": [
            {"id": "plan", "name": "实施方案", "max": f"{half:.2f}", "children": []},
            {"id": "firm", "name": "企业实力", "max": f"{Decimal(technical) - half:.2f}", "children": leaves},
        ],
        "compliance": [{"id": "licence", "name": "营业执照"}, {"id": "letter", "name": "投标函"}],
        "documents": [{"sha256": b64u(DOCUMENT), "name": "招标文件.pdf", "bidder": None, "pages": 3}],
        "members": [{"seat": seat, "name": f"专家{seat[-1]}", "organisation": "某单位"} for seat in MEMBERS],
    }


def founding(identities: Mapping[str, Object]) -> Object:
    """Body of `proceeding.found`."""
    return {
        "opening": {"origin": f"{MAIN}/centre", "index": 1, "leaf": b64u(sha256(b"opening"))},
        "engine": "3",
        "rule_pack": {"id": rules.ID, "version": rules.VERSION, "sha256": b64u(rules.SHA256)},
        "policy": b64u(POLICY),
        "trust": b64u(TRUST),
        "identities": dict(identities),
        "holders": list(HOLDERS),
        "holder_k": 2,
        "venues": VENUES,
        "rooms": ROOMS,
        "seats": SEATS,
    }


def signer_of(name: str) -> SoftwareSigner:
    """The same key for the same name: scalars by hash, for tests only."""
    return SoftwareSigner(ec.derive_private_key(int.from_bytes(sha256(name.encode()), "big") >> 1, ec.SECP256R1()))


def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A holder's key of the test."""
    return signer_of("holder/" + name).key


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope with what its author keeps."""

    envelope: Envelope
    plaintext: bytes
    ct: bytes
    shares: tuple[bytes, ...]


Sealer = Callable[[Context, bytes], Sealed]


def light(bound: Context, plaintext: bytes) -> Sealed:
    """An envelope of the right form with the right commitment, but no cipher inside: fast."""
    seed = bound.digest + bound.subject

    def filler(name: str, length: int) -> bytes:
        return hashlib.shake_256(seed + name.encode()).digest(length)

    ct = filler("ct", 4112)
    envelope = Envelope(
        purpose=bound.purpose,
        k=bound.k,
        set=bound.set,
        feldman=tuple(b"\x02" + filler(f"a{i}", 32) for i in range(bound.k)),
        shares=tuple(filler(f"s{i}", 113) for i in range(len(bound.holders))),
        c=bound.subject,
        ct_sha256=sha256(ct),
        ct_size=len(ct),
    )
    return Sealed(envelope, plaintext, ct, deal([7, 11][: bound.k], len(bound.holders)))


def real(bound: Context, plaintext: bytes) -> Sealed:
    """A real envelope to the keys of `private_key`; shares are opened with them."""
    counter = iter(range(1 << 30))

    def entropy(n: int) -> bytes:
        return hashlib.shake_256(bound.digest + next(counter).to_bytes(4, "big")).digest(n)

    made = envelope_p256.seal(bound, join_payload(plaintext), entropy)
    shares = tuple(
        envelope_p256.open_share(made.envelope, bound, i, private_key(domain)) for i, domain in enumerate(HOLDERS, 1)
    )
    assert made.ct is not None
    return Sealed(made.envelope, plaintext, made.ct, shares)


Scores = Mapping[str, Mapping[tuple[str, str], Decimal]]


def spread(technical: Sequence[str] = TV1_TECHNICAL, members: Sequence[str] = MEMBERS) -> Scores:
    """Sheets whose exact sums average to `technical`: -1, -0.5, 0, +0.5, +1 around it on the plan."""
    shifts = [Decimal(i - len(members) // 2) / 2 for i in range(len(members))]
    sheets: dict[str, dict[tuple[str, str], Decimal]] = {}
    for seat, shift in zip(members, shifts, strict=True):
        scores: dict[tuple[str, str], Decimal] = {}
        for i, text in enumerate(technical, 1):
            total = Decimal(text) + shift
            plan = min(Decimal(39), (total / 2).quantize(Decimal("0.01")))
            team = min(Decimal(20), ((total - plan) / 2).quantize(Decimal("0.01")))
            figures = {"plan": plan, "team": team, "record": total - plan - team}
            scores |= {(f"bidder-{i}", name): value for name, value in figures.items()}
        sheets[seat] = scores
    return sheets


def segment(room: str, kind: str, number: int, take: int = 1) -> Object:
    """A segment as section 5 of the protocol wants it."""
    start = 1_795_248_000_000 + 4000 * number
    return {
        "room": room,
        "kind": kind,
        "take": take,
        "number": number,
        "sha256": b64u(sha256(f"{room}{kind}{take}{number}".encode())),
        "init": b64u(sha256(f"{room}{kind}{take}".encode())),
        "bytes": 40_000,
        "t0": start,
        "t1": start + 4000,
        "duration": 4000,
        "packets": 200,
        "lost": 0,
        "keyframe": True,
        "recovered": False,
        "gaps": [],
    }
