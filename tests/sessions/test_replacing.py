"""A member leaves and another comes by the same random way (87号令 49, 实施条例 48; protocols.md section 3)."""

from __future__ import annotations

import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender
from evaluation.errors import (
    CommitteeRefused,
    DeclarationRefused,
    NoSuchFreeze,
    NotRequired,
    StageIncomplete,
    TooLate,
)
from evaluation.step_errors import LeavingRefused, QuestionRefused
from evidence.core.canonical import Object, b64u, encode
from evidence.errors import Malformed
from sessions.core import duties
from sessions.core.commands import OpenLot
from sessions.core.todo import todo
from sessions.core.view import view, visibility
from sessions.errors import CommandRefused, SeatingRefused, UnknownSeat, WrongRole
from tests.ranking.logs import ranked_alike
from tests.sessions.draws import TIED, Drawn, audited, tie, tie_between
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, MEMBERS, ZHUHAI, Drive, spread
from tests.sessions.newcomers import answered, arrive, drawn, person, redo, remove, score_as, seating, succeed
from tests.sessions.rounds import copy_of

LEFT = "seat-5"


@pytest.fixture(scope="module")
def ready() -> Drive:
    """At the detailed review, with a draw of experts whose reserves are known."""
    drive = Drive().until("declarations")
    drawn(drive)
    return drive.until("detailed-review")


def game(ready: Drive) -> tuple[Drive, Drawn]:
    drive = copy_of(ready)
    return drive, Drawn(drive, opened=drive.state.drawing.draws[0].leaf)


def finish(drive: Drive, members: tuple[str, ...]) -> None:
    """To the end, signed by exactly these members."""
    drive.advance()
    drive.advance()
    names = dict.fromkeys(drive.state.people, ("新来者", "某大学"))
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries, names)
    assert {"MemberRemoved", "MemberSeated"} <= {each["type"] for each in content["other"]["incidents"]}
    assert render(content).startswith(b"%PDF")
    ranked_alike(drive)
    drive.freeze_report()
    drive.advance()
    drive.rank_all()
    for seat in members:
        drive.sign(seat)
    drive.advance()
    drive.close()
    audited(drive)


def test_before_the_freeze_others_seals_stand_and_the_newcomer_does_everything(ready: Drive) -> None:
    """Table of cases: "member recused or replaced"; the round goes on, the leaver's seal stays closed."""
    drive, made = game(ready)
    for seat in MEMBERS:
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.acknowledge()
    own = drive.round.current[LEFT]
    entries = remove(drive, LEFT)
    assert [entry.type for entry in entries] == ["MemberRemoved", "SheetVoided"]
    assert entries[0].act is not None
    assert entries[1].body == {"act": b64u(own), "ground": "absent", "decision": b64u(entries[0].act.id)}
    assert own in drive.round.seals
    with pytest.raises(CommitteeRefused):
        drive.freeze()
    with pytest.raises(WrongRole):
        drive.perform(LEFT, "incident.note", {"seat": None, "text": "x"})
    seated = succeed(made, LEFT)
    assert [entry.type for entry in seated] == ["MemberSeated", "StageReturned", "CaseDisclosed"]
    assert drive.state.stage == "declarations"
    assert drive.state.evaluation.seats == (*MEMBERS[:-1], "seat-6")
    arrive(drive, "seat-6")
    assert todo(drive.state, drive.state.seat("seat-6")) == ["commitment.sign", "recusal.declare"]
    assert not todo(drive.state, drive.state.seat("seat-1"))
    redo(drive, "seat-6", "detailed-review")
    assert drive.round.number == 1
    assert drive.round.unsafe(2) == ("seat-6",)
    score_as(drive, "seat-6", LEFT)
    drive.to_opening()
    assert own not in drive.round.listed
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    assert {read.seat for read in drive.state.evaluation.sheets()} == {*MEMBERS[:-1], "seat-6"}
    finish(drive, (*MEMBERS[:-1], "seat-6"))


def test_a_freeze_that_nobody_approved_is_thawed(ready: Drive) -> None:
    """No share can have left: the freeze is gone, and with it the answers to it."""
    drive, made = game(ready)
    for seat in MEMBERS:
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.acknowledge()
    drive.freeze()
    freeze = drive.round.freeze
    assert freeze is not None
    drive.confirm(MEMBERS[:2])
    remove(drive, LEFT)
    assert drive.round.freeze is None
    with pytest.raises(NoSuchFreeze):
        drive.perform("supervisor-1", "opening.approve", {"freeze": b64u(freeze.leaf), "silent": list(MEMBERS)})
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "detailed-review")
    score_as(drive, "seat-6", LEFT)
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    finish(drive, (*MEMBERS[:-1], "seat-6"))


