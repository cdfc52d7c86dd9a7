"""Bidders of a definition, each with the price that the order of the law makes of its quote; how their texts read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from evaluation.core import corrections, points
from evaluation.core.corrections import Corrected, Quote
from evaluation.core.rules.shelf import Pack
from evaluation.errors import BiddersRefused
from evidence.core.canonical import JSON, members
from evidence.errors import Malformed

MAX_TEXT = 300
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_MAX_ID = 32


@dataclass(frozen=True, slots=True)
class Bidder:
    """A supplier: `code` is its unified social credit code, `policy` names its deduction, `plus`, `minus` quantify
    deviations.

    `price` is what was read out at the opening; under packs that took the bidder's answer from the definition it is the
    corrected one, and `corrected` are the rules that moved it. Else `proposed` is what the bidder is asked to confirm.
    """

    id: str
    name: str
    code: str
    price: Decimal
    brand: str | None = None
    policy: str | None = None
    plus: Decimal = Decimal("0.00")
    minus: Decimal = Decimal("0.00")
    quote: Quote | None = None
    corrected: tuple[str, ...] = ()
    proposed: Corrected | None = None

    @property
    def due(self) -> Decimal:
        """The price at which the bid stands if it stands: the proposed one, or that of the opening."""
        return self.price if self.proposed is None else self.proposed.price


def first(value: JSON) -> Bidder:
    """A bidder of version 1."""
    found = members(value, {"id": str, "name": str, "code": str, "price": str})
    return Bidder(ident(found["id"]), words(found["name"]), found["code"], money(found["price"]))


def second(value: JSON, pack: Pack, place: str) -> Bidder:
    """A bidder of version 2, which stands at `place` of a tender. With a `quote` the price is that of the opening,
    which the order of the law may move; BiddersRefused where the two do not go together."""
    texts = dict.fromkeys(("id", "name", "code", "price", "plus", "minus"), str)
    found = members(value, {**texts, **dict.fromkeys(("brand", "policy", "quote"), object)})
    price, quote = money(found["price"]), None
    corrected: tuple[str, ...] = ()
    proposed: Corrected | None = None
    if found["quote"] is not None:
        quote = corrections.parse(found["quote"], answered=pack.answered)
        source = pack.source("corrections")
        if quote.opening != price:
            raise BiddersRefused(f"the price is that of the opening's summary ({source})", f"{place}/quote")
        order = pack.value["corrections"]["order"]
        if "opening-summary" not in order and quote.opening != quote.figures:
            raise BiddersRefused(f"the opening read out what stands in figures ({source})", f"{place}/quote")
        made = corrections.correct(quote, order)
        if not pack.answered:
            price, corrected = made.price, made.rules
        elif made.rules:
            proposed = made
    return Bidder(
        id=ident(found["id"]),
        name=words(found["name"]),
        code=found["code"],
        price=price,
        brand=None if found["brand"] is None else ident(found["brand"]),
        policy=None if found["policy"] is None else ident(found["policy"]),
        plus=money(found["plus"]),
        minus=money(found["minus"]),
        quote=quote,
        corrected=corrected,
        proposed=proposed,
    )


def money(text: JSON) -> Decimal:
    """Points or money, or Malformed."""
    try:
        return points.parse(text)
    except ValueError as error:
        raise Malformed("points and money are decimals with two places") from error


def words(value: JSON) -> str:
    """A text that is shown, or Malformed."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT or not value.isprintable():
        raise Malformed(f"a shown text has 1 to {MAX_TEXT} printable characters")
    return value


def ident(value: JSON) -> str:
    """An id, or Malformed."""
    if not isinstance(value, str) or len(value) > _MAX_ID or not _ID.fullmatch(value):
        raise Malformed("an id is lower case words joined by hyphens")
    return value
