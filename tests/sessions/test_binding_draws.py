"""What is drawn binds: coefficients, venues, seats, and nobody sits twice (domain checklist 4; protocols.md 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evaluation.draw_errors import DrawRefused
from evaluation.errors import StageIncomplete, TooLate
from evaluation.step_errors import ReturnRefused
from evidence.core.canonical import Object, b64u, encode
from evidence.core.entry import Entry
from sessions.core import duties
from sessions.errors import DrawDiffers, NotReady, SeatingRefused
from tests.evaluation.packs import BIDDING, DEVIATION, NEW_BIDDING, NEW_PROCUREMENT, second
from tests.ranking import second as other
from tests.recompute_draw import recompute
from tests.sessions.draws import IT, Drawn, audited, expert_draw
from tests.sessions.drive import ZHONGSHAN, ZHUHAI, Drive
from tests.sessions.newcomers import OpenDrive, answered, drawn, remove, seating
from tests.sessions.test_rule_pack_proceedings import again, sheets

DROPS = ["1.00", "2.50", "3.00", "6.00"]


def floating() -> dict[str, Any]:
    value = second(NEW_BIDDING, "comprehensive-evaluation")
    value["terms"]["price"] = DEVIATION | {"drop": DROPS}
    return value


def to_tally(value: dict[str, Any]) -> Drive:
    return Drive(definition=value).until("tally", sheets(value))


def coefficient(drive: Drive) -> Drawn:
    made = Drawn(drive).lot("coefficient").to_freeze().reveal()
    made.resolve()
    return made


def last(drive: Drive, name: str) -> Entry:
    return next(entry for entry in reversed(drive.entries) if entry.type == name)


def test_the_tally_waits_for_the_coefficient_and_both_rankings_take_it() -> None:
    value = floating()
    drive = to_tally(value)
    assert "ScoresTallied" not in {entry.type for entry in drive.entries}
    assert duties.OpenLot("coefficient") in duties.duties(drive.state)
    with pytest.raises(StageIncomplete, match="coefficient"):
        drive.advance()
    made = coefficient(drive)
    (order,) = made.draw.named
    assert order is not None
    assert sorted(order) == DROPS
    recompute([entry.data for entry in drive.entries])
    # The mean of the four quotes, less what was drawn: (1 - drop) in hundredths of a percent, on the mean in cents.
    mean = sum(int(bidder["price"].replace(".", "")) for bidder in value["bidders"])
    exact = mean * (10_000 - int(order[0].replace(".", "")))
    assert last(drive, "ScoresTallied").body["base"] == f"{(exact * 2 + 40_000) // 80_000 / 100:.2f}"
    told = other.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    assert told["ranking"] == told["stated"]["ranking"]
    assert told["rows"] == told["stated"]["rows"]
    drive.until("done")
    drive.close()
    again(drive.entries, encode(value))


def test_an_annulled_coefficient_takes_the_tally_with_it() -> None:
    value = floating()
    drive = to_tally(value)
    made = coefficient(drive)
    body: Object = {"opened": b64u(made.opened), "ground": "wrong-conditions", "reason": "x"}
    drive.perform("supervisor-1", "draw.annul", body)
    assert drive.state.evaluation.ranking is None
    with pytest.raises(StageIncomplete):
        drive.advance()
    second_draw = coefficient(drive)
    assert second_draw.draw.attempt == 2
    told = other.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    assert told["rows"] == told["stated"]["rows"]
    drive.advance()
    with pytest.raises(TooLate):
        drive.perform("supervisor-1", "draw.annul", body | {"opened": b64u(second_draw.opened)})
    drive.until("done")
    drive.close()
    again(drive.entries, encode(value))


def test_no_step_back_while_the_coefficient_is_being_drawn_and_none_draws_it_again() -> None:
    value = floating()
    drive = to_tally(value)
    body: Object = {"from": "tally", "to": "detailed-review", "reason": "x"}
    with pytest.raises(ReturnRefused):
        drive.perform("operator-1", "stage.back", body)
    made = coefficient(drive)
    base = last(drive, "ScoresTallied").body["base"]
    (asked,) = drive.perform("operator-1", "stage.back", body)
    assert asked.act is not None
    answer: Object = {"asked": b64u(asked.act.id), "approve": True, "reason": "x"}
    drive.perform("supervisor-1", "stage.back-approve", answer)
    drive.until("tally", sheets(value))
    assert last(drive, "ScoresTallied").body["base"] == base
    assert [found.leaf for found in drive.state.drawing.draws] == [made.opened]
    again(drive.entries, encode(value))


def test_a_coefficient_is_drawn_by_nobodys_act() -> None:
    """One that is opened before the scores, by others, or elsewhere, is none of the tender's."""
    drive = Drive(definition=floating()).until("declarations")
    strata = [{"label": "coefficient", "quota": 1, "refs": DROPS}]
    body: Object = {"draw": "mine", "attempt": 1, "strata": strata, "pool": None, "partition": None, "filter": None}
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", body)
    elsewhere: Object = {"label": "coefficient", "reference": "7", "evidence": b64u(bytes(32))}
    with pytest.raises(DrawRefused):
        drive.perform("supervisor-1", "draw.external", elsewhere)


