"""Acts signed while cut off: every row of the table of conflicts of protocols.md section 6, and the tests that hold it.

seal of a round still open, seat unchanged, confirmed:
    test_a_sheet_sealed_offline_and_confirmed_is_accepted
round closed meanwhile:
    impossible while the seat is required: test_no_round_closes_over_a_seat_that_is_cut_off
    the member was replaced: test_what_a_replaced_member_sealed_while_cut_off_is_refused_and_kept
expert moved to another seat, old key's act merges later:
    test_what_an_ended_key_signed_while_cut_off_is_refused_and_kept, test_what_an_ended_key_signs_later_has_no_place;
    the device's part in tests/device/test_seat.py::test_acts_of_a_seat_that_was_moved_are_handed_in_and_kept
`replaces` is not the current sheet:
    test_a_seal_that_replaces_another_is_stale
two acts with one `ctr` (cloned profile):
    while it merges: test_two_acts_at_one_place_suspend_the_key, test_a_second_device_that_resumes_suspends_the_key
    at any other time: tests/sessions/test_cloned_key.py
    two tabs: tests/crypto/test_chromium.py::test_a_seats_life_in_a_browser
gap in `ctr`, wrong `prev`:
    test_a_gap_ends_the_key_until_the_cause_is_stated
recusal declared offline:
    test_a_recusal_declared_offline_counts_from_its_place, test_a_recusal_declared_offline_voids_the_sheets_of_its_seat,
    test_a_recusal_declared_offline_does_not_undo_what_is_agreed
seat lost with its disk:
    test_a_seat_lost_with_its_disk_scores_again_with_another_key
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from evaluation.errors import CommitteeRefused, NotSafe
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed, Untrusted
from sessions.core.commands import AuthoriseSignature, LoseRecording, LoseVenue
from sessions.core.cut_off import MAX_LATE
from sessions.core.view import visibility
from sessions.errors import (
    ActGap,
    ActRepeated,
    CauseNotStated,
    CommandRefused,
    NotLost,
    NotReady,
    NotSuspended,
    Paused,
    SeatKeyEnded,
    SeatSuspended,
    SeenUnknown,
    UnknownKey,
    WrongLog,
    WrongRole,
)
from tests.sessions import drive as tests_drive
from tests.sessions.cut_off import Away, anew, back, rebind, seal_of
from tests.sessions.draws import audited
from tests.sessions.drive import HOLDERS, SHOWN, Drive, founding, spread

REASON = "设备被盗"


def types(entries: Sequence[Entry]) -> list[str]:
    return [entry.type for entry in entries]


def told(entries: Sequence[Entry]) -> tuple[str, str | None]:
    (found,) = (entry for entry in entries if entry.type == "OfflineAct")
    return found.body["result"], found.body["code"]


def test_a_sheet_sealed_offline_and_confirmed_is_accepted(drive: Drive, away: Away) -> None:
    """Seal of a round still open, seat unchanged, confirmed": its event and its `OfflineAct` in one append."""
    sheet, note = away.seal(), away.note()
    assert types(away.resume([sheet, note])) == ["SeatResumed"]
    assert drive.state.lost["venue-3"].waiting == {"seat-5", "room-3", "operator-3"}
    assert types(drive.take(sheet)) == ["SheetSealed", "OfflineAct"]
    merged = drive.take(note)
    assert types(merged) == ["IncidentNoted", "OfflineAct", "SeatMerged"]
    assert merged[-1].body == {"seat": "seat-5", "from": away.base + 1, "to": away.base + 2}
    assert drive.round.current["seat-5"] == sheet.id
    assert types(back(drive, "room-3", "operator-3"))[-2:] == ["VenueRejoined", "ProceedingResumed"]
    assert drive.state.gate == "open"
    # The chain goes on after the resume act, and holders answer for the sheet as for any other.
    for seat, scores in spread().items():
        if seat != "seat-5":
            drive.seal(seat, drive.sheet(seat, scores))
    drive.to_opening()
    drive.perform("seat-5", "incident.note", {"seat": None, "text": "恢复"})
    audited(drive)


def test_the_last_seat_to_be_merged_brings_the_venue_back(drive: Drive, away: Away) -> None:
    note = away.note()
    back(drive, "room-3", "operator-3")
    away.resume([note])
    assert drive.state.gate == "paused"
    made = drive.take(note)
    assert types(made) == ["IncidentNoted", "OfflineAct", "SeatMerged", "VenueRejoined", "ProceedingResumed"]
    (proven,) = made[-1].body["venues"]
    assert proven[1] > away.seen[0]
    assert drive.state.gate == "open"
    audited(drive)


