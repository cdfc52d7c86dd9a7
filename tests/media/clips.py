"""A small clip made for the tests: VP8 with a keyframe each second and Opus, the frame's number as a block code."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, RATE = 320, 240, 15
BITS = 12


def make_clip(path: Path, *, seconds: int = 4, venue: int = 1) -> Path:
    """Write the clip; every frame shows `venue` and its own time as two rows of black and white blocks."""
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = 300_000
        video.gop_size = RATE
        video.codec_context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        audio = container.add_stream("libopus", rate=48_000)
        audio.layout = "stereo"
        for number in range(seconds * RATE):
            frame = av.VideoFrame.from_ndarray(picture(venue, number), format="gray8").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            if number % RATE == 0:
                frame.pict_type = av.video.frame.PictureType.I
            container.mux(video.encode(frame))
        tone = np.arange(seconds * 48_000)
        samples = (8_000 * np.sin(tone * (2 * np.pi * 440 / 48_000))).astype(np.int16)
        for start in range(0, len(samples), 960):
            piece = np.repeat(samples[start : start + 960], 2).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def picture(venue: int, number: int) -> np.ndarray:
    """Two rows of BITS blocks: the venue above, the frame's number below; noise keeps packets of normal size."""
    noise = np.random.default_rng(number).integers(96, 160, (HEIGHT, WIDTH), dtype=np.uint8)
    block = WIDTH // BITS
    for row, value in enumerate((venue, number)):
        for bit in range(BITS):
            noise[row * 40 : row * 40 + 40, bit * block : (bit + 1) * block] = 255 if value >> bit & 1 else 0
    return noise


def read_code(gray: np.ndarray) -> tuple[int, int]:
    """Venue and frame number from a picture."""
    block = WIDTH // BITS
    values = [
        sum(1 << bit for bit in range(BITS) if gray[row * 40 + 20, bit * block + block // 2] > 127) for row in (0, 1)
    ]
    return values[0], values[1]
