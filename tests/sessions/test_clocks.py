"""Clocks of incidents: 2 h before the start, 4 h during, as the pack says; then people decide (checklist, rule 29)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evaluation.core import days, timetable
from evidence.core.canonical import Object
from evidence.core.entry import Entry
from evidence.errors import Malformed
from sessions.core import clocks
from sessions.core.commands import Due, LoseRecording, LoseVenue, NoteClockJump, RegainRecording
from sessions.core.duties import AwaitIncident, duties
from sessions.core.proceeding import decide
from sessions.errors import CommandRefused, NotBound, NotOverdue, WrongRole
from tests.evaluation.packs import PROCUREMENT, second
from tests.sessions.cut_off import back
from tests.sessions.draws import audited
from tests.sessions.drive import FINANCE, MAIN, ZHONGSHAN, ZHUHAI, Drive, founding, signer_of
from tests.sessions.test_view import todo

HOUR = 3600


def begun(stage: str = "declarations") -> Drive:
    """A proceeding under a pack that sets clocks."""
    return Drive(definition=second(PROCUREMENT, "comprehensive-scoring")).until(stage)


def later(drive: Drive, command: Due, seconds: int) -> list[Entry]:
    """Execute so many seconds after the newest entry's time."""
    at = datetime.fromisoformat(drive.entries[-1].at) + timedelta(seconds=seconds)
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return drive.append(decide(drive.state, command, at=text, entropy=b""), text)


def test_an_incident_is_overdue_after_the_packs_time_and_waits_for_people() -> None:
    drive = begun()
    drive.execute(LoseVenue("venue-3", 40))
    ((subject, until),) = clocks.deadlines(drive.state).items()
    assert AwaitIncident(subject, until) in duties(drive.state)
    assert clocks.next_deadline(drive.state) == until
    with pytest.raises(NotOverdue):
        later(drive, Due("venue-3"), 4 * HOUR - 1)
    (stated,) = later(drive, Due("venue-3"), 4 * HOUR)
    assert stated.type == "IncidentOverdue"
    with pytest.raises(CommandRefused):
        later(drive, Due("venue-3"), 5 * HOUR)
    # All seats are back, and still nothing goes on without the supervisor's word.
    back(drive, "seat-5", "operator-3", "room-3")
    assert drive.state.gate == "paused"
    assert "incident.decide" in todo(drive, "supervisor-1")
    body: Object = {"subject": "venue-3", "reason": "两地商定继续"}
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "incident.decide", body)
    for bad in ({"subject": "venue-3", "reason": " "}, {"subject": 3, "reason": "x"}, {"subject": "venue-3"}):
        with pytest.raises(Malformed):
            drive.perform("supervisor-1", "incident.decide", bad)
    with pytest.raises(NotOverdue):
        drive.perform("supervisor-1", "incident.decide", body | {"subject": "venue-2"})
    drive.perform("supervisor-1", "incident.decide", body)
    assert drive.state.gate == "open"
    audited(drive)


def test_before_the_start_the_time_is_shorter() -> None:
    drive = begun("check-in")
    drive.check_in()
    drive.execute(LoseRecording("room-2"))
    with pytest.raises(NotOverdue):
        later(drive, Due("room-2"), 2 * HOUR - 1)
    later(drive, Due("room-2"), 2 * HOUR)
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "两小时未恢复"})
    audited(drive)


def planned(engine: str, starts: str | None) -> Drive:
    """At check-in, the main venue there; a tender that says when it starts."""
    value = second(PROCUREMENT, "comprehensive-scoring")
    calendar, table = days.NEWEST.json, timetable.newest("government-procurement").json
    plan = {"starts": starts, "timetable": table, "calendar": calendar, "retain_years": None}
    value["terms"] = {**value["terms"], "plan": plan}
    drive = Drive(definition=value)
    drive.perform(MAIN, "proceeding.found", {**_body(value), "engine": engine})
    drive.fix()
    for seat in ("operator-1", "seat-1", "room-1", "supervisor-1"):
        drive.bind(seat)
    return drive


def _body(value: Object) -> Object:
    names = (MAIN, ZHONGSHAN, ZHUHAI, FINANCE)
    return founding({name: signer_of(name).jwk for name in names}) | {"rule_pack": value["rule_pack"]}


DECLARED: Object = {"venue": "venue-3", "kind": "network", "text": "珠海分会场始终未能接入"}


