"""A device check's other end: every packet that comes goes back, so that both ways of the line are measured.

It belongs to no room, is heard by nobody and recorded nowhere. Limits, because a stranger's line is behind it:
(1) one for each caller (a newer one ends the older), MAX_LOOPBACKS in all;
(2) LIFE_MS at most, whatever the caller does;
(3) only what came from a proven address with the keys of the handshake goes back, to that same address, octet for
    octet as much as came, and not beyond MAX_BYTES: nothing is amplified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from media.core import rtcp, rtp
from media.core.plan import clock_rate
from media.core.quality import Quality
from media.core.rtcp import KeyframeRequest, SenderReport
from media.core.sdp import Section
from media.core.sequence import Unwrap
from media.errors import Malformed
from media.ports import Peer

# Ten seconds of measuring, and patience for a slow start (docs/protocol.md section 6).
LIFE_MS = 30_000
# A hall of twenty seats checks in over some minutes; each one costs the worker what a room costs it.
MAX_LOOPBACKS = 24
# 2.5 Mb/s for LIFE_MS: a camera of 720p and a voice.
MAX_BYTES = 10_000_000
REPORT_INTERVAL_MS = 1_000  # as in watcher.py


class _Stream:
    """One stream of the caller, and the SSRC under which it goes back."""

    def __init__(self, *, section: Section, ssrc: int, returned: int) -> None:
        self.section = section
        self.ssrc = ssrc
        self.returned = returned
        self.quality = Quality(clock_rate=clock_rate("camera" if section.kind == "video" else "mic"))
        self.sequences, self.timestamps = Unwrap(bits=16), Unwrap(bits=32)
        self.report: tuple[SenderReport, float] | None = None


class Loopback:
    """One caller's line. `returned` says under which SSRC each section's packets go back."""

    def __init__(
        self, *, name: str, sections: tuple[Section, ...], returned: Mapping[str, int], own_ssrc: int, now_ms: float,
        make_peer: Callable[[Loopback], Peer], closed: Callable[[Loopback], None],
    ) -> None:  # fmt: skip
        self.name = name
        self.malformed = 0
        self._sections = {section.payload_type: section for section in sections}
        self._returned = returned
        self._streams: dict[int, _Stream] = {}
        self._own_ssrc = own_ssrc
        self._until_ms = now_ms + LIFE_MS
        self._left = MAX_BYTES
        self._reported_ms = now_ms
        self._closed = closed
        self.peer = make_peer(self)

    def on_connected(self) -> None:
        """Nothing to do: the first packet begins it."""

    def on_rtp(self, data: bytes, now_ms: float) -> None:
        try:
            packet = rtp.parse(data)
        except Malformed:
            self.malformed += 1
            return
        stream = self._streams.get(packet.ssrc) or self._new(packet)
        if stream is None or packet.payload_type != stream.section.payload_type:
            self.malformed += 1
            return
        sequence, timestamp = stream.sequences(packet.sequence), stream.timestamps(packet.timestamp)
        stream.quality.arrived(sequence, timestamp, len(packet.payload), now_ms)
        self._left -= len(data)
        if self._left >= 0:  # (3)
            returned = stream.returned
            self.peer.send_rtp(rtp.rewritten(packet, packet.payload_type, packet.sequence, packet.timestamp, returned))

    def _new(self, packet: rtp.RtpPacket) -> _Stream | None:
        """A section has one stream: a second SSRC of it (retransmissions, padding) is none of ours."""
        section = self._sections.get(packet.payload_type)
        if section is None or any(each.section is section for each in self._streams.values()):
            return None
        stream = _Stream(section=section, ssrc=packet.ssrc, returned=self._returned[section.mid])
        self._streams[packet.ssrc] = stream
        return stream

    def on_rtcp(self, data: bytes, now_ms: float) -> None:
        """Sender reports give the caller its round trip; its wish for a keyframe goes to its own camera."""
        try:
            messages = rtcp.parse(data)
        except Malformed:
            self.malformed += 1
            return
        for message in messages:
            if isinstance(message, SenderReport) and (found := self._streams.get(message.ssrc)):
                found.report = (message, now_ms)
            elif isinstance(message, KeyframeRequest):
                for stream in self._streams.values():
                    if stream.returned == message.media_ssrc:
                        self.peer.send_rtcp(rtcp.keyframe_request(self._own_ssrc, stream.ssrc))

    def on_closed(self, cause: str) -> None:
        self._closed(self)

    def tick(self, now_ms: float) -> None:
        """Reports once a second, and the end."""
        if now_ms >= self._until_ms:  # (2)
            self.peer.close("over")
        elif self.peer.connected and self._streams and now_ms - self._reported_ms >= REPORT_INTERVAL_MS:
            self._reported_ms = now_ms
            blocks = [_block(stream, now_ms) for stream in self._streams.values()]
            self.peer.send_rtcp(rtcp.receiver_report(self._own_ssrc, blocks, cname="tongping"))


def _block(stream: _Stream, now_ms: float) -> rtcp.ReportBlock:
    last_sr = delay = 0
    if stream.report is not None:
        last_sr = stream.report[0].ntp >> 16 & 0xFFFFFFFF
        delay = round((now_ms - stream.report[1]) * 65.536)
    return rtcp.ReportBlock(
        ssrc=stream.ssrc,
        fraction_lost=stream.quality.fraction_lost(),
        lost=stream.quality.lost,
        highest=stream.quality.highest,
        jitter=stream.quality.jitter,
        last_sr=last_sr,
        delay_since_sr=delay,
    )
