"""A log whose acknowledged entries are gone everywhere goes on under `/r2` (protocols.md 6, docs/protocol.md 11.2)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluation.errors import RoundFrozen
from evidence.core import act as acts_form
from evidence.core.canonical import b64u, sha256
from evidence.core.entry import Draft, Entry
from evidence.errors import EvidenceError, Malformed, Untrusted
from sessions.continuing_errors import ContinuationRefused, NotConfirmed, NothingLost, TooLate, TooSoon
from sessions.core import continuing
from sessions.core.commands import LoseVenue, NoteLeaves
from sessions.core.state import Proceeding
from sessions.core.todo import todo
from sessions.core.view import view
from sessions.errors import ActGap, EntryRefused, SeenUnknown, SessionError, WrongLog, WrongRole
from tests.sessions.continued import CITIES, REASON, Lost, lose
from tests.sessions.cut_off import Away, back, seal_of
from tests.sessions.draws import audited
from tests.sessions.drive import FINANCE, MAIN, ZHUHAI, Drive, spread


def told(entries: Sequence[Entry]) -> tuple[str, str | None]:
    (found,) = (entry for entry in entries if entry.type == "OfflineAct")
    return found.body["result"], found.body["code"]


def bound(state: Proceeding) -> list[str]:
    """All that wait."""
    return [seat for each in state.lost.values() for seat in sorted(each.waiting)]


def seal(drive: Drive, seat: str) -> None:
    made, body = seal_of(drive, seat, sha256(seat.encode()))
    act = drive.act(seat, "sheet.seal", body)
    drive.sealed[act.id] = made
    drive.take(act)


@pytest.fixture(scope="module")
def played() -> tuple[Drive, int]:
    """A note, two sheets, a help request and its answer were witnessed after what is left."""
    drive = Drive().until("detailed-review")
    size = len(drive.entries)
    drive.perform("supervisor-1", "incident.note", {"seat": None, "text": "开始打分"})
    seal(drive, "seat-1")
    seal(drive, "seat-5")
    (asked,) = drive.perform("seat-5", "help.ask", {"kind": "device", "text": ""})
    assert asked.act is not None
    drive.perform("operator-3", "help.answer", {"asked": b64u(asked.act.id), "text": "来了"})
    return drive, size


@pytest.fixture
def lost(played: tuple[Drive, int]) -> Lost:
    drive, size = played
    return lose(Drive(entries=list(drive.entries), tree=drive.tree, sealed=dict(drive.sealed)), size)


def going_on(lost: Lost, *known: int) -> Lost:
    lost.go_on(known=[lost.leaf(n) for n in known])
    lost.confirm()
    return lost


def test_one_row_of_entries_goes_on_and_all_come_back(lost: Lost) -> None:
    drive, size = lost.drive, lost.size
    (continued,) = lost.go_on()
    assert (continued.n, continued.origin) == (size, f"{drive.state.origin}/r2")
    with pytest.raises(NotConfirmed):
        drive.witness()
    assert todo(drive.state, drive.state.seat("seat-1")) == []
    (confirmed,) = lost.confirm()
    assert (confirmed.type, drive.state.gate) == ("ContinuationConfirmed", "paused")
    waiting = bound(drive.state)
    assert {"supervisor-1", "room-1", "seat-1"} <= set(waiting)
    assert "auditor-1" not in waiting
    assert todo(drive.state, drive.state.seat("supervisor-1")) == ["seat.resume"]
    for seat in waiting:
        lost.resume(seat)
        for act in lost.acts_of(seat):
            verdict = ("accepted", None) if act.act in ("sheet.seal", "incident.note") else ("refused", "not-offline")
            assert told(drive.take(act)) == verdict
    assert (drive.state.gate, drive.state.pauses) == ("open", frozenset())
    assert set(drive.round.current) == {"seat-1", "seat-5"}
    shown = view(drive.state, "seat-2")
    assert (shown["origin"], shown["log"]) == (drive.entries[0].origin, drive.origin)
    assert shown["continued"] == {
        "n": size,
        "origin": drive.state.origin,
        "size": size,
        "witnessed": len(lost.whole),
        "missing": len(lost.whole) - size,
        "known": 0,
        "confirmed": True,
        "confirmed_by": FINANCE,
        "reason": REASON,
    }
    # The proceeding ends as every other, and each entry follows from the rules anew.
    for seat in ("seat-2", "seat-3", "seat-4"):
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.to_opening()
    audited(drive)


def test_what_is_proven_is_taken_whatever_it_is_and_in_its_order(lost: Lost) -> None:
    """Whoever helped cannot have answered before anybody asked: the proven order is kept across seats."""
    drive, end = lost.drive, len(lost.whole)
    going_on(lost, *range(lost.size, end))
    (asked,) = (act for act in lost.acts_of("seat-5") if act.act == "help.ask")
    (answered,) = lost.acts_of("operator-3")
    lost.resume("operator-3")
    with pytest.raises(TooSoon):
        drive.take(answered)
    lost.resume("supervisor-1")
    drive.take(*lost.acts_of("supervisor-1"))
    lost.resume("seat-1")
    drive.take(*lost.acts_of("seat-1"))
    lost.resume("seat-5")
    sealed = drive.take(lost.acts_of("seat-5")[0])
    assert (sealed[0].type, told(sealed)) == ("SheetSealed", ("accepted", None))
    assert told(drive.take(asked)) == ("accepted", None)
    assert told(drive.take(answered)) == ("accepted", None)
    assert drive.state.helps[0].answer == "来了"
    audited(drive)


def test_without_the_order_an_act_comes_before_what_it_answers(lost: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: what the order prevents."""
    monkeypatch.setattr(continuing, "demand_turn", lambda state, act: None)
    going_on(lost, *range(lost.size, len(lost.whole)))
    lost.resume("operator-3")
    assert told(lost.drive.take(*lost.acts_of("operator-3"))) == ("refused", "unknown-help")


