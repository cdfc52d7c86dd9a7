"""Prices of several bids that differ in a regular way (投标报价呈规律性差异: 实施条例 40(4), 87号令 37(4)).

Exact: totals are whole cents, quotients are fractions. Three shapes of totals are looked for: an arithmetic
progression, a constant ratio, and whole multiples of one step from a common base, which is the tender's own ceiling (or
budget) or the mean of all bids; and two of priced lists with the same quantities: one ratio, or one difference, of all
unit prices.

A price says no more than what it was rounded to, its grain: a power of ten, or of a hundredth of the ceiling where bids
are discounts off it. A shape of totals is told only where chance, drawing each price evenly on that grain, would show
one like it in fewer than one of `odds` tenders. Equal prices differ in no way: a statutory price makes nobody alike.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import comb, gcd

from evaluation.core import points
from evaluation.core.corrections import Line
from evaluation.core.rules.shelf import Regular
from evidence.core.canonical import JSON, Object

PROGRESSION, RATIO, BASE = "progression", "ratio", "base"
LINE_RATIO, LINE_STEP = "line-ratio", "line-step"
MEAN = "mean"
MAX_LINES = 20
"""Lines that are named of two lists; how many agree stands beside them."""
_TOLERANCE = 2
"""Grains by which a term may lie off: each of the prices around it was rounded by up to a half."""
_WINDOW = 3
"""Places on the grain that a term may then take."""
_FINEST = 6
"""Places of a discount off the ceiling: 12.3456 %."""


@dataclass(frozen=True, slots=True)
class Series:
    """Bids whose prices follow a rule. `value` is its step or ratio; `terms` are the totals with their place in it,
    and of lists `lines` are the first lines (from 1) of the `matched` of `compared` that follow it."""

    kind: str
    bidders: tuple[str, ...]
    value: str
    base: tuple[str, Decimal] | None = None
    terms: tuple[tuple[str, Decimal, int], ...] = ()
    lines: tuple[int, ...] = ()
    matched: int = 0
    compared: int = 0

    @property
    def json(self) -> Object:
        """As data, beside the kind and the bidders of its fact."""
        terms: list[JSON] = [[bidder, points.form(price), place] for bidder, price, place in self.terms]
        return {
            "base": None if self.base is None else [self.base[0], points.form(self.base[1])],
            "terms": terms,
            "lines": list(self.lines),
            "matched": self.matched,
            "compared": self.compared,
        }


def totals(prices: Mapping[str, Decimal], base: tuple[str, Decimal] | None, bounds: Regular) -> list[Series]:
    """What the bids' totals show; `base` is the tender's own price with its name. Bids of a series that is told already
    are not told again as a part of another."""
    holders: dict[int, list[str]] = {}
    for bidder, price in sorted(prices.items()):
        holders.setdefault(_cents(price), []).append(bidder)
    found = _Totals(sorted(holders), None if base is None else Fraction(_cents(base[1])), bounds)
    told: list[Series] = []
    for kind, step, terms, common in found.series(base):
        bidders = tuple(sorted(bidder for total in terms for bidder in holders[total]))
        if not any(set(bidders) <= set(other.bidders) for other in told):
            placed = tuple((who, prices[who], place) for total, place in terms.items() for who in holders[total])
            told.append(Series(kind, bidders, step, common, placed))
    return told


@dataclass(frozen=True, slots=True)
class _Totals:
    """The distinct totals in cents, ascending, and the ceiling."""

    values: Sequence[int]
    ceiling: Fraction | None
    bounds: Regular

    def series(
        self, base: tuple[str, Decimal] | None
    ) -> Iterator[tuple[str, str, Mapping[int, int], tuple[str, Decimal] | None]]:
        """Kind, step or ratio, total -> place, base; longer ones first within a kind."""
        # Half up, no three prices are all rounded by a half in the worst way: a step is never two grains off.
        for found in self._grown(lambda a, b: Fraction(2 * b - a), within=_TOLERANCE - 1):
            step = _money(Fraction(found[-1] - found[0], len(found) - 1))
            yield PROGRESSION, step, {total: at for at, total in enumerate(found)}, None
        for found in self._grown(lambda a, b: Fraction(b * b, a), within=_TOLERANCE):
            yield RATIO, _ratio(Fraction(found[1], found[0])), {total: at for at, total in enumerate(found)}, None
        if base is not None and self.ceiling is not None:
            for apart, places in self._multiples(self.ceiling, free=1):
                yield BASE, _money(apart), places, base
        if self.values:
            mean = Fraction(sum(self.values), len(self.values))
            for apart, places in self._multiples(mean, free=2):
                if len(places) == len(self.values):
                    yield BASE, _money(apart), places, (MEAN, points.half_up(mean / 100))

    def _grown(self, expect: Callable[[int, int], Fraction], within: int) -> list[list[int]]:
        """Series in which each term is what the two before it let expect, within so many grains; the longest first."""

        def fits(terms: Sequence[int]) -> bool:
            off = within * self._grain(terms)
            return all(abs(c - expect(a, b)) <= off for a, b, c in zip(terms, terms[1:], terms[2:], strict=False))

        found: list[list[int]] = []
        for first, second in combinations(self.values, 2):
            terms = [first, second]
            while (after := self._nearest(expect(*terms[-2:]))) > terms[-1] and fits([*terms, after]):
                terms.append(after)
            if len(terms) >= self.bounds.least and self._rare(terms, len(terms) - 2, terms[-1] - terms[0]):
                found.append(terms)
        return sorted(found, key=lambda terms: (-len(terms), terms))

    def _multiples(self, base: Fraction, *, free: int) -> list[tuple[Fraction, dict[int, int]]]:
        """The most totals that lie whole multiples of one step off the base, with the largest such step. `free` of
        them fix base and step; the others fall into place."""
        best: tuple[int, Fraction, dict[int, int]] | None = None
        off = {total: _TOLERANCE * self._grain([total]) for total in self.values}
        for total in self.values:
            for multiple in range(1, self.bounds.multiples + 1):
                step = abs(total - base) / multiple
                places = self._places(base, step, off) if step else {}
                furthest = max((abs(place) for place in places.values()), default=0)
                chance = self.bounds.multiples * furthest
                if (
                    len(places) >= self.bounds.least + free - 1
                    and (best is None or (len(places), step) > best[:2])
                    and self._rare(list(places), len(places) - free, furthest * step, chance)
                ):
                    best = (len(places), step, places)
        return [] if best is None else [best[1:]]

    def _places(self, base: Fraction, step: Fraction, off: Mapping[int, Fraction]) -> dict[int, int]:
        """Which totals lie a whole multiple of the step off the base, and which multiple; none where two share one."""
        places: dict[int, int] = {}
        for total in self.values:
            place = round((total - base) / step)
            near = 1 <= abs(place) <= self.bounds.multiples
            if near and abs(total - base - place * step) <= off[total]:
                places[total] = place
        if len(places) < self.bounds.least or len(set(places.values())) < len(places):
            return {}
        most = _TOLERANCE * self._grain(list(places))
        return places if all(abs(total - base - at * step) <= most for total, at in places.items()) else {}

    def _rare(self, terms: Sequence[int], free: int, width: Fraction | int, tries: int = 1) -> bool:
        """Whether chance shows so many terms in place in fewer than one of `odds` tenders: `free` terms each fall into
        a window on the grain of this width, for each choice of bids, `tries` times."""
        each = Fraction(_WINDOW * tries * self._grain(terms)) / width
        return comb(len(self.values), len(terms)) * each**free * self.bounds.odds <= 1

    def _grain(self, terms: Sequence[int]) -> Fraction:
        """The coarsest unit of which these are whole multiples: a power of ten, or such a part of the ceiling."""
        whole, unit = gcd(*terms), 1
        while whole % (10 * unit) == 0:
            unit *= 10
        for places in range(2, _FINEST + 1):
            if self.ceiling is None or (part := self.ceiling * Fraction(1, 10**places)) <= unit:
                break
            if all(2 * abs(total - part * round(total / part)) <= 1 for total in terms):
                return part
        return Fraction(unit)

    def _nearest(self, wanted: Fraction) -> int:
        at = bisect_left(self.values, wanted)
        return min(self.values[max(0, at - 1) : at + 1], key=lambda total: abs(total - wanted))


def lists(quotes: Mapping[str, Sequence[Line]], bounds: Regular) -> list[Series]:
    """What the unit prices of each two bids show. Lists are held side by side where they price the same quantities. A
    line that every such list prices alike was set by the tender, and one of a few yuan is rounded too far to tell."""
    alike: dict[tuple[Decimal, ...], list[str]] = {}
    for bidder, lines in sorted(quotes.items()):
        alike.setdefault(tuple(line.quantity for line in lines), []).append(bidder)
    least = _cents(bounds.unit)
    found: list[Series] = []
    for bidders in alike.values():
        units = {bidder: [_cents(line.unit) for line in quotes[bidder]] for bidder in bidders}
        open_ = [at for at, row in enumerate(zip(*units.values(), strict=True)) if len(set(row)) > 1]
        for one, other in combinations(bidders, 2):
            pairs = [(at + 1, units[one][at], units[other][at]) for at in open_]
            rows = [row for row in pairs if min(row[1:]) >= least]
            if len(rows) >= bounds.lines:
                found += _agreeing(one, other, rows, bounds)
    return found


def _agreeing(one: str, other: str, rows: Sequence[tuple[int, int, int]], bounds: Regular) -> Iterator[Series]:
    """One ratio of most rows; else one difference of most."""
    ratio = _common(rows)
    kept = [row for row in rows if _between(row)[0] <= ratio <= _between(row)[1]]
    kind, value = LINE_RATIO, _ratio(Fraction(sum(row[2] for row in kept), sum(row[1] for row in kept)))
    if 1000 * len(kept) < bounds.permille * len(rows):
        step, _ = Counter(b - a for _, a, b in rows).most_common(1)[0]
        kept = [row for row in rows if row[2] - row[1] == step]
        kind, value = LINE_STEP, _money(Fraction(abs(step)))
    if 1000 * len(kept) >= bounds.permille * len(rows):
        lines = tuple(number for number, _, _ in kept[:MAX_LINES])
        yield Series(kind, (one, other), value, lines=lines, matched=len(kept), compared=len(rows))


def _common(rows: Sequence[tuple[int, int, int]]) -> Fraction:
    """The ratio that most rows allow, the smallest of equal ones."""
    edges = sorted(edge for row in rows for edge in zip(_between(row), (0, 1), strict=True))
    best, most, over = edges[0][0], 0, 0
    for ratio, closes in edges:
        over += -1 if closes else 1
        if over > most:
            best, most = ratio, over
    return best


def _between(row: tuple[int, int, int]) -> tuple[Fraction, Fraction]:
    """The ratios that two unit prices allow, of which each was rounded to a cent."""
    _, one, other = row
    return Fraction(2 * other - 1, 2 * one + 1), Fraction(2 * other + 1, 2 * one - 1)


def _cents(price: Decimal) -> int:
    return int(price.scaleb(points.PLACES))


def _money(cents: Fraction) -> str:
    return points.form(points.half_up(cents / 100))


def _ratio(value: Fraction) -> str:
    """With six places, as a discount of 1.2345 % needs them."""
    return f"{points.half_up(value * 10_000).scaleb(-4):.6f}"
