"""The whole boundary of the media package: who sends packets, who gets them, where recordings go, and the engine.

Times named `now_ms` and `*_ms` are session time: milliseconds since 1970 by the worker's clock, which never jumps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from media.core.clock import TrackClock
from media.core.events import Event
from media.core.plan import Kind, RoomPlan
from media.core.record import SegmentKey, SegmentRecord
from media.core.rtp import RtpPacket
from media.core.sdp import Transport
from media.core.sdp_text import LocalTransport


class Peer(Protocol):
    """One encrypted transport to one browser or device.

    MUST deliver only packets that were authenticated with the keys of the handshake, whose certificate has one of the
    fingerprints of the description. MUST NOT send anything but answers to proven ICE checks before the handshake.
    MUST NOT die of any datagram, whoever sent it. MUST report `on_closed` exactly once.
    """

    @property
    def id(self) -> str: ...

    @property
    def local(self) -> LocalTransport: ...

    @property
    def connected(self) -> bool: ...

    @property
    def last_heard_ms(self) -> float: ...

    def start(self, remote: Transport) -> None:
        """Begin the handshake with the peer that the description speaks of."""

    def send_rtp(self, data: bytes) -> bool:
        """Encrypt and send; MUST NOT block or raise. False if the packet was dropped."""

    def send_rtcp(self, data: bytes) -> bool: ...

    def close(self, cause: str) -> None: ...


class PeerListener(Protocol):
    """Whoever owns a peer; called on the event loop, MUST NOT block or raise."""

    def on_connected(self) -> None: ...

    def on_rtp(self, data: bytes, now_ms: float) -> None: ...

    def on_rtcp(self, data: bytes, now_ms: float) -> None: ...

    def on_closed(self, cause: str) -> None: ...


PeerFactory = Callable[[PeerListener], Peer]


class UpTrack(Protocol):
    """One incoming stream (one SSRC of one publisher in one slot)."""

    @property
    def room(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def clock(self) -> TrackClock: ...

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe; may be called as often as one likes, it is throttled."""


class DownTrack(Protocol):
    """Someone who gets the packets of a slot: a watcher, or the recorder, which everybody can see.

    MUST NOT block, raise or keep the caller waiting: one slow receiver never costs another one anything.
    """

    @property
    def name(self) -> str: ...

    def source(self, up: UpTrack | None) -> None:
        """From now on packets come from this stream (a publisher came back with a new one), or from none."""

    def write(self, sequence: int, timestamp: int, packet: RtpPacket, now_ms: float) -> None:
        """One packet, with its extended sequence number and timestamp; may be late or out of order."""


@dataclass(frozen=True, slots=True)
class TrackKey:
    room: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What is known when a segment begins; kept beside its `.part` for the recovery after a crash."""

    key: SegmentKey
    t0_ms: int
    rtp0: int
    clock_rate: int
    keyframe: bool
    gaps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SegmentTail:
    """What is known when it ends."""

    t0_ms: int
    t1_ms: int
    rtp1: int
    duration_ms: int
    packets: int
    lost: int
    gaps: tuple[tuple[int, int], ...]


class SegmentSink(Protocol):
    """Where recordings go.

    Every call MUST return at once, however slow the disk is. What was written MUST survive the death of the process
    after 0.5 s, and a closed segment the loss of power. A closed segment MUST be announced until it is acknowledged,
    also by the next process; a segment MUST NOT be announced before it is durable, and MUST NOT change afterwards.
    """

    def last_end_ms(self, track: TrackKey) -> int | None:
        """Until when this track is recorded so far, also by processes before this one."""

    def begin_take(self, track: TrackKey, init: bytes) -> int:
        """A new continuous stream; returns its number, greater than all before."""

    def ready(self) -> bool:
        """Whether more can be taken now; if not, the caller declares a gap."""

    def begin(self, head: SegmentHead, timecode_ms: int) -> None: ...

    def block(self, key: SegmentKey, data: bytes) -> None:
        """Append a block; once begun, a segment gets all of its blocks or none behind the last one given."""

    def finish(self, key: SegmentKey, tail: SegmentTail) -> None: ...

    def unacknowledged(self) -> list[SegmentRecord]: ...

    def acknowledge(self, keys: Iterable[SegmentKey]) -> None: ...

    async def drained(self, tracks: Iterable[TrackKey]) -> None:
        """Return when all finished segments of these tracks are closed and durable."""

    def watch(self) -> None:
        """Called ten times a second: raise the alarm if recordings do not get to the disk, or end it."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WatchSlot:
    mid: str
    room: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Offer:
    """What a watcher gets: an SDP offer and which of its sections shows which room's which slot."""

    subscription: str
    sdp: str
    slots: tuple[WatchSlot, ...]


class MediaEngine(Protocol):
    """Everything the rest of the house may ask of media. One engine serves one proceeding.

    Methods raise `MediaError`; MediaUnavailable means that the call may or may not have been carried out. All of them
    MUST be safe to repeat. An engine MUST go on forwarding and recording while nobody is connected to it.
    An engine MUST NOT forward or record a room for which `publish` was not called: whoever calls it has admitted it.
    """

    async def open(self, plan: RoomPlan) -> None:
        """Idempotent; another plan than before raises PlanDiffers."""

    async def publish(self, room: str, sdp_offer: str) -> str:
        """Answer a room that publishes. A newer publisher of the same room replaces the older one once connected."""

    async def watch(self, watcher: str) -> Offer:
        """Offer all fixed slots to a watcher; a watcher that comes again gets a new connection."""

    async def answer(self, subscription: str, sdp_answer: str) -> None: ...

    async def loopback(self, name: str, sdp_offer: str) -> str:
        """Answer a device check: for 30 s at most every packet goes back to where it came from, and nowhere else. One
        for each name; a newer one ends the older."""

    async def drop(self, name: str) -> None:
        """End a peer by its id, or whatever publishes a room. Dropping what is gone already is no error."""

    async def start_recording(self, rooms: Sequence[str]) -> None:
        """Idempotent. Rooms that nobody publishes yet are recorded from their first packet."""

    async def stop_recording(self, rooms: Sequence[str]) -> None:
        """Wait one second for late packets, then cut and seal; MUST return only when all segments are closed."""

    async def status(self) -> Mapping[str, Any]:
        """{engine, unacknowledged, watchers: {id: name}, rooms: {room: {connected, peer, recording_since_ms,
        recorded_bytes, receivers: [name], tracks: {kind: {age_ms, packets, lost, repeated, bytes, jitter_ms}}}}};
        `lost` never came, `repeated` came when asked for again: together, what the room's line lost."""

    async def unacknowledged(self) -> list[SegmentRecord]: ...

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        """These segments are in the ledger; idempotent, unknown keys are ignored."""

    def events(self) -> AsyncIterator[Event]:
        """EngineStarted first, then every segment not acknowledged yet, then what happens. One listener per object."""

    async def close(self) -> None: ...
