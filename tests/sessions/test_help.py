"""Help: who asks, who answers, and who sees it (docs/protocol.md 2.2, issue 3 item 6)."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import Malformed
from sessions.core.view import view, visibility
from sessions.errors import AlreadyFixed, UnknownHelp, WrongRole, WrongVenue
from tests.sessions.drive import Drive

LOST: Object = {"kind": "device", "text": "麦克风没有声音"}


@pytest.fixture
def drive() -> Drive:
    return Drive().until("declarations")


def asked(drive: Drive, asker: str = "seat-5", **changed: Any) -> str:
    (entry,) = drive.perform(asker, "help.ask", LOST | changed)
    assert entry.act is not None
    return b64u(entry.act.id)


def requests(drive: Drive, seat: str) -> list[Object]:
    found: list[Object] = view(drive.state, seat)["help"]["requests"]
    return found


def test_a_request_waits_until_an_operator_of_the_venue_or_the_main_one_answers(drive: Drive) -> None:
    first = asked(drive)
    assert [each["answer"] for each in requests(drive, "seat-5")] == [None]
    for operator in ("operator-1", "operator-3"):
        assert "help.answer" in view(drive.state, operator)["todo"]
    assert "help.answer" not in view(drive.state, "operator-2")["todo"]
    with pytest.raises(WrongVenue):
        drive.perform("operator-2", "help.answer", {"asked": first, "text": "马上来"})
    drive.perform("operator-3", "help.answer", {"asked": first, "text": "马上来"})
    (mine,) = requests(drive, "seat-5")
    assert (mine["answer"], mine["by"], mine["at"] < str(mine["answered"])) == ("马上来", "operator-3", True)
    assert "help.answer" not in view(drive.state, "operator-1")["todo"]
    second = asked(drive, text="")
    drive.perform("operator-1", "help.answer", {"asked": second, "text": "好的"})
    room = asked(drive, "room-2", kind="other")
    drive.perform("operator-2", "help.answer", {"asked": room, "text": "好的"})


def test_the_clocks_are_in_the_view(drive: Drive) -> None:
    """Yellow after a minute, red after three (issue 3, item 6)."""
    asked(drive)
    shown = view(drive.state, "operator-1")["help"]
    assert (shown["yellow"], shown["red"]) == (60, 180)


def test_others_know_that_somebody_asked_and_not_why(drive: Drive) -> None:
    asked(drive)
    entry = drive.entries[-1]
    seen = {seat: visibility(entry, drive.state, seat) for seat in ("seat-5", "seat-1", "operator-1", "supervisor-1")}
    assert seen == {"seat-5": "full", "seat-1": "summary", "operator-1": "full", "supervisor-1": "full"}
    assert requests(drive, "seat-1") == requests(drive, "operator-2") == []
    assert len(requests(drive, "supervisor-1")) == len(requests(drive, "auditor-1")) == 1


def test_help_is_asked_in_a_pause_too(drive: Drive) -> None:
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "午休"})
    drive.perform("operator-1", "help.answer", {"asked": asked(drive), "text": "稍候"})


@pytest.mark.parametrize(
    "changed",
    [{"kind": "gossip"}, {"kind": None}, {"text": "字" * 501}, {"text": 1}, {"seat": "seat-1"}],
    ids=lambda changed: str(changed)[:20],
)
def test_a_malformed_request_is_refused(drive: Drive, changed: Any) -> None:
    with pytest.raises(Malformed):
        asked(drive, **changed)


def test_one_request_at_a_time_and_one_answer(drive: Drive) -> None:
    first = asked(drive)
    with pytest.raises(AlreadyFixed):
        asked(drive)
    for text in ("", "   ", "字" * 501):
        with pytest.raises(Malformed):
            drive.perform("operator-1", "help.answer", {"asked": first, "text": text})
    drive.perform("operator-1", "help.answer", {"asked": first, "text": "好"})
    with pytest.raises(AlreadyFixed):
        drive.perform("operator-1", "help.answer", {"asked": first, "text": "好"})
    with pytest.raises(UnknownHelp):
        drive.perform("operator-1", "help.answer", {"asked": b64u(sha256(b"none")), "text": "好"})
    with pytest.raises(Malformed):
        drive.perform("operator-1", "help.answer", {"asked": "x", "text": "好"})


@pytest.mark.parametrize("seat", ["operator-1", "supervisor-1", "auditor-1"])
def test_who_leads_or_watches_asks_by_other_means(drive: Drive, seat: str) -> None:
    with pytest.raises(WrongRole):
        asked(drive, seat)


@pytest.mark.parametrize("seat", ["seat-1", "room-3", "supervisor-1"])
def test_only_operators_answer(drive: Drive, seat: str) -> None:
    first = asked(drive)
    with pytest.raises(WrongRole):
        drive.perform(seat, "help.answer", {"asked": first, "text": "好"})
