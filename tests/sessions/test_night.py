"""Overnight: a forced pause at the tender's cut-off time, sealed areas, everybody again in the morning (rule 31)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evaluation.core import incidents, tender
from evidence.core.canonical import Object, encode, sha256
from evidence.core.entry import Entry
from evidence.errors import Malformed
from sessions.core import clocks, night
from sessions.core.commands import BeginNight, Command, Due, LoseRecording, Perform, RegainRecording
from sessions.core.duties import AwaitNight, duties
from sessions.core.proceeding import decide
from sessions.core.view import view
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    NotLost,
    NotNight,
    NotOverdue,
    NotReady,
    WrongRole,
    WrongVenue,
)
from tests.evaluation.packs import PROCUREMENT, second
from tests.rules.incidents import EVENING, JIANGSU, MORNING
from tests.sessions.cut_off import Away, back
from tests.sessions.drive import MEMBERS, Drive, spread
from tests.sessions.test_committee_steps import types
from tests.sessions.test_rule_pack_proceedings import again
from tests.sessions.test_view import todo

OF_VENUE = {
    "venue-1": ("seat-1", "seat-2", "seat-3", "operator-1", "room-1"),
    "venue-2": ("seat-4", "operator-2", "room-2"),
    "venue-3": ("seat-5", "operator-3", "room-3"),
}


def begun(stage: str = "detailed-review", rules: Object = JIANGSU) -> Drive:
    value = second(PROCUREMENT, "comprehensive-scoring")
    value["terms"]["incidents"] = rules
    return Drive(definition=value).until(stage)


def at(drive: Drive, command: Command, moment: str) -> list[Entry]:
    return drive.append(decide(drive.state, command, at=moment, entropy=b""), moment)


def fallen() -> Drive:
    """The night has come in the middle of scoring: two sheets are sealed."""
    drive = begun()
    for seat in ("seat-1", "seat-5"):
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    at(drive, BeginNight(), EVENING)
    return drive


def seal(drive: Drive, n: int, **change: Any) -> list[Entry]:
    body = {"venue": f"venue-{n}", "seals": [f"A{n}-0071", f"A{n}-0072"], "note": "", **change}
    return drive.perform(f"operator-{n}", "area.seal", body)


def unseal(drive: Drive, n: int, moment: str = MORNING, **change: Any) -> list[Entry]:
    body = {"venue": f"venue-{n}", "seals": [f"A{n}-0071", f"A{n}-0072"], "intact": True, "note": "", **change}
    act = drive.act(f"operator-{n}", "area.open", body)
    drive.check(act)
    return at(drive, Perform(act), moment)


def test_a_night_from_the_cut_off_to_the_next_mornings_return() -> None:
    drive = begun()
    ((until,),) = [(duty.until,) for duty in duties(drive.state) if isinstance(duty, AwaitNight)]
    assert until == datetime.fromisoformat(EVENING).timestamp()
    with pytest.raises(NotOverdue):
        at(drive, BeginNight(), "2026-11-21T12:59:59.000Z")
    drive = fallen()
    assert drive.state.gate == "paused"
    assert set(drive.state.lost) == {"venue-1", "venue-2", "venue-3"}
    with pytest.raises(CommandRefused):
        at(drive, BeginNight(), EVENING)
    # Nothing of a night is an incident: no clock runs, and nobody waits for a recording.
    assert clocks.deadlines(drive.state) == {}
    with pytest.raises(AlreadyFixed):
        drive.execute(LoseRecording("room-1"))
    with pytest.raises(CommandRefused):
        at(drive, Due("venue-2"), "2026-11-21T23:00:00.000Z")
    for n in (1, 2, 3):
        assert todo(drive, f"operator-{n}") == ["area.seal"]
        seal(drive, n)
        assert todo(drive, f"operator-{n}") == []
    shown = view(drive.state, "supervisor-1")["night"]
    assert shown["sealed"]["venue-2"] == ["A2-0071", "A2-0072"]
    with pytest.raises(NotOverdue):
        unseal(drive, 1, "2026-11-21T23:59:59.000Z")
    with pytest.raises(NotReady):
        back(drive, "seat-1")
    assert types(unseal(drive, 1)) == ["AreaOpened"]
    assert types(unseal(drive, 2)) == ["AreaOpened"]
    assert types(unseal(drive, 3)) == ["AreaOpened", "NightEnded"]
    # Everybody is there again under the own key, and has seen this very log.
    assert drive.state.gate == "paused"
    assert todo(drive, "seat-4") == ["seat.resume"]
    made = [entry for seats in OF_VENUE.values() for entry in back(drive, *seats)]
    assert types(made).count("VenueRejoined") == 3
    assert drive.state.gate == "open"
    # The next night is the next evening's.
    following = datetime.fromisoformat(EVENING) + timedelta(days=1)
    assert night.cut_off(drive.state) == following.timestamp()
    again(drive.entries, encode(drive.definition))


def test_what_is_lost_over_night_counts_from_the_morning() -> None:
    drive = fallen()
    for n in (1, 2, 3):
        seal(drive, n)
        unseal(drive, n)
    back(drive, *OF_VENUE["venue-1"], *OF_VENUE["venue-2"])
    morning = int(datetime.fromisoformat(MORNING).timestamp())
    assert clocks.deadlines(drive.state) == {"venue-3": morning + 7200}
    late = (datetime.fromtimestamp(morning + 7200, UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert types(at(drive, Due("venue-3"), late)) == ["IncidentOverdue"]


@pytest.mark.parametrize(
    "change",
    [{"intact": False, "note": "封条断裂"}, {"seals": ["A2-0071"]}, {"seals": ["A2-0072", "A2-0071"]}, {"seals": []}],
)
def test_broken_or_strange_seals_wait_for_the_supervisor(change: Object) -> None:
    """Control: with the seals of the evening, whole, nobody has to decide."""
    drive = fallen()
    for n in (1, 2, 3):
        seal(drive, n)
    unseal(drive, 1)
    (opened,) = unseal(drive, 2, **change)
    assert opened.body == {"whole": False}
    unseal(drive, 3)
    for seats in OF_VENUE.values():
        back(drive, *seats)
    assert drive.state.gate == "paused"
    assert "incident.decide" in todo(drive, "supervisor-1")
    drive.perform("supervisor-1", "incident.decide", {"subject": "venue-2", "reason": "监控显示无人进入"})
    assert drive.state.gate == "open"
    again(drive.entries, encode(drive.definition))


def test_an_area_that_nobody_sealed_is_not_whole() -> None:
    drive = fallen()
    (opened,) = unseal(drive, 2, seals=[])
    assert opened.body == {"whole": False}


def test_only_the_operator_of_the_venue_and_only_at_night() -> None:
    drive = begun("declarations")
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    with pytest.raises(NotNight):
        seal(drive, 1)
    drive = fallen()
    with pytest.raises(WrongVenue):
        drive.perform("operator-1", "area.seal", {"venue": "venue-2", "seals": ["1"], "note": ""})
    for actor in ("seat-4", "supervisor-1", "room-2"):
        with pytest.raises(WrongRole):
            drive.perform(actor, "area.seal", {"venue": "venue-2", "seals": ["1"], "note": ""})
    seals: tuple[Any, ...] = ([], [""], [" "], ["x" * 41], ["1", "1"], [1], [str(n) for n in range(51)])
    for bad in seals:
        with pytest.raises(Malformed):
            seal(drive, 2, seals=bad)
    with pytest.raises(Malformed):
        seal(drive, 2, note="x" * 501)
    seal(drive, 2)
    with pytest.raises(AlreadyFixed):
        seal(drive, 2)
    unseal(drive, 2)
    with pytest.raises(AlreadyFixed):
        unseal(drive, 2)


def test_a_sheet_signed_before_the_network_was_cut_is_merged_in_the_morning() -> None:
    """Protocols.md section 6 holds for the night as for any loss."""
    drive = begun()
    away = Away(drive, "seat-5")
    at(drive, BeginNight(), EVENING)
    sealed, other = away.seal(), away.note()
    for n in (1, 2, 3):
        seal(drive, n)
        unseal(drive, n)
    away.resume([sealed])
    assert types(drive.take(sealed)) == ["SheetSealed", "OfflineAct"]
    assert drive.take(other)[0].body["code"] == "unconfirmed"
    assert drive.round.current["seat-5"] == sealed.id


def test_without_the_tenders_word_there_is_no_night() -> None:
    drive = Drive(definition=second(PROCUREMENT, "comprehensive-scoring")).until("detailed-review")
    assert night.cut_off(drive.state) is None
    with pytest.raises(CommandRefused):
        at(drive, BeginNight(), "2026-11-22T15:00:00.000Z")
    before = begun("check-in")
    before.check_in()
    assert night.cut_off(before.state) is None


@pytest.mark.parametrize(
    "change",
    [
        {"cut_off": None},
        {"opens": None},
        {"cut_off": "24:00"},
        {"cut_off": "9:00"},
        {"opens": "21:00"},
        {"opens": "２１:００"},
        {"before_start": 599},
        {"during": 86_401},
        {"during": True},
        {"recorder": 1},
        {"recorder": 61},
        {"source": " "},
        {"source": "x" * 201},
        {"more": 1},
    ],
)
def test_figures_out_of_form_are_refused(change: Object) -> None:
    with pytest.raises(Malformed):
        incidents.parse(JIANGSU | change)
    value = second(PROCUREMENT, "comprehensive-scoring")
    value["terms"]["incidents"] = JIANGSU | change
    with pytest.raises(Exception, match=r".") as refused:
        tender.parse(encode(value))
    assert getattr(refused.value, "code", "")


def test_the_tenders_own_clocks_stand_for_the_packs() -> None:
    """2 h and 4 h are the pack's; this tender has 1 h and 2 h."""
    drive = begun("declarations")
    assert drive.state.evaluation.incidents == incidents.parse(JIANGSU)
    assert incidents.parse(JIANGSU).json == JIANGSU
    pack = Drive(definition=second(PROCUREMENT, "comprehensive-scoring")).until("declarations")
    limits = pack.state.evaluation.incidents
    assert limits is not None
    assert (limits.before_start, limits.during, limits.recorder) == (7200, 14400, 10)


