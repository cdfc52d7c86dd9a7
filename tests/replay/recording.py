"""Minutes of three rooms, recorded in seconds: the demo's clips as packets through the real recorder onto a disk.

The clips play in phase with the clock, so at session time t every picture of every room shows `t modulo 20 s`, and
whoever reads it back from pixels knows how far a player is off. Room 2 goes away in the middle: a declared gap.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.video.frame import PictureType

from evidence.core.canonical import Object, b64u
from media.adapters.segment_files import SegmentFiles
from media.core.plan import Kind
from media.core.record import SegmentRecord
from media.core.rtp import RtpPacket
from media.recorder import TrackRecorder
from media.relay import IncomingTrack
from tests.media.fakes import Camera
from tests.media.test_vp8_webm import frames_of
from web.demo.make_clips import FOLDER

START = 1_795_000_000_000
"""A whole number of clips since 1970."""
LATE_MS = {"room-1": 0, "room-2": 1_300, "room-3": 2_700}
"""Rooms do not begin together."""
AWAY = "room-2"
CLIP_MS = 20_000
KINDS: tuple[Kind, ...] = ("mic", "camera")


@dataclass(frozen=True, slots=True)
class Slow:
    """A camera with so few pictures a second, and so many of them from keyframe to keyframe."""

    fps: int
    keyframes: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the recorder closed, and from when to when room 2 was away."""

    records: tuple[SegmentRecord, ...]
    gap: tuple[int, int]

    @property
    def manifest(self) -> Object:
        """As `getRecordings` answers, in one entry."""
        tracks: dict[tuple[str, str], list[Object]] = {}
        for record in sorted(self.records, key=lambda each: (each.t0_ms, each.take, each.number)):
            tracks.setdefault((record.room, record.kind), []).append(
                {
                    "n": 7,
                    "take": record.take,
                    "number": record.number,
                    "sha256": b64u(bytes.fromhex(record.sha256)),
                    "init": b64u(bytes.fromhex(record.init_sha256)),
                    "bytes": record.bytes,
                    "t0": record.t0_ms,
                    "t1": record.t1_ms,
                    "keyframe": record.keyframe,
                    "lost": record.lost,
                    "recovered": record.recovered,
                    "gaps": [list(gap) for gap in record.gaps],
                }
            )
        return {"size": 8, "tracks": [{"room": r, "kind": k, "segments": found} for (r, k), found in tracks.items()]}

    @property
    def files(self) -> dict[str, Path]:
        """By SHA-256 in hex."""
        found = {record.sha256: Path(record.path) for record in self.records}
        return found | {record.init_sha256: Path(record.init_path) for record in self.records}


async def record(folder: Path, *, seconds: int, start: int = START, slow: Slow | None = None) -> Recorded:
    """So many seconds of three rooms; room 2 is away for a tenth of them, from two fifths on."""
    gap = (start + seconds * 400, start + seconds * 500)
    closed: list[SegmentRecord] = []
    files = SegmentFiles(
        root=folder,
        on_closed=closed.append,
        on_alarm=lambda alarm, detail: None,
        sync=lambda handle: None,
        free=lambda root: 1 << 40,
    )
    studios = [_Studio(files, room, kind, start, slow) for room in LATE_MS for kind in KINDS]
    events = heapq.merge(*(studio.packets(seconds, gap) for studio in studios), key=lambda event: event[0])
    for at, number, packet in events:
        studios[number % len(studios)].take(at, packet, gap)
    for studio in studios:
        studio.recorder.source(None)
    await files.drained([studio.recorder.track for studio in studios])
    await files.close()
    return Recorded(tuple(closed), gap)


class _Studio:
    """One track's publisher and its recorder."""

    def __init__(self, files: SegmentFiles, room: str, kind: Kind, start: int, slow: Slow | None) -> None:
        self.room, self.kind, self.start, self.slow = room, kind, start, slow
        self.now = float(start)
        self.recorder = TrackRecorder(room=room, kind=kind, sink=files, since_ms=start, clock=lambda: self.now)
        self._up: IncomingTrack | None = None
        self._number = (list(LATE_MS).index(room) * len(KINDS)) + KINDS.index(kind)

    def packets(self, seconds: int, gap: tuple[int, int]) -> Iterator[tuple[float, int, RtpPacket]]:
        venue, video = int(self.room[-1]), self.kind == "camera"
        frames = _pictures(venue, self.slow) if video and self.slow else _frames(venue, self.kind)
        begun = False
        for at, keyframe, packet in Camera(list(frames)).packets(
            len(frames) * -(-seconds * 1000 // CLIP_MS), video=video
        ):
            moment = self.start + at
            if at >= seconds * 1000:
                return
            away = self.room == AWAY and gap[0] <= moment < gap[1]
            # Who comes, or comes back, is asked for a keyframe; here the next one of the clip is it.
            begun = not away and at >= LATE_MS[self.room] and (begun or keyframe or not video)
            if begun:
                yield moment, self._number, packet

    def take(self, at: float, packet: RtpPacket, gap: tuple[int, int]) -> None:
        if self._up is None or (self.room == AWAY and self.now < gap[0] and at >= gap[1]):
            if self._up is not None:
                self._up.leave(self.recorder)
            self.now = at
            self._up = IncomingTrack(
                room=self.room, kind=self.kind, ssrc=5, own_ssrc=1, send_rtcp=lambda data: True, now_ms=at
            )
            self._up.join(self.recorder, at, cached=False)
        self.now = at
        self._up.packet(packet, at)
        self.recorder.tick(at)


@cache
def _frames(venue: int, kind: Kind) -> tuple[tuple[int, bool, bytes], ...]:
    found = frames_of(FOLDER / f"venue-{venue}.webm", "video" if kind == "camera" else "audio")
    return tuple(frame for frame in found if frame[0] < CLIP_MS)


@cache
def _pictures(venue: int, slow: Slow) -> tuple[tuple[int, bool, bytes], ...]:
    """The clip's pictures as a slow camera's encoder gives them."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.bit_rate = 320, 180, "yuv420p", 200_000
    encoder.time_base, encoder.framerate = Fraction(1, 1000), Fraction(slow.fps)
    encoder.gop_size = slow.keyframes
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
    packets = []
    with av.open(str(FOLDER / f"venue-{venue}.webm")) as clip:
        for picture in clip.decode(video=0):
            at = round(picture.time * 1000)
            if at < CLIP_MS and at % (1000 // slow.fps) == 0:
                frame = picture.reformat(format="yuv420p")
                frame.pts, frame.time_base, frame.pict_type = at, Fraction(1, 1000), PictureType.NONE
                packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple((int(packet.pts or 0), packet.is_keyframe, bytes(packet)) for packet in packets)
