"""The benchmark of prices, and the points lost by deviating from it (标准施工招标文件 2007): exact, nothing rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MEAN = "mean"
TRIMMED = "trimmed-mean"
CEILING = "ceiling-mix"
# Fewer quotes than three would leave nothing, or one quote, between the highest and the lowest.
FEWEST_TRIMMED = 4

Slope = tuple[Decimal | None, Decimal]
"""Up to so many percent of deviation (None: without end), so many points for each percent."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """How the base comes from the valid prices.

    `trim_from` is the number of quotes from which one highest and one lowest are left out; `share` is the percent that
    the ceiling weighs in the mix; `drop` is the floating coefficient in percent, by which the base is lowered, and
    `drops` are its candidates where it is drawn (then `drop` is none of them before the draw).
    """

    kind: str
    trim_from: int | None
    ceiling: Decimal | None
    share: Decimal
    drop: Decimal
    drops: tuple[Decimal, ...] = ()

    def base(self, prices: Sequence[Fraction], drawn: Decimal | None = None) -> Fraction:
        """The exact base, lowered by `drawn` where the coefficient was drawn. Of several equal highest or lowest
        quotes exactly one is left out."""
        counted = sorted(prices)
        if self.trim_from is not None and len(counted) >= self.trim_from:
            counted = counted[1:-1]
        base = sum(counted, Fraction(0)) / len(counted)
        if self.kind == CEILING and self.ceiling is not None:
            share = Fraction(self.share) / 100
            base = Fraction(self.ceiling) * share + base * (1 - share)
        return base * (1 - Fraction(self.drop if drawn is None else drawn) / 100)


def deducted(price: Fraction, base: Fraction, above: Sequence[Slope], below: Sequence[Slope]) -> Fraction:
    """Points lost by deviating: each percent, and each part of a percent in proportion, costs its slope."""
    percent = abs(price - base) / base * 100
    lost, passed = Fraction(0), Fraction(0)
    for limit, slope in above if price > base else below:
        end = percent if limit is None else min(percent, Fraction(limit))
        if end > passed:
            lost += (end - passed) * Fraction(slope)
            passed = end
    return lost


def slope_at(slopes: Sequence[Slope], percent: Decimal) -> Decimal:
    """The slope that holds just beyond so many percent."""
    for limit, slope in slopes:
        if limit is None or percent < limit:
            return slope
    raise ValueError("the last slope has no end")
