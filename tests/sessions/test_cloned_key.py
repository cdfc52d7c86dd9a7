"""Two acts with one `ctr` (protocols.md 6): a copied browser profile, at any time and not only while a seat merges.

Both acts are kept, the key is suspended, the supervisor decides. Who made which of the two is for people to find out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from evaluation.errors import TooEarly
from evidence.core.act import Act
from evidence.core.canonical import b64u
from evidence.core.entry import Entry
from sessions.core.commands import AuthoriseSignature
from sessions.core.view import visibility
from sessions.errors import ActFork, ActRepeated, Closed, Paused, SeatSuspended, SeenUnknown
from sessions.keeper import ProceedingKeeper
from tests.sessions.cut_off import Away, back, rebind, seal_of
from tests.sessions.draws import audited
from tests.sessions.drive import SHOWN, Drive, spread
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender

REASON = "查明为复制的浏览器配置"


def second(drive: Drive, seat: str, **more: object) -> Act:
    """What the copy of this seat's device signs, which knows its key's last act but one."""
    key = drive.state.keys[drive.state.seat_key[seat]]
    given: dict[str, object] = {"ctr": key.ctr, "prev": bytes(32), **more}
    return drive.act(seat, "incident.note", {"seat": None, "text": "另一台"}, **given)


def suspended(entries: list[Entry], act: Act) -> bool:
    (entry,) = entries
    return entry.type == "SeatSuspended" and entry.act is not None and entry.act.id == act.id


@pytest.mark.parametrize("place", [1, 2])
def test_a_second_act_is_kept_and_the_key_suspended(drive: Drive, place: int) -> None:
    """The seat is at work and was never away. It need not be the newest place of the chain."""
    drive.seal("seat-5", drive.sheet("seat-5", spread()["seat-5"]))
    first = drive.round.current["seat-5"]
    theirs = second(drive, "seat-5", ctr=place)
    made = drive.take(theirs)
    assert suspended(made, theirs)
    assert made[0].body == {"seat": "seat-5", "code": "act-fork"}
    # Both are in the log; the first one stands, and neither device goes on.
    assert {first, theirs.id} <= {entry.act.id for entry in drive.entries if entry.act is not None}
    assert drive.round.current["seat-5"] == first
    for act in (theirs, drive.act("seat-5", "incident.note", {"seat": None, "text": "x"})):
        with pytest.raises(SeatSuspended):
            drive.take(act)
    assert visibility(made[0], drive.state, "seat-4") == "summary"
    assert visibility(made[0], drive.state, "supervisor-1") == "full"
    drive.perform("supervisor-1", "seat.reinstate", {"seat": "seat-5", "reason": REASON})
    with pytest.raises(ActRepeated):
        drive.take(theirs)
    drive.perform("seat-5", "incident.note", {"seat": None, "text": "继续"})
    # Once more, and this time the supervisor has the device given up.
    assert suspended(drive.take(again := second(drive, "seat-5")), again)
    drive.perform("operator-3", "seat.lose", {"seat": "seat-5", "reason": REASON})
    rebind(drive, "seat-5")
    audited(drive)


def test_the_copy_of_a_seat_that_came_back_is_noticed(drive: Drive, away: Away) -> None:
    """The very case of the table: one device resumes and merges, then the other one sends what it signed meanwhile."""
    clone = Away(drive, "seat-5")
    clone.seen = away.seen
    note = away.note()
    _, body = seal_of(drive, "seat-5", b"2" * 32)
    theirs = clone.sign("sheet.seal", body)
    away.resume([note])
    drive.take(note)
    back(drive, "room-3", "operator-3")
    assert drive.state.gate == "open"
    assert suspended(drive.take(theirs), theirs)
    assert theirs.id not in drive.round.seals
    audited(drive)


def test_what_a_resume_did_not_announce_is_a_second_act(drive: Drive, away: Away) -> None:
    """A device that hides an act, or a copy that made one: its place in the chain is that of the resume act."""
    hidden = away.note()
    away.ctr, away.last = away.base, drive.state.keys[hidden.kid].last
    away.resume([])
    back(drive, "room-3", "operator-3")
    assert suspended(drive.take(hidden), hidden)
    audited(drive)


def test_it_is_kept_in_a_pause_and_after_an_abort_and_not_once_all_is_closed(drive: Drive) -> None:
    drive.perform("operator-1", "proceeding.pause", {"reason": "午休"})
    with pytest.raises(Paused):
        drive.perform("seat-1", "sheet.seal", {})
    assert suspended(drive.take(first := second(drive, "seat-1")), first)
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "x"})
    assert suspended(drive.take(later := second(drive, "seat-2")), later)
    closed = Drive().until("done")
    closed.close()
    with pytest.raises(Closed):
        closed.take(second(closed, "seat-2"))


def test_a_forged_history_or_a_signature_by_another_way_is_no_second_act(drive: Drive) -> None:
    """`seen` is ours, however old; a seat's signature of the report has one door only."""
    with pytest.raises(SeenUnknown):
        drive.take(second(drive, "seat-1", seen=(len(drive.tree), bytes(32))))
    signing = Drive().until("signing")
    body = {"credential": "credential-seat-1", "hashes": [SHOWN], "document": SHOWN}
    act = signing.act("seat-1", "report.sign", body, ctr=2, prev=bytes(32))
    with pytest.raises(ActFork):
        signing.execute(AuthoriseSignature(act, bytes(32)))


def test_a_centres_chain_has_no_seat_to_suspend(drive: Drive) -> None:
    vouch = {"seat": "seat-1", "thumbprint": "x", "cose": None}
    with pytest.raises(ActFork):
        drive.take(drive.act(drive.state.main, "seat.vouch", vouch, ctr=1))


@asynccontextmanager
async def meeting(folder: Path) -> AsyncIterator[tuple[ProceedingKeeper, People]]:
    world = World(folder)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        yield keeper, people


@pytest.mark.asyncio
async def test_the_door_tells_the_second_device_that_nothing_was_done(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (keeper, people):
        shown = {"shown": b64u(bytes(32))}
        theirs = people.act(keeper, "seat-1", "commitment.sign", shown, ctr=1)
        for _ in range(2):
            with pytest.raises(SeatSuspended):
                await keeper.perform(theirs.jws)
        kept = [entry for entry in keeper.entries if entry.type == "SeatSuspended"]
        assert [entry.act.id for entry in kept if entry.act is not None] == [theirs.id]
        reinstated = {"seat": "seat-1", "reason": REASON}
        await keeper.perform(people.act(keeper, "supervisor-1", "seat.reinstate", reinstated).jws)
        with pytest.raises(SeatSuspended):
            await keeper.perform(theirs.jws)
        await keeper.perform(people.act(keeper, "seat-1", "commitment.sign", shown).jws)


@pytest.mark.asyncio
async def test_a_copy_of_a_refused_act_that_comes_late_is_none(tmp_path: Path) -> None:
    """A request that the network delivers twice: the place of a refused act is free, and the seat has used it since."""
    async with meeting(tmp_path) as (keeper, people):
        refused = people.act(keeper, "seat-1", "review.vote", {"findings": []})
        with pytest.raises(TooEarly):
            await keeper.perform(refused.jws)
        await keeper.perform(people.act(keeper, "seat-1", "commitment.sign", {"shown": b64u(bytes(32))}).jws)
        with pytest.raises(ActFork):
            await keeper.perform(refused.jws)
        assert "SeatSuspended" not in {entry.type for entry in keeper.entries}
