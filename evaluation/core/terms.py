"""The terms of a tender of version 2: all that the ranking needs besides prices and sheets, held against its rule pack.

`read` takes them from a definition; `Terms.json` goes into `scoring` of `DefinitionFixed`, complete in itself, so that
a second implementation ranks without knowing any pack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from evaluation.core import incidents, points
from evaluation.core import plan as plans
from evaluation.core import publication as publications
from evaluation.core.benchmark import CEILING, FEWEST_TRIMMED, MEAN, TRIMMED, Benchmark, Slope, slope_at
from evaluation.core.corrections import Corrected
from evaluation.core.incidents import Incidents
from evaluation.core.plan import Plan
from evaluation.core.publication import Publication
from evaluation.core.rules import shelf
from evaluation.core.rules.shelf import Method, Pack
from evaluation.errors import TermsRefused, WeightRefused
from evidence.core.canonical import JSON, Object, b64u, members, unb64u
from evidence.errors import Malformed

LOWEST, FIXED, ORDER, DEVIATION = "lowest", "fixed", "order", "deviation"
COEFFICIENTS, QUALITY_COST = "coefficients", "quality-cost"
KEYS = ("total", "technical", "price", "evaluated")
TIES = ("equal", "buyer", "lot")
CONDITIONS = ("complex", "high-impact", "water", "classified")
# Beyond ten percent a drawn coefficient would no longer float (the field draws between 0 and 5 or 6).
MOST_DROP = Decimal(10)
MAX_SLOPES = 8
# The sum is wrong at the first of the two; places are those of a tender as it is handed in.
WEIGHTS, PRICE_WEIGHT = "/definition/weights/technical", "/definition/weights/price"
# A project that is a secret of the state stands outside of what a networked platform may hold (domain checklist 38).
SECRETS = "law on guarding state secrets"
INTERRUPTED = "order 87, article 49; implementing regulations, article 48; the rules of the province"
_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", re.ASCII)
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)

ABOVE_CEILING = "above-ceiling"
UNCONFIRMED = "correction-unconfirmed"


@dataclass(frozen=True, slots=True)
class Price:
    """How price counts. `benchmark`, `above`, `below` for a deviation; `least` is the least technical mean."""

    kind: str
    benchmark: Benchmark | None = None
    above: tuple[Slope, ...] = ()
    below: tuple[Slope, ...] = ()
    least: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bid:
    """What is known of a bid when the tender is set up. The contract price is never touched by any of it.

    `off` is the policy's deduction in percent, `more` the percent by which it lets the points for the price grow
    instead; `plus` and `minus` are the amounts by which deviations are quantified, `void` is the ground on which the
    bid cannot be valid whatever is voted. `proposed` is the corrected price that the bidder has to confirm: before it
    counts the bidder has answered, and without that the bid is rejected.
    """

    id: str
    brand: str | None = None
    off: Decimal = Decimal("0.00")
    plus: Decimal = Decimal("0.00")
    minus: Decimal = Decimal("0.00")
    void: str | None = None
    more: Decimal = Decimal("0.00")
    proposed: Corrected | None = None

    def evaluated(self, price: Decimal) -> Fraction:
        """The evaluation price, exact: P x (1 - C), with the quantified deviations."""
        return Fraction(price) * (1 - Fraction(self.off) / 100) + Fraction(self.plus) - Fraction(self.minus)


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of one tender, resolved: nothing here refers to a pack except its name. `opened` is when bids were
    opened, where the definition says it, with the place and the media of the announcement.

    `brand` are the keys by which the best of a brand is found; without them it is the whole `order`."""

    pack: tuple[str, str, bytes]
    price: Price
    trim_sheets: int | None
    order: tuple[str, ...]
    tie: str
    same_brand: bool
    ranked: bool
    candidates: int
    members: int
    bidders: int
    bids: tuple[Bid, ...]
    objective: tuple[str, ...] = ()
    incidents: Incidents | None = None
    plan: Plan | None = None
    opened: str | None = None
    brand: tuple[str, ...] = ()

    @property
    def candidates_of_drop(self) -> tuple[str, ...]:
        """What the coefficient is drawn from, as the tender lists it; empty where it is fixed, or there is none."""
        benchmark = self.price.benchmark
        return () if benchmark is None else tuple(points.form(drop) for drop in benchmark.drops)

    @property
    def by_points(self) -> bool:
        """Whether anything is scored in points; else the order is of prices only."""
        return self.price.kind != ORDER

    @property
    def rules(self) -> Pack:
        """The pack itself."""
        return shelf.PACKS[self.pack[:2]]

    @property
    def json(self) -> Object:
        """`terms` of `scoring`."""
        return {
            "pack": {"id": self.pack[0], "version": self.pack[1], "sha256": b64u(self.pack[2])},
            "price": _price_json(self.price),
            "trim_sheets": self.trim_sheets,
            "order": list(self.order),
            "tie": self.tie,
            "same_brand": self.same_brand,
            "ranked": self.ranked,
            "candidates": self.candidates,
            "members": self.members,
            "bidders": self.bidders,
            "bids": [
                {
                    "id": bid.id,
                    "brand": bid.brand,
                    "off": points.form(bid.off),
                    "plus": points.form(bid.plus),
                    "minus": points.form(bid.minus),
                    "void": bid.void,
                    **({"more": points.form(bid.more)} if bid.more else {}),
                    **({"proposed": bid.proposed.json} if bid.proposed is not None else {}),
                }
                for bid in self.bids
            ],
            **({"objective": list(self.objective)} if self.objective else {}),
            **({"incidents": self.incidents.json} if self.incidents is not None else {}),
            **({"plan": self.plan.json} if self.plan is not None else {}),
            **({"opened": self.opened} if self.opened is not None else {}),
            **({"brand": list(self.brand)} if self.brand else {}),
        }


