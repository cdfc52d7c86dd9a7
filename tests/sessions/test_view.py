"""What each role sees: never a sealed score, never another's judgement before its time (protocols.md section 3)."""

from __future__ import annotations

import pytest

from evidence.core.canonical import b64u, encode, unb64u
from sessions.core.commands import LoseVenue
from sessions.core.view import summary, view, visibility
from sessions.errors import UnknownSeat
from tests.sessions.drive import MEMBERS, SHOWN, ZHUHAI, Drive, spread

EVERYBODY = (*MEMBERS, "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2")


def whole() -> Drive:
    drive = Drive().until("done")
    drive.close()
    return drive


def see(drive: Drive, kind: str, seat: str) -> str:
    entry = next(entry for entry in drive.entries if entry.type == kind)
    return visibility(entry, drive.state, seat)


def test_views_are_canonical_json_for_every_seat_at_every_step() -> None:
    """They travel as JSON; a seat nobody knows sees nothing."""
    drive = Drive()
    original = drive.append

    def append(*args: object, **kwargs: object) -> object:
        made = original(*args, **kwargs)  # type: ignore[arg-type]
        for seat in EVERYBODY if drive.state.size % 5 == 0 else ():
            encode(view(drive.state, seat))
            for entry in made:
                assert visibility(entry, drive.state, seat) in ("full", "summary", "hash")
                encode(summary(entry, drive.state))
        return made

    drive.append = append  # type: ignore[method-assign, assignment]
    drive.until("done")
    with pytest.raises(UnknownSeat):
        view(drive.state, "seat-99")


def test_no_view_holds_a_score_before_the_opening() -> None:
    """The canary: an odd figure that stands in one sheet only."""
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.to_opening()
    canary = "13.88"
    assert any(canary.encode() in sealed.plaintext for sealed in drive.sealed.values())
    for seat in EVERYBODY:
        shown = encode(view(drive.state, seat)).decode()
        assert canary not in shown
        assert '"rows"' not in shown
    for domain in ("zhongshan.example", ZHUHAI):
        drive.release(domain)
    opened = drive.open()
    # The control: after the opening the figure is there, in entries that the committee may read.
    assert any(canary.encode() in unb64u(entry.body["p"]) for entry in opened if "p" in entry.body)
    assert visibility(opened[0], drive.state, "seat-5") == "full"
    assert visibility(opened[0], drive.state, "operator-2") == "summary"
    assert visibility(opened[0], drive.state, "room-2") == "hash"


def test_others_learn_that_a_seat_has_sealed_and_nothing_else() -> None:
    """protocols.md section 3, "Server"."""
    drive = Drive().until("detailed-review")
    (entry,) = drive.seal("seat-3", drive.sheet("seat-3", spread()["seat-3"]))
    assert summary(entry, drive.state) == {"type": "SheetSealed", "seat": "seat-3"}
    assert visibility(entry, drive.state, "seat-3") == "full"
    for seat in ("seat-1", "operator-1", "supervisor-1"):
        assert visibility(entry, drive.state, seat) == "summary"
    assert visibility(entry, drive.state, "room-1") == "hash"
    current = view(drive.state, "seat-1")["round"]
    assert (current["sealed"], current["mine"], current["safe"]) == (["seat-3"], None, [])
    assert view(drive.state, "seat-3")["round"]["mine"] == b64u(drive.round.current["seat-3"])


def test_votes_of_the_review_are_shown_when_all_are_in() -> None:
    """Independence: nobody sees another's finding before having given the own."""
    drive = Drive().until("compliance-review")
    (entry,) = drive.perform("seat-1", "review.vote", {"findings": drive.findings()})
    for seat in ("seat-2", "supervisor-1", "operator-1"):
        assert visibility(entry, drive.state, seat) == "summary"
    assert view(drive.state, "seat-2")["voted"] == ["seat-1"]
    for seat in MEMBERS[1:]:
        drive.perform(seat, "review.vote", {"findings": drive.findings()})
    assert visibility(entry, drive.state, "seat-2") == "full"
    assert visibility(entry, drive.state, "operator-2") == "summary"


def test_results_are_for_the_committee_and_those_who_watch_it() -> None:
    drive = whole()
    for seat in (*MEMBERS, "operator-1", "supervisor-1", "auditor-1"):
        assert view(drive.state, seat)["results"]["ranking"][0] == ["bidder-4", 1]
        assert see(drive, "RankingFixed", seat) == "full"
    assert view(drive.state, "operator-2")["results"] is None
    for kind in ("RankingFixed", "ScoresTallied", "SheetOpened", "SharesReleased"):
        assert see(drive, kind, "operator-2") == "summary"
    assert see(drive, "RecusalDeclared", "operator-1") == "summary"
    assert see(drive, "RecusalDeclared", "seat-1") == "full"
    assert see(drive, "RecusalDeclared", "auditor-1") == "full"


