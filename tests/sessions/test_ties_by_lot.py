"""Equal bidders go to the verifiable draw where the terms say so (87号令 31; domain checklist 23)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evaluation.draw_errors import DrawRefused, DrawStands
from evaluation.errors import StageIncomplete, TooLate
from evidence.core.canonical import b64u, encode
from sessions.core import duties, view
from sessions.core.commands import OpenLot
from sessions.errors import CommandRefused
from tests.evaluation.packs import BIDDING, PROCUREMENT, second
from tests.ranking import second as other
from tests.sessions.draws import Drawn
from tests.sessions.drive import Drive
from tests.sessions.test_rule_pack_proceedings import again, sheets

EQUAL = ("100.00", "100.00", "90.00", "120.00")


def tied() -> dict[str, Any]:
    value = second(BIDDING, "reviewed-lowest-price", prices=EQUAL)
    value["terms"]["tie"] = "lot"
    return value


def branded() -> dict[str, Any]:
    """Three of one brand would leave two competitors, so only two share one."""
    value = second(PROCUREMENT, "lowest-evaluated-price", prices=EQUAL)
    value["bidders"][0]["brand"] = value["bidders"][1]["brand"] = "acme"
    return value


def tallied(value: dict[str, Any]) -> Drive:
    return Drive(definition=value).until("tally", sheets(value))


def drawn(drive: Drive, label: str) -> Drawn:
    made = Drawn(drive).lot(label).to_freeze().reveal()
    made.resolve()
    return made


def finish(drive: Drive, value: dict[str, Any]) -> None:
    """To the end, decided again, and ranked again from the log by the client's code."""
    drive.until("done")
    drive.close()
    again(drive.entries, encode(value))
    told = other.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    report = next(entry for entry in drive.entries if entry.type == "ReportFrozen")
    assert told["ranking"] == told["stated"]["ranking"]
    assert told["digest"] == report.body["ranking"]


def test_equal_bidders_are_put_in_order_by_a_lot() -> None:
    value = tied()
    drive = tallied(value)
    assert duties.OpenLot("lot/place-2") in duties.duties(drive.state)
    with pytest.raises(StageIncomplete, match="place-2"):
        drive.advance()
    made = drawn(drive, "lot/place-2")
    (order,) = made.draw.named
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    assert order is not None
    assert ranking.places == (("bidder-3", 1), (order[0], 2), (order[1], 3), ("bidder-4", 4))
    assert ranking.undecided == ()
    finish(drive, value)


def test_who_stands_for_a_brand_is_drawn() -> None:
    """87号令 31: the other bidder of the brand is left out."""
    value = branded()
    drive = tallied(value)
    made = drawn(drive, "lot/brand-acme")
    (order,) = made.draw.named
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    assert order is not None
    assert ranking.places == (("bidder-3", 1), (order[0], 2), ("bidder-4", 3))
    assert ranking.excluded == ((order[1], "same-brand"),)
    finish(drive, value)


def test_a_tie_is_drawn_once_and_by_nobodys_act() -> None:
    """protocols.md 4(6): no repetition for free."""
    drive = tallied(tied())
    with pytest.raises(CommandRefused):
        drive.execute(OpenLot("lot/place-1"))
    strata = [{"label": "lot/place-2", "quota": 1, "refs": ["bidder-1", "bidder-2"]}]
    body = {"draw": "mine", "attempt": 1, "strata": strata, "pool": None, "partition": None, "filter": None}
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", body)
    drawn(drive, "lot/place-2")
    with pytest.raises((CommandRefused, DrawStands)):
        drive.execute(OpenLot("lot/place-2"))


def test_an_annulled_lot_leaves_the_tie_until_it_is_drawn_anew() -> None:
    """On a legal ground only, and only while nothing rests on it."""
    value = tied()
    drive = tallied(value)
    made = drawn(drive, "lot/place-2")
    annulment = {"opened": b64u(made.opened), "ground": "wrong-conditions", "reason": "评分录入前的条件有误"}
    drive.perform("supervisor-1", "draw.annul", annulment)
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    assert ranking.undecided == (("lot", "place-2", ("bidder-1", "bidder-2")),)
    repeated = drawn(drive, "lot/place-2")
    drive.advance()
    with pytest.raises(TooLate):
        drive.perform("supervisor-1", "draw.annul", annulment | {"opened": b64u(repeated.opened)})
    finish(drive, value)


def test_the_secondary_venues_operators_learn_neither_tie_nor_order() -> None:
    """Results are for the committee and those who watch it; a lot between bidders is one."""
    drive = tallied(tied())
    before = len(drive.entries)
    drawn(drive, "lot/place-2")
    told = {"DrawOpened", "DrawResolved", "TieDrawn", "RankingFixed"}
    entries = [entry for entry in drive.entries[before:] if entry.type in told]
    assert {entry.type for entry in entries} == told
    for entry in entries:
        assert view.visibility(entry, drive.state, "operator-2") == "summary"
        assert view.visibility(entry, drive.state, "seat-4") == "full"
        assert view.visibility(entry, drive.state, "supervisor-1") == "full"
