"""Arithmetic corrections of a bid's price in the order of the law (87号令 59, 12号令 19), as a function of facts.

The facts of a quote are what stands in the bid; which rule comes first is the pack's. What comes out is proposed: the
committee puts it to the bidder (`evaluation.core.clarification`), who confirms it in writing, or the bid is invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from evaluation.core import points
from evaluation.errors import QuoteRefused
from evidence.core.canonical import JSON, Object, members
from evidence.errors import Malformed

MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the priced list: quantity, unit price, amount. `misplaced`: the unit price's decimal point or
    percent is obviously wrong, which is a person's finding."""

    quantity: Decimal
    unit: Decimal
    amount: Decimal
    misplaced: bool

    @property
    def product(self) -> Decimal:
        """Quantity times unit price, rounded half up to the cent in which amounts are paid."""
        return points.half_up(Fraction(self.quantity) * Fraction(self.unit))


@dataclass(frozen=True, slots=True)
class Quote:
    """The same price as it stands in several places of one bid. `confirmed` is the bidder's answer to a correction
    where the definition states it, as under older packs; None where the bidder answers in the evaluation."""

    opening: Decimal
    figures: Decimal
    words: Decimal
    lines: tuple[Line, ...]
    confirmed: bool | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """The price that the order of the law gives, and the rules that moved it, in their order."""

    price: Decimal
    rules: tuple[str, ...]

    @property
    def json(self) -> Object:
        """`correction` of a bid in the terms."""
        return {"price": points.form(self.price), "rules": list(self.rules)}

    @staticmethod
    def parse(value: JSON) -> Corrected:
        """Read `json` back."""
        found = members(value, {"price": str, "rules": list})
        if not found["rules"] or any(name not in _RULES for name in found["rules"]):
            raise Malformed("a correction names the rules that it follows")
        return Corrected(points.parse(found["price"]), tuple(found["rules"]))


def parse(value: JSON, *, answered: bool) -> Quote:
    """Read `quote` of a bidder; `confirmed` is no part of it where the bidder is `answered` for in the evaluation."""
    more = {} if answered else {"confirmed": bool}
    found = members(value, {**dict.fromkeys(("opening", "figures", "words"), str), "lines": list, **more})
    if len(found["lines"]) > MAX_LINES:
        raise Malformed(f"at most {MAX_LINES} lines")
    lines = []
    try:
        for item in found["lines"]:
            line = members(item, {**dict.fromkeys(("quantity", "unit", "amount"), str), "misplaced": bool})
            quantity, unit, amount = (points.parse(line[name]) for name in ("quantity", "unit", "amount"))
            lines.append(Line(quantity, unit, amount, line["misplaced"]))
        opening, figures, words = (points.parse(found[name]) for name in ("opening", "figures", "words"))
    except ValueError as error:
        raise Malformed("money and quantities are decimals with two places") from error
    return Quote(opening, figures, words, tuple(lines), found.get("confirmed"))


def correct(quote: Quote, order: Sequence[str]) -> Corrected:
    """The price by the pack's order of rules. Each rule settles what it speaks of; the later ones go on from there.

    `opening-summary`: the summary read out at the opening beats the bid's own total.
    `words`: the amount in words beats the one in figures.
    `misplaced-decimal`: where a unit price is obviously misplaced, the total stands and the unit price is put right.
    `unit-prices`: where the total is not the sum of the lines, the lines' products stand.
    """
    total, moved = quote.figures, []
    settled = False
    for name in order:
        after, settles = _RULES[name](quote, total, settled)
        if after != total:
            moved.append(name)
        total, settled = after, settled or settles
    if total <= 0:
        raise QuoteRefused("the corrected price is not above zero")
    return Corrected(total, tuple(moved))


def _opening(quote: Quote, total: Decimal, settled: bool) -> tuple[Decimal, bool]:
    return quote.opening, False


def _words(quote: Quote, total: Decimal, settled: bool) -> tuple[Decimal, bool]:
    """The summary of the opening, where it comes first, has settled what words and figures say of the total."""
    differ = quote.words != quote.figures
    return (quote.words if differ and total == quote.figures else total), False


def _misplaced(quote: Quote, total: Decimal, settled: bool) -> tuple[Decimal, bool]:
    return total, any(line.misplaced for line in quote.lines)


def _units(quote: Quote, total: Decimal, settled: bool) -> tuple[Decimal, bool]:
    """Lines of which one unit price is misplaced prove nothing about the total."""
    if settled or not quote.lines:
        return total, settled
    return points.total([line.product for line in quote.lines]), True


_RULES: Mapping[str, Callable[[Quote, Decimal, bool], tuple[Decimal, bool]]] = {
    "opening-summary": _opening,
    "words": _words,
    "misplaced-decimal": _misplaced,
    "unit-prices": _units,
}
