"""The tally: mean of the sheets' exact technical sums, price points, total (87号令 55)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from evaluation.core.points import half_up, total
from evaluation.core.price import price_points
from evaluation.core.sheet import Sheet

# The sum of a bidder for whom nothing is scored.
NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Row:
    """One bidder's points. `technical` and `price` are rounded, each once; `total` is their exact sum.

    `evaluated` is the evaluation price of version 2, rounded for show where the order uses the exact one.
    """

    bidder: str
    technical: Decimal
    price: Decimal
    total: Decimal
    evaluated: Decimal | None = None


def tally(sheets: Sequence[Sheet], *, prices: Mapping[str, Decimal], weight: Decimal) -> tuple[Row, ...]:
    """A row for each valid bidder, in the order of `prices`; `weight` is that of the price."""
    lowest = min(prices.values())
    sums_of = [sheet.sums for sheet in sheets]
    rows = []
    for bidder, price in prices.items():
        sums = [found.get(bidder, NOTHING) for found in sums_of]
        technical = half_up(Fraction(total(sums)) / len(sheets))
        points = price_points(price=price, lowest=lowest, weight=weight)
        rows.append(Row(bidder, technical, points, total([technical, points])))
    return tuple(rows)
