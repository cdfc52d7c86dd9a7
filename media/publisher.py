"""A room's side of the relay: the peer connection of one publisher, and which packet belongs to which slot."""

from __future__ import annotations

from collections.abc import Callable

from media.core import rtcp, rtp
from media.core.plan import Kind
from media.core.rtcp import SenderReport
from media.core.sdp import Section
from media.errors import Malformed
from media.ports import Peer
from media.relay import IncomingTrack

REPORT_INTERVAL_MS = 1_000  # as in watcher.py
# Three slots, and a few more for a browser that changes an SSRC; a publisher beyond that only wants our memory.
MAX_STREAMS = 12


class Publisher:
    """Demultiplexes a bundle (RFC 9143 section 9.2): by known SSRC, by mid extension, by payload type if only one."""

    def __init__(
        self, *, room: str, sections: tuple[Section, ...], slots: dict[str, Kind], own_ssrc: int,
        make_peer: Callable[[Publisher], Peer], connected: Callable[[Publisher], None],
        track: Callable[[Publisher, IncomingTrack], None], closed: Callable[[Publisher, str], None],
    ) -> None:  # fmt: skip
        self.room = room
        self.tracks: dict[int, IncomingTrack] = {}
        self.malformed = 0
        self._own_ssrc = own_ssrc
        self._connected, self._track, self._closed = connected, track, closed
        self._by_ssrc = {ssrc: slots[section.mid] for section in sections for ssrc in section.ssrcs[:1]}
        self._by_mid = slots
        self._mid_extensions = {section.mid_extension for section in sections if section.mid_extension is not None}
        self._payload_types = {section.payload_type for section in sections}
        self._by_payload_type: dict[int | None, Kind | None] = {}
        for section in sections:
            known = section.payload_type in self._by_payload_type
            self._by_payload_type[section.payload_type] = None if known else slots[section.mid]
        self._reported_ms = 0.0
        self.peer = make_peer(self)

    def on_connected(self) -> None:
        self._connected(self)

    def on_rtp(self, data: bytes, now_ms: float) -> None:
        try:
            packet = rtp.parse(data)
        except Malformed:
            self.malformed += 1
            return
        track = self.tracks.get(packet.ssrc)
        if track is None:
            track = self._new_track(data, packet, now_ms)
            if track is None:
                return
        if packet.payload_type in self._payload_types:
            track.packet(packet, now_ms)

    def _new_track(self, data: bytes, packet: rtp.RtpPacket, now_ms: float) -> IncomingTrack | None:
        kind = self._slot_of(data, packet)
        if kind is None or packet.payload_type not in self._payload_types or len(self.tracks) >= MAX_STREAMS:
            self.malformed += 1
            return None
        track = IncomingTrack(
            room=self.room, kind=kind, ssrc=packet.ssrc, own_ssrc=self._own_ssrc,
            send_rtcp=self.peer.send_rtcp, now_ms=now_ms,
        )  # fmt: skip
        self.tracks[packet.ssrc] = track
        self._track(self, track)
        return track

    def _slot_of(self, data: bytes, packet: rtp.RtpPacket) -> Kind | None:
        if packet.ssrc in self._by_ssrc:
            return self._by_ssrc[packet.ssrc]
        for number in self._mid_extensions:
            value = rtp.header_extension(data, number)
            if value is not None:
                return self._by_mid.get(value.decode("ascii", "replace"))
        return self._by_payload_type.get(packet.payload_type)

    def on_rtcp(self, data: bytes, now_ms: float) -> None:
        try:
            messages = rtcp.parse(data)
        except Malformed:
            self.malformed += 1
            return
        for message in messages:
            if isinstance(message, SenderReport) and (track := self.tracks.get(message.ssrc)):
                track.sender_report(message, now_ms)

    def on_closed(self, cause: str) -> None:
        self._closed(self, cause)

    def tick(self, now_ms: float) -> None:
        """Reports and repeated requests that no packet triggered."""
        if not self.peer.connected:
            return
        for track in self.tracks.values():
            track.chase(now_ms)
        if self.tracks and now_ms - self._reported_ms >= REPORT_INTERVAL_MS:
            self._reported_ms = now_ms
            blocks = [track.report_block(now_ms) for track in self.tracks.values()]
            self.peer.send_rtcp(rtcp.receiver_report(self._own_ssrc, blocks, cname="tongping"))