def test_unconfirmed_and_forbidden_acts_stay_in_the_log_as_refused(drive: Drive, away: Away) -> None:
    """Refused and unconfirmed acts stay in the log as such; nothing is dropped silently"."""
    sheet, vote, hand = away.seal(), away.sign("review.vote", {"findings": []}), away.sign("nothing.known", {})
    away.resume([vote, hand])
    for act, code in ((sheet, "unconfirmed"), (vote, "not-offline"), (hand, "not-offline")):
        made = drive.take(act)
        assert told(made) == ("refused", code)
        assert made[0].act is not None
        assert made[0].act.id == act.id
    assert "seat-5" not in drive.round.current
    assert visibility(made[0], drive.state, "seat-4") == "summary"
    assert visibility(made[0], drive.state, "seat-5") == "full"
    back(drive, "room-3", "operator-3")
    audited(drive)


def test_a_seal_that_replaces_another_is_stale(drive: Drive) -> None:
    """`replaces` is not the current sheet": refused, `stale`; the sheet in the log stands."""
    drive.seal("seat-5", drive.sheet("seat-5", spread()["seat-5"]))
    current = drive.round.current["seat-5"]
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    wrong, right = away.seal(replaces=b64u(sha256(b"another"))), away.seal(replaces=b64u(current))
    away.resume([wrong, right])
    assert told(drive.take(wrong)) == ("refused", "stale")
    assert drive.round.current["seat-5"] == current
    assert told(drive.take(right)) == ("accepted", None)
    assert drive.round.current["seat-5"] == right.id
    audited(drive)


def test_a_recusal_declared_offline_counts_from_its_place() -> None:
    """Effective at merge; later acts of the seat refused"."""
    drive = Drive().until("declarations")
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    recusal = away.sign("recusal.declare", {"recuse": True, "grounds": [ground], "shown": SHOWN})
    note = away.note()
    away.resume([recusal, note])
    assert types(drive.take(recusal)) == ["RecusalDeclared", "MemberRecused", "OfflineAct"]
    made = drive.take(note)
    assert told(made) == ("refused", "seat-replaced")
    assert types(made) == ["OfflineAct", "SeatMerged"]
    back(drive, "room-3", "operator-3")
    assert drive.state.gate == "open"
    audited(drive)


def recusal_of(drive: Drive) -> Object:
    return {"recuse": True, "grounds": [drive.state.evaluation.rules.recusal_grounds[0]], "shown": SHOWN}


def test_a_recusal_declared_offline_voids_the_sheets_of_its_seat(drive: Drive) -> None:
    """Effective at merge; later acts of the seat refused; its sheets voided": the one that the log had, and the one
    that was merged just before."""
    for seat in ("seat-1", "seat-5"):
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    again = away.seal(replaces=b64u(drive.round.current["seat-5"]))
    recusal, later = away.sign("recusal.declare", recusal_of(drive)), away.note()
    away.resume([again, recusal, later])
    assert told(drive.take(again)) == ("accepted", None)
    made = drive.take(recusal)
    assert types(made) == ["RecusalDeclared", "MemberRecused", "SheetVoided", "OfflineAct"]
    assert made[2].body == {"act": b64u(again.id), "ground": "recusal", "decision": b64u(recusal.id)}
    assert told(drive.take(later)) == ("refused", "seat-replaced")
    assert drive.round.voided == {again.id}
    assert "seat-5" not in drive.round.required
    back(drive, "room-3", "operator-3")
    assert drive.state.evaluation.vacant == ("seat-5",)
    assert drive.state.evaluation.seats == ("seat-1", "seat-2", "seat-3", "seat-4")
    # The others' seals stand, and nothing is frozen before somebody sits in the place.
    for seat in ("seat-2", "seat-3", "seat-4"):
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.acknowledge()
    with pytest.raises(CommitteeRefused):
        drive.freeze()
    audited(drive)


def test_a_recusal_declared_offline_does_not_undo_what_is_agreed(drive: Drive) -> None:
    """What people agreed to open is opened first; whoever then still withdraws says so again."""
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.to_opening()
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    recusal = away.sign("recusal.declare", recusal_of(drive))
    away.resume([recusal])
    assert told(drive.take(recusal)) == ("refused", "leaving-refused")
    back(drive, "room-3", "operator-3")
    for holder in HOLDERS:
        drive.release(holder)
    drive.open()
    sealed = drive.round.current["seat-5"]
    made = drive.perform("seat-5", "recusal.declare", recusal_of(drive))
    assert types(made) == ["RecusalDeclared", "MemberRecused", "SheetVoided"]
    assert drive.round.voided == {sealed}
    assert "seat-5" not in {read.seat for read in drive.state.evaluation.sheets()}
    audited(drive)