def test_what_is_agreed_to_be_opened_is_opened_first(ready: Drive) -> None:
    drive, _ = game(ready)
    for seat in MEMBERS:
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.to_opening()
    with pytest.raises(LeavingRefused):
        remove(drive, LEFT)
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    remove(drive, LEFT)
    audited(drive)


def test_after_the_opening_only_the_newcomer_scores_and_sees_no_sheet_before(ready: Drive) -> None:
    """Table of cases: "the new member's seat is not sent opened sheets"."""
    drive, made = game(ready)
    drive.score()
    remove(drive, LEFT, "unfit")
    assert {read.seat for read in drive.state.evaluation.sheets()} == set(MEMBERS[:-1])
    with pytest.raises(CommitteeRefused):
        drive.advance()
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "detailed-review")
    assert (drive.round.number, drive.round.required) == (2, ("seat-6",))
    opened = [entry for entry in drive.entries if entry.type == "SheetOpened"]
    assert {visibility(entry, drive.state, "seat-6") for entry in opened[-5:]} == {"summary"}
    assert {visibility(entry, drive.state, "seat-1") for entry in opened[-5:]} == {"full"}
    assert view(drive.state, "seat-6")["steps"]["checks"] == {"objective": [], "abnormal": []}
    with pytest.raises(StageIncomplete):
        drive.advance()
    score_as(drive, "seat-6", LEFT)
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    assert {visibility(entry, drive.state, "seat-6") for entry in opened[-5:]} == {"full"}
    finish(drive, (*MEMBERS[:-1], "seat-6"))


def test_a_result_that_was_tallied_is_made_anew(ready: Drive) -> None:
    """The tally without the leaver's sheet is another; the old one stays in the log."""
    drive, made = game(ready)
    drive.score()
    drive.advance()
    remove(drive, "seat-4")
    succeed(made, "seat-4")
    assert drive.state.evaluation.ranking is None
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "detailed-review")
    score_as(drive, "seat-6", "seat-1")
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    finish(drive, ("seat-1", "seat-2", "seat-3", "seat-5", "seat-6"))
    assert sum(entry.type == "RankingFixed" for entry in drive.entries) == 2


def test_another_finding_of_the_newcomer_makes_all_score_anew(ready: Drive) -> None:
    """A bid that comes back to life was scored by nobody: the standing sheets are void."""
    drive = Drive().until("declarations")
    made = drawn(drive)
    drive.until("compliance-review")
    drive.review({seat: [("bidder-1", "letter")] for seat in ("seat-1", "seat-2", LEFT)})
    drive.advance()
    assert drive.round.bidders == ("bidder-2", "bidder-3", "bidder-4")
    drive.seal("seat-1", drive.sheet("seat-1", spread()["seat-1"]))
    remove(drive, LEFT)
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "detailed-review")
    assert drive.state.evaluation.valid == ("bidder-1", "bidder-2", "bidder-3", "bidder-4")
    assert (drive.round.number, drive.round.current) == (2, {})
    assert [found.void for found in drive.state.evaluation.rounds if found.purpose == "sheet"] == [True, False]
    audited(drive)


def test_a_chair_who_leaves_is_elected_anew(ready: Drive) -> None:
    drive, made = game(ready)
    assert drive.state.evaluation.chair == "seat-1"
    remove(drive, "seat-1")
    assert drive.state.evaluation.chair is None
    succeed(made, "seat-1")
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "chair-election")
    committee = ("seat-2", "seat-3", "seat-4", "seat-5", "seat-6")
    assert drive.round.required == committee
    assert drive.round.choices == ("seat-2", "seat-4", "seat-5", "seat-6")
    drive.vote(dict.fromkeys(committee, "seat-6"))
    assert drive.state.evaluation.chair == "seat-6"
    audited(drive)


def test_a_second_election_may_end_in_a_lot_of_its_own() -> None:
    """Domain study 1.5: rounds are bounded and then the lot decides, as often as a drawn chair has to be succeeded."""
    drive = Drive().until("declarations")
    made = drawn(drive)
    tie(drive)
    Drawn(drive).lot().to_freeze().reveal().resolve()
    first = drive.state.evaluation.chair
    assert first in TIED
    remove(drive, first)
    succeed(made, first)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "chair-election")
    committee = drive.round.required
    tie_between(drive, ("seat-4", "seat-6"), "seat-5", committee)
    assert OpenLot("lot/chair-2") in duties.duties(drive.state)
    with pytest.raises(CommandRefused):
        drive.execute(OpenLot("lot/chair"))
    old: Object = {"opened": b64u(drive.state.drawing.draws[1].leaf), "ground": "wrong-conditions", "reason": "x"}
    with pytest.raises(TooLate):
        drive.perform("supervisor-1", "draw.annul", old)
    Drawn(drive).lot("lot/chair-2").to_freeze().reveal().resolve()
    assert drive.state.evaluation.chair in ("seat-4", "seat-6")
    drive.advance()
    audited(drive)