# --- power, and a recorder that does not come back


def test_who_is_on_the_spot_declares_a_failure_and_the_venue_is_lost_at_once() -> None:
    """Loss of power: pause and lock without waiting for sockets to die; then as after any loss."""
    drive = begun("declarations")
    body: Object = {"venue": "venue-2", "kind": "power", "text": "楼层停电，UPS 可用十分钟"}
    made = drive.perform("operator-2", "incident.declare", body)
    assert types(made) == ["IncidentDeclared", "VenueLost", "ProceedingPaused"]
    assert drive.state.gate == "paused"
    assert list(clocks.deadlines(drive.state)) == ["venue-2"]
    assert types(drive.perform("operator-1", "incident.declare", body | {"kind": "network"})) == ["IncidentDeclared"]
    for actor, error in (("operator-3", WrongVenue), ("seat-4", WrongRole)):
        with pytest.raises(error):
            drive.perform(actor, "incident.declare", body)
    for change in ({"kind": "mood"}, {"text": " "}, {"text": "x" * 501}, {"venue": 2}):
        with pytest.raises(Malformed):
            drive.perform("operator-2", "incident.declare", body | change)
    back(drive, *OF_VENUE["venue-2"])
    assert drive.state.gate == "open"
    again(drive.entries, encode(drive.definition))


