"""Price points by the lowest price (87号令 55): Pmin / P x W, exact, rounded half up once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from evaluation.core.points import half_up


def price_points(*, price: Decimal, lowest: Decimal, weight: Decimal) -> Decimal:
    """The points of one price; `lowest` is that of the valid bids, none of which may be left out (87号令 55)."""
    return half_up(Fraction(lowest) / Fraction(price) * Fraction(weight))