def test_a_room_sees_stage_gate_and_page_only() -> None:
    drive = whole()
    shown = view(drive.state, "room-2")
    assert not {"seats", "round", "results", "report", "valid", "voted"} & set(shown)
    kinds = {entry.type for entry in drive.entries if visibility(entry, drive.state, "room-2") == "full"}
    assert kinds == {
        "SeatBound", "RoomAdmitted", "RecordingStarted", "RecordingEnded", "StageAdvanced", "ProceedingClosed",
    }  # fmt: skip
    assert {e.act.sub for e in drive.entries if e.type == "SeatBound" and e.act} > {"room-2"}
    foreign = next(e for e in drive.entries if e.type == "SeatBound" and e.act and e.act.sub == "room-1")
    assert visibility(foreign, drive.state, "room-2") == "hash"


def todo(drive: Drive, seat: str) -> list[str]:
    found: list[str] = view(drive.state, seat)["todo"]
    return found


def test_what_is_to_be_done_leads_through_the_whole_proceeding() -> None:
    """Actors that follow `todo` alone get to the end; here its turning points."""
    drive = Drive()
    drive.found()
    assert todo(drive, "seat-1") == ["seat.bind"]
    drive.fix()
    drive.freeze_holders()
    drive.bind_all()
    assert todo(drive, "operator-2") == ["room.admit"]
    assert todo(drive, "operator-1") == ["room.admit"]
    drive.record()
    assert todo(drive, "operator-1") == []
    drive.witness()
    assert todo(drive, "operator-1") == ["stage.advance"]
    assert todo(drive, "operator-2") == []
    drive.advance()
    assert todo(drive, "seat-1") == ["commitment.sign", "recusal.declare"]
    drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    assert todo(drive, "seat-1") == ["recusal.declare"]
    drive.perform("seat-1", "recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN})
    drive.declare(MEMBERS[1:])
    drive.advance()
    assert todo(drive, "seat-3") == ["ballot.seal"]
    for seat in MEMBERS:
        drive.seal(seat, drive.ballot(seat, "seat-1"))
    assert (todo(drive, "seat-3"), todo(drive, "operator-1")) == ([], [])
    drive.acknowledge()
    assert todo(drive, "operator-1") == ["round.freeze"]
    drive.freeze()
    assert todo(drive, "seat-3") == ["freeze.ok"]
    assert todo(drive, "supervisor-1") == []
    drive.confirm()
    assert todo(drive, "seat-3") == []


def test_a_rejected_seal_is_to_be_sealed_again() -> None:
    drive = Drive().until("detailed-review")
    act = drive.seal("seat-1", drive.sheet("seat-1", spread()["seat-1"]))[0].act
    assert act is not None
    assert todo(drive, "seat-1") == []
    drive.perform(ZHUHAI, "share.reject", {"act": b64u(act.id), "index": 2, "code": "untrusted"})
    assert todo(drive, "seat-1") == ["sheet.reseal"]
    assert view(drive.state, "seat-1")["round"]["rejected"] == [ZHUHAI]


def test_the_supervisor_is_asked_unless_there_is_a_dispute() -> None:
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.acknowledge()
    drive.freeze()
    assert todo(drive, "supervisor-1") == ["opening.approve"]
    freeze = drive.round.freeze
    assert freeze is not None
    drive.perform("seat-1", "freeze.dispute", {"freeze": b64u(freeze.leaf)})
    assert (todo(drive, "supervisor-1"), todo(drive, "seat-1")) == ([], [])
    drive.confirm()
    drive.approve()
    assert todo(drive, "supervisor-1") == []


def test_a_lost_seat_resumes_before_anything_else() -> None:
    drive = Drive().until("declarations")
    drive.execute(LoseVenue("venue-3", 40))
    assert todo(drive, "seat-5") == ["seat.resume"]
    assert todo(drive, "room-3") == ["seat.resume"]
    assert todo(drive, "seat-1") == []
    assert view(drive.state, "seat-1")["venues"]["venue-3"]["lost"]
    assert view(drive.state, "operator-3")["pauses"] == [["venue-lost", "venue-3"]]


def test_signing_and_closing_are_asked_for_in_turn() -> None:
    drive = Drive().until("signing")
    assert todo(drive, "seat-2") == ["report.sign"]
    drive.authorise("seat-1")
    assert todo(drive, "seat-2") == []
    drive = whole()
    assert all(todo(drive, seat) == [] for seat in EVERYBODY)


def test_a_recused_member_sees_no_more() -> None:
    """政府采购法实施条例 9."""
    drive = Drive().until("declarations")
    drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    drive.perform("seat-1", "recusal.declare", {"recuse": True, "grounds": ["other-relation"], "shown": SHOWN})
    shown = view(drive.state, "seat-1")
    assert "round" not in shown
    assert shown["todo"] == []
    (entry,) = drive.perform("seat-2", "commitment.sign", {"shown": SHOWN})
    assert visibility(entry, drive.state, "seat-1") == "hash"