def test_without_a_recorder_only_the_supervisors_written_word_lets_it_go_on() -> None:
    drive = begun("declarations")
    body: Object = {"room": "room-2", "reason": "备用录像机已在录"}
    with pytest.raises(Exception, match="not paused"):
        drive.perform("supervisor-1", "recording.waive", body)
    drive.execute(LoseRecording("room-2"))
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "recording.waive", body)
    with pytest.raises(NotLost):
        drive.perform("supervisor-1", "recording.waive", body | {"room": "room-1"})
    with pytest.raises(Malformed):
        drive.perform("supervisor-1", "recording.waive", body | {"reason": ""})
    drive.perform("supervisor-1", "recording.waive", body)
    assert drive.state.gate == "open"
    assert view(drive.state, "operator-1")["waived"] == ["room-2"]
    # It is not stated again and again, and ends with the first packets.
    with pytest.raises(AlreadyFixed):
        drive.execute(LoseRecording("room-2"))
    drive.execute(RegainRecording("room-2"))
    assert drive.state.waived == frozenset()
    drive.execute(LoseRecording("room-2"))
    assert drive.state.gate == "paused"
    again(drive.entries, encode(drive.definition))


def test_the_whole_evaluation_goes_on_after_a_night() -> None:
    drive = fallen()
    for n in (1, 2, 3):
        seal(drive, n)
        unseal(drive, n)
    for seats in OF_VENUE.values():
        back(drive, *seats)
    for seat in MEMBERS:
        if seat not in drive.round.current:
            drive.seal(seat, drive.sheet(seat, spread()[seat], sha256(seat.encode())))
    drive.to_opening()
    for domain in drive.state.holders:
        drive.release(domain)
    drive.open()
    drive.advance()
    drive.until("done").close()
    assert drive.state.gate == "closed"
    again(drive.entries, encode(drive.definition))
