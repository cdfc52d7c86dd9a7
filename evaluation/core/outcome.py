"""From the opened sheets to the ranking: what `ScoresTallied` and `RankingFixed` say by the tender's terms.

The client's `src/ranking` computes the same from the same log and shares no code with this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from evaluation.core import points, terms
from evaluation.core.benchmark import deducted
from evaluation.core.points import half_up, total
from evaluation.core.ranking import Ranking, candidates, rank
from evaluation.core.results import ranking_json, rows_json
from evaluation.core.sheet import Sheet
from evaluation.core.tally import Row, tally
from evaluation.core.tender import Scoring
from evaluation.core.terms import Bid, Terms
from evaluation.errors import StageIncomplete
from evidence.core.canonical import Object

BELOW_LEAST, SAME_BRAND = "below-least-technical", "same-brand"
LOT, EQUAL = "lot", "equal"
COEFFICIENT = "coefficient"
NONE = Decimal("0.00")

Lots = Mapping[str, Sequence[str]]
"""What lots have settled: matter -> bidders, best first. Matters are `brand-<brand>` and `place-<n>`, and
`coefficient`, whose order is that of the tender's candidates: the first one is drawn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows in the definition's order, the ranking, and the benchmark of the prices where there is one."""

    rows: tuple[Row, ...]
    ranking: Ranking
    base: Decimal | None = None

    @property
    def tallied(self) -> Object:
        """Body of `ScoresTallied`."""
        body = rows_json(self.rows)
        return body if self.base is None else body | {"base": points.form(self.base)}

    @property
    def ranked(self) -> Object:
        """Body of `RankingFixed`."""
        return ranking_json(self.ranking)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A bid on its way to a row; `exact` is the evaluation price by which it is ordered."""

    bid: Bid
    price: Decimal
    mean: Fraction
    exact: Fraction
    row: Row


def outcome(
    scoring: Scoring,
    valid: Sequence[str],
    sheets: Sequence[Sheet],
    lots: Lots | None = None,
    confirmed: Mapping[str, Decimal] = MappingProxyType({}),
) -> Outcome:
    """The outcome for the valid bidders; the order of the sheets plays no part. `confirmed` are the corrected prices
    that bidders have confirmed: StageIncomplete where a valid one has not."""
    prices = {bidder: confirmed.get(bidder, price) for bidder, price in scoring.bidders if bidder in valid}
    if scoring.terms is None:
        rows = tally(sheets, prices=prices, weight=scoring.price)
        return Outcome(rows, rank(rows, prices))
    for bid in scoring.terms.bids:
        if bid.id in prices and bid.proposed is not None and confirmed.get(bid.id) != bid.proposed.price:
            raise StageIncomplete(f"{bid.id} has not confirmed the corrected price")
    return _by_terms(scoring, scoring.terms, prices, sheets, lots or {})


def _by_terms(
    scoring: Scoring, asked: Terms, prices: Mapping[str, Decimal], sheets: Sequence[Sheet], lots: Lots
) -> Outcome:
    """In the order in which the law takes them.

    (1) Technical marks: the mean of the exact sums, trimmed where the terms say so; rounded once.
    (2) Bids below the least technical mark are left out before any price is looked at.
    (3) Evaluation prices and the points for them; rounded once.
    (4) Of one brand only the best stands.
    (5) Places, candidates.
    """
    excluded: list[tuple[str, str]] = []
    standing: list[_Standing] = []
    sums = [sheet.sums for sheet in sheets]
    for bid in asked.bids:
        if bid.id not in prices:
            continue
        # (1)
        mean = _mean([found.get(bid.id, NONE) for found in sums], asked.trim_sheets)
        # (2)
        if asked.price.least is not None and mean < Fraction(asked.price.least):
            excluded.append((bid.id, BELOW_LEAST))
            continue
        weighed = mean * Fraction(scoring.technical) / 100 if asked.price.kind == terms.QUALITY_COST else mean
        technical, exact = half_up(weighed), bid.evaluated(prices[bid.id])
        if asked.price.kind == terms.COEFFICIENTS:
            # Prozorro: price / (1 + sum / (1 - most)), the sum being that of the published technical mark.
            weight = Fraction(scoring.price)
            exact = Fraction(half_up(exact * weight / (weight + Fraction(technical))))
        row = Row(bid.id, technical, NONE, technical, half_up(exact))
        standing.append(_Standing(bid, prices[bid.id], mean, exact, row))
    # (3)
    base, standing = _priced(standing, asked, scoring.price, _coefficient(asked, lots))
    rows = tuple(found.row for found in standing)
    # (4)
    undecided: list[tuple[str, str, tuple[str, ...]]] = []
    if asked.same_brand:
        standing = _brands(standing, asked, lots, excluded, undecided)
    # (5)
    places = _places(standing, asked, lots, undecided)
    chosen = candidates(places, asked.candidates)
    if not asked.ranked:
        chosen = tuple(bid.id for bid in asked.bids if bid.id in chosen)
        places = []
    order = [bid.id for bid in asked.bids]
    excluded.sort(key=lambda pair: order.index(pair[0]))
    ranking = Ranking(tuple(places), chosen, 2, asked.ranked, tuple(excluded), tuple(undecided))
    return Outcome(rows, ranking, None if base is None else half_up(base))