def test_leaves_that_are_proven_later_count_as_well(lost: Lost) -> None:
    drive = going_on(lost).drive
    leaf = lost.leaf(lost.whole[-2].n)
    (noted,) = drive.execute(NoteLeaves((leaf,)))
    assert noted.body == {"known": [leaf.json]}
    with pytest.raises(NothingLost):
        drive.execute(NoteLeaves((leaf,)))
    lost.resume("seat-5")
    sealed, asked = lost.acts_of("seat-5")
    drive.take(sealed)
    assert told(drive.take(asked)) == ("accepted", None)
    audited(drive)


def test_a_seat_that_is_released_holds_nobody_up(lost: Lost) -> None:
    drive = going_on(lost, *range(lost.size, len(lost.whole))).drive
    lost.resume("supervisor-1")
    drive.take(*lost.acts_of("supervisor-1"))
    drive.perform("supervisor-1", "seat.release", {"seat": "seat-1", "reason": "离开"})
    lost.resume("seat-5")
    assert told(drive.take(lost.acts_of("seat-5")[0])) == ("accepted", None)
    # What the released seat's device brings all the same is kept, and counts for nothing.
    assert told(drive.take(*lost.acts_of("seat-1"))) == ("refused", "seat-key-ended")
    audited(drive)


def test_who_confirmed_nothing_has_nothing_accepted(lost: Lost) -> None:
    drive = going_on(lost, *range(lost.size, len(lost.whole))).drive
    lost.resume("supervisor-1", ())
    assert told(drive.take(*lost.acts_of("supervisor-1"))) == ("refused", "unconfirmed")


def test_an_act_comes_again_once_and_byte_for_byte(lost: Lost) -> None:
    """Twice: the first answer, no second verdict. Altered by an octet: no signature. A new act under the old number:
    the key is suspended, and both are kept."""
    drive = going_on(lost).drive
    lost.resume("seat-5")
    sealed, asked = lost.acts_of("seat-5")
    payload = sealed.jws.split(".")
    flipped = ("A" if payload[2][5] != "A" else "B").join((payload[2][:5], payload[2][6:]))
    with pytest.raises(Untrusted):
        drive.take(acts_form.parse(".".join((*payload[:2], flipped))))
    drive.take(sealed)
    with pytest.raises(SessionError) as repeated:
        drive.take(sealed)
    assert repeated.value.code == "act-repeated"
    other = drive.act("seat-5", "incident.note", {"seat": None, "text": "x"}, ctr=asked.ctr, prev=sealed.id)
    assert [entry.type for entry in drive.take(other)] == ["SeatSuspended"]
    assert sum(entry.type == "OfflineAct" for entry in drive.entries[lost.size :]) == 1


