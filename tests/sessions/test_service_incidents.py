"""Venues, rooms and media workers that go away and come back (docs/protocol.md 2.2)."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from evidence.core.canonical import unb64u
from media.core.plan import RoomPlan
from media.errors import MediaError, MediaUnavailable
from media.ports import MediaEngine
from sessions.core.state import CLOSED, OPEN, PAUSED, Proceeding
from sessions.errors import Paused
from sessions.service import ProceedingKeeper
from sessions.service_errors import RoomNotAdmitted
from sessions.updates import MediaChanged, PresenceChanged
from tests.sessions.service_people import People
from tests.sessions.service_world import SDP, World, audit, tender, types, until
from web.server.routes.administration import listed_alarms


class Meeting:
    """A proceeding whose declarations have begun: rooms admitted and recorded."""

    def __init__(self, world: World, keeper: ProceedingKeeper, people: People) -> None:
        self.world = world
        self.keeper = keeper
        self.people = people

    @property
    def state(self) -> Proceeding:
        return self.keeper.state

    async def finish(self) -> None:
        await self.people.play(self.keeper, lambda state: state.gate == CLOSED)
        await audit(self.world, self.keeper)


@pytest_asyncio.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[Meeting]:
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        people = People(world, name)
        keeper = proceedings.get(name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        yield Meeting(world, keeper, people)


@pytest.mark.asyncio
async def test_a_venue_without_its_rooms_socket_is_lost_and_comes_back_by_its_seats(meeting: Meeting) -> None:
    """protocols.md section 6: `VenueLost` and `ProceedingPaused` in one append; `VenueRejoined` with the last seat."""
    keeper, people = meeting.keeper, meeting.people
    keeper.disconnected("room-3")
    people.absent |= {"room-3", "seat-5", "operator-3"}
    await until(lambda: "venue-3" in meeting.state.lost)
    lost = types(keeper.entries).index("VenueLost")
    assert types(keeper.entries)[lost + 1] == "ProceedingPaused"
    assert meeting.state.gate == PAUSED
    made = people.act(keeper, "seat-1", "commitment.sign", {"shown": "A" * 43})
    with pytest.raises(Paused):
        await keeper.perform(made.jws)
    keeper.connected("room-3")
    people.absent.clear()
    await people.play(keeper, lambda state: state.gate == OPEN)
    tail = types(keeper.entries)[lost:]
    assert tail.count("SeatResumed") == 3
    assert tail.index("VenueRejoined") > tail.index("SeatResumed")
    resumed = next(e for e in keeper.entries if e.type == "ProceedingResumed" and e.body["venues"])
    ((venue, size, root),) = resumed.body["venues"]
    assert (venue, unb64u(root)) == ("venue-3", keeper.log.tree.root(size))
    await meeting.finish()


@pytest.mark.asyncio
async def test_a_socket_that_comes_back_in_time_loses_nothing(meeting: Meeting) -> None:
    keeper = meeting.keeper
    keeper.disconnected("room-3")
    keeper.connected("room-3")
    # Venue 2 goes for good meanwhile: when it is lost, venue 3 would have been, too.
    keeper.disconnected("room-2")
    await until(lambda: meeting.state.lost)
    assert set(meeting.state.lost) == {"venue-2"}


@pytest.mark.asyncio
async def test_without_a_recording_the_evaluation_pauses(meeting: Meeting) -> None:
    """87号令 39: the whole evaluation is recorded. `recording-lost` for the room that sends nothing, and no other."""
    keeper, people = meeting.keeper, meeting.people
    people.absent.add("room-2")
    meeting.world.worker.engine.lose("room-2")
    await until(lambda: ("recording-lost", "room-2") in meeting.state.pauses)
    assert meeting.state.pauses == {("recording-lost", "room-2")}
    people.absent.clear()
    await people.play(keeper, lambda state: state.gate == OPEN)
    assert types(keeper.entries)[-1] == "ProceedingResumed"


@pytest.mark.asyncio
@pytest.mark.parametrize("cause", ["disk-failed", "disk-stalled"])
async def test_what_does_not_reach_the_disk_is_no_recording(meeting: Meeting, cause: str) -> None:
    """Packets still come from every room; the worker's alarm says that nothing of them is kept."""
    keeper = meeting.keeper
    meeting.world.worker.engine.alarm("disk-nearly-full")
    await until(lambda: keeper.recorder.alarm == "disk-nearly-full")
    assert meeting.state.gate == OPEN
    meeting.world.worker.engine.alarm(cause)
    await until(lambda: len(meeting.state.pauses) == 3)
    assert meeting.state.pauses == {("recording-lost", f"room-{n}") for n in (1, 2, 3)}
    assert cause in [alarm.kind for alarm in listed_alarms(keeper, keeper.state, time.time())]
    meeting.world.worker.engine.alarm("disk-ok")
    await meeting.people.play(keeper, lambda state: state.gate == OPEN)
    assert keeper.recorder.alarm is None