def test_a_log_of_an_earlier_engine_keeps_a_late_recusal_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that a proceeding was founded under are those by which it is decided again."""
    monkeypatch.setattr(tests_drive, "founding", lambda identities: founding(identities) | {"engine": "2"})
    drive = Drive().until("detailed-review")
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    recusal = away.sign("recusal.declare", recusal_of(drive))
    away.resume([recusal])
    assert told(drive.take(recusal)) == ("refused", "too-late")
    assert "seat-5" in drive.state.evaluation.seats
    audited(drive)


def test_two_acts_at_one_place_suspend_the_key(drive: Drive, away: Away) -> None:
    """Two acts with one `ctr` (cloned profile)": both kept, seat key suspended, supervisor decides."""
    drive.execute(LoseVenue("venue-2", 40))
    twin = Away(drive, "seat-4")
    ours, last = twin.note(), twin.note("二")
    theirs = drive.act("seat-4", "incident.note", {"seat": None, "text": "另"}, ctr=ours.ctr, prev=ours.prev)
    twin.resume([ours, last])
    drive.take(ours)
    made = drive.take(theirs)
    assert types(made) == ["SeatSuspended"]
    assert made[0].act is not None
    assert made[0].act.id == theirs.id
    for act in (last, theirs):
        with pytest.raises(SeatSuspended):
            drive.take(act)
    with pytest.raises(WrongRole):
        drive.perform("operator-2", "seat.reinstate", {"seat": "seat-4", "reason": REASON})
    drive.perform("supervisor-1", "seat.reinstate", {"seat": "seat-4", "reason": REASON})
    with pytest.raises(NotSuspended):
        drive.perform("supervisor-1", "seat.reinstate", {"seat": "seat-4", "reason": REASON})
    assert types(drive.take(last)) == ["IncidentNoted", "OfflineAct", "SeatMerged"]
    audited(drive)


def test_a_second_device_that_resumes_suspends_the_key(drive: Drive, away: Away) -> None:
    clone = Away(drive, "seat-5")
    away.resume([])
    # Between the two resumes the venue is lost once more, so that the clone, too, has something to resume.
    back(drive, "room-3", "operator-3")
    drive.execute(LoseVenue("venue-3", 40))
    assert types(clone.resume([])) == ["SeatSuspended"]
    with pytest.raises(SeatSuspended):
        back(drive, "seat-5")
    audited(drive)


@pytest.mark.parametrize("broken", ["ctr", "prev"])
def test_a_gap_ends_the_key_until_the_cause_is_stated(drive: Drive, away: Away, broken: str) -> None:
    """Gap in `ctr`, wrong `prev`": `SeatGap`; later acts refused; rebind; operator and supervisor state the cause."""
    first = away.note()
    if broken == "prev":
        away.last = sha256(b"lost")
    second, third = away.note("二"), away.note("三")
    away.resume([first, second, third])
    if broken == "prev":
        drive.take(first)
    made = drive.take(second)
    assert types(made) == ["SeatGap"]
    assert made[0].body["expected"] == (first.ctr if broken == "ctr" else second.ctr)
    assert told(drive.take(third)) == ("refused", "seat-key-ended")
    rebind(drive, "seat-5")
    body: Object = {"offline": [], "ctr": 1, "server_ctr": 1}
    for teller in (None, "operator-1", "seat-1"):
        if teller:
            drive.perform(teller, "incident.note", {"seat": "seat-5", "text": REASON})
        with pytest.raises(CauseNotStated):
            drive.take(anew(drive, "seat-5", "seat.resume", body))
    drive.perform("supervisor-1", "incident.note", {"seat": "seat-5", "text": REASON})
    assert types(drive.take(anew(drive, "seat-5", "seat.resume", body))) == ["SeatResumed"]
    audited(drive)