def test_acts_of_the_former_log_have_no_other_way_in(lost: Lost) -> None:
    drive = going_on(lost).drive
    (note,) = lost.acts_of("supervisor-1")
    with pytest.raises(WrongLog):
        drive.take(note)
    lost.resume("supervisor-1")
    drive.take(note)
    later = drive.act("supervisor-1", "incident.note", {"seat": None, "text": "x"}, aud=drive.state.origin)
    with pytest.raises(WrongLog):
        drive.take(later)


@pytest.mark.parametrize("beyond", [0, 1, 9])
def test_what_was_seen_lies_within_what_was_witnessed(lost: Lost, beyond: int) -> None:
    drive = going_on(lost).drive
    (note,) = lost.acts_of("supervisor-1")
    key = drive.state.keys[drive.state.seat_key["supervisor-1"]]
    size = len(lost.whole) + beyond
    root = lost.tree.root() if not beyond else sha256(b"another")
    made = drive.act(
        "supervisor-1",
        "incident.note",
        {"seat": None, "text": "x"},
        aud=drive.state.origin,
        seen=(size, root),
    )
    lost.resume("supervisor-1", own=[made])
    if beyond:
        with pytest.raises(SeenUnknown):
            drive.take(made)
    else:
        assert told(drive.take(made)) == ("accepted", None)
    assert note.ctr == key.ctr + 1


def test_another_root_at_the_witnessed_size_is_a_fork(lost: Lost) -> None:
    drive = going_on(lost).drive
    seen = (len(lost.whole), sha256(b"another history"))
    note = {"seat": None, "text": "x"}
    made = drive.act("supervisor-1", "incident.note", note, aud=drive.state.origin, seen=seen)
    lost.resume("supervisor-1", own=[made])
    with pytest.raises(SeenUnknown):
        drive.take(made)


def test_a_merge_that_the_loss_cut_in_two_ends_its_key() -> None:
    drive = Drive().until("detailed-review")
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    notes = [away.note(), away.note("又断电")]
    away.resume(notes)
    drive.take(notes[0])
    size = len(drive.entries)
    drive.take(notes[1])
    going_on(lose(drive, size))
    assert "seat-5" not in drive.state.seat_key
    assert told(drive.take(notes[1])) == ("refused", "seat-key-ended")


def test_who_signed_meanwhile_does_not_act_without_coming_back(lost: Lost) -> None:
    drive = going_on(lost).drive
    (note,) = lost.acts_of("supervisor-1")
    text = {"seat": None, "text": "x"}
    with pytest.raises(ActGap):
        drive.take(drive.act("supervisor-1", "incident.note", text, ctr=note.ctr + 1, prev=note.id))


def test_only_another_centre_with_a_seat_here_confirms(lost: Lost) -> None:
    drive = lost.drive
    lost.go_on()
    for owner in (MAIN, "supervisor-1"):
        with pytest.raises((ContinuationRefused, WrongRole)):
            lost.confirm(owner)
    with pytest.raises(ContinuationRefused):
        drive.perform(FINANCE, "log.confirm", {"continued": b64u(bytes(32))})
    lost.confirm()
    with pytest.raises(ContinuationRefused):
        lost.confirm(ZHUHAI)


def hostile(lost: Lost) -> dict[str, object]:
    """Bodies of `log.continue` that say another thing than the log or the nodes show, and why each is refused."""
    city, *others = CITIES
    honest = [lost.statement(each) for each in others]
    left = lost.left().json
    leaf = lost.leaf(lost.size)
    far = {"size": lost.left().witnessed + 1, "root": b64u(bytes(32))}
    return {
        "another prefix": lost.body(continues={**left, "root": b64u(sha256(b"x"))}),
        "a shorter prefix": lost.body(continues={**left, "size": lost.size - 1}),
        "nothing missing": lost.body(continues={**left, "witnessed": lost.size}),
        "another range": lost.body(missing=[lost.size, lost.size + 1]),
        "another log": lost.body(continues={**left, "origin": f"{lost.drive.origin}/r2"}),
        "a node left out": lost.body(held=honest),
        "a node twice": lost.body(held=[lost.statement(city), lost.statement(city), *honest]),
        "all absent": lost.body(held=[], absent=list(CITIES)),
        "present and absent": lost.body(absent=[city]),
        "a stranger absent": lost.body(absent=["nobody.example"]),
        "another's signature": lost.body(held=[lost.statement(city, signer=MAIN), *honest]),
        "the main centre's own": lost.body(held=[lost.statement(MAIN), *[lost.statement(each) for each in CITIES]]),
        "a copy that holds more": lost.body(held=[lost.statement(city, size=lost.size + 1), *honest]),
        "a copy of another history": lost.body(held=[lost.statement(city, root=b64u(bytes(32))), *honest]),
        "a record beyond": lost.body(held=[lost.statement(city, witnessed=far), *honest]),
        "no act": lost.body(held=["x", *honest]),
        "a known leaf before": lost.body(known=[lost.leaf(lost.size - 1)]),
        "known leaves unsorted": lost.body(known=[lost.leaf(lost.size + 1), leaf]),
        "a known leaf twice": lost.body(known=[leaf, leaf]),
        "no reason": lost.body(reason=" "),
        "a member too many": lost.body(x=1),
        "notes as a number": lost.body(witnessed=7),
    }


