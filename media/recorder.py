"""The recorder of one slot: a receiver like any other, which everybody can see by its name.

It puts packets in order, makes frames of them, and writes blocks into segments. Nothing is re-encoded, re-timed or made
up: what is missing is a gap, declared in the segment that follows it, in session time.

A take is one continuous stream. A new one begins when the publisher comes back, and when the picture changes its size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from media.core import cut, webm
from media.core.plan import Kind, clock_rate, is_video
from media.core.record import SegmentKey
from media.core.reorder import Lost, Reorder
from media.core.rtp import RtpPacket
from media.core.vp8 import FrameAssembler, Size, is_keyframe, size_of
from media.errors import Vp8Malformed
from media.ports import SegmentHead, SegmentSink, SegmentTail, TrackKey, UpTrack

NAME = "RECORDING"
# Two packets of one stream are normally 20 to 70 ms apart; a join of two takes closer than this is not a gap.
SMALLEST_GAP_MS = 100
# A segment whose stream fell silent is closed after this time, so that what it holds can be sealed.
IDLE_CLOSE_MS = 3_000
# A new take costs several synchronisations of the disk that all rooms share: a picture that changes its size faster
# than this is not followed, so that one room cannot stall the recording of the others.
MIN_TAKE_MS = 1_000


@dataclass(slots=True)
class _Segment:
    """The segment being written."""

    key: SegmentKey
    rtp0: int
    timecode_ms: int
    opened_ms: float
    written_ms: float
    rtp1: int
    packets: int = 0
    lost: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)


class TrackRecorder:
    """See `media.ports.DownTrack`. Recording was asked for at `since_ms`: what is missing from then on is a gap."""

    name = NAME

    def __init__(
        self, *, room: str, kind: Kind, sink: SegmentSink, since_ms: float, clock: Callable[[], float]
    ) -> None:
        self.track = TrackKey(room, kind)
        self.bytes = 0
        self._sink = sink
        self._clock = clock
        self._video = is_video(kind)
        self._rate = clock_rate(kind)
        last = sink.last_end_ms(self.track)
        self._end_ms = round(since_ms) if last is None else last  # until when this track is accounted for
        self._up: UpTrack | None = None
        self._segment: _Segment | None = None
        self._take: int | None = None
        self._number = 0
        self._size: Size | None = None
        self._rtp_origin = 0
        self._take_ms = 0.0
        self._packets = self._lost = 0  # since the segment before
        self._gap = True  # the next block follows a gap
        self._reset()

    def _reset(self) -> None:
        self._reorder = Reorder()
        self._frames = FrameAssembler()

    def source(self, up: UpTrack | None) -> None:
        """A stream ends, another may begin: the segment is closed, the next block opens a new take."""
        self._flush(self._clock())
        self.close_segment()
        self._up = up
        self._take = None
        self._gap = True
        self._reset()

    def write(self, sequence: int, timestamp: int, packet: RtpPacket, now_ms: float) -> None:
        self._reorder.push(sequence, timestamp, packet, now_ms)
        self._take_ready(now_ms)

    def tick(self, now_ms: float) -> None:
        """What happens without a packet: a wait that is over, a stream that fell silent."""
        self._take_ready(now_ms)
        segment = self._segment
        if segment is not None and now_ms - segment.written_ms >= IDLE_CLOSE_MS:
            self.close_segment()

    def _flush(self, now_ms: float) -> None:
        self._take_ready(now_ms + 2 * cut.FORCED_MS)

    def _take_ready(self, now_ms: float) -> None:
        for item in self._reorder.pop(now_ms):
            if isinstance(item, Lost):
                self._lost += item.count
                self._gap = True
                self._frames.lost()
                if self._video and self._up is not None:
                    self._up.request_keyframe()
                continue
            self._packets += 1
            timestamp, packet = item
            if not self._video:
                if packet.payload:
                    self._block(timestamp, packet.payload, True, now_ms)
                continue
            frame = self._frames.packet(timestamp, packet.payload, packet.marker)
            if frame is not None:
                self._frame(timestamp, frame, now_ms)
            elif self._frames.needs_keyframe:
                self._gap = True
                # A whole frame that nobody can decode: the keyframe that was asked for came, and could not be kept.
                if packet.marker and self._up is not None:
                    self._up.request_keyframe()

    def _frame(self, timestamp: int, frame: bytes, now_ms: float) -> None:
        keyframe = is_keyframe(frame)
        if keyframe:
            try:
                size = size_of(frame)
            except Vp8Malformed:
                self._frames.lost()
                return
            if size != self._size:
                if self._take is not None and now_ms - self._take_ms < MIN_TAKE_MS:
                    self._gap = True
                    self._frames.lost()
                    return
                self.close_segment()
                self._take = None
                self._size = size
        self._block(timestamp, frame, keyframe, now_ms)

    def _block(self, timestamp: int, payload: bytes, keyframe: bool, now_ms: float) -> None:
        if not self._sink.ready():
            # The disk does not follow: nothing after this can be decoded before the next keyframe.
            self._gap = True
            self._frames.lost()
            return
        if self._take is None:
            init = webm.init_video(self._size) if self._video and self._size else webm.init_audio()
            self._take = self._sink.begin_take(self.track, init)
            self._number = 0
            self._take_ms = now_ms
            self._rtp_origin = timestamp
        at_ms = max(0, round((timestamp - self._rtp_origin) * 1000 / self._rate))
        segment = self._segment
        if segment is not None:
            elapsed, open_ms = at_ms - segment.timecode_ms, now_ms - segment.opened_ms
            if cut.cut_before(elapsed_ms=elapsed, open_ms=open_ms, keyframe=keyframe, video=self._video):
                if open_ms < cut.LEAST_MS:
                    self._gap = True
                    self._frames.lost()
                    return
                self.close_segment()
                segment = None
            elif cut.wants_keyframe(elapsed_ms=elapsed, video=self._video) and self._up is not None:
                self._up.request_keyframe()
        if segment is None:
            segment = self._open(timestamp, at_ms, keyframe, now_ms)
        elif self._gap:
            self._declare(segment.gaps, self._session_ms(segment.rtp1), self._session_ms(timestamp))
        self._gap = False
        segment.packets += self._packets
        segment.lost += self._lost
        self._packets = self._lost = 0
        block = webm.simple_block(max(0, at_ms - segment.timecode_ms), keyframe, payload)
        self._sink.block(segment.key, block)
        self.bytes += len(block)
        segment.rtp1 = max(segment.rtp1, timestamp)
        segment.written_ms = now_ms

    def _open(self, timestamp: int, at_ms: int, keyframe: bool, now_ms: float) -> _Segment:
        if self._take is None:
            raise RuntimeError("a segment belongs to a take")
        self._number += 1
        key = SegmentKey(self.track.room, self.track.kind, self._take, self._number)
        segment = _Segment(
            key=key, rtp0=timestamp, timecode_ms=at_ms, opened_ms=now_ms, written_ms=now_ms, rtp1=timestamp
        )
        t0_ms = max(self._session_ms(timestamp), self._end_ms)
        if self._gap:
            self._declare(segment.gaps, self._end_ms, t0_ms)
        self._segment = segment
        head = SegmentHead(key, t0_ms, timestamp, self._rate, keyframe, tuple(segment.gaps))
        self._sink.begin(head, at_ms)
        return segment

    def close_segment(self) -> None:
        """Seal what is open. Times are mapped now, when the clock has seen more than at the beginning."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        t0_ms = max(self._session_ms(segment.rtp0), self._end_ms)
        t1_ms = max(self._session_ms(segment.rtp1), t0_ms)
        gaps = list(segment.gaps)
        if gaps and gaps[0][0] == self._end_ms:
            gaps[0] = (gaps[0][0], t0_ms)  # the gap before the segment ends where the segment begins
        self._end_ms = t1_ms
        duration = round((segment.rtp1 - segment.rtp0) * 1000 / self._rate)
        tail = SegmentTail(t0_ms, t1_ms, segment.rtp1, duration, segment.packets, segment.lost, tuple(gaps))
        self._sink.finish(segment.key, tail)

    def _session_ms(self, timestamp: int) -> int:
        return round(self._up.clock.session_ms(timestamp)) if self._up is not None else self._end_ms

    @staticmethod
    def _declare(gaps: list[tuple[int, int]], start_ms: int, end_ms: int) -> None:
        if end_ms - start_ms >= SMALLEST_GAP_MS:
            gaps.append((start_ms, end_ms))