@pytest.mark.asyncio
async def test_a_new_media_worker_is_told_everything_and_rooms_hear_of_it(meeting: Meeting) -> None:
    """After kill -9 of the worker: another engine id, plan and recording anew, `media` to every socket."""
    keeper, people = meeting.keeper, meeting.people
    before = keeper.media.engine
    subscription = keeper.subscribe()
    await meeting.world.worker.kill()
    await until(lambda: keeper.media.engine is None)
    heard = [update async for update in _until_engine(subscription, before)]
    assert heard[-1].rooms == {"room-1": False, "room-2": False, "room-3": False}
    await people.play(keeper, lambda state: state.recording["room-1"] != before)
    started = [e.body["engine"] for e in keeper.entries if e.type == "RecordingStarted"]
    assert len(set(started)) == 2
    await meeting.finish()


@pytest.mark.asyncio
async def test_why_there_is_no_media_worker_is_said_once(meeting: Meeting, caplog: pytest.LogCaptureFixture) -> None:
    """It is asked for four times a second, for as long as it takes; a log of nothing else would hide everything."""
    caplog.set_level(logging.INFO, "sessions.recording")
    worker, tried = meeting.world.worker, []

    async def away(plan: RoomPlan) -> MediaEngine:
        tried.append(plan)
        raise MediaUnavailable("away")

    worker.connect = away  # type: ignore[method-assign]
    await worker.kill()
    await until(lambda: len(tried) > 3)
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["the worker died", "away"]


async def _until_engine(subscription: object, before: str | None) -> AsyncIterator[MediaChanged]:
    async for update in subscription:  # type: ignore[attr-defined]
        if isinstance(update, MediaChanged):
            yield update
            if update.engine not in (None, before):
                return


@pytest.mark.asyncio
async def test_presence_is_told_when_it_changes(meeting: Meeting) -> None:
    subscription = meeting.keeper.subscribe()
    meeting.keeper.disconnected("room-3")
    meeting.keeper.connected("room-3")
    told = []
    async for update in subscription:
        if isinstance(update, PresenceChanged):
            told.append(update.venues["venue-3"])
            if len(told) == 2:
                break
    assert told == [False, True]


@pytest.mark.asyncio
async def test_what_a_room_says_of_its_devices_holds_while_it_is_there(meeting: Meeting) -> None:
    keeper = meeting.keeper
    keeper.has_devices("room-3", {"camera": "denied", "microphone": "on"})
    assert keeper.presence.devices["room-3"] == {"camera": "denied", "microphone": "on"}
    keeper.disconnected("room-3")
    keeper.has_devices("room-3", {"camera": "on", "microphone": "on"})
    assert "room-3" not in keeper.presence.devices
    keeper.connected("room-3")
    assert "room-3" not in keeper.presence.devices


@pytest.mark.asyncio
async def test_a_room_publishes_only_after_its_admission(tmp_path: Path) -> None:
    """No evidence, no action: the admission is in the log before a packet flows."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        await until(lambda: keeper.media.engine is not None)
        with pytest.raises(RoomNotAdmitted):
            await keeper.publish("room-1", SDP)


@pytest.mark.asyncio
async def test_a_malformed_offer_is_refused_by_its_code(meeting: Meeting) -> None:
    with pytest.raises(MediaError) as caught:
        await meeting.keeper.publish("room-1", "v=0\r\nnot sdp")
    assert caught.value.code.startswith("sdp-")


@pytest.mark.asyncio
async def test_after_our_own_start_everybody_gets_the_grace_to_come_back(tmp_path: Path) -> None:
    """It was the server that was away: venues are not lost at once, and lost only after the grace."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        people = People(world, name)
        people.connect(proceedings.get(name))
        await people.play(proceedings.get(name), lambda state: state.stage == "declarations")
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        keeper = proceedings.get(name)
        for room in ("room-1", "room-2"):
            keeper.connected(room)
        await until(lambda: keeper.state.lost)
        assert set(keeper.state.lost) == {"venue-3"}
        keeper.connected("room-3")
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await audit(world, keeper)


@pytest.mark.asyncio
async def test_a_clock_that_is_set_is_stated(meeting: Meeting) -> None:
    """No deadline fires across a jump: the log's clock is held against the monotonic one."""
    meeting.world.shift = timedelta(hours=5)
    await until(lambda: "ClockJumped" in types(meeting.keeper.entries))
    (jump,) = (entry for entry in meeting.keeper.entries if entry.type == "ClockJumped")
    assert abs(jump.body["by"] - 5 * 3600 * 1000) < 1000
    await audit(meeting.world, meeting.keeper)
