"""A committee that is drawn: open seats, filled by the answers in their order (87号令 48, 实施条例 46 and 47)."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.core.rules.shelf import Pack
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import Malformed
from sessions.core.roster import DESIGNATED
from sessions.core.seating import undrawn
from sessions.core.todo import todo
from sessions.core.view import view
from sessions.errors import (
    ExpertsUndrawn,
    FoundingRefused,
    MemberMismatch,
    NotReady,
    SeatingRefused,
    SeatIsOpen,
    WrongRole,
)
from tests.evaluation.packs import (
    ANSWERED_BIDDING,
    ANSWERED_PROCUREMENT,
    NEW_BIDDING,
    NEW_PROCUREMENT,
    PROCUREMENT,
    second,
)
from tests.recompute_draw import recompute, seated
from tests.sessions.draws import audited
from tests.sessions.drive import FINANCE, MEMBERS, ZHONGSHAN, Drive
from tests.sessions.newcomers import OpenDrive, answered, arrive, drawn, person, redo, remove, seating

APPROVAL: Object = {"reference": "主管预算单位批复 2026-9", "document": b64u(sha256(b"approval"))}


def test_the_draw_seats_the_members_and_its_reserves_those_who_replace_them() -> None:
    """From open seats to the end: two decline, the next ones come, one leaves later and the next reserve follows."""
    drive = OpenDrive()
    drive.to_holders()
    assert view(drive.state, "supervisor-1")["open"] == ["seat-2", "seat-4", "seat-5"]
    made = drawn(drive)
    with pytest.raises(SeatIsOpen):
        drive.bind("seat-4")
    answered(made, [0, 0, "declined", None], [0, 1, "accepted", None], [0, 2, "no-answer", None])
    answered(made, [0, 3, "accepted", None], [1, 0, "accepted", None])
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-5", 1))
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-4", 3))
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-1", 1))
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-2", 1))
    drive.take(seating(made, "seat-4", 1))
    drive.take(seating(made, "seat-5", 3))
    drive.take(seating(made, "seat-2", 0, stratum=1))
    assert view(drive.state, "supervisor-1")["open"] == []
    drive.bind_all()
    drive.record()
    drive.witness()
    drive.advance()
    drive.until("compliance-review")
    remove(drive, "seat-5")
    answered(made, [0, 3, "recused", None], [0, 4, "accepted", None])
    drive.take(seating(made, "seat-6", 4, "seat-5"))
    assert drive.state.seat("seat-6").stratum == "expert/law"
    log = [entry.data for entry in drive.entries]
    recompute(log)
    law, it = made.draw.ranked
    expected = {"seat-4": law[1], "seat-5": law[3], "seat-6": law[4], "seat-2": it[0]}
    assert seated(log) == {seat: leaf.hex() for seat, leaf in expected.items()}
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "compliance-review")
    for seat in drive.state.signers:
        drive.perform(seat, "review.vote", {"findings": drive.findings()})
    drive.advance()
    assert drive.round.required == (*MEMBERS[:-1], "seat-6")
    audited(drive)


def test_check_in_waits_for_open_seats_and_an_expert_may_leave_before_the_start() -> None:
    drive = OpenDrive()
    drive.to_holders()
    made = drawn(drive)
    answered(made, [0, 0, "accepted", None], [0, 1, "accepted", None], [1, 0, "accepted", None])
    drive.take(seating(made, "seat-4", 0))
    with pytest.raises(NotReady):
        drive.advance()
    drive.take(seating(made, "seat-5", 1))
    drive.take(seating(made, "seat-2", 0, stratum=1))
    remove(drive, "seat-4", "unfit")
    answered(made, [0, 0, "ineligible", None], [0, 2, "accepted", None])
    entries = drive.take(seating(made, "seat-6", 2, "seat-4"))
    assert [entry.type for entry in entries] == ["MemberSeated"]
    audited(drive)


def test_the_draw_fills_exactly_the_open_seats() -> None:
    """Whoever draws more than are needed has a choice afterwards."""
    drive = OpenDrive()
    drive.to_holders()
    for strata in ({"seat-4": "expert/law"}, {"seat-4": "expert/law", "seat-5": "expert/it", "seat-2": "expert/it"}):
        other = OpenDrive(strata=strata)
        other.to_holders()
        with pytest.raises(SeatingRefused):
            drawn(other)
    drawn(drive)


def test_a_drawn_place_takes_nobody_by_name() -> None:
    """实施条例 46: nobody designates, openly or in disguise."""
    drive = OpenDrive()
    drive.to_holders()
    made = drawn(drive)
    answered(made, [0, 0, "accepted", None])
    for source in (
        {"kind": "external", "label": "expert/law"},
        {"kind": "designated", "document": b64u(sha256(b"approval"))},
        {"kind": "buyer", "document": b64u(bytes(32))},
    ):
        body: Object = {"seat": "seat-4", "replaces": None, "source": source}
        with pytest.raises(SeatingRefused):
            drive.take(drive.act("supervisor-1", "member.seat", body, sd=(person("seat-4").digest,)))
        with pytest.raises(WrongRole):
            drive.take(drive.act(ZHONGSHAN, "member.seat", body, sd=(person("seat-4").digest,)))


def test_a_special_project_founds_with_the_approval_and_names_its_members() -> None:
    """实施条例 47: the approval stands in the founding, before anybody sits."""
    strata = {"seat-4": DESIGNATED}
    for special in (None, {"reference": " ", "document": b64u(bytes(32))}, {"reference": "x", "document": "x"}):
        with pytest.raises((FoundingRefused, Malformed)):
            OpenDrive(strata=strata, special=special).found()
    with pytest.raises(FoundingRefused):
        OpenDrive(strata={}, special=APPROVAL).found()
    drive = OpenDrive(strata=strata, special=APPROVAL)
    drive.to_holders()

    def name(document: str, by: str = "supervisor-1") -> None:
        source: Object = {"kind": "designated", "document": document}
        body: Object = {"seat": "seat-4", "replaces": None, "source": source}
        drive.take(drive.act(by, "member.seat", body, sd=(person("seat-4").digest,)))

    with pytest.raises(SeatingRefused):
        name(b64u(bytes(32)))
    with pytest.raises(WrongRole):
        name(str(APPROVAL["document"]), FINANCE)
    name(str(APPROVAL["document"]))
    assert drive.state.seated["seat-4"].kind == "designated"
    audited(drive)


@pytest.mark.parametrize("stratum", ["law", "venue", "lot/chair", "", 7])
def test_an_open_seat_names_a_label_of_experts(stratum: Any) -> None:
    with pytest.raises((FoundingRefused, DrawRefused, Malformed)):
        OpenDrive(strata={"seat-4": stratum}).found()
    with pytest.raises(FoundingRefused):
        OpenDrive(strata={"seat-3": "expert/law"}).found()


def test_the_definition_names_exactly_who_sits() -> None:
    drive = OpenDrive()
    drive.definition = Drive().definition
    drive.found()
    with pytest.raises(MemberMismatch):
        drive.fix()


def test_the_supervisor_is_told_that_no_reserve_is_left() -> None:
    """87号令 49: stop, seal, a new committee."""
    drive = OpenDrive()
    drive.to_holders()
    made = drawn(drive)
    last = len(made.draw.ranked[0])
    answered(made, *[[0, i, "no-answer", None] for i in range(last - 1)])
    assert "proceeding.abort" not in todo(drive.state, drive.state.seat("supervisor-1"))
    answered(made, [0, last - 1, "accepted", None])
    assert "proceeding.abort" not in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.take(seating(made, "seat-4", last - 1))
    assert "proceeding.abort" in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "备选专家不足"})
    audited(drive)


@pytest.mark.parametrize("pack", [NEW_PROCUREMENT, NEW_BIDDING], ids=lambda pack: pack.key[0])
def test_check_in_waits_until_it_is_said_where_the_experts_were_drawn(pack: Pack) -> None:
    """实施条例 46, 87号令 48: nobody designates; a fixed roster needs another authority's draw, with its record."""
    drive = roster(pack)
    experts = [seat.id for seat in drive.state.members if seat.role == "expert"]
    assert view(drive.state, "supervisor-1")["undrawn"] == experts
    assert ["undrawn", experts] in view(drive.state, "operator-1")["awaited"]
    assert "draw.external" in todo(drive.state, drive.state.seat("supervisor-1"))
    assert "stage.advance" not in todo(drive.state, drive.state.seat("operator-1"))
    with pytest.raises(ExpertsUndrawn, match=pack.source("draw")):
        drive.advance()
    # A draw of venues says nothing of experts.
    drive.perform("supervisor-1", "draw.external", {"label": "venue", "reference": "7", "evidence": b64u(bytes(32))})
    with pytest.raises(ExpertsUndrawn):
        drive.advance()
    drive.state_the_draw()
    assert view(drive.state, "supervisor-1")["undrawn"] == []
    assert "draw.external" not in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.witness()
    drive.advance()
    audited(drive)


