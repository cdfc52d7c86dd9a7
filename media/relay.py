"""One incoming stream and everyone who gets it.

Policy in words: a packet is passed on the moment it arrives, to everyone, without waiting for the one before it. Who
misses a packet asks for it and is served from the ring. What the ring misses is asked of the publisher again and again,
ten times, and then a keyframe is asked for instead. Keyframe requests of all receivers become one, at most every half
second, repeated until a keyframe comes. A watcher that joins late gets everything since the last keyframe at once; the
recorder gets nothing from before its start, and a keyframe is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from media.core import rtcp
from media.core.clock import TrackClock
from media.core.plan import Kind, clock_rate, is_video
from media.core.quality import Quality
from media.core.rtcp import SenderReport
from media.core.rtp import RtpPacket
from media.core.sequence import Missing, Unwrap
from media.core.vp8 import begins_keyframe
from media.ports import DownTrack

# Galène and LiveKit: not more than one keyframe request per half second and source.
KEYFRAME_INTERVAL_MS = 500
# media.md section 2.3: at least 1024 video packets; a 1080p document keyframe alone is 300. Audio: two seconds.
VIDEO_RING = 2_048
AUDIO_RING = 128
# What a late watcher may get at once: a burst of half a megabyte passes the buffers on the way, more is lost in them.
MAX_BURST = 500
# A leased line between cities is a few tens of milliseconds; asking sooner would only repeat the question.
ROUND_TRIP_MS = 60.0
# A room without a packet for this time is stalled (media.md section 2.3: Opus without DTX sends 50 a second).
STALL_MS = 2_000


class IncomingTrack:
    """One SSRC of one publisher in one slot; see `media.ports.UpTrack`."""

    def __init__(
        self, *, room: str, kind: Kind, ssrc: int, own_ssrc: int, send_rtcp: Callable[[bytes], bool], now_ms: float
    ) -> None:
        self.room = room
        self.kind = kind
        self.ssrc = ssrc
        self.clock = TrackClock(clock_rate=clock_rate(kind))
        self.quality = Quality(clock_rate=clock_rate(kind))
        self.missing = Missing()
        self.highest = 0
        self.since_ms = now_ms
        self.downs: list[DownTrack] = []
        self._own_ssrc = own_ssrc
        self._send_rtcp = send_rtcp
        self._video = is_video(kind)
        self._size = VIDEO_RING if self._video else AUDIO_RING
        self._ring: list[tuple[int, int, RtpPacket] | None] = [None] * self._size
        self._sequences = Unwrap(bits=16)
        self._timestamps = Unwrap(bits=32)
        self._keyframe: int | None = None  # where the last keyframe begins
        self._wanted = self._video  # the first packet of a stream may be lost: always ask once
        self._asked_ms = 0.0
        self._report: tuple[SenderReport, float] | None = None

    def packet(self, packet: RtpPacket, now_ms: float) -> None:
        """A packet of this stream: count it, keep it, pass it on."""
        sequence = self._sequences(packet.sequence)
        timestamp = self._timestamps(packet.timestamp)
        held = self._ring[sequence % self._size]
        if held is not None and held[0] == sequence:
            return  # repeated by the network or by the sender
        self._ring[sequence % self._size] = (sequence, timestamp, packet)
        recovered = self.missing.arrived(sequence, now_ms)
        self.highest = max(self.highest, sequence)
        self.quality.arrived(sequence, timestamp, len(packet.payload), now_ms)
        if not recovered:  # a repeated packet's way is twice as long and says nothing about the clock
            self.clock.packet(timestamp, now_ms)
        if self._video and begins_keyframe(packet.payload):
            self._keyframe = sequence if self._keyframe is None else max(self._keyframe, sequence)
            self._wanted = False
        for down in self.downs:
            down.write(sequence, timestamp, packet, now_ms)
        self.chase(now_ms)

    def chase(self, now_ms: float) -> None:
        """Ask for what is missing, packets and keyframes, as far as it is due."""
        if self._video and self.missing.pending:
            abandoned = self.missing.abandoned
            due = self.missing.due(now_ms, ROUND_TRIP_MS)
            if due:
                self._send_rtcp(rtcp.nack(self._own_ssrc, self.ssrc, (number & 0xFFFF for number in due)))
            if self.missing.abandoned != abandoned:
                self._wanted = True
        if self._wanted and now_ms - self._asked_ms >= KEYFRAME_INTERVAL_MS:
            self._asked_ms = now_ms
            self._send_rtcp(rtcp.keyframe_request(self._own_ssrc, self.ssrc))

    def request_keyframe(self) -> None:
        self._wanted = self._video

    def cached(self, sequence: int) -> RtpPacket | None:
        held = self._ring[sequence % self._size]
        return held[2] if held is not None and held[0] == sequence else None

    def join(self, down: DownTrack, now_ms: float, *, cached: bool) -> None:
        """A new receiver: name its source, give it what it needs to show a picture now, if it may have it."""
        down.source(self)
        self.downs.append(down)
        if not cached:
            self.request_keyframe()
            return
        for sequence, timestamp, packet in self.since_keyframe():
            down.write(sequence, timestamp, packet, now_ms)

    def since_keyframe(self) -> Iterator[tuple[int, int, RtpPacket]]:
        """Everything held since the last keyframe; if that is long ago, nothing, and a new one is asked for."""
        if not self._video:
            return
        start = self._keyframe
        if start is None or self.highest - start >= MAX_BURST or self.cached(start) is None:
            self.request_keyframe()
            return
        for sequence in range(start, self.highest + 1):
            held = self._ring[sequence % self._size]
            if held is not None and held[0] == sequence:
                yield held

    def leave(self, down: DownTrack) -> None:
        if down in self.downs:
            self.downs.remove(down)

    def sender_report(self, report: SenderReport, now_ms: float) -> None:
        """The publisher's pair of clocks."""
        self._report = (report, now_ms)
        if self.quality.received:
            self.clock.report(report.ntp, self._timestamps.near(report.rtp))

    def report_block(self, now_ms: float) -> rtcp.ReportBlock:
        """What the publisher should know about how we receive it."""
        last_sr = delay = 0
        if self._report is not None:
            last_sr = self._report[0].ntp >> 16 & 0xFFFFFFFF
            delay = round((now_ms - self._report[1]) * 65.536)
        return rtcp.ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=self.quality.fraction_lost(),
            lost=self.quality.lost,
            highest=self.highest,
            jitter=self.quality.jitter,
            last_sr=last_sr,
            delay_since_sr=delay,
        )
