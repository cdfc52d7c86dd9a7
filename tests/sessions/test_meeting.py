"""Rooms, recordings, the shared page, lost venues and pauses (docs/protocol.md 2.2, protocols.md section 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import EvidenceError, Malformed
from sessions.core.commands import (
    CloseSegments,
    EndRecording,
    LoseRecording,
    LoseVenue,
    RegainRecording,
    StartRecording,
)
from sessions.core.view import view
from sessions.errors import (
    Aborted,
    ActGap,
    AlreadyFixed,
    CommandRefused,
    NotAdmitted,
    NotBound,
    NotLost,
    NotPaused,
    Paused,
    SegmentRefused,
    SessionError,
    UnknownPage,
    UnknownRoom,
    UnknownSeat,
    UnknownVenue,
    WrongRole,
    WrongVenue,
)
from tests.sessions.drive import DOCUMENT, SHOWN, Drive, segment

REASON = {"reason": "午休"}


@pytest.fixture
def drive() -> Drive:
    return Drive().until("declarations")


def resume(drive: Drive, seat: str, **more: Any) -> list[str]:
    ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
    body: Object = {"offline": [], "ctr": ctr, "server_ctr": ctr, **more}
    return [entry.type for entry in drive.perform(seat, "seat.resume", body)]


# --- venues


def test_a_lost_venue_pauses_until_all_its_seats_have_resumed(drive: Drive) -> None:
    """The last `seat.resume` brings `VenueRejoined` and `ProceedingResumed` in the same append."""
    lost = drive.execute(LoseVenue("venue-3", 40))
    assert [entry.type for entry in lost] == ["VenueLost", "ProceedingPaused"]
    assert drive.state.gate == "paused"
    with pytest.raises(Paused):
        drive.declare(["seat-1"])
    assert resume(drive, "seat-5") == ["SeatResumed"]
    assert resume(drive, "room-3") == ["SeatResumed"]
    with pytest.raises(Paused):
        drive.declare(["seat-5"])
    assert resume(drive, "operator-3") == ["SeatResumed", "VenueRejoined", "ProceedingResumed"]
    assert drive.state.gate == "open"
    seen = drive.entries[-3].act
    assert seen is not None
    assert drive.entries[-1].body == {"venues": [["venue-3", seen.seen[0], b64u(seen.seen[1])]]}
    drive.declare()


def test_only_the_lost_seats_resume_and_each_once(drive: Drive) -> None:
    with pytest.raises(NotPaused):
        resume(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    with pytest.raises(NotLost):
        resume(drive, "seat-4")
    with pytest.raises(NotLost):
        resume(drive, "supervisor-1")
    resume(drive, "seat-5")
    with pytest.raises(NotLost):
        resume(drive, "seat-5")
    with pytest.raises(AlreadyFixed):
        drive.execute(LoseVenue("venue-3", 41))


def test_a_resuming_seat_knows_its_own_last_act(drive: Drive) -> None:
    """protocols.md section 6: last own ctr and the server's."""
    drive.execute(LoseVenue("venue-3", 40))
    for wrong in ({"ctr": 7}, {"server_ctr": 7}, {"ctr": 0, "server_ctr": 0}):
        with pytest.raises(ActGap):
            resume(drive, "seat-5", **wrong)
    with pytest.raises(CommandRefused):
        resume(drive, "seat-5", offline=[b64u(sha256(b"act"))])
    with pytest.raises(Malformed):
        resume(drive, "seat-5", ctr="1")


def test_several_causes_hold_at_once(drive: Drive) -> None:
    """docs/protocol.md 2.2: paused while at least one holds."""
    drive.execute(LoseVenue("venue-2", 40))
    drive.execute(LoseVenue("venue-3", 40))
    drive.execute(LoseRecording("room-3"))
    drive.perform("supervisor-1", "proceeding.pause", REASON)
    for seat in ("seat-4", "operator-2", "room-2"):
        resume(drive, seat)
    drive.execute(RegainRecording("room-3"))
    for seat in ("seat-5", "operator-3", "room-3"):
        resume(drive, seat)
    assert drive.state.pauses == {("ordered", "")}
    drive.perform("operator-1", "proceeding.resume", REASON)
    assert drive.state.gate == "open"


