"""The engine without a network, for tests of whoever uses it: rooms connect when they publish, recordings are stubs.

It passes the contract suite of the real one. Segment files exist on disk, because their paths are part of the promise,
but hold only the head of a WebM file and an empty cluster.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from media.core import sdp, sdp_text, webm
from media.core.events import (
    EngineStarted,
    Event,
    RecorderAlarm,
    RoomConnected,
    RoomLost,
    SegmentClosed,
    TrackResumed,
    TrackStalled,
)
from media.core.plan import Kind, RoomPlan, clock_rate, is_video
from media.core.record import SegmentKey, SegmentRecord
from media.core.sdp import Fingerprint
from media.core.sdp_text import LocalTransport, Slot
from media.core.vp8 import Size
from media.errors import NotOpen, PlanDiffers, SdpRefused, UnknownPeer, UnknownRoom
from media.ports import Offer, WatchSlot

_FINGERPRINT = (Fingerprint("sha-256", ":".join(["AA"] * 32)),)


@dataclass(slots=True)
class _Room:
    peer: str | None = None
    kinds: tuple[Kind, ...] = ()
    since_ms: int | None = None
    opened_ms: int = 0
    numbers: dict[Kind, int] = field(default_factory=dict)
    counted: dict[Kind, dict[str, int]] = field(default_factory=dict)


class MemoryEngine:
    """See `media.ports.MediaEngine`. `lose`, `count`, `stall`, `resume`, `cut` and `alarm` play what the world would
    do."""

    def __init__(self, *, spool: Path, clock: Callable[[], float]) -> None:
        self.id = secrets.token_hex(8)
        self._spool = spool
        self._clock = clock
        self._plan: RoomPlan | None = None
        self._rooms: dict[str, _Room] = {}
        self._watchers: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._joined: set[str] = set()
        self._waiting: dict[SegmentKey, SegmentRecord] = {}
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._peers = 0

    async def open(self, plan: RoomPlan) -> None:
        if self._plan is not None and plan != self._plan:
            raise PlanDiffers("the engine serves another plan")
        if self._plan is None:
            self._plan = plan
            self._rooms = {room: _Room() for room in plan.rooms}

    def _opened(self) -> RoomPlan:
        if self._plan is None:
            raise NotOpen("no plan was opened")
        return self._plan

    def _room(self, name: str) -> _Room:
        self._opened()
        if name not in self._rooms:
            raise UnknownRoom("the plan has no such room")
        return self._rooms[name]

    def _local(self) -> LocalTransport:
        return LocalTransport(secrets.token_hex(4), secrets.token_hex(16), _FINGERPRINT, "127.0.0.1", 9)

    def _peer(self) -> str:
        self._peers += 1
        return f"peer-{self._peers}"

    async def publish(self, room: str, sdp_offer: str) -> str:
        place, plan = self._room(room), self._opened()
        offer = sdp.parse(sdp_offer, max_sections=len(plan.slots))
        slots = sdp_text.slots_of(offer.sections, plan.slots)
        text = sdp_text.answer(offer, self._local(), session=1)
        self.cut(room)
        place.peer, place.kinds, place.opened_ms = self._peer(), tuple(slots.values()), self._now()
        self._tell(RoomConnected(room, place.peer, self._now()))
        return text

    async def watch(self, watcher: str) -> Offer:
        plan = self._opened()
        pairs = [(room, kind) for room in plan.rooms for kind in plan.slots]
        slots = tuple(Slot(str(number), room, kind, number + 1) for number, (room, kind) in enumerate(pairs))
        peer = self._peer()
        self._watchers[peer] = (watcher, tuple(slot.mid for slot in slots))
        text = sdp_text.offer(slots, self._local(), session=1)
        return Offer(peer, text, tuple(WatchSlot(slot.mid, slot.room, slot.kind) for slot in slots))

    async def answer(self, subscription: str, sdp_answer: str) -> None:
        if subscription not in self._watchers:
            raise UnknownPeer("no such subscription")
        mids = self._watchers[subscription][1]
        found = sdp.parse(sdp_answer, max_sections=len(mids))
        if tuple(section.mid for section in found.sections) != mids:
            raise SdpRefused("mid", "the answer's sections are not those of the offer")
        if found.transport.setup == "actpass":
            raise SdpRefused("setup", "an answer is active or passive")
        self._joined.add(subscription)

    async def loopback(self, name: str, sdp_offer: str) -> str:
        self._opened()
        offer = sdp.parse(sdp_offer, max_sections=2)
        ssrcs = {section.mid: number + 1 for number, section in enumerate(offer.sections)}
        return sdp_text.returned(offer, self._local(), session=1, ssrcs=ssrcs)

    async def drop(self, name: str) -> None:
        self._watchers.pop(name, None)
        self._joined.discard(name)
        for room, place in self._rooms.items():
            if place.peer is not None and name in (room, place.peer):
                self.lose(room, cause="dropped")

    async def start_recording(self, rooms: Sequence[str]) -> None:
        for place in [self._room(room) for room in rooms]:
            if place.since_ms is None:
                place.since_ms = place.opened_ms = self._now()

    async def stop_recording(self, rooms: Sequence[str]) -> None:
        places = [self._room(room) for room in rooms]
        for room, place in zip(rooms, places, strict=True):
            self.cut(room)
            place.since_ms = None

    async def status(self) -> Mapping[str, Any]:
        return {
            "engine": self.id,
            "unacknowledged": len(self._waiting),
            "watchers": {peer: name for peer, (name, _) in self._watchers.items()},
            "rooms": {
                room: {
                    "connected": place.peer is not None,
                    "peer": place.peer,
                    "recording_since_ms": place.since_ms,
                    "recorded_bytes": 0,
                    "receivers": sorted(
                        {self._watchers[peer][0] for peer in self._joined}
                        | ({"RECORDING"} if place.since_ms is not None else set())
                    ),
                    "tracks": {
                        kind: {"age_ms": 0, "packets": 1, "lost": 0, "repeated": 0, "bytes": 1, "jitter_ms": 0}
                        | place.counted.get(kind, {})
                        for kind in (place.kinds if place.peer is not None else ())
                    },
                }
                for room, place in self._rooms.items()
            },
        }

    async def unacknowledged(self) -> list[SegmentRecord]:
        return list(self._waiting.values())

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        for key in keys:
            self._waiting.pop(key, None)

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield EngineStarted(self.id)
            for record in self._waiting.values():
                yield SegmentClosed(record)
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        for queue in list(self._listeners):
            queue.put_nowait(None)

    # What the world does.

    def lose(self, room: str, *, cause: str = "closed") -> None:
        """The room's connection ends."""
        place = self._rooms[room]
        if place.peer is not None:
            self.cut(room)
            peer, place.peer = place.peer, None
            self._tell(RoomLost(room, peer, cause, self._now()))

    def count(self, room: str, kind: Kind, *, packets: int, lost: int, repeated: int) -> None:
        """So much came of a track so far, never came, and came when asked for again."""
        self._rooms[room].counted[kind] = {"packets": packets, "lost": lost, "repeated": repeated}

    def stall(self, room: str, kind: Kind) -> None:
        self._tell(TrackStalled(room, kind, self._now()))

    def resume(self, room: str, kind: Kind) -> None:
        self._tell(TrackResumed(room, kind, self._now()))

    def alarm(self, cause: str) -> None:
        self._tell(RecorderAlarm(cause, "", self._now()))

    def cut(self, room: str) -> None:
        """Close a segment of every recorded track of the room, as time would do every four seconds."""
        place = self._rooms[room]
        if place.since_ms is None or place.peer is None:
            return
        for kind in place.kinds:
            record = self._write(room, kind, place)
            self._waiting[record.key] = record
            self._tell(SegmentClosed(record))
        place.opened_ms = self._now()

    def _write(self, room: str, kind: Kind, place: _Room) -> SegmentRecord:
        number = place.numbers[kind] = place.numbers.get(kind, 0) + 1
        folder = self._spool / room / kind / "000001"
        folder.mkdir(parents=True, exist_ok=True)
        init = webm.init_video(Size(320, 240)) if is_video(kind) else webm.init_audio()
        # Also a stub differs from every other one: a vault stores by hash.
        block = webm.simple_block(0, True, f"{room} {kind} {number}".encode())
        body = webm.cluster_head(number) + block
        body = body[: webm.SIZE_OFFSET] + webm.cluster_size(len(body)) + body[webm.CLUSTER_HEADER_LENGTH :]
        init_path, path = folder / "init.webm", folder / f"{number:06d}.seg"
        init_path.write_bytes(init)
        path.write_bytes(body)
        t0, t1, rate = place.opened_ms, self._now(), clock_rate(kind)
        return SegmentRecord(
            room=room, kind=kind, take=1, number=number, path=str(path), init_path=str(init_path),
            sha256=hashlib.sha256(body).hexdigest(), init_sha256=hashlib.sha256(init).hexdigest(), bytes=len(body),
            t0_ms=t0, t1_ms=t1, rtp0=t0 * rate // 1000, rtp1=t1 * rate // 1000, duration_ms=t1 - t0, packets=1,
            lost=0, keyframe=True, recovered=False, gaps=(),
        )  # fmt: skip

    def _now(self) -> int:
        return round(self._clock())

    def _tell(self, event: Event) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)
