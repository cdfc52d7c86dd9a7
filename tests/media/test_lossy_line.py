"""Real peers over a line that loses, repeats and reorders packets: nothing is missing in the end, or it is declared."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, VideoFrame

from media.adapters.aiortc_peer import AiortcPeers
from media.adapters.ice_lite import Address, UdpPort
from media.adapters.segment_files import SegmentFiles
from media.core.plan import RoomPlan
from media.core.record import SegmentRecord
from media.engine import Engine
from media.ports import MediaEngine
from tests.media.worlds import join, until, until_status, wall_ms

LOSS = 0.1


class LossyPort(UdpPort):
    """Loses, repeats and delays some of the media packets that come in."""

    loss = 0.0

    def receive(self, data: bytes, address: Address) -> None:
        rng = self.__dict__.setdefault("rng", random.Random(10))
        media = len(data) > 12 and 128 <= data[0] <= 191 and not 192 <= data[1] <= 223
        if media and address in self.owners:
            chance = rng.random()
            if chance < self.loss:
                return
            if chance < 2 * self.loss:
                asyncio.get_running_loop().call_later(0.01, super().receive, data, address)
            if chance > 1 - self.loss:
                super().receive(data, address)
        super().receive(data, address)


@asynccontextmanager
async def lossy(spool: Path, loss: float) -> AsyncIterator[MediaEngine]:
    port = LossyPort(address="127.0.0.1", port=0, clock=wall_ms)
    port.loss = loss
    sinks: list[SegmentFiles] = []

    def make_sink(closed: Callable[[SegmentRecord], None], alarm: Callable[[str, str], None]) -> SegmentFiles:
        sinks.append(SegmentFiles(root=spool, on_closed=closed, on_alarm=alarm))
        return sinks[0]

    engine = Engine(peers=AiortcPeers(port=port), make_sink=make_sink, clock=wall_ms)
    ticking = asyncio.create_task(engine.run())
    await engine.open(RoomPlan("p", ("main",)))
    try:
        yield engine
    finally:
        ticking.cancel()
        await engine.close()
        await sinks[0].close()
        port.close()


@pytest.mark.asyncio
async def test_lost_video_is_asked_for_again_and_lost_audio_is_declared(tmp_path: Path, clip: Path) -> None:
    async with lossy(tmp_path / "spool", LOSS) as engine:
        await engine.start_recording(["main"])
        room = await join(engine, "main", clip)
        await asyncio.sleep(6)
        await engine.stop_recording(["main"])
        records = await engine.unacknowledged()
        video = [record for record in records if record.kind == "camera"]
        audio = [record for record in records if record.kind == "mic"]
        assert sum(record.packets for record in video) > 150
        assert sum(record.lost for record in video) == 0
        assert [gap for record in video for gap in record.gaps][1:] == []
        lost = sum(record.lost for record in audio)
        assert 0 < lost < 4 * LOSS * sum(record.packets for record in audio)
        await room.leave()


@pytest.mark.asyncio
async def test_an_aiortc_watcher_receives_both_kinds_of_a_room(tmp_path: Path, clip: Path) -> None:
    async with lossy(tmp_path / "spool", 0.0) as engine:
        room = await join(engine, "main", clip)
        offer = await engine.watch("observer")
        client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        await client.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type="offer"))
        await client.setLocalDescription(await client.createAnswer())
        await engine.answer(offer.subscription, client.localDescription.sdp)
        await until(lambda: client.connectionState == "connected")
        tracks = {t.mid: t.receiver.track for t in client.getTransceivers()}
        mic, camera = [
            await asyncio.wait_for(tracks[slot.mid].recv(), 10) for slot in offer.slots if slot.kind != "document"
        ]
        assert isinstance(camera, VideoFrame)
        assert isinstance(mic, AudioFrame)
        await client.close()
        await until_status(engine, lambda found: not found["watchers"])
        await room.leave()