def test_an_election_has_its_own_three_rounds_also_where_the_elected_chair_leaves_at_once() -> None:
    drive = Drive().until("declarations")
    made = drawn(drive)
    drive.until("chair-election")
    drive.vote(dict(zip(MEMBERS, ("seat-1", "seat-1", "seat-2", "seat-2", "seat-4"), strict=True)))
    drive.vote(dict(zip(MEMBERS, ("seat-1", "seat-1", "seat-2", "seat-2", "seat-1"), strict=True)))
    remove(drive, "seat-1")
    succeed(made, "seat-1")
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "chair-election")
    tie_between(drive, ("seat-4", "seat-6"), "seat-5", drive.round.required)
    assert OpenLot("lot/chair") in duties.duties(drive.state)
    audited(drive)


def test_a_ballot_that_is_not_opened_is_void_when_a_candidate_leaves() -> None:
    drive = Drive().until("declarations")
    made = drawn(drive)
    drive.until("chair-election")
    for seat in MEMBERS:
        drive.seal(seat, drive.ballot(seat, LEFT))
    drive.acknowledge()
    drive.freeze()
    entries = remove(drive, LEFT)
    assert [entry.type for entry in entries] == ["MemberRemoved", "SheetVoided"]
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "chair-election")
    assert drive.round.number == 2
    committee = (*MEMBERS[:-1], "seat-6")
    drive.vote(dict.fromkeys(committee, "seat-6"))
    assert drive.state.evaluation.chair == "seat-6"
    audited(drive)


def test_votes_of_the_leaver_are_taken_back_and_kept(ready: Drive) -> None:
    drive = Drive().until("declarations")
    made = drawn(drive)
    drive.until("compliance-review")
    for seat in MEMBERS[1:]:
        drive.perform(seat, "review.vote", {"findings": drive.findings()})
    remove(drive, LEFT)
    drive.perform("seat-1", "review.vote", {"findings": drive.findings()})
    assert drive.state.evaluation.valid is None
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "detailed-review")
    assert set(drive.state.evaluation.votes) == {*MEMBERS[:-1], "seat-6"}
    assert sum(entry.type == "ReviewVoted" for entry in drive.entries) == 6
    audited(drive)


def test_a_request_for_recusal_is_decided_by_the_supervisor_with_the_reason(ready: Drive) -> None:
    """政府采购法 12: a supplier may ask for it; an operator brings the request, and the stage waits for the answer."""
    drive, _ = game(ready)
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    asked: Object = {"seat": LEFT, "from": "supplier", "ground": ground, "text": "投标人二来函：其配偶任我公司监事"}
    for wrong in ({"seat": "operator-1"}, {"from": "nobody"}, {"ground": "dislike"}, {"text": " "}):
        with pytest.raises((NotRequired, DeclarationRefused, QuestionRefused, Malformed)):
            drive.perform("operator-1", "recusal.request", asked | wrong)
    (entry,) = drive.perform("operator-2", "recusal.request", asked)
    assert entry.act is not None
    assert visibility(entry, drive.state, "seat-1") == "summary"
    assert visibility(entry, drive.state, "supervisor-1") == "full"
    assert "recusal.decide" in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.score()
    with pytest.raises(StageIncomplete):
        drive.advance()
    name = b64u(entry.act.id)
    for seat in ("operator-1", "seat-1", "auditor-1"):
        with pytest.raises(WrongRole):
            drive.perform(seat, "recusal.decide", {"request": name, "recuse": True, "reason": "x"})
    with pytest.raises(LeavingRefused):
        drive.perform("supervisor-1", "recusal.decide", {"request": b64u(bytes(32)), "recuse": True, "reason": "x"})
    granted = drive.perform("supervisor-1", "recusal.decide", {"request": name, "recuse": True, "reason": "查证属实"})
    assert [each.type for each in granted] == ["RecusalDecided", "MemberRecused", "SheetVoided"]
    assert drive.state.evaluation.vacant == (LEFT,)
    (entry,) = drive.perform("seat-2", "recusal.request", asked | {"seat": "seat-4", "from": "member"})
    assert entry.act is not None
    refused_ = {"request": b64u(entry.act.id), "recuse": False, "reason": "无事实依据"}
    assert [each.type for each in drive.perform("supervisor-1", "recusal.decide", refused_)] == ["RecusalDecided"]
    assert "seat-4" in drive.state.evaluation.seats
    audited(drive)