def test_a_loss_names_a_venue_of_this_proceeding(drive: Drive) -> None:
    with pytest.raises(UnknownVenue):
        drive.execute(LoseVenue("venue-9", 1))
    for size in (-1, drive.state.size + 1):
        with pytest.raises(CommandRefused):
            drive.execute(LoseVenue("venue-2", size))
    empty = Drive()
    empty.found()
    with pytest.raises(NotBound):
        empty.execute(LoseVenue("venue-2", 1))


# --- ordered pauses and the end


def test_an_ordered_pause_has_a_reason_and_an_end(drive: Drive) -> None:
    for bad in ({"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": 1}, {}):
        with pytest.raises(Malformed):
            drive.perform("supervisor-1", "proceeding.pause", bad)
    with pytest.raises(WrongVenue):
        drive.perform("operator-2", "proceeding.pause", REASON)
    drive.perform("supervisor-1", "proceeding.pause", REASON)
    with pytest.raises(AlreadyFixed):
        drive.perform("operator-1", "proceeding.pause", REASON)
    with pytest.raises(Paused):
        drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    drive.perform("supervisor-1", "proceeding.resume", REASON)
    with pytest.raises(NotPaused):
        drive.perform("supervisor-1", "proceeding.resume", REASON)


def test_an_order_does_not_end_another_pause(drive: Drive) -> None:
    drive.execute(LoseVenue("venue-3", 40))
    with pytest.raises(NotPaused):
        drive.perform("operator-1", "proceeding.resume", REASON)


def test_an_aborted_proceeding_is_recorded_to_its_end_and_does_nothing_else(drive: Drive) -> None:
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "proceeding.abort", REASON)
    drive.perform("supervisor-1", "proceeding.abort", REASON)
    with pytest.raises(Aborted):
        drive.perform("operator-1", "room.admit", {"room": "room-1"})
    with pytest.raises(Aborted):
        drive.execute(LoseVenue("venue-3", 1))
    drive.segments(1, 1)
    drive.execute(EndRecording(("room-1", "room-2", "room-3")))
    drive.witness()


# --- rooms and recordings


def test_a_room_is_admitted_by_an_operator_on_the_spot_or_the_main_one() -> None:
    drive = Drive()
    drive.found()
    for n in (1, 2, 3):
        drive.bind(f"operator-{n}")
    with pytest.raises(NotBound):
        drive.perform("operator-2", "room.admit", {"room": "room-2"})
    drive.bind("room-2")
    drive.bind("room-3")
    with pytest.raises(WrongVenue):
        drive.perform("operator-3", "room.admit", {"room": "room-2"})
    with pytest.raises(UnknownRoom):
        drive.perform("operator-1", "room.admit", {"room": "room-9"})
    with pytest.raises(Malformed):
        drive.perform("operator-1", "room.admit", {"room": None})
    with pytest.raises(NotAdmitted):
        drive.execute(StartRecording(("room-2",), "engine-1"))
    drive.perform("operator-2", "room.admit", {"room": "room-2"})
    drive.perform("operator-1", "room.admit", {"room": "room-3"})
    with pytest.raises(AlreadyFixed):
        drive.perform("operator-2", "room.admit", {"room": "room-2"})


def test_another_engine_takes_over_and_the_same_does_not_start_twice(drive: Drive) -> None:
    with pytest.raises(AlreadyFixed):
        drive.execute(StartRecording(("room-1",), "engine-1"))
    drive.execute(StartRecording(("room-1",), "engine-2"))
    assert drive.state.recording["room-1"] == "engine-2"
    for rooms in ((), ("room-1", "room-1")):
        with pytest.raises(CommandRefused):
            drive.execute(StartRecording(rooms, "engine-3"))
        with pytest.raises(CommandRefused):
            drive.execute(EndRecording(rooms))
    drive.execute(EndRecording(("room-1",)))
    with pytest.raises(CommandRefused):
        drive.execute(EndRecording(("room-1",)))


