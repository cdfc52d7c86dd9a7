"""One suite for `media.ports.MediaEngine`: the engine in memory, and a real worker process behind its socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from media.adapters.clip_publisher import ClipPublisher
from media.adapters.memory import MemoryEngine
from media.adapters.room_client import RoomClient
from media.core.events import EngineStarted, RoomConnected, RoomLost, SegmentClosed
from media.core.plan import RoomPlan
from media.core.record import SegmentKey
from media.errors import BadRequest, MediaError, NotOpen, PlanDiffers, SdpRefused, UnknownPeer, UnknownRoom
from media.ports import MediaEngine
from tests.media.worlds import Listener, hash_of, join, until, until_status, wall_ms, worker

PLAN = RoomPlan("centre.example/proceedings/1", ("main", "east"))


@dataclass
class World:
    engine: MediaEngine
    clip: Path
    real: bool

    async def join(self, room: str) -> None:
        if self.real:
            self.rooms = [*getattr(self, "rooms", []), await join(self.engine, room, self.clip)]
            return
        publisher = ClipPublisher(clip_path=self.clip, clock=wall_ms)
        client = RoomClient(tracks=[publisher.audio, publisher.video])
        await self.engine.publish(room, await client.offer())
        publisher.stop()
        await client.close()

    async def leave(self) -> None:
        for room in getattr(self, "rooms", []):
            await room.leave()


@pytest_asyncio.fixture(params=["memory", "worker"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, clip: Path) -> AsyncIterator[World]:
    if request.param == "memory":
        yield World(MemoryEngine(spool=tmp_path, clock=wall_ms), clip, real=False)
        return
    async with worker(tmp_path) as process:
        engine = await process.connect()
        found = World(engine, clip, real=True)
        yield found
        await found.leave()
        await engine.close()


@pytest.mark.asyncio
async def test_nothing_works_before_a_plan_is_opened(world: World) -> None:
    with pytest.raises(NotOpen):
        await world.engine.publish("main", "v=0")
    with pytest.raises(NotOpen):
        await world.engine.watch("seat-1")
    with pytest.raises(NotOpen):
        await world.engine.start_recording(["main"])


@pytest.mark.asyncio
async def test_opening_twice_is_idempotent_and_another_plan_is_refused(world: World) -> None:
    await world.engine.open(PLAN)
    await world.engine.open(PLAN)
    with pytest.raises(PlanDiffers):
        await world.engine.open(RoomPlan("centre.example/proceedings/1", ("main",)))


def test_a_plan_refuses_names_that_are_not_names() -> None:
    for rooms in ((), ("../x",), ("a b",), ("",), ("a", "a"), ("x" * 49,), tuple(f"r{i}" for i in range(25))):
        with pytest.raises(BadRequest):
            RoomPlan("p", rooms)


@pytest.mark.asyncio
async def test_requests_about_strangers_are_refused_with_their_code(world: World) -> None:
    await world.engine.open(PLAN)
    with pytest.raises(UnknownRoom):
        await world.engine.publish("west", "v=0")
    with pytest.raises(UnknownRoom):
        await world.engine.stop_recording(["main", "west"])
    with pytest.raises(UnknownPeer):
        await world.engine.answer("peer-99", "v=0")
    await world.engine.drop("peer-99")


@pytest.mark.asyncio
async def test_a_malformed_description_gets_its_sdp_code(world: World) -> None:
    await world.engine.open(PLAN)
    for text, code in (("", "sdp-version"), ("v=0\r\n", "sdp-no-sections"), ("x" * 70_000, "sdp-too-large")):
        with pytest.raises(SdpRefused) as refused:
            await world.engine.publish("main", text)
        assert refused.value.code == code


@pytest.mark.asyncio
async def test_a_watcher_is_offered_every_slot_of_every_room_in_the_plan_s_order(world: World) -> None:
    await world.engine.open(PLAN)
    offer = await world.engine.watch("seat-1")
    assert [(slot.room, slot.kind) for slot in offer.slots] == [
        (room, kind) for room in ("main", "east") for kind in ("mic", "camera", "document")
    ]
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await client.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type="offer"))
    await client.setLocalDescription(await client.createAnswer())
    assert [t.mid for t in client.getTransceivers()] == [slot.mid for slot in offer.slots]
    await world.engine.answer(offer.subscription, client.localDescription.sdp)
    with pytest.raises(SdpRefused):
        await world.engine.answer(offer.subscription, offer.sdp)
    assert (await world.engine.status())["watchers"] == {offer.subscription: "seat-1"}
    await client.close()


@pytest.mark.asyncio
async def test_a_room_is_connected_recorded_and_sealed_when_recording_stops(world: World) -> None:
    await world.engine.open(PLAN)
    listener = Listener(world.engine)
    await until(lambda: listener.of(EngineStarted))
    await world.engine.start_recording(["main"])
    await world.engine.start_recording(["main"])
    await world.join("main")
    await until(lambda: listener.of(RoomConnected))
    status = await until_status(world.engine, lambda found: len(found["rooms"]["main"]["tracks"]) == 2)
    state = status["rooms"]
    assert state["main"]["connected"]
    counts = {"age_ms", "packets", "lost", "repeated", "bytes", "jitter_ms"}
    assert all(set(track) == counts for track in state["main"]["tracks"].values())
    assert state["main"]["recording_since_ms"] is not None
    assert not state["east"]["connected"]
    await asyncio.sleep(1.2 if world.real else 0)  # the clip has a keyframe each second
    await world.engine.stop_recording(["main", "east"])
    records = await world.engine.unacknowledged()
    assert {record.kind for record in records} == {"mic", "camera"}
    for record in records:
        assert hash_of(record.path) == record.sha256
        assert hash_of(record.init_path) == record.init_sha256
        assert record.t0_ms <= record.t1_ms
    await until(lambda: len(listener.of(SegmentClosed)) == len(records))
    await listener.stop()


@pytest.mark.asyncio
async def test_segments_are_announced_until_acknowledged(world: World) -> None:
    await world.engine.open(PLAN)
    await world.engine.start_recording(["main"])
    await world.join("main")
    await asyncio.sleep(1.2 if world.real else 0)
    await world.engine.stop_recording(["main"])
    records = await world.engine.unacknowledged()
    assert records
    first = Listener(world.engine)
    await until(lambda: len(first.of(SegmentClosed)) == len(records))
    assert isinstance(first.events[0], EngineStarted)
    await world.engine.acknowledge([record.key for record in records])
    await world.engine.acknowledge([records[0].key, SegmentKey("nobody", "mic", 1, 1)])
    assert await world.engine.unacknowledged() == []
    await first.stop()


@pytest.mark.asyncio
async def test_a_dropped_room_is_lost_with_its_cause(world: World) -> None:
    await world.engine.open(PLAN)
    listener = Listener(world.engine)
    await world.join("east")
    await until(lambda: listener.of(RoomConnected))
    await world.engine.drop("east")
    await until(lambda: listener.of(RoomLost))
    assert listener.of(RoomLost)[0].cause == "dropped"
    assert not (await world.engine.status())["rooms"]["east"]["connected"]
    await listener.stop()


def test_every_error_has_a_stable_code_of_its_own() -> None:
    kinds = [MediaError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    codes = [kind.code for kind in kinds if kind is not SdpRefused]
    assert len(set(codes)) == len(codes)
    assert all(code == code.lower() and " " not in code for code in codes)
