"""One room: who publishes it, who gets which of its slots, and whether it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from media.core.events import Event, RoomConnected, RoomLost, TrackResumed, TrackStalled
from media.core.plan import Kind
from media.ports import DownTrack, SegmentSink, TrackKey
from media.publisher import Publisher
from media.recorder import TrackRecorder
from media.relay import STALL_MS, IncomingTrack

# reliability-and-security.md F6: a venue that sends nothing for 5 s is gone; its connection is kept in case it returns.
SILENT_MS = 5_000
# RFC 7675 section 5.1: consent to send expires after 30 s.
EXPIRED_MS = 30_000


class Slot:
    """A fixed place for one stream of the room."""

    __slots__ = ("current", "downs", "kind", "recorder", "stalled")

    def __init__(self, *, kind: Kind) -> None:
        self.kind: Kind = kind
        self.current: IncomingTrack | None = None
        self.downs: list[DownTrack] = []
        self.recorder: TrackRecorder | None = None
        self.stalled = False

    def add(self, down: DownTrack, now_ms: float) -> None:
        self.downs.append(down)
        if self.current is not None:
            self.current.join(down, now_ms, cached=down is not self.recorder)

    def remove(self, down: DownTrack) -> None:
        if down in self.downs:
            self.downs.remove(down)
        if self.current is not None:
            self.current.leave(down)

    def feed(self, track: IncomingTrack | None, now_ms: float) -> None:
        """Everybody here gets this stream from now on, or none."""
        if self.current is not None:
            self.current.downs.clear()
        self.current = track
        self.stalled = False
        for down in self.downs:
            if track is None:
                down.source(None)
            else:
                track.join(down, now_ms, cached=True)


class Room:
    """The slots of one room and its publisher; the newer publisher replaces the older as soon as it is connected."""

    def __init__(
        self, *, name: str, kinds: Iterable[Kind], tell: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.slots: dict[Kind, Slot] = {kind: Slot(kind=kind) for kind in kinds}
        self.publisher: Publisher | None = None
        self.pending: Publisher | None = None
        self.recording_since_ms: int | None = None
        self._present = False
        self._tell = tell
        self._clock = clock

    def offered(self, publisher: Publisher) -> None:
        """A publisher was answered; an earlier one that never connected is forgotten."""
        before, self.pending = self.pending, publisher
        if before is not None:
            before.peer.close("replaced")

    def connected(self, publisher: Publisher) -> None:
        if self.pending is publisher:
            self.pending = None
        before, self.publisher = self.publisher, publisher
        if before is not None and before is not publisher:
            before.peer.close("replaced")
            for slot in self.slots.values():
                slot.feed(None, self._clock())
        self._present = True
        self._tell(RoomConnected(self.name, publisher.peer.id, round(self._clock())))

    def track(self, publisher: Publisher, track: IncomingTrack) -> None:
        if publisher is self.publisher:
            self.slots[track.kind].feed(track, self._clock())

    def closed(self, publisher: Publisher, cause: str) -> None:
        if self.pending is publisher:
            self.pending = None
        if self.publisher is not publisher:
            return
        self.publisher = None
        for slot in self.slots.values():
            slot.feed(None, self._clock())
        self._absent(publisher, cause)

    def _absent(self, publisher: Publisher, cause: str) -> None:
        if self._present:
            self._present = False
            self._tell(RoomLost(self.name, publisher.peer.id, cause, round(self._clock())))

    def record(self, sink: SegmentSink, now_ms: float) -> None:
        if self.recording_since_ms is not None:
            return
        self.recording_since_ms = round(now_ms)
        for slot in self.slots.values():
            recorder = TrackRecorder(room=self.name, kind=slot.kind, sink=sink, since_ms=now_ms, clock=self._clock)
            slot.recorder = recorder
            slot.add(recorder, now_ms)

    def seal(self) -> list[TrackKey]:
        """Close the open segments and stop recording."""
        self.recording_since_ms = None
        sealed = []
        for slot in self.slots.values():
            if slot.recorder is not None:
                slot.remove(slot.recorder)
                slot.recorder.source(None)
                sealed.append(slot.recorder.track)
                slot.recorder = None
        return sealed

    def tick(self, now_ms: float) -> None:
        publisher = self.publisher
        if publisher is not None:
            publisher.tick(now_ms)
            silent = now_ms - publisher.peer.last_heard_ms
            if silent >= EXPIRED_MS:
                publisher.peer.close("silent")
            elif silent >= SILENT_MS:
                self._absent(publisher, "silent")
            elif not self._present:
                self._present = True
                self._tell(RoomConnected(self.name, publisher.peer.id, round(now_ms)))
        for slot in self.slots.values():
            if slot.recorder is not None:
                slot.recorder.tick(now_ms)
            self._watch(slot, now_ms)

    def _watch(self, slot: Slot, now_ms: float) -> None:
        age = self.age_ms(slot, now_ms)
        if age is None or (age >= STALL_MS) == slot.stalled:
            return
        slot.stalled = not slot.stalled
        kind = TrackStalled if slot.stalled else TrackResumed
        self._tell(kind(self.name, slot.kind, round(now_ms)))

    @staticmethod
    def age_ms(slot: Slot, now_ms: float) -> int | None:
        """How long ago the last packet of a slot came; None if it never sent any."""
        if slot.current is None or slot.current.quality.last_arrival_ms is None:
            return None
        return max(0, round(now_ms - slot.current.quality.last_arrival_ms))

    def status(self, now_ms: float) -> dict[str, Any]:
        tracks = {}
        for kind, slot in self.slots.items():
            if slot.current is None:
                continue
            quality = slot.current.quality
            tracks[kind] = {
                "age_ms": self.age_ms(slot, now_ms),
                "packets": quality.received,
                "lost": quality.lost,
                "repeated": slot.current.missing.repeated,
                "bytes": quality.bytes,
                "jitter_ms": quality.jitter_ms,
            }
        return {
            "connected": self._present,
            "peer": self.publisher.peer.id if self.publisher is not None else None,
            "recording_since_ms": self.recording_since_ms,
            "recorded_bytes": sum(slot.recorder.bytes for slot in self.slots.values() if slot.recorder is not None),
            "receivers": sorted({down.name for slot in self.slots.values() for down in slot.downs}),
            "tracks": tracks,
        }
