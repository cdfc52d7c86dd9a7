"""A clip played as a room: VP8 and Opus from a WebM file, never re-encoded, in phase with a clock, without end.

At clock time t the clip is at `t modulo its length`, in whichever process it plays. aiortc sends packets as they are.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

# A clock that is set while we sleep should not keep a room silent.
_LONGEST_SLEEP_SECONDS = 0.5
_MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ms: int
    keyframe: bool
    data: bytes


class ClipTrack(MediaStreamTrack):
    """One stream of the clip; begins with a keyframe."""

    def __init__(self, *, kind: str, samples: list[_Sample], length_ms: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self.kind = kind
        self._samples = samples
        self._length_ms = length_ms
        self._clock = clock
        self._round = 0  # how often the clip has been played since the clock's origin
        self._index = 0
        self._origin_ms: int | None = None

    def _begin(self) -> int:
        now_ms = self._clock()
        self._round, position = divmod(int(now_ms), self._length_ms)
        self._index = bisect_left(self._samples, position, key=lambda sample: sample.at_ms)
        self._skip_to_keyframe()
        return self._round * self._length_ms

    def _skip_to_keyframe(self) -> None:
        while self._index < len(self._samples) and not self._samples[self._index].keyframe:
            self._index += 1

    async def recv(self) -> av.Packet[Any]:
        """The next packet at its time; its pts counts milliseconds from the beginning of the play."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._origin_ms is None:
            self._origin_ms = self._begin()
        if self._index >= len(self._samples):
            self._index, self._round = 0, self._round + 1
        sample = self._samples[self._index]
        self._index += 1
        due_ms = self._round * self._length_ms + sample.at_ms
        while (wait := (due_ms - self._clock()) / 1000) > 0:  # noqa: ASYNC110  a clock is not an event
            await asyncio.sleep(min(wait, _LONGEST_SLEEP_SECONDS))
        packet = av.Packet(sample.data)
        packet.pts = packet.dts = due_ms - self._origin_ms
        packet.time_base = _MILLISECONDS
        return packet


class ClipPublisher:
    """The two tracks of a clip. `clock` returns milliseconds since 1970."""

    def __init__(self, *, clip_path: Path, clock: Callable[[], float]) -> None:
        samples, self.length_ms = _read(clip_path)
        self.video, self.audio = (
            ClipTrack(kind=kind, samples=samples[kind], length_ms=self.length_ms, clock=clock)
            for kind in ("video", "audio")
        )

    def stop(self) -> None:
        self.video.stop()
        self.audio.stop()


def _read(path: Path) -> tuple[dict[str, list[_Sample]], int]:
    """All packets of the file, and its length: that of the video, whose next round begins one frame after its last."""
    samples: dict[str, list[_Sample]] = {"video": [], "audio": []}
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0], container.streams.audio[0]):
            if packet.pts is None or packet.time_base is None or not packet.size:
                continue
            at_ms = max(0, round(packet.pts * packet.time_base * 1000))
            samples[packet.stream.type].append(_Sample(at_ms, packet.is_keyframe, bytes(packet)))
    video = samples["video"]
    if len(video) < 2 or not samples["audio"]:
        raise ValueError("a clip has a VP8 and an Opus stream")
    length_ms = round((video[-1].at_ms - video[0].at_ms) * len(video) / (len(video) - 1))
    return {kind: [one for one in all_ if one.at_ms < length_ms] for kind, all_ in samples.items()}, length_ms
