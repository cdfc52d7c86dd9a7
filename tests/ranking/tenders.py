"""Random tenders of every rule pack and method: definitions that the law admits, and sheets for them.

Figures come from small sets, so that equal totals, prices and brands are frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from evaluation.core import tender
from evaluation.core.credit_code import check_character
from evaluation.core.rules import shelf
from evaluation.core.sheet import Sheet
from evaluation.core.tender import Definition, Scoring
from evidence.core.canonical import Object, b64u, encode, sha256

ORIGIN = "hohhot.example/proceedings/" + "k3" * 13
FIRST = ("cn-government-procurement", "1")
PUBLISHED = {"media": ["中国政府采购网"], "opened": "2026-11-20T01:30:00Z", "place": "开标一室"}
METHODS: tuple[tuple[tuple[str, str], str], ...] = (
    (FIRST, "comprehensive-scoring"),
    *(
        (pack.key, method)
        for pack in {encode(p.value["methods"]): p for p in reversed(shelf.PACKS.values()) if p.form == 2}.values()
        for method in pack.value["methods"]
    ),
)
"""Of versions of a pack that have the very same methods the newest is played."""


@dataclass(frozen=True, slots=True)
class Made:
    """A tender with the sheets of its committee; `value` is what its definition was read from."""

    value: Object
    definition: Definition
    valid: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    lots: dict[str, list[str]]

    @property
    def confirmed(self) -> dict[str, Decimal]:
        """Every correction that a bidder is asked to confirm, confirmed."""
        return {each.id: each.proposed.price for each in self.definition.bidders if each.proposed is not None}

    @property
    def scoring(self) -> Scoring:
        """What stands in the log."""
        return self.definition.scoring

    def question(self, sheets: Sequence[Sheet] | None = None) -> dict[str, Any]:
        """The same for the second implementation."""
        return {
            "scoring": self.scoring.json,
            "valid": list(self.valid),
            "sheets": [
                [[bidder, item, f"{score:.2f}", None] for (bidder, item), score in sheet.scores.items()]
                for sheet in sheets or self.sheets
            ],
            "lots": self.lots,
            "confirmed": {bidder: f"{price:.2f}" for bidder, price in self.confirmed.items()},
        }


def code(number: int) -> str:
    """A valid social credit code."""
    first = f"9111000080{number:07d}"
    return first + check_character(first)


def money(low: int, high: int, step: int = 1) -> st.SearchStrategy[str]:
    """Cents as text."""
    return st.integers(low // step, high // step).map(lambda n: f"{Decimal(n * step) / 100:.2f}")


PRICES = st.one_of(st.sampled_from(("100.00", "100.01", "144.00", "81.00")), money(1, 10**9), money(9000, 12000))


@st.composite
def slopes(draw: st.DrawFn, low: int, high: int) -> list[list[str | None]]:
    """One to three segments."""
    limits = sorted(draw(st.sets(st.integers(1, 12), max_size=2)))
    return [[f"{limit}.00" if limit else None, draw(money(low, high))] for limit in (*limits, None)]


@st.composite
def priced(draw: st.DrawFn, kind: str, ceiling: str | None, pack: shelf.Pack) -> dict[str, Any]:
    """`price` of the terms; the coefficient is drawn in half of the tenders whose pack draws it."""
    if kind == "quality-cost":
        return {"kind": kind, "least": draw(money(0, 9000))}
    if kind != "deviation":
        return {"kind": kind}
    base = draw(st.sampled_from(("mean", "trimmed-mean") + (("ceiling-mix",) if ceiling else ())))
    drawn = pack.coefficient is not None and draw(st.booleans())
    trimmed = base == "trimmed-mean" or (base == "ceiling-mix" and draw(st.booleans()))
    return {
        "kind": kind,
        "base": base,
        "trim_from": draw(st.integers(4, 7)) if trimmed else None,
        "ceiling": ceiling if base == "ceiling-mix" else None,
        "share": draw(money(1, 10000)) if base == "ceiling-mix" else "0.00",
        "drop": draw(st.lists(money(0, 1000), min_size=2, max_size=5, unique=True) if drawn else money(0, 1000)),
        "above": draw(slopes(100, 300)),
        "below": draw(slopes(1, 99)),
    }


def _weights(draw: st.DrawFn, method: shelf.Method, kind: str, category: str) -> tuple[int, int]:
    if method.least_weight is None:
        return 0, 0
    if kind == "fixed":
        return 100, 0
    least = max(1, int(method.least_weight.get(category, Decimal(1))))
    price = draw(st.integers(least, 100 if kind != "quality-cost" else 99))
    return 100 - price, price


@st.composite
def quoted(draw: st.DrawFn, price: str, pack: shelf.Pack) -> dict[str, Any] | None:
    """Now and then the price stands in several places of the bid, which need not say the same."""
    order: Sequence[str] = pack.value["corrections"]["order"]
    if draw(st.integers(0, 3)):
        return None
    others = st.sampled_from((price, price, f"{Decimal(price) + 1:.2f}"))
    line = {"quantity": "1.00", "unit": draw(others), "amount": price, "misplaced": draw(st.booleans())}
    return {
        "opening": price,
        "figures": draw(others) if "opening-summary" in order else price,
        "words": draw(others),
        "lines": [line] if draw(st.booleans()) else [],
        **({} if pack.answered else {"confirmed": draw(st.integers(0, 3)) > 0}),
    }


@st.composite
def tenders(draw: st.DrawFn, among: Sequence[tuple[tuple[str, str], str]] = METHODS, only: str | None = None) -> Made:
    """A tender that its pack admits, a committee's sheets, and who is valid; `only` is the one kind of price."""
    key, name = draw(st.sampled_from(among))
    pack, first = shelf.PACKS[key], key == FIRST
    number = draw(st.integers(3, 7))
    brands = (None, None, "acme", "boreas")
    if first:
        kind, category = "lowest", draw(st.sampled_from(("goods", "services")))
        price = draw(st.integers(30, 90))
        technical, price, same_brand, method = 100 - price, price, False, None
    else:
        found = pack.method(name)
        assert found is not None
        method, same_brand = found, found.same_brand
        kind = draw(st.sampled_from(found.prices)) if only is None else only
        category = draw(st.sampled_from(pack.value["categories"]))
        technical, price = _weights(draw, found, kind, category)
    target = 100 if kind == "quality-cost" else technical
    parts = draw(st.integers(1, 3)) if target else 0
    maxima = [Decimal(target * 100 // parts) / 100] * parts if parts else []
    if parts:
        maxima[-1] += target - sum(maxima)
    bidders: list[dict[str, Any]] = []
    granted = method is not None and category in (pack.policy.categories or (category,))
    rates = {name: f"{low:.2f}" for name, (low, _) in pack.policy.rates.items()} if granted else {}
    for i in range(1, number + 1):
        bidder: dict[str, Any] = {"id": f"bidder-{i}", "name": f"投标人{i}", "code": code(i), "price": draw(PRICES)}
        if method is not None:
            adjusted = method.adjustments and draw(st.booleans())
            bidder |= {
                "brand": draw(st.sampled_from(brands)) if same_brand else None,
                "policy": draw(st.sampled_from((None, *rates))),
                "plus": draw(money(0, 2000, 500)) if adjusted else "0.00",
                "minus": "0.00",
                "quote": draw(quoted(bidder["price"], pack)),
            }
        if bidders and draw(st.integers(0, 5)) == 0:
            # Alike but for their names: where their scores are, too, they tie.
            own = ("id", "name", "code")
            bidder |= {key: value for key, value in bidders[-1].items() if key not in own}
        bidders.append(bidder)
    definition: dict[str, Any] = {
        "v": 1 if first else 2,
        "salt": b64u(bytes(16)),
        "origin": ORIGIN,
        "title": "随机项目",
        "regime": pack.regime,
        "method": name,
        "category": category,
        "weights": {"technical": f"{technical}.00", "price": f"{price}.00"},
        "bidders": bidders,
        "criteria": [
            {"id": f"c-{i}", "name": "评审因素", "max": f"{m:.2f}", "children": []} for i, m in enumerate(maxima)
        ],
        "compliance": [{"id": "licence", "name": "营业执照"}],
        "documents": [
            {"sha256": b64u(sha256(b"%d" % i)), "name": f"文件{i}.pdf", "bidder": f"bidder-{i}", "pages": 3}
            for i in range(1, 3 if number % 2 or any(each.get("quote") for each in bidders) else 1)
        ],
        "members": [{"seat": f"seat-{i}", "name": "专家", "organisation": "单位"} for i in range(1, 6)],
    }
    if method is not None:
        ceiling = draw(st.sampled_from((None, "110.00", "10000000.00")))
        trimmed = method.trimmed_sheets is not None and draw(st.booleans())
        objective = [f"c-{i}" for i in range(parts) if draw(st.integers(0, 3)) == 0]
        definition |= {
            "rule_pack": pack.json,
            "terms": {
                "announced": "2026-11-02",
                "budget": None,
                "ceiling": ceiling,
                "conditions": [],
                "rates": rates,
                "price": draw(priced(kind, ceiling, pack)),
                "trim_sheets": draw(st.integers(method.trimmed_sheets or 5, 7)) if trimmed else None,
                "tie": draw(st.sampled_from(method.ties)),
                "ranked": not method.unranked or draw(st.booleans()),
                "candidates": draw(st.integers(1, 3)),
                **({"publication": PUBLISHED} if pack.publication else {}),
            }
            | ({"objective": objective} if objective else {}),
        }
        if method.brand is not None and (way := draw(st.sampled_from((None, *method.brand.ways)))) is not None:
            definition["terms"]["brand"] = way
    parsed = tender.parse(encode(definition))
    valid = tuple(f"bidder-{i}" for i in range(1, number + 1) if draw(st.integers(0, 9)) or i <= 2)
    members = draw(st.sampled_from((3, 5, 7)))
    scores = [st.one_of(st.sampled_from((0, int(m * 50), int(m * 100))), st.integers(0, int(m * 100))) for m in maxima]
    sheets = tuple(
        Sheet(
            f"seat-{seat}",
            {
                (bidder, f"c-{i}"): Decimal(draw(strategy)) / 100
                for bidder in valid
                for i, strategy in enumerate(scores)
            },
        )
        for seat in range(1, members + 1)
    )
    shuffled = draw(st.permutations(valid))
    lots: dict[str, list[str]] = {}
    for brand in ("acme", "boreas"):
        of_brand = [bidder for bidder in shuffled if _brand(parsed, bidder) == brand]
        if draw(st.booleans()) and of_brand:
            lots[f"brand-{brand}"] = of_brand
    if parsed.terms is not None and parsed.terms.candidates_of_drop:
        lots["coefficient"] = list(draw(st.permutations(parsed.terms.candidates_of_drop)))
    return Made(definition, parsed, valid, sheets, lots)


def _brand(definition: Definition, bidder: str) -> str | None:
    return next(found.brand for found in definition.bidders if found.id == bidder)