def test_a_seat_lost_with_its_disk_scores_again_with_another_key(drive: Drive) -> None:
    """Seat lost with its disk": `SeatLost` {last ctr known}; the sheet in the log stands and may be replaced."""
    drive.seal("seat-5", drive.sheet("seat-5", spread()["seat-5"]))
    sealed = drive.round.current["seat-5"]
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    unsent = away.note()
    for wrong in ("operator-2", "seat-5", "supervisor-1"):
        with pytest.raises(WrongRole):
            drive.perform(wrong, "seat.lose", {"seat": "seat-5", "reason": REASON})
    with pytest.raises(Malformed):
        drive.perform("operator-1", "seat.lose", {"seat": "seat-5", "reason": ""})
    (lost,) = drive.perform("operator-1", "seat.lose", {"seat": "seat-5", "reason": REASON})
    assert lost.body == {"ctr": away.base}
    assert told(drive.take(unsent)) == ("refused", "seat-key-ended")
    with pytest.raises(SeatKeyEnded):
        away.resume([unsent])
    rebind(drive, "seat-5")
    drive.take(anew(drive, "seat-5", "seat.resume", {"offline": [], "ctr": 1, "server_ctr": 1}))
    back(drive, "room-3", "operator-3")
    assert drive.state.gate == "open"
    assert drive.round.current["seat-5"] == sealed
    audited(drive)


def test_what_an_ended_key_signed_while_cut_off_is_refused_and_kept(drive: Drive) -> None:
    """Refused, `seat-key-ended`; the sheet in the log stands and may be replaced by a new seal."""
    drive.seal("seat-5", drive.sheet("seat-5", spread()["seat-5"]))
    standing = drive.round.current["seat-5"]
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    unsent, later = away.seal(replaces=b64u(standing)), away.note()
    drive.perform("operator-1", "seat.lose", {"seat": "seat-5", "reason": "换到另一台终端"})
    rebind(drive, "seat-5")
    drive.take(anew(drive, "seat-5", "seat.resume", {"offline": [], "ctr": 1, "server_ctr": 1}))
    back(drive, "room-3", "operator-3")
    assert drive.state.gate == "open"
    # The old device comes back to the network, in whatever order, and in a pause as well.
    (kept,) = drive.take(later)
    assert told([kept]) == ("refused", "seat-key-ended")
    drive.perform("operator-1", "proceeding.pause", {"reason": "午休"})
    (kept,) = drive.take(unsent)
    assert told([kept]) == ("refused", "seat-key-ended")
    assert kept.act is not None
    assert kept.act.id == unsent.id
    assert visibility(kept, drive.state, "seat-4") == "summary"
    with pytest.raises(ActRepeated):
        drive.take(unsent)
    drive.perform("operator-1", "proceeding.resume", {"reason": "继续"})
    # It counts for nothing: the sheet stands, nobody acknowledges the other, and the new device may seal again.
    assert drive.round.current["seat-5"] == standing
    assert unsent.id not in drive.round.seals
    _, body = seal_of(drive, "seat-5", bytes(32), replaces=b64u(standing))
    assert types(drive.take(anew(drive, "seat-5", "sheet.seal", body))) == ["SheetSealed"]
    assert drive.round.current["seat-5"] not in (standing, unsent.id)
    audited(drive)


def test_what_an_ended_key_signs_later_has_no_place(drive: Drive, away: Away) -> None:
    """What was made after the end, or by somebody else, or about another history, is no evidence; nor without end."""
    notes = [away.note(str(n)) for n in range(MAX_LATE + 1)]
    forked = away.sign("incident.note", {"seat": None, "text": "x"}, seen=(away.seen[0], sha256(b"fork")))
    drive.perform("operator-1", "seat.lose", {"seat": "seat-5", "reason": REASON})
    forged = replace(notes[0], jws=notes[0].jws[:-4] + "AAAA")
    elsewhere = away.sign("incident.note", {"seat": None, "text": "x"}, aud="hohhot.example/proceedings/other")
    newest = away.sign("incident.note", {"seat": None, "text": "x"}, seen=(len(drive.tree), drive.tree.root()))
    for act, error in ((forked, SeenUnknown), (forged, Untrusted), (elsewhere, WrongLog), (newest, SeatKeyEnded)):
        with pytest.raises(error):
            drive.take(act)
    for note in notes[:MAX_LATE]:
        drive.take(note)
    with pytest.raises(SeatKeyEnded):
        drive.take(notes[-1])
    # No other door takes an act of an ended key for a fresh one.
    signing = replace(notes[-1], act="report.sign", body={})
    with pytest.raises(SeatKeyEnded):
        drive.execute(AuthoriseSignature(signing, bytes(32)))