def _mean(sums: Sequence[Decimal], trim_from: int | None) -> Fraction:
    """The exact mean; trimmed by exactly one highest and one lowest, from so many sheets on."""
    counted = sorted(sums)
    if trim_from is not None and len(counted) >= trim_from:
        counted = counted[1:-1]
    return Fraction(total(counted)) / len(counted)


def _coefficient(asked: Terms, lots: Lots) -> Decimal | None:
    """The drawn coefficient, None where it is fixed; StageIncomplete before the draw over exactly its candidates."""
    candidates = asked.candidates_of_drop
    if not candidates:
        return None
    drawn = _drawn(lots, COEFFICIENT, candidates)
    if drawn is None:
        raise StageIncomplete("the coefficient is not drawn")
    return points.parse(drawn[0])


def _priced(
    standing: Sequence[_Standing], asked: Terms, weight: Decimal, drop: Decimal | None
) -> tuple[Fraction | None, list[_Standing]]:
    """The benchmark, if there is one, and the bids with their points for the price."""
    how = asked.price
    if not standing:
        return None, []
    exact = [found.exact for found in standing]
    lowest = min(exact)
    base = how.benchmark.base(exact, drop) if how.benchmark is not None else None

    def earned(price: Fraction) -> Fraction:
        if base is not None:
            return max(Fraction(0), Fraction(weight) - deducted(price, base, how.above, how.below))
        if how.kind in (terms.LOWEST, terms.QUALITY_COST):
            return lowest / price * Fraction(weight)
        return Fraction(0)

    def with_price(found: _Standing) -> _Standing:
        price = half_up(earned(found.exact) * (1 + Fraction(found.bid.more) / 100))
        return replace(found, row=replace(found.row, price=price, total=total([found.row.technical, price])))

    return base, [with_price(found) for found in standing]


_MERIT: Mapping[str, Callable[[_Standing], Any]] = {
    "total": lambda found: -found.row.total,
    "technical": lambda found: -found.mean,
    "price": lambda found: found.price,
    "evaluated": lambda found: found.exact,
}


def _grouped(standing: Sequence[_Standing], order: Sequence[str]) -> list[list[_Standing]]:
    """Best first by these keys, those of equal merit together, in the definition's order."""

    def merit(found: _Standing) -> tuple[Any, ...]:
        return tuple(_MERIT[key](found) for key in order)

    groups: dict[tuple[Any, ...], list[_Standing]] = {}
    for found in standing:
        groups.setdefault(merit(found), []).append(found)
    return [groups[key] for key in sorted(groups)]


def _brands(
    standing: Sequence[_Standing],
    asked: Terms,
    lots: Lots,
    excluded: list[tuple[str, str]],
    undecided: list[tuple[str, str, tuple[str, ...]]],
) -> list[_Standing]:
    """87号令 31: bidders with one brand count as one, and the best of them stands for it; equal ones draw lots.

    The best has the highest score, or the lowest quote, of the brand; only of equal ones the tender's way decides.
    """
    brands: dict[str, list[_Standing]] = {}
    for found in standing:
        if found.bid.brand is not None:
            brands.setdefault(found.bid.brand, []).append(found)
    kept = {found.bid.id for found in standing}
    for brand, bids in brands.items():
        best = [found.bid.id for found in _grouped(bids, asked.brand or asked.order)[0]]
        if len(best) > 1:
            drawn = _drawn(lots, f"brand-{brand}", best)
            if drawn is None:
                undecided.append((LOT, f"brand-{brand}", tuple(best)))
            else:
                best = drawn[:1]
        for found in bids:
            if found.bid.id not in best:
                kept.discard(found.bid.id)
                excluded.append((found.bid.id, SAME_BRAND))
    return [found for found in standing if found.bid.id in kept]


def _places(
    standing: Sequence[_Standing],
    asked: Terms,
    lots: Lots,
    undecided: list[tuple[str, str, tuple[str, ...]]],
) -> list[tuple[str, int]]:
    """Equal bidders share a place and the next places are skipped, unless a lot has put them in an order."""
    places: list[tuple[str, int]] = []
    for group in _grouped(standing, asked.order):
        place = len(places) + 1
        names = [found.bid.id for found in group]
        drawn = _drawn(lots, f"place-{place}", names) if len(names) > 1 and asked.tie == LOT else None
        if drawn is not None:
            places += [(name, place + i) for i, name in enumerate(drawn)]
            continue
        if len(names) > 1 and asked.tie != EQUAL:
            undecided.append((asked.tie, f"place-{place}", tuple(names)))
        places += [(name, place) for name in names]
    return places


def _drawn(lots: Lots, matter: str, names: Sequence[str]) -> list[str] | None:
    """The order that a lot gave to exactly these bidders."""
    drawn = lots.get(matter)
    return list(drawn) if drawn is not None and sorted(drawn) == sorted(names) else None