def test_a_venue_that_never_connected_is_declared_and_its_clock_runs() -> None:
    """No seat of it is bound, so nothing notices; whoever waits for it says so, and two hours later people decide."""
    drive = planned("3", None)
    with pytest.raises(NotBound):
        drive.execute(LoseVenue("venue-3", 0))
    declared = drive.perform("operator-1", "incident.declare", DECLARED)
    assert [entry.type for entry in declared] == ["IncidentDeclared", "VenueLost", "ProceedingPaused"]
    assert drive.state.lost["venue-3"].waiting == frozenset()
    with pytest.raises(NotOverdue):
        later(drive, Due("venue-3"), 2 * HOUR - 1)
    (stated,) = later(drive, Due("venue-3"), 2 * HOUR)
    assert stated.type == "IncidentOverdue"
    assert "incident.decide" in todo(drive, "supervisor-1")
    drive.perform("supervisor-1", "incident.decide", {"subject": "venue-3", "reason": "招标人决定继续等待"})
    # It connects: with its first seat it is there, and the rest of the check-in is what it always is.
    drive.bind("auditor-1")
    assert drive.state.gate == "paused"
    drive.bind("operator-3")
    assert [entry.type for entry in drive.entries[-3:]] == ["SeatBound", "VenueRejoined", "ProceedingResumed"]
    assert drive.state.gate == "open"
    drive.bind("room-3")
    assert drive.entries[-1].type == "SeatBound"
    drive.execute(LoseVenue("venue-3", 0))
    drive.bind("seat-5")
    assert drive.entries[-1].type == "SeatBound"
    assert drive.state.lost["venue-3"].waiting == {"operator-3", "room-3"}
    audited(drive)


@pytest.mark.parametrize(
    ("engine", "starts", "from_start"),
    [
        ("3", "2026-11-21T11:00:00Z", True),
        ("3", "2026-11-21T07:00:00Z", False),
        ("3", None, False),
        ("2", "2026-11-21T11:00:00Z", False),
    ],
)
def test_before_the_start_the_time_counts_from_the_planned_one(
    engine: str, starts: str | None, from_start: bool
) -> None:
    """Lijiang's article 20: still failing two hours after the start time. The example's clock begins at 08:00, and a
    log of an earlier engine keeps its own reckoning."""
    drive = planned(engine, starts)
    drive.perform("operator-1", "incident.declare", DECLARED)
    base = datetime.fromisoformat(starts if starts and from_start else drive.entries[-1].at)
    assert clocks.deadlines(drive.state) == {"venue-3": int(base.timestamp()) + 2 * HOUR}


def test_an_incident_that_is_over_has_no_clock() -> None:
    drive = begun()
    drive.execute(LoseRecording("room-2"))
    drive.execute(RegainRecording("room-2"))
    with pytest.raises(CommandRefused):
        later(drive, Due("room-2"), 9 * HOUR)
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "午休"})
    assert clocks.next_deadline(drive.state) is None
    for subject in ("", "room-9", "venue-1"):
        with pytest.raises(CommandRefused):
            later(drive, Due(subject), 9 * HOUR)


def test_no_clock_runs_across_a_jump() -> None:
    """Switched off (no `ClockJumped`), a clock set forward by five hours would end the evaluation at once."""
    drive = begun()
    drive.execute(LoseVenue("venue-3", 40))
    with pytest.raises(CommandRefused):
        drive.execute(NoteClockJump(999))
    jumped = datetime.fromisoformat(drive.entries[-1].at) + timedelta(hours=5)
    text = jumped.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    unflagged = decide(drive.state, Due("venue-3"), at=text, entropy=b"")
    assert unflagged[0].type == "IncidentOverdue"
    drive.append(decide(drive.state, NoteClockJump(5 * HOUR * 1000), at=text, entropy=b""), text)
    with pytest.raises(NotOverdue):
        decide(drive.state, Due("venue-3"), at=text, entropy=b"")
    later(drive, Due("venue-3"), 4 * HOUR)
    drive.perform("supervisor-1", "incident.decide", {"subject": "venue-3", "reason": "继续等"})
    assert clocks.deadlines(drive.state)["venue-3"] > 0
    audited(drive)


def test_the_first_pack_sets_no_clock() -> None:
    """Events outlive releases: a log of the first pack is what it was."""
    drive = Drive().until("declarations")
    drive.execute(LoseVenue("venue-3", 40))
    assert clocks.next_deadline(drive.state) is None
    with pytest.raises(CommandRefused):
        later(drive, Due("venue-3"), 9 * HOUR)
