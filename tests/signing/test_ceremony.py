"""Every member signs once (政府采购法实施条例 41)."""

from __future__ import annotations

import pytest

from signing.core.ceremony import Ceremony
from signing.errors import InvalidRequest


def test_the_ceremony_says_who_still_has_to_sign() -> None:
    ceremony = Ceremony(("seat-1", "seat-2", "seat-3"))
    assert ceremony.turn == "seat-1"
    ceremony = ceremony.sign("seat-2").sign("seat-1")
    assert ceremony.pending == ("seat-3",)
    assert ceremony.sign("seat-3").complete
    assert ceremony.sign("seat-3").turn is None
    for seat in ("seat-1", "seat-9"):
        with pytest.raises(InvalidRequest):
            ceremony.sign(seat)


def test_nobody_stands_twice_in_the_order() -> None:
    for order in ((), ("seat-1", "seat-1")):
        with pytest.raises(InvalidRequest):
            Ceremony(order)
