"""The shipped clips say of each frame which venue and which moment it shows."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from web.demo import blockcode
from web.demo.make_clips import FOLDER, RATE, SECONDS

CLIPS = [FOLDER / f"venue-{venue}.webm" for venue in (1, 2, 3)]


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_every_frame_of_a_clip_reads_back(path: Path) -> None:
    """Issue 2, item 9: venue and clip time are burnt in as a block code that software reads."""
    venue = int(path.stem[-1])
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == SECONDS * RATE
    for index, frame in enumerate(frames):
        luma = np.asarray(frame.to_ndarray(format="gray8"), dtype=np.uint8)
        assert blockcode.read(luma) == blockcode.Reading(venue=venue, clip_ms=index * 1000 // RATE)
        assert frame.time == pytest.approx(index / RATE)


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_a_clip_loops_without_a_seam(path: Path) -> None:
    """Exactly 20 s of both tracks, VP8 with a keyframe each second, mono Opus in packets of 20 ms."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name, audio.layout.name) == ("vp8", "opus", "mono")
        packets = [packet for packet in container.demux() if packet.size]
    keys = [packet.pts for packet in packets if packet.stream is video and packet.is_keyframe]
    assert keys == [second * 1000 for second in range(SECONDS)]
    assert sum(packet.stream is audio for packet in packets) == SECONDS * 50


def test_the_clips_are_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in CLIPS) <= 1_200_000


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5, 2.0, 4.0])
def test_the_strip_reads_at_every_size_and_under_noise(scale: float) -> None:
    plane = np.full((blockcode.HEIGHT, blockcode.WIDTH), 110, dtype=np.uint8)
    blockcode.paint(plane, venue=3, clip_ms=19_900)
    rows = (np.arange(round(blockcode.HEIGHT * scale)) / scale).astype(int)
    columns = (np.arange(round(blockcode.WIDTH * scale)) / scale).astype(int)
    noise = np.random.default_rng(1).integers(-30, 30, (len(rows), len(columns)))
    noisy = np.clip(plane[np.ix_(rows, columns)] + noise, 0, 255).astype(np.uint8)
    assert blockcode.read(noisy) == blockcode.Reading(venue=3, clip_ms=19_900)


def test_a_damaged_or_absent_strip_is_no_reading() -> None:
    """With the check left out, the turned cells below would read as another time."""
    plane = np.full((blockcode.HEIGHT, blockcode.WIDTH), 110, dtype=np.uint8)
    assert blockcode.read(plane) is None
    blockcode.paint(plane, venue=1, clip_ms=700)
    for column in range(1, blockcode.COLUMNS - 1):
        damaged = plane.copy()
        left = blockcode.LEFT + column * blockcode.CELL
        cell = damaged[blockcode.TOP : blockcode.TOP + blockcode.CELL, left : left + blockcode.CELL]
        cell[:] = 255 - cell[blockcode.CELL // 2, blockcode.CELL // 2]
        assert blockcode.read(damaged) is None
