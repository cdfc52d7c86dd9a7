"""Plaintexts of sheets and ballots: protocols.md section 3, and what hostile ones get."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.core import ballot, sheet
from evaluation.core.sheet import Item, Place
from evaluation.errors import (
    ChoiceRefused,
    EvaluationError,
    ScoreDuplicated,
    ScoreMalformed,
    ScoreMissing,
    ScoreOutOfOrder,
    ScoreOutOfRange,
    ScoreUnknownItem,
    SheetError,
    SheetMalformed,
    SheetMisplaced,
    SheetTooLarge,
)
from evidence.core.canonical import b64u, decode, encode

PLACE = Place("c.example/proceedings/x", "seat-3", 1, bytes(32))
SALT = bytes(range(32))
ASKED: tuple[tuple[Item, Decimal], ...] = tuple(
    ((bidder, criterion), maximum)
    for bidder in ("b1", "b2")
    for criterion, maximum in (("plan", Decimal("40.00")), ("team", Decimal("20.00")))
)
SCORES = {item: Decimal("12.50") for item, _ in ASKED}
P = sheet.build(PLACE, SCORES, ASKED, SALT)


def test_the_plaintext_is_that_of_the_specification() -> None:
    """protocols.md section 3: member names, order of items, two places."""
    assert decode(P) == {
        "aud": PLACE.aud,
        "definition": b64u(bytes(32)),
        "items": [
            ["b1", "plan", "12.50", None],
            ["b1", "team", "12.50", None],
            ["b2", "plan", "12.50", None],
            ["b2", "team", "12.50", None],
        ],
        "part": [1, 1],
        "round": 1,
        "salt": b64u(SALT),
        "seat": "seat-3",
        "v": 1,
    }
    assert sheet.parse(P, PLACE, ASKED).scores == SCORES
    assert sheet.parse(P, PLACE, ASKED).sum_of("b1") == Decimal("25.00")


@given(st.lists(st.decimals(min_value=0, max_value=20, places=2), min_size=4, max_size=4))
def test_every_legal_sheet_is_read_back(values: list[Decimal]) -> None:
    scores = {item: value for (item, _), value in zip(ASKED, values, strict=True)}
    assert sheet.parse(sheet.build(PLACE, scores, ASKED, SALT), PLACE, ASKED).scores == scores


def changed(change: Callable[[Any], Any]) -> bytes:
    value = decode(P)
    change(value)
    return encode(value)


def score(text: object) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        value["items"][0][2] = text

    return change


HOSTILE: list[tuple[type[EvaluationError], Callable[[Any], Any]]] = [
    (ScoreMissing, lambda v: v["items"].pop()),
    (ScoreMissing, lambda v: v.update(items=[])),
    (ScoreUnknownItem, lambda v: v["items"].append(["b3", "plan", "1.00", None])),
    (ScoreUnknownItem, lambda v: v["items"][0].__setitem__(1, "plan ")),
    (ScoreDuplicated, lambda v: v["items"].append(v["items"][0])),
    (ScoreOutOfOrder, lambda v: v["items"].reverse()),
    (ScoreOutOfRange, score("40.01")),
    (ScoreOutOfRange, score("999999999999.99")),
    (ScoreMalformed, score("-0.01")),
    (ScoreMalformed, score("NaN")),
    (ScoreMalformed, score("Infinity")),
    (ScoreMalformed, score("12.5")),
    (ScoreMalformed, score("12.500")),
    (ScoreMalformed, score("12,50")),
    (ScoreMalformed, score("1２.50")),
    (ScoreMalformed, score("012.50")),
    (ScoreMalformed, score("1e1")),
    (ScoreMalformed, score("")),
    (ScoreMalformed, score(12)),
    (ScoreMalformed, score(True)),
    (ScoreMalformed, score(None)),
    (ScoreMalformed, score(["12.50"])),
    (SheetMalformed, lambda v: v["items"].append("b1")),
    (SheetMalformed, lambda v: v["items"][0].pop()),
    (SheetMalformed, lambda v: v["items"][0].__setitem__(0, ["b1"])),
    (SheetMalformed, lambda v: v["items"][0].__setitem__(3, "comment")),
    (SheetMalformed, lambda v: v.update(v=2)),
    (SheetMalformed, lambda v: v.update(v=True)),
    (SheetMalformed, lambda v: v.update(part=[1, 2])),
    (SheetMalformed, lambda v: v.update(part=[True, True])),
    (SheetMalformed, lambda v: v.update(salt="AAAA")),
    (SheetMalformed, lambda v: v.update(extra=1)),
    (SheetMalformed, lambda v: v.pop("salt")),
    (SheetMisplaced, lambda v: v.update(aud="other.example/proceedings/x")),
    (SheetMisplaced, lambda v: v.update(seat="seat-4")),
    (SheetMisplaced, lambda v: v.update(round=2)),
    (SheetMisplaced, lambda v: v.update(definition=b64u(b"\x01" * 32))),
]


@pytest.mark.parametrize(("error", "change"), HOSTILE)
def test_a_sheet_that_cannot_count_is_refused_with_its_own_code(
    error: type[EvaluationError], change: Callable[[Any], Any]
) -> None:
    """Issue 2, "Bad input": missing, out-of-range, extra scores, and everything around them."""
    with pytest.raises(SheetError) as refused:
        sheet.parse(changed(change), PLACE, ASKED)
    assert type(refused.value) is error


NOT_SHEETS = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"{",
    P + b" ",
    P.replace(b'"v":1', b'"v":1.0'),
    json.dumps(decode(P)).encode(),
]


@pytest.mark.parametrize("data", NOT_SHEETS)
def test_other_bytes_are_no_sheet(data: bytes) -> None:
    with pytest.raises(SheetMalformed):
        sheet.parse(data, PLACE, ASKED)


def test_a_sheet_of_more_than_40_000_bytes_is_refused() -> None:
    """protocols.md section 3."""
    with pytest.raises(SheetTooLarge):
        sheet.parse(P[:-1] + b" " * 40_000 + b"}", PLACE, ASKED)


def test_a_bad_sheet_is_never_built() -> None:
    """The seat learns before sealing what opening would refuse."""
    for scores, error in (
        ({}, ScoreMissing),
        ({**SCORES, ("b1", "plan"): Decimal("40.01")}, ScoreOutOfRange),
        ({**SCORES, ("b1", "plan"): Decimal("1.001")}, ScoreMalformed),
        ({**SCORES, ("b1", "plan"): Decimal("-1")}, ScoreMalformed),
        ({**SCORES, ("b1", "plan"): Decimal("NaN")}, ScoreMalformed),
        ({**SCORES, ("b9", "plan"): Decimal("1.00")}, ScoreUnknownItem),
    ):
        with pytest.raises(error):
            sheet.build(PLACE, scores, ASKED, SALT)
    with pytest.raises(SheetMalformed, match="salt"):
        sheet.build(PLACE, SCORES, ASKED, b"short")


def test_a_comment_is_a_digest() -> None:
    """protocols.md 1.4: the comment itself is a disclosure."""
    commented = changed(lambda v: v["items"][0].__setitem__(3, b64u(bytes(32))))
    assert sheet.parse(commented, PLACE, ASKED).scores == SCORES


def test_a_ballot_names_one_who_stands() -> None:
    choices = ("seat-1", "seat-2")
    data = ballot.build(PLACE, "seat-2", choices, SALT)
    assert ballot.parse(data, PLACE, choices) == "seat-2"
    with pytest.raises(ChoiceRefused):
        ballot.build(PLACE, "seat-9", choices, SALT)
    with pytest.raises(ChoiceRefused):
        ballot.parse(data, PLACE, ("seat-1",))
    with pytest.raises(SheetMisplaced):
        ballot.parse(data, Place(PLACE.aud, "seat-4", 1, bytes(32)), choices)
    with pytest.raises(SheetMalformed):
        ballot.parse(P, PLACE, choices)
    with pytest.raises(SheetMalformed):
        sheet.parse(data, PLACE, ASKED)