def test_an_older_pack_asks_nothing_of_a_roster() -> None:
    """A log that was begun under it goes on as it was."""
    drive = roster(PROCUREMENT)
    assert view(drive.state, "supervisor-1")["undrawn"] == []
    drive.advance()


def test_whom_the_draw_seated_needs_no_further_word() -> None:
    """The newest pack: two drawn here, one designated with the founding's approval; the rest are the fixed roster's."""
    strata = {"seat-4": "expert/law", "seat-5": "expert/law", "seat-2": DESIGNATED, "seat-1": "expert/it"}
    drive = OpenDrive(definition=second(NEW_PROCUREMENT), strata=strata, special=APPROVAL)
    drive.to_holders()
    made = drawn(drive)
    answered(made, [0, 0, "accepted", None], [0, 1, "accepted", None], [1, 0, "accepted", None])
    drive.take(seating(made, "seat-4", 0))
    drive.take(seating(made, "seat-5", 1))
    drive.take(seating(made, "seat-1", 0, stratum=1))
    body: Object = {"seat": "seat-2", "replaces": None}
    named = body | {"source": {"kind": "designated", "document": str(APPROVAL["document"])}}
    drive.take(drive.act("supervisor-1", "member.seat", named, sd=(person("seat-2").digest,)))
    assert view(drive.state, "supervisor-1")["undrawn"] == []
    drive.bind_all()
    drive.record()
    drive.witness()
    drive.advance()
    audited(drive)