def parse(value: JSON) -> Terms:
    """Read `Terms.json` back, as the fold does; what a pack demands was checked when the definition was fixed."""
    counts = dict.fromkeys(("candidates", "members", "bidders"), int)
    flags = dict.fromkeys(("same_brand", "ranked"), bool)
    found = members(
        value,
        {
            **counts,
            **flags,
            **dict.fromkeys(("pack", "price"), dict),
            **dict.fromkeys(("order", "bids"), list),
            "trim_sheets": object,
            "tie": str,
        },
        {"objective": list, "incidents": dict, "plan": dict, "opened": str, "brand": list},
    )
    pack = members(found["pack"], {"id": str, "version": str, "sha256": str})
    if any(key not in KEYS for key in (*found["order"], *found.get("brand", ()))) or found["tie"] not in TIES:
        raise Malformed("unknown order or way to settle ties")
    if found.get("brand") == []:
        raise Malformed("what finds the best of a brand has a key")
    bids = []
    try:
        for item in found["bids"]:
            bid = members(
                item,
                {"id": str, "brand": object, "void": object, **dict.fromkeys(("off", "plus", "minus"), str)},
                {"more": str, "proposed": dict},
            )
            off, plus, minus, more = (points.parse(bid.get(name, "0.00")) for name in ("off", "plus", "minus", "more"))
            if any(not isinstance(bid[name], str | None) for name in ("brand", "void")):
                raise Malformed("a brand and a ground are text or null")
            if "more" in bid and not more:
                raise Malformed("points that do not grow are not said to")
            proposed = Corrected.parse(bid["proposed"]) if "proposed" in bid else None
            bids.append(Bid(bid["id"], bid["brand"], off, plus, minus, bid["void"], more, proposed))
    except ValueError as error:
        raise Malformed("a bid's terms are out of form") from error
    return Terms(
        pack=(pack["id"], pack["version"], unb64u(pack["sha256"], 32)),
        price=_price(found["price"]),
        trim_sheets=_sheets(found["trim_sheets"]),
        order=tuple(found["order"]),
        tie=found["tie"],
        same_brand=found["same_brand"],
        ranked=found["ranked"],
        candidates=found["candidates"],
        members=found["members"],
        bidders=found["bidders"],
        bids=tuple(bids),
        objective=tuple(found.get("objective", ())),
        incidents=incidents.parse(found["incidents"]) if "incidents" in found else None,
        plan=plans.parse(found["plan"]) if "plan" in found else None,
        opened=publications.time(found["opened"]) if "opened" in found else None,
        brand=tuple(found.get("brand", ())),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """`terms` of a definition, read: what the tender document says. `brand` is the way to settle equals of a brand."""

    announced: str
    budget: Decimal | None
    ceiling: Decimal | None
    conditions: tuple[str, ...]
    rates: Mapping[str, Decimal]
    price: Price
    trim_sheets: int | None
    tie: str
    ranked: bool
    candidates: int
    objective: tuple[str, ...] = ()
    incidents: Incidents | None = None
    plan: Plan | None = None
    publication: Publication | None = None
    brand: str | None = None


def asked(value: JSON) -> Asked:
    """Read `terms` of a definition of version 2 strictly; Malformed, or TermsRefused."""
    found = members(
        value,
        {
            **dict.fromkeys(("announced", "tie"), str),
            **dict.fromkeys(("budget", "ceiling", "trim_sheets"), object),
            **dict.fromkeys(("rates", "price"), dict),
            "conditions": list,
            "ranked": bool,
            "candidates": int,
        },
        {"objective": list, "incidents": dict, "plan": dict, "publication": dict, "brand": str},
    )
    objective = found.get("objective", [])
    if any(not isinstance(name, str) for name in objective) or len(set(objective)) != len(objective):
        raise Malformed("objective lists criteria, each once")
    if not _DAY.fullmatch(found["announced"]):
        raise Malformed("announced is a day, 2026-11-21")
    conditions = found["conditions"]
    if any(name not in CONDITIONS for name in conditions) or len(set(conditions)) != len(conditions):
        raise Malformed(f"conditions are some of {', '.join(CONDITIONS)}")
    return Asked(
        announced=found["announced"],
        budget=None if found["budget"] is None else _amount(found["budget"]),
        ceiling=None if found["ceiling"] is None else _amount(found["ceiling"]),
        conditions=tuple(conditions),
        rates={str(name): _amount(rate) for name, rate in found["rates"].items()},
        price=_price(found["price"]),
        trim_sheets=_sheets(found["trim_sheets"]),
        tie=found["tie"],
        ranked=found["ranked"],
        candidates=found["candidates"],
        objective=tuple(objective),
        incidents=_incidents(found["incidents"]) if "incidents" in found else None,
        plan=plans.parse(found["plan"]) if "plan" in found else None,
        publication=publications.parse(found["publication"]) if "publication" in found else None,
        brand=found.get("brand"),
    )


def _incidents(value: JSON) -> Incidents:
    """The tender's own clocks and its night; the refusal cites what the law says of interruptions."""
    try:
        return incidents.parse(value)
    except Malformed as error:
        raise TermsRefused(f"{error} ({INTERRUPTED})", "/definition/terms/incidents/cut_off") from error


def check(asked: Asked, pack: Pack, method: Method, *, category: str, technical: Decimal, price: Decimal) -> None:
    """Hold the terms against the pack; the refusal cites the article."""
    if not pack.in_force(asked.announced):
        raise TermsRefused(
            f"the pack was not in force on {asked.announced} ({pack.source('in_force')})", "/definition/terms/announced"
        )
    if asked.plan is not None:
        plans.check(asked.plan, pack.regime)
    if pack.publication and asked.publication is None:
        raise TermsRefused(f"publication names media, time and place of the opening ({pack.source('report')})")
    if "classified" in asked.conditions:
        raise TermsRefused(
            f"a classified project does not belong on this platform ({SECRETS}; {pack.scope})",
            "/definition/terms/conditions",
        )
    if category not in pack.value["categories"]:
        raise TermsRefused(
            f"the category is one of {', '.join(pack.value['categories'])} ({pack.scope})", "/definition/category"
        )
    if asked.price.kind not in method.prices:
        raise TermsRefused(
            f"{method.name} knows prices by {', '.join(method.prices)} ({method.source})",
            "/definition/terms/price/kind",
        )
    _check_weights(asked, method, category, technical, price)
    _check_price(asked, pack, method, technical)
    if asked.trim_sheets is not None and (
        method.trimmed_sheets is None or not method.trimmed_sheets <= asked.trim_sheets
    ):
        raise TermsRefused(
            f"sheets are trimmed only where the pack says so ({method.source})", "/definition/terms/trim_sheets"
        )
    if asked.tie not in method.ties:
        raise TermsRefused(
            f"equal bidders are settled by {', '.join(method.ties)} ({method.source})", "/definition/terms/tie"
        )
    if not asked.ranked and not method.unranked:
        raise TermsRefused(f"{method.name} ranks its candidates ({method.source})", "/definition/terms/ranked")
    most = pack.value["candidates"]["most"]
    if not 1 <= asked.candidates <= most:
        raise TermsRefused(f"1 to {most} candidates ({pack.source('candidates')})", "/definition/terms/candidates")
    if asked.budget is not None and asked.ceiling is not None and asked.ceiling > asked.budget:
        raise TermsRefused(
            f"the ceiling lies above the budget ({pack.source('rejection')})", "/definition/terms/ceiling"
        )
    if asked.brand is not None and (method.brand is None or asked.brand not in method.brand.ways):
        known = "the order of all bids" if method.brand is None else ", ".join(method.brand.ways)
        source = method.source if method.brand is None else method.brand.source
        raise TermsRefused(f"equal bidders of a brand are settled by {known} ({source})", "/definition/terms/brand")
    policy = pack.policy
    if asked.rates and policy.categories is not None and category not in policy.categories:
        raise TermsRefused(
            f"small firms are granted nothing in {category} ({policy.source})", "/definition/terms/rates"
        )
    for name, rate in asked.rates.items():
        low, high = policy.rates.get(name, (Decimal(0), Decimal(0)))
        if name not in policy.rates or not low <= rate <= high:
            where = f"/definition/terms/rates/{name[:40].replace('~', '~0').replace('/', '~1')}"
            raise TermsRefused(f"the deduction for {name[:20]} is not one of the policy's ({policy.source})", where)


def larger(asked: Asked, pack: Pack) -> int:
    """The least number of members of this tender (domain checklist 2)."""
    rule = pack.value["committee"]["larger"]
    budget = rule["budget"] is not None and asked.budget is not None and asked.budget >= Decimal(rule["budget"])
    wanted = budget or any(name in rule["conditions"] for name in asked.conditions)
    return int(rule["least"]) if wanted else pack.least_members


def _check_weights(asked: Asked, method: Method, category: str, technical: Decimal, price: Decimal) -> None:
    if method.least_weight is None:
        if technical or price:
            raise WeightRefused(f"{method.name} orders by price and has no weights ({method.source})", WEIGHTS)
        return
    if technical + price != 100:
        raise WeightRefused(f"weights must sum to 100.00 ({method.source})", WEIGHTS)
    if asked.price.kind == FIXED:
        if price:
            raise WeightRefused(f"a price fixed by the state is not weighed ({method.source})", PRICE_WEIGHT)
        return
    least = method.least_weight.get(category, Decimal(0))
    if price < least or not price:
        raise WeightRefused(f"the price weighs at least {least} for {category} ({method.source})", WEIGHTS)


def _check_price(asked: Asked, pack: Pack, method: Method, technical: Decimal) -> None:
    how = asked.price
    if how.kind == QUALITY_COST and not (how.least is not None and how.least < 100 and technical):
        raise TermsRefused(
            f"quality and cost need a technical weight and a least technical mark below 100.00 ({method.source})",
            "/definition/terms/price/least",
        )
    benchmark = how.benchmark
    if benchmark is None:
        return
    if benchmark.kind == CEILING and asked.ceiling != benchmark.ceiling:
        raise TermsRefused(
            f"the ceiling of the benchmark is the tender's ({method.source})", "/definition/terms/price/ceiling"
        )
    if benchmark.drops:
        _check_drops(benchmark.drops, pack, method)
    for at in sorted({Decimal(0)} | {limit for limit, _ in (*how.above, *how.below) if limit is not None}):
        if slope_at(how.above, at) <= slope_at(how.below, at):
            raise TermsRefused(
                f"a price above the base loses more for each percent than one below it (E1 > E2; {method.source})",
                "/definition/terms/price/above/0/1",
            )


def _check_drops(drops: tuple[Decimal, ...], pack: Pack, method: Method) -> None:
    """A draw between so many candidates, each once, none above the pack's bound."""
    bounds = pack.coefficient
    if bounds is None:
        raise TermsRefused(
            f"{method.name} draws no coefficient under this pack ({method.source})", "/definition/terms/price/drop"
        )
    if not bounds.fewest <= len(drops) <= bounds.candidates or len(set(drops)) != len(drops):
        numbers = f"{bounds.fewest} to {bounds.candidates}"
        raise TermsRefused(
            f"a coefficient is drawn from {numbers} candidates, each once ({bounds.source})",
            "/definition/terms/price/drop",
        )
    if max(drops) > bounds.most:
        raise TermsRefused(
            f"a coefficient is at most {bounds.most} percent ({bounds.source})", "/definition/terms/price/drop"
        )


def _price_json(price: Price) -> Object:
    value: Object = {"kind": price.kind}
    if price.least is not None:
        value["least"] = points.form(price.least)
    if price.benchmark is not None:
        found = price.benchmark
        value |= {
            "base": found.kind,
            "trim_from": found.trim_from,
            "ceiling": None if found.ceiling is None else points.form(found.ceiling),
            "share": points.form(found.share),
            "drop": [points.form(drop) for drop in found.drops] if found.drops else points.form(found.drop),
        }
        for name, slopes in (("above", price.above), ("below", price.below)):
            value[name] = [[None if limit is None else points.form(limit), points.form(s)] for limit, s in slopes]
    return value


def _price(value: Object) -> Price:
    kind = value.get("kind")
    if kind in (LOWEST, FIXED, ORDER, COEFFICIENTS):
        members(value, {"kind": str})
        return Price(str(kind))
    if kind == QUALITY_COST:
        return Price(QUALITY_COST, least=_amount(members(value, {"kind": str, "least": str})["least"]))
    if kind != DEVIATION:
        raise Malformed("unknown kind of price")
    texts = dict.fromkeys(("kind", "base", "share"), str)
    objects = dict.fromkeys(("trim_from", "ceiling", "drop"), object)
    found = members(value, {**texts, **objects, "above": list, "below": list})
    base, trim, share = found["base"], found["trim_from"], _amount(found["share"])
    listed = found["drop"] if isinstance(found["drop"], list) else None
    drops = tuple(_amount(each) for each in listed or ())
    drop = Decimal("0.00") if drops else _amount(found["drop"])
    ceiling = None if found["ceiling"] is None else _amount(found["ceiling"])
    if base not in (MEAN, TRIMMED, CEILING) or (base == CEILING) != (ceiling is not None) or drop > MOST_DROP:
        raise Malformed("a base is a mean, a trimmed mean or a mix with the ceiling")
    if (base == TRIMMED and trim is None) or (base == MEAN and trim is not None):
        raise Malformed("a trimmed mean, and only it or a mix, says from how many quotes it is trimmed")
    if trim is not None and (type(trim) is not int or trim < FEWEST_TRIMMED):
        raise Malformed(f"quotes are trimmed from at least {FEWEST_TRIMMED}")
    if not share <= 100 or (base != CEILING and share) or (base == CEILING and not share):
        raise Malformed("the ceiling's share is a percent of a mix")
    benchmark = Benchmark(base, trim, ceiling, share, drop, drops)
    return Price(DEVIATION, benchmark, _slopes(found["above"]), _slopes(found["below"]))


def _slopes(value: list[JSON]) -> tuple[Slope, ...]:
    slopes: list[Slope] = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2:
            raise Malformed("a slope is [up to percent or null, points for each percent]")
        limit = None if item[0] is None else _amount(item[0])
        slope = _amount(item[1])
        before = slopes[-1][0] if slopes else Decimal(0)
        if before is None or (limit is not None and limit <= before) or not slope:
            raise Malformed("slopes rise in their limits and are above zero")
        slopes.append((limit, slope))
    if not slopes or len(slopes) > MAX_SLOPES or slopes[-1][0] is not None:
        raise Malformed(f"1 to {MAX_SLOPES} slopes, the last one without end")
    return tuple(slopes)


def _sheets(value: JSON) -> int | None:
    if value is not None and type(value) is not int:
        raise Malformed("trim_sheets is a number of sheets or null")
    return value


def _amount(text: JSON) -> Decimal:
    try:
        return points.parse(text)
    except ValueError as error:
        raise Malformed("points, percents and money are decimals with two places") from error
