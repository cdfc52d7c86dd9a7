"""Points and money: decimals with two places, rounded half up once and exactly (domain checklist 17)."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from fractions import Fraction

# The notices of the field state points and money with two decimals; the third is rounded half up (标准施工招标文件).
PLACES = 2
CENT = Decimal("0.01")
# 999 999 999 999.99 yuan is beyond any tender; the bound keeps every figure well inside exact decimals.
_FORM = re.compile(r"(?:0|[1-9][0-9]{0,11})\.[0-9]{2}", re.ASCII)
# Enough digits for every sum and quantise below, so that no operation rounds by precision.
_EXACT = Context(prec=60)


def parse(text: object) -> Decimal:
    """Read `12.50`: ASCII digits, exactly two places, no sign, no exponent; else ValueError."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        raise ValueError("not a decimal with two places")
    return Decimal(text)


def form(value: Decimal) -> str:
    """Write a non-negative decimal of at most two places; else ValueError, never a silent rounding."""
    if not value.is_finite() or value.is_signed() or value != value.quantize(CENT, context=_EXACT):
        raise ValueError("not a non-negative decimal of at most two places")
    text = str(value.quantize(CENT, context=_EXACT))
    parse(text)
    return text


def half_up(exact: Fraction) -> Decimal:
    """The exact number rounded half up to 0.01. No binary float and no intermediate rounding (TV2)."""
    scaled = exact * 100
    cents = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(cents).scaleb(-PLACES, context=_EXACT)


def total(values: list[Decimal] | tuple[Decimal, ...]) -> Decimal:
    """The exact sum."""
    result = Decimal("0.00")
    for value in values:
        result = _EXACT.add(result, value)
    return result
