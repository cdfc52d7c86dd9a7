"""An operator is never unsure what to do next: while there is nothing for it to do, the view says who is awaited."""

from __future__ import annotations

import pytest

from evidence.core.canonical import encode, sha256
from sessions.core.awaited import COMMITTEE, PAUSES, WHYS
from sessions.core.commands import LoseRecording, LoseVenue
from sessions.core.view import view
from tests.sessions.cut_off import Away
from tests.sessions.drive import MEMBERS, Drive
from tests.sessions.test_committee_steps import asked, later
from tests.sessions.test_committee_steps import at as reviewing
from tests.sessions.test_night import begun, fallen, seal, unseal


def told(drive: Drive, seat: str = "operator-1") -> dict[str, list[str]]:
    return dict(view(drive.state, seat)["awaited"])


def test_with_nothing_to_do_the_main_operator_knows_whom_it_waits_for() -> None:
    """Of every state of a whole proceeding, but for the moments in which this server itself is at work."""
    drive, unsure, asked = Drive(), [], set[str]()
    original = drive.append

    def append(*args: object, **kwargs: object) -> object:
        made = original(*args, **kwargs)  # type: ignore[arg-type]
        if drive.state.founding is not None and drive.state.gate == "open":
            shown = view(drive.state, "operator-1")
            encode(shown["awaited"])
            asked.update(why for why, _ in shown["awaited"])
            if not shown["awaited"] and not shown["todo"]:
                unsure.append((drive.state.stage, made[-1].type))
        return made

    drive.append = append  # type: ignore[method-assign, assignment]
    drive.until("done")
    drive.close()
    assert unsure == []
    assert asked > {"unbound", "unadmitted", "uncommitted", "unsealed", "unsafe", "unconfirmed", "unapproved"}
    assert asked > {"unopened", "unvoted", "report", "unranked", "unsigned", "recordings"}
    assert asked <= set(WHYS)


def test_who_is_awaited_in_each_stage() -> None:
    drive = Drive().until("declarations")
    drive.declare(("seat-1", "seat-2"))
    assert told(drive) == {"uncommitted": ["seat-3", "seat-4", "seat-5"], "undeclared": ["seat-3", "seat-4", "seat-5"]}
    assert told(drive, "supervisor-1") == told(drive)
    assert view(drive.state, "seat-1")["awaited"] is None
    drive = Drive().until("detailed-review")
    assert told(drive) == {"unsealed": list(MEMBERS)}


def test_what_the_committee_is_about_is_not_told_to_secondary_venues() -> None:
    """First the supervisor is awaited, then the main operator who names the bidder's key, then the bidder."""
    drive = reviewing("detailed-review")
    name = asked(drive)
    assert told(drive)["questions-approve"] == ["bidder-1"]
    drive.perform("supervisor-1", "clarification.approve", {"question": name, "until": later(drive, 10)})
    assert told(drive)["questions-key"] == ["bidder-1"]
    assert not COMMITTEE & told(drive, "operator-2").keys()


def test_a_pause_says_who_ends_it() -> None:
    """Each cause of a pause is told with who ends it; none is told under a name that has no words."""
    drive = Drive().until("detailed-review")
    drive.execute(LoseVenue("venue-2", drive.state.size))
    drive.execute(LoseRecording("room-1"))
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "查明情况"})
    assert told(drive) == {
        "waiting": ["operator-2", "room-2", "seat-4"],
        "recording-lost": ["room-1"],
        "ordered": [],
    }
    assert {cause for cause, _ in drive.state.pauses} <= set(PAUSES)


def test_after_a_gap_both_are_asked_for_the_cause() -> None:
    """The view of the key gap names the seat until the operator, and then the supervisor, have noted its cause."""
    drive = Drive().until("detailed-review")
    away = Away(drive, "seat-4")
    drive.execute(LoseVenue("venue-2", drive.state.size))
    away.note()
    away.last = sha256(b"lost")
    late = away.note("二")
    away.resume([])
    drive.take(late)
    assert told(drive)["cause-operator"] == told(drive)["cause-supervisor"] == ["seat-4"]
    assert told(drive)["unbound"] == ["seat-4"]
    drive.perform("operator-1", "incident.note", {"seat": "seat-4", "text": "设备掉电，日志不全。"})
    assert "cause-operator" not in told(drive)
    assert told(drive, "supervisor-1")["cause-supervisor"] == ["seat-4"]
    drive.perform("supervisor-1", "incident.note", {"seat": "seat-4", "text": "已经查明。"})
    assert "cause-supervisor" not in told(drive)


def test_a_night_names_the_venues_that_are_not_sealed_and_not_opened() -> None:
    drive = fallen()
    seal(drive, 1)
    assert told(drive) == {"night-seal": ["venue-2", "venue-3"], "night-open": ["venue-1", "venue-2", "venue-3"]}
    unseal(drive, 1)
    assert told(drive)["night-open"] == ["venue-2", "venue-3"]
    assert told(drive)["waiting"] == ["operator-1", "room-1", "seat-1", "seat-2", "seat-3"]


@pytest.mark.parametrize("to", ["compliance-review"])
def test_a_step_back_waits_for_the_supervisor(to: str) -> None:
    drive = begun()
    drive.perform("operator-1", "stage.back", {"from": "detailed-review", "to": to, "reason": "复核资质材料"})
    assert "back" in told(drive)
    assert "back" not in told(drive, "operator-2")
