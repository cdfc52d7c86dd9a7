"""The engine inside a media worker: rooms, watchers, recordings and what is told about them. See `ports.MediaEngine`.

It knows no socket and no library: peers come from a factory, segments go to a sink, time comes from a clock.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from media.core import sdp, sdp_text
from media.core.events import EngineStarted, Event, RecorderAlarm, SegmentClosed
from media.core.plan import RoomPlan
from media.core.record import SegmentKey, SegmentRecord
from media.core.sdp_text import LocalTransport, Slot
from media.errors import NotOpen, PlanDiffers, RecordingIncomplete, SdpRefused, TooManyPeers, UnknownPeer, UnknownRoom
from media.loopback import MAX_LOOPBACKS, Loopback
from media.ports import Offer, Peer, PeerFactory, SegmentSink, TrackKey, WatchSlot
from media.publisher import Publisher
from media.room import EXPIRED_MS, Room
from media.watcher import Watcher

_log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
# media.md section 3.2: stop is drain for a second, cut, seal.
DRAIN_SECONDS = 1.0
# A disk that needs longer to close a few segments is a disk that the operator must hear about.
SEAL_SECONDS = 30.0
# Twelve rooms, their seats, supervisors and observers; one core does not serve more (media.md section 1.4).
MAX_WATCHERS = 64
# What is told again if nobody acknowledged it.
ANNOUNCE_AGAIN_MS = 30_000
# A listener that does not listen is cut off; it learns everything it needs when it comes back.
MAX_QUEUED_EVENTS = 10_000


_NOWHERE = LocalTransport("", "", (), "", 0)


class Engine:
    """One proceeding's media."""

    def __init__(
        self,
        *,
        peers: PeerFactory,
        make_sink: Callable[[Callable[[SegmentRecord], None], Callable[[str, str], None]], SegmentSink],
        clock: Callable[[], float],
    ) -> None:
        self.id = secrets.token_hex(8)
        self._peers = peers
        self._clock = clock
        self._sink = make_sink(self._on_closed, self._on_alarm)
        self._plan: RoomPlan | None = None
        self._rooms: dict[str, Room] = {}
        self._watchers: dict[str, Watcher] = {}
        self._loopbacks: dict[str, Loopback] = {}
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._alarm: RecorderAlarm | None = None
        self._announced_ms = clock()
        self._ssrc = 1  # our own in reports; streams to watchers have random ones

    async def open(self, plan: RoomPlan) -> None:
        if self._plan is not None and plan != self._plan:
            raise PlanDiffers("the engine serves another plan")
        if self._plan is None:
            self._plan = plan
            self._rooms = {
                name: Room(name=name, kinds=plan.slots, tell=self.tell, clock=self._clock) for name in plan.rooms
            }

    def _room(self, name: str) -> Room:
        if self._plan is None:
            raise NotOpen("no plan was opened")
        if name not in self._rooms:
            raise UnknownRoom("the plan has no such room")
        return self._rooms[name]

    async def publish(self, room: str, sdp_offer: str) -> str:
        place = self._room(room)
        offer = sdp.parse(sdp_offer, max_sections=len(place.slots))
        slots = sdp_text.slots_of(offer.sections, tuple(place.slots))
        publisher = Publisher(
            room=room, sections=offer.sections, slots=slots, own_ssrc=self._ssrc, make_peer=self._peers,
            connected=place.connected, track=place.track, closed=place.closed,
        )  # fmt: skip
        place.offered(publisher)
        publisher.peer.start(offer.transport)
        return sdp_text.answer(offer, publisher.peer.local, session=secrets.randbits(62))

    async def watch(self, watcher: str) -> Offer:
        if self._plan is None:
            raise NotOpen("no plan was opened")
        if len(self._watchers) >= MAX_WATCHERS:
            raise TooManyPeers(f"more than {MAX_WATCHERS} watchers")
        pairs = [(room, kind) for room in self._plan.rooms for kind in self._plan.slots]
        slots = tuple(
            Slot(mid=str(number), room=room, kind=kind, ssrc=secrets.randbits(31) | 1 << 31)
            for number, (room, kind) in enumerate(pairs)
        )
        one = Watcher(name=watcher, make_peer=self._peers, slots=slots, joined=self._joined, left=self._left)
        self._watchers[one.peer.id] = one
        text = sdp_text.offer(slots, one.peer.local, session=secrets.randbits(62))
        return Offer(one.peer.id, text, tuple(WatchSlot(slot.mid, slot.room, slot.kind) for slot in slots))

    async def answer(self, subscription: str, sdp_answer: str) -> None:
        one = self._watchers.get(subscription)
        if one is None:
            raise UnknownPeer("no such subscription")
        found = sdp.parse(sdp_answer, max_sections=len(one.slots))
        if [section.mid for section in found.sections] != [slot.mid for slot in one.descriptions]:
            raise SdpRefused("mid", "the answer's sections are not those of the offer")
        if found.transport.setup == "actpass":
            raise SdpRefused("setup", "an answer is active or passive")
        one.peer.start(found.transport)

    async def loopback(self, name: str, sdp_offer: str) -> str:
        if self._plan is None:
            raise NotOpen("no plan was opened")
        offer = sdp.parse(sdp_offer, max_sections=2)  # a voice and a picture
        before = self._loopbacks.get(name)
        if before is None and len(self._loopbacks) >= MAX_LOOPBACKS:
            raise TooManyPeers(f"more than {MAX_LOOPBACKS} device checks")
        ssrcs = {section.mid: secrets.randbits(31) | 1 << 31 for section in offer.sections}
        # Refused before a peer is made: what is not answered costs nothing.
        sdp_text.returned(offer, _NOWHERE, session=0, ssrcs=ssrcs)
        if before is not None:
            before.peer.close("replaced")
        one = Loopback(
            name=name, sections=offer.sections, returned=ssrcs, own_ssrc=self._ssrc, now_ms=self._clock(),
            make_peer=self._peers, closed=self._ended,
        )  # fmt: skip
        self._loopbacks[name] = one
        one.peer.start(offer.transport)
        return sdp_text.returned(offer, one.peer.local, session=secrets.randbits(62), ssrcs=ssrcs)

    def _ended(self, loopback: Loopback) -> None:
        if self._loopbacks.get(loopback.name) is loopback:
            del self._loopbacks[loopback.name]

    def _joined(self, watcher: Watcher) -> None:
        for slot in watcher.slots:
            self._rooms[slot.room].slots[slot.kind].add(slot, self._clock())

    def _left(self, watcher: Watcher, cause: str) -> None:
        self._watchers.pop(watcher.peer.id, None)
        for slot in watcher.slots:
            self._rooms[slot.room].slots[slot.kind].remove(slot)

    async def drop(self, name: str) -> None:
        gone: list[Peer] = []
        if name in self._watchers:
            gone.append(self._watchers[name].peer)
        for room in self._rooms.values():
            for publisher in (room.publisher, room.pending):
                if publisher is not None and name in (room.name, publisher.peer.id):
                    gone.append(publisher.peer)
        for peer in gone:
            peer.close("dropped")

    async def start_recording(self, rooms: Sequence[str]) -> None:
        for room in [self._room(name) for name in rooms]:
            room.record(self._sink, self._clock())

    async def stop_recording(self, rooms: Sequence[str]) -> None:
        places = [self._room(name) for name in rooms]
        if any(room.recording_since_ms is not None for room in places):
            await asyncio.sleep(DRAIN_SECONDS)
        for room in places:
            room.seal()
        await self._drained(places)

    async def _drained(self, places: Sequence[Room]) -> None:
        tracks = [TrackKey(room.name, kind) for room in places for kind in room.slots]
        try:
            await asyncio.wait_for(self._sink.drained(tracks), SEAL_SECONDS)
        except TimeoutError:
            raise RecordingIncomplete("segments are still being closed") from None

    async def status(self) -> Mapping[str, Any]:
        now_ms = self._clock()
        return {
            "engine": self.id,
            "rooms": {name: room.status(now_ms) for name, room in self._rooms.items()},
            "watchers": {one.peer.id: one.name for one in self._watchers.values()},
            "unacknowledged": len(self._sink.unacknowledged()),
        }

    async def unacknowledged(self) -> list[SegmentRecord]:
        return self._sink.unacknowledged()

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        self._sink.acknowledge(keys)

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=MAX_QUEUED_EVENTS)
        self._listeners.add(queue)
        try:
            yield EngineStarted(self.id)
            if self._alarm is not None:
                yield self._alarm
            for record in self._sink.unacknowledged():
                yield SegmentClosed(record)
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def tell(self, event: Event) -> None:
        for queue in list(self._listeners):
            if queue.full():
                self._listeners.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    def _on_closed(self, record: SegmentRecord) -> None:
        self.tell(SegmentClosed(record))

    def _on_alarm(self, cause: str, detail: str) -> None:
        alarm = RecorderAlarm(cause, detail, round(self._clock()))
        self._alarm = None if cause == "disk-ok" else alarm
        self.tell(alarm)

    def tick(self) -> None:
        """Everything that happens without a packet; called every TICK_SECONDS."""
        now_ms = self._clock()
        for room in self._rooms.values():
            room.tick(now_ms)
        for watcher in list(self._watchers.values()):
            watcher.tick(now_ms)
            if watcher.peer.connected and now_ms - watcher.peer.last_heard_ms >= EXPIRED_MS:
                watcher.peer.close("silent")
        for loopback in list(self._loopbacks.values()):
            loopback.tick(now_ms)
        self._sink.watch()
        if now_ms - self._announced_ms >= ANNOUNCE_AGAIN_MS:
            self._announced_ms = now_ms
            for record in self._sink.unacknowledged():
                self.tell(SegmentClosed(record))

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self.tick()
            except Exception:  # noqa: BLE001  ticking must go on: stalls and alarms depend on it
                _log.exception("a tick of the media engine failed")

    async def close(self) -> None:
        """Seal what is open and end all peers; the worker ends after this."""
        for room in self._rooms.values():
            room.seal()
        for watcher in list(self._watchers.values()):
            watcher.peer.close("dropped")
        for loopback in list(self._loopbacks.values()):
            loopback.peer.close("dropped")
        for room in self._rooms.values():
            for publisher in (room.publisher, room.pending):
                if publisher is not None:
                    publisher.peer.close("dropped")
        await self._drained(list(self._rooms.values()))
        await self._sink.close()
        for queue in list(self._listeners):
            queue.put_nowait(None)
