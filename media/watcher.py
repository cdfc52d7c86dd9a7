"""A receiver outside: one peer connection with every slot of every room, fixed for its life."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from media.core import rtcp
from media.core.clock import ntp_of
from media.core.plan import Kind, clock_rate, is_video
from media.core.rtcp import KeyframeRequest, Nack, SenderReport
from media.core.rtp import RtpPacket, rewritten
from media.core.sdp_text import OPUS_PAYLOAD_TYPE, VP8_PAYLOAD_TYPE, Slot
from media.errors import Malformed
from media.ports import Peer
from media.relay import IncomingTrack

# RFC 3550 section 6.2 allows one report per second and stream at these bit rates; browsers send as often.
REPORT_INTERVAL_MS = 1_000
# One NACK may name thousands of packets; serving more than a keyframe's worth would make us an amplifier.
MAX_REPEATS = 300


class WatchedSlot:
    """One slot of one watcher; see `media.ports.DownTrack`. Its numbers go on when the publisher changes."""

    __slots__ = (
        "_bytes",
        "_last_sent_ms",
        "_last_sequence",
        "_last_timestamp",
        "_packets",
        "_payload_type",
        "_rate",
        "_sequence_offset",
        "_started",
        "_timestamp_offset",
        "_up",
        "_watcher",
        "kind",
        "name",
        "room",
        "ssrc",
    )  # fmt: skip

    def __init__(self, *, slot: Slot, watcher: Watcher) -> None:
        self.name = watcher.name
        self.room = slot.room
        self.kind: Kind = slot.kind
        self.ssrc = slot.ssrc
        self._watcher = watcher
        self._payload_type = VP8_PAYLOAD_TYPE if is_video(slot.kind) else OPUS_PAYLOAD_TYPE
        self._rate = clock_rate(slot.kind)
        self._up: IncomingTrack | None = None
        self._started = False
        self._sequence_offset = self._timestamp_offset = 0
        self._last_sequence = self._last_timestamp = 0
        self._last_sent_ms = 0.0
        self._packets = self._bytes = 0

    def source(self, up: object) -> None:
        self._up = up if isinstance(up, IncomingTrack) else None
        self._started = False

    def write(self, sequence: int, timestamp: int, packet: RtpPacket, now_ms: float) -> None:
        if not self._started:
            self._start(sequence, timestamp, now_ms)
        out = sequence + self._sequence_offset
        stamp = timestamp + self._timestamp_offset
        if out > self._last_sequence:
            self._last_sequence, self._last_timestamp, self._last_sent_ms = out, stamp, now_ms
        data = rewritten(packet, self._payload_type, out, stamp, self.ssrc)
        if self._watcher.peer.send_rtp(data):
            self._packets += 1
            self._bytes += len(packet.payload)

    def _start(self, sequence: int, timestamp: int, now_ms: float) -> None:
        self._started = True
        if not self._last_sequence:
            return
        passed = round((now_ms - self._last_sent_ms) * self._rate / 1000)
        self._sequence_offset = self._last_sequence + 1 - sequence
        self._timestamp_offset = self._last_timestamp + max(1, passed) - timestamp

    def nack(self, sequences: Sequence[int], now_ms: float) -> None:
        """Serve from the ring; what is not there was asked of the publisher already."""
        up = self._up
        if up is None:
            return
        newest = up.highest + self._sequence_offset
        for number in sequences[:MAX_REPEATS]:
            sequence = up.highest - ((newest - number) & 0xFFFF)
            packet = up.cached(sequence)
            if packet is not None:
                timestamp = packet.timestamp + self._timestamp_offset
                out = sequence + self._sequence_offset
                self._watcher.peer.send_rtp(rewritten(packet, self._payload_type, out, timestamp, self.ssrc))

    def request_keyframe(self) -> None:
        if self._up is not None:
            self._up.request_keyframe()

    def report(self, now_ms: float) -> bytes | None:
        """A sender report on the session's clock: all tracks of all rooms share it, so a browser can align them."""
        if self._up is None or not self._packets:
            return None
        stamp = self._up.clock.rtp_at(now_ms) + self._timestamp_offset
        return rtcp.sender_report(
            SenderReport(self.ssrc, ntp_of(now_ms), stamp, self._packets, self._bytes), cname=self.room
        )


class Watcher:
    """The peer connection of one watcher and its slots."""

    def __init__(
        self, *, name: str, make_peer: Callable[[Watcher], Peer], slots: tuple[Slot, ...],
        joined: Callable[[Watcher], None], left: Callable[[Watcher, str], None],
    ) -> None:  # fmt: skip
        self.name = name
        self._joined = joined
        self._left = left
        self.slots = tuple(WatchedSlot(slot=slot, watcher=self) for slot in slots)
        self.descriptions = slots
        self._by_ssrc = {slot.ssrc: slot for slot in self.slots}
        self._reported_ms = 0.0
        self.peer = make_peer(self)

    def on_connected(self) -> None:
        self._joined(self)

    def on_rtp(self, data: bytes, now_ms: float) -> None:
        """A watcher sends no media; what it sends anyway goes nowhere."""

    def on_rtcp(self, data: bytes, now_ms: float) -> None:
        try:
            messages = rtcp.parse(data)
        except Malformed:
            return
        for message in messages:
            if isinstance(message, Nack) and (slot := self._by_ssrc.get(message.media_ssrc)):
                slot.nack(message.sequences, now_ms)
            elif isinstance(message, KeyframeRequest) and (slot := self._by_ssrc.get(message.media_ssrc)):
                slot.request_keyframe()

    def on_closed(self, cause: str) -> None:
        self._left(self, cause)

    def tick(self, now_ms: float) -> None:
        if not self.peer.connected or now_ms - self._reported_ms < REPORT_INTERVAL_MS:
            return
        self._reported_ms = now_ms
        for slot in self.slots:
            report = slot.report(now_ms)
            if report is not None:
                self.peer.send_rtcp(report)