def test_no_round_closes_over_a_seat_that_is_cut_off(drive: Drive, away: Away) -> None:
    """Impossible while the seat is required": neither in the pause, nor when the venue goes on without the seat."""
    for seat, scores in spread().items():
        if seat != "seat-5":
            with pytest.raises(Paused):
                drive.seal(seat, drive.sheet(seat, scores))
    with pytest.raises(Paused):
        drive.freeze()
    back(drive, "room-3", "operator-3")
    drive.perform("supervisor-1", "seat.release", {"seat": "seat-5", "reason": REASON})
    for seat, scores in spread().items():
        if seat != "seat-5":
            drive.seal(seat, drive.sheet(seat, scores))
    drive.acknowledge()
    with pytest.raises(NotSafe):
        drive.freeze()


def test_what_a_replaced_member_sealed_while_cut_off_is_refused_and_kept(drive: Drive, away: Away) -> None:
    """If the member was replaced: refused, `seat-replaced`."""
    sheet = away.seal()
    removal: Object = {"seat": "seat-5", "ground": "absent", "reason": "断线后未返回"}
    with pytest.raises(NotReady):
        drive.perform("supervisor-1", "member.remove", removal)
    drive.perform("supervisor-1", "seat.release", {"seat": "seat-5", "reason": REASON})
    back(drive, "room-3", "operator-3")
    drive.perform("supervisor-1", "member.remove", removal)
    (kept,) = drive.take(sheet)
    assert told([kept]) == ("refused", "seat-replaced")
    assert sheet.id not in drive.round.seals
    audited(drive)


def test_the_venue_goes_on_without_a_seat_that_is_released(drive: Drive, away: Away) -> None:
    """When all its seats are merged or released"; what a released seat signed is never merged."""
    drive.execute(LoseRecording("room-3"))
    note = away.note()
    away.resume([note])
    back(drive, "operator-3")
    for seat in ("operator-3", "seat-1"):
        with pytest.raises(NotLost):
            drive.perform("supervisor-1", "seat.release", {"seat": seat, "reason": REASON})
    drive.perform("supervisor-1", "seat.release", {"seat": "room-3", "reason": REASON})
    assert "room-3" not in drive.state.recording
    made = drive.perform("supervisor-1", "seat.release", {"seat": "seat-5", "reason": REASON})
    assert types(made) == ["SeatReleased", "VenueRejoined", "ProceedingResumed"]
    assert drive.state.gate == "open"
    assert told(drive.take(note)) == ("refused", "seat-key-ended")
    audited(drive)


def test_a_resume_names_what_was_made_and_knows_the_loss(drive: Drive, away: Away) -> None:
    note = away.note()
    chain = away.ctr, away.last
    for confirmed, more, error in (
        ([note], {"ctr": note.ctr + 3}, ActGap),
        ([note], {"server_ctr": 0}, ActGap),
        ([note, note], {}, CommandRefused),
        ([], {"offline": [b64u(sha256(b"1")), b64u(sha256(b"2"))]}, CommandRefused),
        ([], {"offline": ["x"]}, Malformed),
        ([], {"offline": [1]}, Malformed),
    ):
        with pytest.raises(error):
            away.resume(confirmed, **more)
        away.ctr, away.last = chain
    body: Object = {"offline": [b64u(note.id)], "ctr": note.ctr, "server_ctr": away.base}
    fork = (len(drive.tree), sha256(b"fork"))
    with pytest.raises(SeenUnknown):
        drive.take(away.sign("seat.resume", body, seen=fork))


def test_an_act_of_a_merging_seat_waits_and_a_repeated_one_is_answered(drive: Drive, away: Away) -> None:
    note, second = away.note(), away.note("二")
    away.resume([note, second])
    away.seen = (len(drive.tree), drive.tree.root())
    later = away.note("三")
    with pytest.raises(ActGap):
        drive.take(later)
    drive.take(note)
    with pytest.raises(ActRepeated):
        drive.take(note)
    drive.take(second)
    assert types(drive.take(later)) == ["IncidentNoted"]


def test_a_log_that_drops_what_was_refused_does_not_replay(drive: Drive, away: Away) -> None:
    """The control: an accepted seal without its `OfflineAct` is no log that these rules make."""
    sheet = away.seal()
    away.resume([sheet])
    drive.append([Draft("SheetSealed", {}, sheet)])
    with pytest.raises(Untrusted):
        audited(drive)


def test_a_stranger_has_no_part_in_a_merge(drive: Drive, away: Away) -> None:
    away.resume([away.note()])
    with pytest.raises(UnknownKey):
        drive.take(drive.act("stranger", "incident.note", {"seat": None, "text": "x"}))
