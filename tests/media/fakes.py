"""Fakes that keep the ports' promises without a network or a disk."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from aiortc.codecs.vpx import Vp8Encoder

from media.core import rtp
from media.core.record import SegmentKey, SegmentRecord
from media.core.rtp import RtpPacket
from media.core.sdp import Fingerprint, Transport
from media.core.sdp_text import LocalTransport
from media.ports import PeerListener, SegmentHead, SegmentTail, TrackKey

_numbers = itertools.count(1)


class FakePeer:
    """A connected peer that keeps what it is given to send."""

    def __init__(self, listener: PeerListener) -> None:
        self.id = f"fake-{next(_numbers)}"
        self.local = LocalTransport("abcd", "p" * 22, (Fingerprint("sha-256", "AB"),), "127.0.0.1", 9)
        self.connected = True
        self.last_heard_ms = 0.0
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[bytes] = []
        self.full = False
        self._listener = listener

    def start(self, remote: Transport) -> None:
        self._listener.on_connected()

    def send_rtp(self, data: bytes) -> bool:
        if not self.full:
            self.rtp.append(rtp.parse(data))
        return not self.full

    def send_rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        return True

    def close(self, cause: str) -> None:
        if self.connected:
            self.connected = False
            self._listener.on_closed(cause)


class FakeSink:
    """A sink in memory; `full` plays a disk that does not follow."""

    def __init__(self) -> None:
        self.inits: dict[tuple[TrackKey, int], bytes] = {}
        self.heads: dict[SegmentKey, SegmentHead] = {}
        self.blocks: dict[SegmentKey, list[bytes]] = {}
        self.tails: dict[SegmentKey, SegmentTail] = {}
        self.ends: dict[TrackKey, int] = {}
        self.full = False

    def last_end_ms(self, track: TrackKey) -> int | None:
        return self.ends.get(track)

    def begin_take(self, track: TrackKey, init: bytes) -> int:
        take = 1 + max((number for known, number in self.inits if known == track), default=0)
        self.inits[track, take] = init
        return take

    def begin(self, head: SegmentHead, timecode_ms: int) -> None:
        self.heads[head.key] = head
        self.blocks[head.key] = []

    def ready(self) -> bool:
        return not self.full

    def block(self, key: SegmentKey, data: bytes) -> None:
        self.blocks[key].append(data)

    def finish(self, key: SegmentKey, tail: SegmentTail) -> None:
        self.tails[key] = tail
        self.ends[TrackKey(key.room, key.kind)] = tail.t1_ms

    def unacknowledged(self) -> list[SegmentRecord]:
        return []

    def acknowledge(self, keys: Iterable[SegmentKey]) -> None: ...

    async def drained(self, tracks: Iterable[TrackKey]) -> None: ...

    def watch(self) -> None: ...

    async def close(self) -> None: ...


class Camera:
    """RTP packets of a clip's frames, numbered like a real sender's; never ends."""

    def __init__(self, frames: list[tuple[int, bool, bytes]], *, ssrc: int = 5, sequence: int = 65_400) -> None:
        self._frames = frames
        self._ssrc = ssrc
        self.sequence = sequence
        self.origin = 4_294_900_000

    def packets(self, count: int, *, start: int = 0, video: bool = True) -> Iterator[tuple[float, bool, RtpPacket]]:
        """(milliseconds since the first frame, whether a keyframe begins here, packet) of so many frames."""
        rate = 90 if video else 48
        length = self._frames[-1][0] + self._frames[1][0]
        for number in range(start, start + count):
            turn, index = divmod(number, len(self._frames))
            at, keyframe, data = self._frames[index]
            at += turn * length
            payloads = list(Vp8Encoder._packetize(data, number % 32_768)) if video else [data]
            for part, payload in enumerate(payloads):
                last = part == len(payloads) - 1
                stamp = (self.origin + at * rate) % 2**32
                packet = RtpPacket(96 if video else 111, last, self.sequence % 65_536, stamp, self._ssrc, payload)
                self.sequence += 1
                yield float(at), keyframe and part == 0, packet
