"""Facts of recusal held against the bidders before a draw (政府采购法实施条例 9), and found again by anybody."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.core import conflicts, draw
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.errors import Malformed
from tests.recompute_draw import conflicted
from tests.sessions.drive import CODES

DAY = "2026-11-23"
SALT = b64u(bytes(16))
FILTER = conflicts.write(CODES[:2], DAY, SALT)
ASKED = conflicts.read(FILTER)
BIDDER, OTHER = CODES[0], CODES[3]


LEAF = f"{0:032x}"


def hidden(attributes: Object, salt: str = LEAF) -> Object:
    """The attributes as a leaf of this salt holds them."""
    held: Object = {
        name: [[conflicts.blinded(salt, code), *days] for code, *days in attributes[name]]
        for name in ("employers", "boards", "shares")
        if name in attributes
    }
    kin = [conflicts.blinded(salt, code) for code in attributes.get("kin", ())]
    return held | ({"kin": kin} if kin else {})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ""),
        ({"employers": [[BIDDER, "2010-01-01", None]]}, conflicts.EMPLOYED),
        ({"employers": [[BIDDER, "2010-01-01", "2023-11-23"]]}, conflicts.EMPLOYED),
        ({"employers": [[BIDDER, "2010-01-01", "2023-11-22"]]}, ""),
        ({"employers": [[OTHER, "2010-01-01", None]]}, ""),
        ({"boards": [[BIDDER, "2025-01-01", "2025-02-01"]]}, conflicts.BOARD),
        ({"shares": [[BIDDER, "2026-11-23", None]]}, conflicts.SHARES),
        ({"shares": [[BIDDER, "2026-11-24", None]]}, ""),
        ({"kin": [OTHER, BIDDER]}, conflicts.KIN),
    ],
)
def test_interests_of_the_last_three_years_keep_an_expert_out(attributes: Object, expected: str) -> None:
    assert conflicts.ground(LEAF, hidden(attributes), ASKED) == expected
    assert conflicts.ground(f"{1:032x}", hidden(attributes), ASKED) == ""


def test_three_years_before_a_leap_day() -> None:
    asked = conflicts.read(conflicts.write(CODES[:1], "2028-02-29", SALT))
    assert asked.since.isoformat() == "2025-02-28"


DAYS = st.dates().map(lambda day: day.isoformat())
HELD = st.lists(st.tuples(st.sampled_from(CODES), DAYS, st.none() | DAYS).map(list), max_size=3)
FACTS = st.fixed_dictionaries(
    {"employers": HELD, "boards": HELD, "shares": HELD, "kin": st.lists(st.sampled_from(CODES), max_size=2)}
)


@given(FACTS, st.dates(min_value=date(2000, 1, 1)).map(lambda day: day.isoformat()))
def test_both_readings_of_the_facts_agree(attributes: dict[str, Any], day: str) -> None:
    """A second implementation that compares days as text and shares no code."""
    asked = conflicts.read(conflicts.write(CODES[:2], day, SALT))
    held = hidden(attributes)
    assert bool(conflicts.ground(LEAF, held, asked)) == conflicted(LEAF, held, list(CODES[:2]), day)


EMPLOYED = {"employers": [[BIDDER, "2024-01-01", None]]}
POOL: list[conflicts.Candidate] = [
    (f"{i:032x}", f"expert-{i}", hidden(EMPLOYED, f"{i:032x}") if i == 2 else {}) for i in range(6)
]
LEAVES = [draw.pool_leaf(*candidate) for candidate in POOL]


def rows(**changed: tuple[bool, str, str]) -> list[conflicts.Row]:
    """Index 2 is out by the facts, index 5 by a declaration with its evidence."""
    told = {"2": (False, conflicts.EMPLOYED, ""), "5": (False, "declared", b64u(bytes(32)))}
    told |= {name.removeprefix("i"): line for name, line in changed.items()}
    return [(f"{i:032x}", i, *told.get(str(i), (True, "", ""))) for i in range(6)]


def disclose(lines: list[conflicts.Row], filter_: bytes = FILTER, digest: bytes | None = None) -> None:
    inside = sorted(LEAVES[i] for _, i, taken, _, _ in lines if taken)
    conflicts.check(
        lines,
        POOL,
        filter_=filter_,
        digest=sha256(filter_) if digest is None else digest,
        partition=draw.root([draw.partition_leaf(*line) for line in lines]),
        pool_digest=draw.pool_root(LEAVES),
        strata=[draw.stratum("expert/law", 2, inside)],
    )


def test_a_disclosed_partition_is_held_against_the_facts() -> None:
    disclose(rows())
    for wrong in (
        rows(i2=(True, "", "")),
        rows(i2=(False, "declared", b64u(bytes(32)))),
        rows(i3=(False, conflicts.BOARD, "")),
        rows(i5=(False, "declared", "")),
        rows(i5=(False, "", "")),
    ):
        with pytest.raises(DrawRefused):
            disclose(wrong)
    with pytest.raises(DrawRefused):
        disclose(rows(), digest=sha256(b"another filter"))


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"salt": "x"},
        {"bidders": []},
        {"bidders": ["914403001922038217"]},
        {"bidders": [CODES[1], CODES[0], CODES[0]]},
        {"day": "2026-13-01"},
        {"years": 2},
        {"years": 9999},
        {"more": 1},
    ],
)
def test_a_filter_out_of_form_is_refused(changed: Object) -> None:
    value: Object = {"v": 1, "salt": SALT, "bidders": sorted(CODES), "day": DAY, "years": 3}
    with pytest.raises(Malformed):
        conflicts.read(encode(value | changed))
    for attributes in ({"employers": "x"}, {"employers": [["x"]]}, {"boards": [[BIDDER, "x", None]]}, {"kin": 7}):
        with pytest.raises(Malformed):
            conflicts.ground(LEAF, attributes, ASKED)


def test_the_facts_are_read_as_they_were_written() -> None:
    found = conflicts.read_facts(conflicts.write_facts(FILTER, POOL, rows()))
    assert found == conflicts.Facts(FILTER, tuple(POOL), tuple(rows()))
    assert CODES[0].encode() not in encode([list(candidate) for candidate in found.candidates])


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"more": 1},
        {"filter": []},
        {"candidates": [["s", "王某", {}]]},
        {"candidates": [["s", "", {}]]},
        {"candidates": [["s", "x" * 61, {}]]},
        {"candidates": [["s", "expert-1"]]},
        {"candidates": [["s", "expert-1", []]]},
        {"partition": [["s", 0, "both", "", ""]]},
        {"partition": [["s", "0", "in", "", ""]]},
        {"partition": [["s", 0, "in", None, ""]]},
    ],
)
def test_facts_out_of_form_are_refused(changed: Object) -> None:
    """A reference is no name: letters that a name is written in have no place there."""
    value: Object = {"v": 1, "filter": {}, "candidates": [], "partition": []}
    with pytest.raises(Malformed):
        conflicts.read_facts(encode(value | changed))