def roster(pack: Pack) -> Drive:
    """Everything of a check-in under this pack but the word of the draw."""
    method = "comprehensive-scoring" if pack.regime == PROCUREMENT.regime else "comprehensive-evaluation"
    drive = Drive(definition=second(pack, method))
    drive.found()
    drive.fix()
    drive.freeze_holders()
    drive.bind_all()
    drive.record()
    drive.witness()
    return drive


@pytest.mark.parametrize("pack", [ANSWERED_PROCUREMENT, ANSWERED_BIDDING], ids=lambda pack: pack.key[0])
def test_each_expert_who_was_drawn_elsewhere_is_named_by_the_statement(pack: Pack) -> None:
    """实施条例 46: nobody is designated under the cover of a statement about others; two systems, two statements."""
    drive = roster(pack)
    first, *others = undrawn(drive.state)
    said: Object = {"label": "expert/law", "reference": "17", "evidence": b64u(bytes(32))}
    for wrong in ([], ["seat-99"], [first, first], ["operator-1"]):
        with pytest.raises(SeatingRefused):
            drive.perform("supervisor-1", "draw.external", said | {"seats": wrong})
    with pytest.raises(Malformed):
        drive.perform("supervisor-1", "draw.external", said)
    drive.perform("supervisor-1", "draw.external", said | {"seats": [first]})
    assert view(drive.state, "supervisor-1")["undrawn"] == others
    with pytest.raises(ExpertsUndrawn):
        drive.advance()
    # Nobody is named twice, nor after all are.
    with pytest.raises(SeatingRefused):
        drive.perform("supervisor-1", "draw.external", said | {"label": "expert/it", "seats": [first]})
    drive.perform("supervisor-1", "draw.external", said | {"label": "expert/it", "seats": others})
    drive.witness()
    drive.advance()
    audited(drive)


def test_no_package_is_drawn_inside_of_a_proceeding_which_is_one() -> None:
    """Groups draw packages before their proceedings are founded; logs under older packs are read as they were."""
    said: Object = {"label": "package/3", "reference": "17", "evidence": b64u(bytes(32))}
    drive = roster(ANSWERED_PROCUREMENT)
    with pytest.raises(DrawRefused, match="第三十九条"):
        drive.perform("supervisor-1", "draw.external", said)
    roster(NEW_PROCUREMENT).perform("supervisor-1", "draw.external", said)
