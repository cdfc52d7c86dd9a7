"""The auditor's time line says of pauses and absences what the server's own fold of the same log says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from evidence.core.canonical import Object
from sessions.core import timeline
from sessions.core.commands import Due, EndRecording, LoseRecording, LoseVenue, RegainRecording
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from tests.crypto.node import node
from tests.sessions.continued import lose
from tests.sessions.cut_off import back
from tests.sessions.drive import Drive
from tests.sessions.test_clocks import HOUR, begun, later
from tests.sessions.test_night import OF_VENUE, fallen, seal, unseal
from tests.sessions.test_replacing_venue import ORDER

SCRIPT = Path(__file__).with_name("timeline.ts")


def a_night() -> Drive:
    """Strange seals in one venue; another one is back late, and overdue."""
    drive = fallen()
    for n in (1, 2, 3):
        seal(drive, n)
        strange: Object = {"seals": ["A2-0071"]} if n == 2 else {}
        unseal(drive, n, **strange)
    back(drive, *OF_VENUE["venue-1"], *OF_VENUE["venue-2"])
    later(drive, Due("venue-3"), 100 * HOUR)
    back(drive, *OF_VENUE["venue-3"])
    for n in (2, 3):
        drive.perform("supervisor-1", "incident.decide", {"subject": f"venue-{n}", "reason": "x"})
    assert drive.state.gate == "open"
    return drive


def a_lost_venue() -> Drive:
    drive = begun()
    drive.execute(LoseVenue("venue-3", 40))
    back(drive, *OF_VENUE["venue-3"])
    return drive


def recordings() -> Drive:
    """One waived when it was overdue, one that comes back, one whose room's recording ends; an abort in a pause."""
    drive = begun()
    drive.execute(LoseRecording("room-2"))
    later(drive, Due("room-2"), 4 * HOUR)
    drive.perform("supervisor-1", "recording.waive", {"room": "room-2", "reason": "x"})
    assert drive.state.gate == "open"
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    drive.execute(LoseRecording("room-1"))
    drive.execute(RegainRecording("room-1"))
    drive.perform("supervisor-1", "proceeding.resume", {"reason": "x"})
    assert drive.state.gate == "open"
    drive.execute(LoseRecording("room-3"))
    drive.execute(EndRecording(("room-3",)))
    assert drive.state.gate == "open"
    drive.execute(LoseRecording("room-1"))
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "x"})
    return drive


def a_room_that_was_released() -> Drive:
    drive = begun()
    drive.execute(LoseVenue("venue-3", 40))
    drive.execute(LoseRecording("room-3"))
    back(drive, "seat-5", "operator-3")
    drive.perform("supervisor-1", "seat.release", {"seat": "room-3", "reason": "x"})
    assert drive.state.gate == "open"
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    return drive


def a_venue_that_was_replaced() -> Drive:
    drive = begun("detailed-review")
    drive.execute(LoseVenue("venue-3", 40))
    drive.execute(LoseRecording("room-3"))
    for subject in ("venue-3", "room-3"):
        later(drive, Due(subject), 100 * HOUR)
    drive.perform("supervisor-1", "venue.replace", ORDER)
    assert drive.state.gate == "open"
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    return drive


def a_log_that_goes_on() -> Drive:
    """Its end was lost; one of the venues was cut off already, and all come back."""
    drive = begun()
    drive.execute(LoseVenue("venue-3", len(drive.entries)))
    size = len(drive.entries)
    drive.perform("supervisor-1", "incident.note", {"seat": None, "text": "x"})
    lost = lose(drive, size)
    lost.go_on()
    lost.confirm()
    for seats in [sorted(each.waiting) for each in drive.state.lost.values()]:
        for seat in seats:
            lost.resume(seat)
    drive.take(*lost.acts_of("supervisor-1"))
    assert drive.state.gate == "open"
    return drive


def told(drive: Drive) -> Any:
    """What the client says, in numbers of entries: each row has its own number for its time, in milliseconds."""
    rows = [
        row | {"at": f"1970-01-01T00:00:00.{n:03}Z"}
        for n, row in enumerate(timeline.rows(drive.entries, drive.state, "auditor-1"))
    ]
    question = json.dumps({"rows": rows, "end": len(rows)})
    run = subprocess.run([node(), str(SCRIPT)], input=question, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(run.stdout)


def held(drive: Drive, holds: Callable[[Proceeding], bool]) -> list[list[int]]:
    """From which entry to which the server's own fold holds something."""
    state, found = EMPTY, [False]
    for entry in drive.entries:
        state = evolve(state, entry)
        found.append(holds(state))
    return list(_spans(found[1:]))


def _spans(found: list[bool]) -> Iterable[list[int]]:
    begins = [n for n, now in enumerate(found) if now and (n == 0 or not found[n - 1])]
    for begin in begins:
        yield [begin, next((n for n in range(begin, len(found)) if not found[n]), len(found))]


CASES = (
    a_night,
    a_lost_venue,
    recordings,
    a_room_that_was_released,
    a_venue_that_was_replaced,
    a_log_that_goes_on,
)


@pytest.mark.parametrize("case", CASES)
def test_pauses_are_those_of_the_server(case: Callable[[], Drive]) -> None:
    drive = case()
    assert len(drive.entries) < 1000
    paused = held(drive, lambda state: state.gate == "paused")
    assert paused != []
    assert told(drive)["pauses"] == paused


def test_a_night_is_nobodys_absence() -> None:
    drive = a_night()
    assert told(drive)["nights"] == held(drive, lambda state: state.night is not None)
    absent(drive, *OF_VENUE)


def test_absences_are_those_of_the_server() -> None:
    absent(a_lost_venue(), "venue-3")
    absent(a_venue_that_was_replaced(), "venue-3")
    absent(a_log_that_goes_on(), *OF_VENUE)


def absent(drive: Drive, *venues: str) -> None:
    """These venues were away when the server's fold says it, and nobody else ever was."""
    away: Object = {
        venue: held(drive, lambda state, venue=venue: venue in state.lost and state.night is None)  # type: ignore[misc]
        for venue in venues
    }
    assert told(drive)["away"] == away
    assert all(away.values())
