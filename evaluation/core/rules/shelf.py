"""Every rule pack that this engine holds. A pack's bytes never change: a changed rule is a new version beside the old.

A log names its pack by id, version and hash in entry 0, and a verifier years later finds exactly those rules here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from evaluation.core.rules import (
    bidding_law_1,
    bidding_law_2,
    bidding_law_3,
    bidding_law_4,
    government_procurement,
    government_procurement_2,
    government_procurement_3,
    government_procurement_4,
    government_procurement_5,
    international_1,
    international_2,
)
from evaluation.errors import UnknownRulePack
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, sha256, unb64u


@dataclass(frozen=True, slots=True)
class Brand:
    """Who stands for a brand (87号令 31): the best by `merit`; of equal ones by the tender's way, one of `ways`."""

    merit: str
    ways: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Method:
    """What a pack demands of one method of evaluation. `trimmed_sheets` is the fewest sheets that may be trimmed.

    Without `brand` the best of a brand is found by the whole `order`, as packs before 2026 had it.
    """

    name: str
    prices: tuple[str, ...]
    least_weight: dict[str, Decimal] | None
    adjustments: bool
    trimmed_sheets: int | None
    order: tuple[str, ...]
    ties: tuple[str, ...]
    same_brand: bool
    unranked: bool
    source: str
    brand: Brand | None = None


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A floating coefficient in percent: at most so much, drawn from this many candidates."""

    most: Decimal
    fewest: int
    candidates: int
    source: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Deductions for small firms: lowest and highest percent by name, for which categories (None: all), and for which
    kinds of price the points grow instead of the price falling."""

    rates: dict[str, tuple[Decimal, Decimal]]
    categories: tuple[str, ...] | None
    points: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Regular:
    """From when prices differ in a regular way (`evaluation.core.regularity`): at least so many bids in a series that
    chance shows in fewer than one of `odds` tenders, by so many multiples of a step; so many lines of lists, of this
    unit price at least, and how many in a thousand of them agree."""

    least: int
    odds: int
    multiples: int
    lines: int
    unit: Decimal
    permille: int