def test_nobody_chooses_who_comes(ready: Drive) -> None:
    """In order, none skipped, by the custodian; a place that is free, and its next seat; one disclosure of its own."""
    drive, made = game(ready)
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-6", 0, LEFT))
    remove(drive, LEFT)
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-6", 0, LEFT))
    answered(made, [0, 0, "declined", None], [0, 1, "accepted", None], [1, 0, "accepted", None])
    for wrong in (
        seating(made, "seat-6", 0, LEFT),
        seating(made, "seat-7", 1, LEFT),
        seating(made, "seat-6", 1, "seat-4"),
        seating(made, "seat-6", 1, None),
        seating(made, "seat-6", 1, LEFT, stratum=7),
        made.drive.act(FINANCE, "member.seat", dict(seating(made, "seat-6", 1, LEFT).body)),
        seating(made, "seat-6", 1, LEFT, source={"kind": "friend"}),
    ):
        with pytest.raises((SeatingRefused, UnknownSeat, WrongRole)):
            drive.take(wrong)
    right = seating(made, "seat-6", 1, LEFT)
    for other in (ZHUHAI, MAIN, "supervisor-1"):
        with pytest.raises(WrongRole):
            drive.take(drive.act(other, "member.seat", dict(right.body), sd=right.sd))
    drive.take(right)
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-7", 0, LEFT, stratum=1))
    audited(drive)


def test_on_a_fixed_roster_an_external_draw_is_stated_first(ready: Drive) -> None:
    drive, _ = game(ready)
    remove(drive, LEFT)
    body: Object = {"seat": "seat-6", "replaces": LEFT, "source": {"kind": "external", "label": "expert/province"}}
    act = drive.act("supervisor-1", "member.seat", body, sd=(person("seat-6").digest,))
    with pytest.raises(SeatingRefused):
        drive.take(act)
    stated: Object = {"label": "expert/province", "reference": "省库 2026-117", "evidence": b64u(bytes(32))}
    drive.perform("supervisor-1", "draw.external", stated)
    drive.take(drive.act("supervisor-1", "member.seat", body, sd=(person("seat-6").digest,)))
    assert drive.state.seated["seat-6"].kind == "external"
    audited(drive)


def test_the_buyers_representative_is_replaced_by_the_buyers_letter(ready: Drive) -> None:
    drive, made = game(ready)
    remove(drive, "seat-3", "unfit")
    answered(made, [0, 0, "accepted", None])
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-6", 0, "seat-3"))
    body: Object = {"seat": "seat-6", "replaces": "seat-3", "source": {"kind": "buyer", "document": b64u(bytes(32))}}
    drive.take(drive.act("supervisor-1", "member.seat", body, sd=(person("seat-6").digest,)))
    assert drive.state.seat("seat-6").role == "buyer-representative"
    audited(drive)


def test_where_no_reserve_is_left_it_is_ended(ready: Drive) -> None:
    """87号令 49: stop, seal, a new committee; all opinions are void and kept."""
    drive, made = game(ready)
    remove(drive, LEFT)
    answered(made, *[[0, i, "declined", None] for i in range(len(made.draw.ranked[0]))])
    with pytest.raises(SeatingRefused):
        drive.take(seating(made, "seat-6", 0, LEFT))
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "备选专家均不能到场，依法重新组建评标委员会"})
    audited(drive)


def test_a_newcomer_may_recuse_and_the_next_one_comes(ready: Drive) -> None:
    drive, made = game(ready)
    drive.seal("seat-1", drive.sheet("seat-1", spread()["seat-1"]))
    remove(drive, LEFT)
    succeed(made, LEFT)
    arrive(drive, "seat-6")
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    shown = b64u(bytes(32))
    drive.perform("seat-6", "recusal.declare", {"recuse": True, "grounds": [ground], "shown": shown})
    assert drive.state.evaluation.vacant == ("seat-6",)
    answered(made, [0, 0, "recused", None], [0, 1, "accepted", None])
    drive.take(seating(made, "seat-7", 1, "seat-6"))
    arrive(drive, "seat-7")
    redo(drive, "seat-7", "detailed-review")
    assert drive.round.required == (*MEMBERS[:-1], "seat-7")
    audited(drive)


def test_a_presenter_who_leaves_presents_no_more(ready: Drive) -> None:
    drive, _ = game(ready)
    drive.perform("operator-1", "presenter.hand-over", {"to": LEFT})
    remove(drive, LEFT)
    assert drive.state.presenter == "operator-1"