def test_a_lost_recording_pauses_and_a_regained_or_ended_one_goes_on(drive: Drive) -> None:
    """87号令 39: no evaluation without its recording."""
    with pytest.raises(NotLost):
        drive.execute(RegainRecording("room-2"))
    drive.execute(LoseRecording("room-2"))
    with pytest.raises(AlreadyFixed):
        drive.execute(LoseRecording("room-2"))
    drive.execute(LoseRecording("room-3"))
    drive.execute(RegainRecording("room-2"))
    assert drive.state.pauses == {("recording-lost", "room-3")}
    drive.execute(EndRecording(("room-3",)))
    assert drive.state.gate == "open"
    with pytest.raises(CommandRefused):
        drive.execute(LoseRecording("room-3"))


def test_segments_are_announced_once_and_in_order(drive: Drive) -> None:
    """Architecture, section 4: idempotent by (track, number); another take counts anew."""
    with pytest.raises(SegmentRefused):
        drive.segments(1, 0)
    drive.segments(1, 1)
    drive.segments(1, 5)
    with pytest.raises(SegmentRefused):
        drive.segments(1, 4)
    drive.segments(1, 0, take=2)
    twice = segment("room-2", "mic", 7)
    with pytest.raises(SegmentRefused):
        drive.execute(CloseSegments("venue-2", (twice, twice)))
    with pytest.raises(SegmentRefused):
        drive.execute(CloseSegments("venue-2", ()))
    with pytest.raises(UnknownVenue):
        drive.execute(CloseSegments("venue-9", (twice,)))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(room="room-1"),
        lambda s: s.update(room="room-9"),
        lambda s: s.update(kind="seat"),
        lambda s: s.update(sha256="x"),
        lambda s: s.update(init=None),
        lambda s: s.update(bytes=-1),
        lambda s: s.update(t1=s["t0"] - 1),
        lambda s: s.update(number="1"),
        lambda s: s.update(keyframe=1),
        lambda s: s.update(gaps=[[2, 1]]),
        lambda s: s.update(gaps=[[1]]),
        lambda s: s.update(gaps=["x"]),
        lambda s: s.update(gaps=[[True, 2]]),
        lambda s: s.update(path="/etc"),
        lambda s: s.pop("take"),
    ],
)
def test_a_segment_out_of_form_is_refused(drive: Drive, change: Callable[[Any], Any]) -> None:
    value = segment("room-2", "mic", 9)
    change(value)
    with pytest.raises((SessionError, EvidenceError)):
        drive.execute(CloseSegments("venue-2", (value,)))


# --- the shared page


def test_the_presenter_turns_the_page_of_a_document_of_the_tender(drive: Drive) -> None:
    page: Object = {"document": b64u(DOCUMENT), "page": 3}
    (shown,) = drive.perform("operator-1", "page.show", page)
    # Everybody is told when, too: pages turn at the same moment after it.
    assert {repr(view(drive.state, seat)["page"]) for seat in drive.state.seats} == {repr(page | {"at": shown.at})}
    with pytest.raises(WrongRole):
        drive.perform("seat-1", "page.show", page)
    for wrong in ({"page": 4}, {"page": 0}, {"page": -1}, {"document": SHOWN}):
        with pytest.raises(UnknownPage):
            drive.perform("operator-1", "page.show", page | wrong)
    with pytest.raises(Malformed):
        drive.perform("operator-1", "page.show", page | {"page": True})


def test_the_presenter_or_the_main_operator_hands_over(drive: Drive) -> None:
    with pytest.raises(WrongRole):
        drive.perform("operator-2", "presenter.hand-over", {"to": "operator-2"})
    drive.perform("operator-1", "presenter.hand-over", {"to": "seat-4"})
    drive.perform("seat-4", "page.show", {"document": b64u(DOCUMENT), "page": 1})
    drive.perform("operator-1", "presenter.hand-over", {"to": "seat-5"})
    with pytest.raises(WrongRole):
        drive.perform("seat-4", "presenter.hand-over", {"to": "seat-4"})
    drive.perform("seat-5", "presenter.hand-over", {"to": "operator-3"})
    for to in ("room-1", "auditor-1", "supervisor-1"):
        with pytest.raises(WrongRole):
            drive.perform("operator-1", "presenter.hand-over", {"to": to})
    with pytest.raises(UnknownSeat):
        drive.perform("operator-1", "presenter.hand-over", {"to": "seat-9"})