@dataclass(frozen=True, slots=True)
class Pack:
    """A rule pack: its bytes, and typed what the code asks of it."""

    data: bytes
    sha256: bytes
    value: Object

    @property
    def key(self) -> tuple[str, str]:
        """Id and version."""
        return self.value["id"], self.value["version"]

    @property
    def regime(self) -> str:
        """Which law."""
        return str(self.value["regime"])

    @property
    def form(self) -> int:
        """1 for the first pack, whose tenders have definitions of version 1."""
        return int(self.value["v"])

    @property
    def recusal_grounds(self) -> tuple[str, ...]:
        """The grounds in the law's order."""
        return tuple(self.value["recusal"]["grounds"])

    @property
    def buyer_may_chair(self) -> bool:
        """Order 87, article 45, forbids what the bidding law allows."""
        return bool(self.value["chair"]["buyer_representative"])

    @property
    def least_members(self) -> int:
        """The smallest committee of any tender under this pack."""
        return int(self.value["committee"]["least"])

    @property
    def experts(self) -> tuple[int, int]:
        """The least share of experts."""
        numerator, denominator = self.value["committee"]["experts"]
        return numerator, denominator

    @property
    def least_bidders(self) -> int:
        """With fewer valid bidders the evaluation stops."""
        return int(self.value["compliance"]["least_bidders"])

    @property
    def rejection_grounds(self) -> tuple[str, ...]:
        """On which a bid is rejected; the first pack named none."""
        return tuple(self.value.get("rejection", {}).get("grounds", ()))

    @property
    def evidenced(self) -> bool:
        """Whether who finds a bid wanting in the review names the ground and the page, as a motion to reject does;
        earlier packs wanted words only."""
        return "finding" in self.value.get("rejection", {})

    @property
    def answered(self) -> bool:
        """Whether a corrected price counts by the bidder's answer in the evaluation (87号令 59); under earlier packs
        the definition said that it was confirmed."""
        return bool(self.value.get("corrections", {}).get("confirmed") == "by-answer")

    def void_ground(self, code: str) -> str | None:
        """The pack's ground for a bid that the law itself makes invalid; earlier packs named none."""
        found = self.value.get("rejection", {}).get("void", {}).get(code)
        return None if found is None else str(found["ground"])

    def void_source(self, code: str) -> str | None:
        """The articles by which it is invalid."""
        found = self.value.get("rejection", {}).get("void", {}).get(code)
        return None if found is None else str(found["source"])

    @property
    def publication(self) -> bool:
        """Whether a tender says where it was announced and when and where it was opened; earlier packs asked nobody."""
        return bool(self.value["report"].get("publication"))

    @property
    def below_least(self) -> str | None:
        """What too few valid bids mean: "fails", "vote", or nothing but a standstill in the first pack."""
        found = self.value["compliance"].get("below_least")
        return None if found is None else str(found)

    @property
    def experts_drawn(self) -> bool:
        """Whether an expert sits only after a draw that the log knows of, or with an approval; older packs said
        nothing of it."""
        return bool(self.value.get("draw", {}).get("experts") == "drawn")

    @property
    def drawn_by_seat(self) -> bool:
        """Whether a statement that another system drew names each seat it is about; under earlier packs one statement
        covered a whole roster."""
        return bool(self.value.get("draw", {}).get("stated") == "by-seat")

    @property
    def draw_labels(self) -> tuple[str, ...] | None:
        """The kinds of draws that a proceeding has; None under earlier packs, which refused none."""
        found = self.value.get("draw", {}).get("labels")
        return None if found is None else tuple(found)

    @property
    def clarification_by(self) -> str:
        """Who puts a question to a bidder: "chair" or "majority"."""
        return str(self.value.get("clarification", {}).get("by", "chair"))

    @property
    def clarification_source(self) -> str:
        """The articles on clarification."""
        return str(self.value.get("clarification", {}).get("source", ""))

    @property
    def abnormal(self) -> Decimal | None:
        """Beyond how many percent off the middle of the others' a member's sum is shown; None where nothing is."""
        found = self.value.get("checks", {}).get("abnormal")
        return None if found is None else Decimal(found)

    @property
    def incident_limits(self) -> tuple[int, int] | None:
        """How long an incident may last before the start and during, in seconds; the first pack set no clock."""
        found = self.value.get("incidents")
        return None if found is None else (int(found["before_start"]), int(found["during"]))

    @property
    def regular(self) -> Regular | None:
        """How prices are compared; None where they are not, or are not known to everybody from the opening on."""
        found = self.value.get("collusion", {}).get("prices")
        if found is None or found["known"]["from"] != "opening":
            return None
        figures = {name: int(found[name]) for name in ("least", "odds", "multiples", "lines", "permille")}
        return Regular(**figures, unit=Decimal(found["unit"]))

    @property
    def coefficient(self) -> Coefficient | None:
        """The bounds of a drawn coefficient; None where none is drawn."""
        found = self.value.get("coefficient")
        if found is None:
            return None
        fewest, most = found["candidates"]
        return Coefficient(Decimal(found["most"]), int(fewest), int(most), str(found["source"]))

    @property
    def policy(self) -> Policy:
        """What small firms are granted."""
        found = self.value["policy"]
        rates = {name: (Decimal(low), Decimal(high)) for name, (low, high) in found["rates"].items()}
        categories = tuple(found["categories"]) if "categories" in found else None
        return Policy(rates, categories, tuple(found.get("points", ())), str(found["source"]))

    @property
    def tied_rounds(self) -> int:
        """After so many tied rounds of an election the lot decides; the first pack names its own bound elsewhere."""
        return int(self.value["chair"]["tied_rounds"])

    @property
    def scope(self) -> str:
        """The articles on what is procured, and what is not, under this law; older packs name only its dates."""
        return self.source("scope" if "scope" in self.value else "in_force")

    def source(self, section: str) -> str:
        """The articles that a section rests on."""
        return str(self.value[section]["source"])

    def method(self, name: str) -> Method | None:
        """A method of a pack of form 2, None where the pack does not know it."""
        found = self.value["methods"].get(name)
        if found is None:
            return None
        weights, brand = found["weights"], found.get("brand")
        return Method(
            name=name,
            prices=tuple(found["prices"]),
            least_weight=None if weights is None else {k: Decimal(text) for k, text in weights["least"].items()},
            adjustments=found["adjustments"],
            trimmed_sheets=found["trimmed_sheets"],
            order=tuple(found["order"]),
            ties=tuple(found["ties"]),
            same_brand=found["same_brand"],
            unranked=found["unranked"],
            source=found["source"] if weights is None else weights["source"],
            brand=None if brand is None else Brand(brand["merit"], tuple(brand["ways"]), brand["source"]),
        )

    def in_force(self, day: str) -> bool:
        """Whether the rules held on this day, `2026-11-21`."""
        dates = self.value["in_force"]
        return str(dates["from"]) <= day and (dates["until"] is None or day < dates["until"])

    @property
    def json(self) -> Object:
        """How a log and a definition name it."""
        return {"id": self.value["id"], "version": self.value["version"], "sha256": b64u(self.sha256)}


def _pack(data: bytes) -> Pack:
    return Pack(data, sha256(data), decode_object(data))


FIRST = _pack(government_procurement.PACK)
PACKS: dict[tuple[str, str], Pack] = {
    pack.key: pack
    for pack in (
        _pack(encode(government_procurement_5.PACK)),
        _pack(encode(government_procurement_4.PACK)),
        _pack(encode(government_procurement_3.PACK)),
        _pack(encode(government_procurement_2.PACK)),
        FIRST,
        _pack(encode(bidding_law_4.PACK)),
        _pack(encode(bidding_law_3.PACK)),
        _pack(encode(bidding_law_2.PACK)),
        _pack(encode(bidding_law_1.PACK)),
        _pack(encode(international_2.PACK)),
        _pack(encode(international_1.PACK)),
    )
}
"""The newest of each law first."""


def find(value: JSON) -> Pack:
    """The pack that `{"id","version","sha256"}` names, or UnknownRulePack."""
    named = members(value, {"id": str, "version": str, "sha256": str})
    pack = PACKS.get((named["id"], named["version"]))
    if pack is None or pack.sha256 != unb64u(named["sha256"], 32):
        raise UnknownRulePack(f"no rule pack {named['id'][:40]!r} {named['version'][:10]!r} of this hash")
    return pack