def test_what_the_nodes_do_not_show_is_refused(lost: Lost) -> None:
    for why, body in hostile(lost).items():
        before = list(lost.drive.entries)
        try:
            lost.go_on(body)  # type: ignore[arg-type]
        except (SessionError, EvidenceError):
            assert lost.drive.entries == before
        else:
            pytest.fail(why)
    for owner in (FINANCE, "operator-1", "supervisor-1"):
        with pytest.raises(WrongRole):
            lost.go_on(owner=owner)
    lost.go_on()


def test_a_node_that_released_beyond_what_is_left_makes_it_too_late(lost: Lost) -> None:
    gone = b64u(sha256(b"a freeze that is gone"))
    city, *others = CITIES
    with pytest.raises(TooLate):
        lost.go_on(lost.body(held=[lost.statement(city, released=[gone]), *map(lost.statement, others)]))
    # Control: what it released of what is left is no reason.
    ballot = next(found.freeze for found in lost.drive.state.evaluation.rounds if found.freeze)
    stated = lost.statement(city, released=[b64u(ballot.leaf)])
    lost.go_on(lost.body(held=[stated, *map(lost.statement, others)]))


def test_too_late_is_an_act_for_a_round_that_was_frozen_since(lost: Lost) -> None:
    """A member whose sheet came again and was opened cannot bring another one; after the close nothing comes."""
    drive = going_on(lost).drive
    for seat in bound(drive.state):
        lost.resume(seat)
        for act in lost.acts_of(seat):
            drive.take(act)
    for seat in ("seat-2", "seat-3", "seat-4"):
        drive.seal(seat, drive.sheet(seat, spread()[seat]))
    drive.to_opening()
    _, body = seal_of(drive, "seat-5", sha256(b"late"), replaces=b64u(drive.round.current["seat-5"]))
    with pytest.raises(RoundFrozen):
        drive.perform("seat-5", "sheet.seal", body)
    for act in lost.acts_of("seat-5"):
        with pytest.raises(SessionError) as refused:
            drive.take(act)
        assert refused.value.code == "act-repeated"


def test_it_happens_a_second_time(lost: Lost) -> None:
    """`/r3`: what was lost of the second log; the former's range stays as it was."""
    drive = going_on(lost).drive
    waiting = bound(drive.state)
    for seat in waiting:
        lost.resume(seat)
        for act in lost.acts_of(seat):
            drive.take(act)
    size = len(drive.entries)
    drive.perform("seat-2", "incident.note", {"seat": None, "text": "再次"})
    again = lose(drive, size)
    assert drive.state.log == drive.origin
    again.go_on()
    again.confirm()
    assert drive.state.log == f"{drive.state.origin}/r3"
    again.resume("seat-2")
    assert told(drive.take(*again.acts_of("seat-2"))) == ("accepted", None)
    audited(drive)


def test_a_log_changes_its_origin_nowhere_else(lost: Lost) -> None:
    drive = lost.drive
    drive.origin = f"{drive.origin}/r2"
    with pytest.raises(EntryRefused):
        drive.append([Draft("LookNoted", {"looks": []})])
    with pytest.raises((EntryRefused, Malformed)):
        drive.append([Draft("LogContinued", {})])


def test_seats_that_signed_nothing_only_resume(lost: Lost) -> None:
    drive = going_on(lost).drive
    back(drive, "operator-2", "room-2", "seat-4")
    assert "venue-2" not in drive.state.lost
    assert {"venue-1", "venue-3"} == drive.state.lost.keys()
