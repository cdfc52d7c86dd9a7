"""A clip played as a room: in phase with a clock, seamless over its end, the packets of the file unchanged."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest
from aiortc.mediastreams import MediaStreamError

from media.adapters.clip_publisher import ClipPublisher
from tests.media.test_vp8_webm import frames_of
from tests.media.worlds import wall_ms

ROUND_MS = 4_000


class FastClock:
    """Starts with the first look at it and runs a hundred times as fast as time."""

    def __init__(self, start_ms: float) -> None:
        self._start_ms = start_ms
        self._origin: float | None = None

    def __call__(self) -> float:
        now = wall_ms()
        if self._origin is None:
            self._origin = now
        return self._start_ms + (now - self._origin) * 100


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_the_clip_goes_on_without_a_seam_and_unchanged(clip: Path, kind: str) -> None:
    frames = frames_of(clip, kind)
    one = ClipPublisher(clip_path=clip, clock=FastClock(448_000_000 * ROUND_MS))
    assert one.length_ms == ROUND_MS
    track = one.video if kind == "video" else one.audio
    packets = [await track.recv() for _ in range(2 * len(frames) + 5)]
    kept = [data for at, _, data in frames if at < ROUND_MS]
    assert [bytes(packet) for packet in packets] == (kept * 3)[: len(packets)]
    times = [packet.pts for packet in packets if packet.pts is not None]
    assert len(times) == len(packets)
    longest = 67 if kind == "video" else 27  # Opus begins with 6.5 ms of pre-skip, which shifts the file's first times
    assert all(0 < after - before <= longest for before, after in pairwise(times))
    one.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


@pytest.mark.asyncio
async def test_two_players_show_the_same_moment_of_the_clip(clip: Path) -> None:
    clock = FastClock(448_000_000 * ROUND_MS + 2_345.0)
    early, late = (ClipPublisher(clip_path=clip, clock=clock) for _ in range(2))
    starts = {data: at for at, keyframe, data in frames_of(clip, "video") if keyframe}
    assert starts[bytes(await early.video.recv())] == 3_000  # the next keyframe after 2.345 s
    for _ in range(40):
        await early.video.recv()
    first = await late.video.recv()
    assert starts[bytes(first)] in (0, 1_000, 2_000, 3_000)
    origin = late.video._origin_ms
    assert origin is not None
    assert first.pts is not None
    assert (origin + first.pts) % ROUND_MS == starts[bytes(first)]
    assert origin + first.pts <= clock() + 1_000


def test_a_file_that_is_no_clip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.webm"
    path.write_bytes(b"no clip")
    with pytest.raises(av.error.InvalidDataError):
        ClipPublisher(clip_path=path, clock=wall_ms)