# --- venues and seats


def public(label: str, quota: int, refs: list[str]) -> Object:
    strata = [{"label": label, "quota": quota, "refs": refs}]
    return {"draw": label, "attempt": 1, "strata": strata, "pool": None, "partition": None, "filter": None}


@pytest.mark.parametrize("pack", [NEW_BIDDING, BIDDING], ids=lambda pack: "-".join(pack.key))
def test_drawn_venues_are_those_of_the_founding_or_it_does_not_begin(pack: Any) -> None:
    drive = Drive(definition=second(pack, "comprehensive-evaluation"))
    drive.check_in()
    made = Drawn(drive).by_act(public("venue", 2, [ZHONGSHAN, "c.example", "d.example", "e.example"]))
    if pack is NEW_BIDDING:
        with pytest.raises(DrawDiffers):
            drive.advance()
    made.to_freeze().reveal()
    made.resolve()
    (order,) = made.draw.named
    assert order is not None
    assert ZHUHAI not in order[:2]
    if pack is NEW_BIDDING:
        with pytest.raises(DrawDiffers, match=order[0]):
            drive.advance()
        ground: Object = {"opened": b64u(made.opened), "ground": "wrong-conditions", "reason": "x"}
        drive.perform("supervisor-1", "draw.annul", ground)
    drive.advance()
    audited(drive)


def test_who_was_drawn_sits_where_the_draw_of_seats_says() -> None:
    drive = OpenDrive(definition=second(NEW_PROCUREMENT))
    drive.to_holders()
    with pytest.raises(SeatingRefused):
        drive.perform("operator-1", "draw.open", public("seat", 1, ["seat-4", "seat-5"]))
    places = Drawn(drive).by_act(public("seat", 3, ["seat-2", "seat-4", "seat-5"]))
    experts = drawn(drive)
    answered(experts, [0, 0, "accepted", None], [0, 1, "accepted", None])
    with pytest.raises(NotReady):
        drive.take(seating(experts, "seat-4", 0))
    places.to_freeze().reveal()
    places.resolve()
    (order,) = places.draw.named
    assert order is not None
    first, then = (seat for seat in order if seat != "seat-2")
    with pytest.raises(SeatingRefused):
        drive.take(seating(experts, then, 0))
    drive.take(seating(experts, first, 0))
    drive.take(seating(experts, then, 1))
    audited(drive)


# --- nobody sits twice, and nobody stays seated by a draw that is none


def test_a_draw_that_seated_members_is_not_annulled_while_they_sit() -> None:
    drive = OpenDrive(definition=second(NEW_PROCUREMENT))
    drive.to_holders()
    made = drawn(drive)
    answered(made, [0, 0, "accepted", None])
    drive.take(seating(made, "seat-4", 0))
    body: Object = {"opened": b64u(made.opened), "ground": "faulty-pool", "reason": "x"}
    with pytest.raises(TooLate, match="seat-4"):
        drive.perform("supervisor-1", "draw.annul", body)
    remove(drive, "seat-4", "unfit")
    drive.perform("supervisor-1", "draw.annul", body)
    audited(drive)


def test_two_draws_seat_nobody_twice() -> None:
    """The same candidates stand in a second draw: whoever sits, or has left, is passed over there."""
    drive = OpenDrive(definition=second(NEW_PROCUREMENT), strata={"seat-4": "expert/it", "seat-5": "expert/more"})
    drive.to_holders()
    leaves = [b64u(leaf) for leaf in IT]
    body = expert_draw(drive, strata=[{"label": "expert/it", "quota": 1, "leaves": leaves}])
    one = resolved(drive, body)
    two = resolved(drive, body | {"draw": "more", "strata": [{"label": "expert/more", "quota": 1, "leaves": leaves}]})
    # Whoever is the last of the second draw would leave nobody after them.
    first = next(n for n, leaf in enumerate(one.draw.ranked[0]) if leaf != two.draw.ranked[0][-1])
    answered(one, *([0, n, "accepted" if n == first else "declined", None] for n in range(first + 1)))
    drive.take(seating(one, "seat-4", first))
    taken = two.draw.ranked[0].index(one.draw.ranked[0][first])
    answered(two, *([0, n, "accepted" if n == taken else "declined", None] for n in range(taken + 1)))
    with pytest.raises(SeatingRefused):
        drive.take(seating(two, "seat-5", taken))
    answered(two, [0, taken, "ineligible", None], [0, taken + 1, "accepted", None])
    drive.take(seating(two, "seat-5", taken + 1))
    audited(drive)


def resolved(drive: Drive, body: Object) -> Drawn:
    made = Drawn(drive).by_act(body).to_freeze().reveal()
    made.resolve()
    return made
