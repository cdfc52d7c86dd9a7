"""How were the three shipped clips made?

Run by hand (`python -m web.demo.make_clips`, needs espeak-ng); the demo only reads the result. Each clip is 20 s of VP8
and Opus that loops seamlessly: a drawn meeting room in motion, the time in figures and as the block code, a voice
that names the venue and counts the seconds. Played in phase with the wall clock by every room, three clips show by
their pixels alone how far apart three recordings are.
"""

from __future__ import annotations

import io
import math
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import manimgx_fonts_cjk
import numpy as np
import typst
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from web.demo import blockcode

SECONDS = 20
RATE = 10
"""Frames per second: enough for a talking room, and a frame lasts exactly 100 ms in WebM's milliseconds."""
VIDEO_BITS, AUDIO_BITS = 88_000, 24_000
"""Together 280 kB a clip: three rooms stay within 1.2 MB, and a relay of them costs no test machine its second core."""
SAMPLE_RATE = 48_000
OPUS_SAMPLES = 960
"""20 ms, the packet length that browsers send."""
NAMES = ("主场，呼和浩特", "副场，中山", "副场，珠海")
FIRST_COUNT = 4
"""The name is spoken before this second; from here each second is counted."""
FOLDER = Path(__file__).parent / "clips"

Picture = NDArray[np.float32]
"""Height x width x RGBA, 0 to 1."""


def main() -> None:
    """Write the three clips and say how large they are."""
    FOLDER.mkdir(exist_ok=True)
    for venue in (1, 2, 3):
        path = FOLDER / f"venue-{venue}.webm"
        write(path, frames(venue), speech(venue))
        print(path, path.stat().st_size, "bytes")  # noqa: T201 (a tool that is run by hand)


def frames(venue: int) -> list[VideoFrame]:
    """All pictures of a clip."""
    wall, table = layer("wall", venue), layer("table", venue)
    people = [layer(f"person-{i}", venue) for i in (1, 2, 3)]
    digits = layer("digits", venue)
    result = []
    for index in range(SECONDS * RATE):
        at = index / RATE
        picture = wall.copy()
        for number, person in enumerate(people):
            # Whole periods in 20 s, so that the loop has no seam.
            phase = 2 * math.pi * (at / SECONDS * (3 + number) + number / 3 + venue / 7)
            over(picture, person, dx=round(2.4 * math.sin(phase)), dy=round(1.6 * math.sin(2 * phase)))
        over(picture, table)
        left = 254
        for character in f"{at:04.1f}秒":
            sprite = "0123456789.秒".index(character) * 16
            over(picture[2:26, left : left + 16], digits[:24, sprite : sprite + 16])
            left += 5 if character == "." else 10
        rgb = (picture[..., :3] * 255).astype(np.uint8)
        frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        planes = np.asarray(frame.to_ndarray(), dtype=np.uint8)
        blockcode.paint(planes[: blockcode.HEIGHT], venue=venue, clip_ms=round(at * 1000))
        # Grey: both chroma planes, a quarter of a row each in this layout, are neutral under the strip.
        planes[blockcode.HEIGHT :].reshape(2, blockcode.HEIGHT // 2, -1)[:, blockcode.TOP // 2 - 2 :, 8:-8] = 128
        painted = VideoFrame.from_ndarray(planes, format="yuv420p")
        painted.pts, painted.time_base = index, Fraction(1, RATE)
        result.append(painted)
    return result


def layer(name: str, venue: int) -> Picture:
    """One layer of the drawing."""
    png = typst.compile(
        Path(__file__).with_name("plate.typ"),
        format="png",
        ppi=72,
        font_paths=[Path(manimgx_fonts_cjk.__file__).parent],
        sys_inputs={"layer": name, "venue": str(venue)},
    )
    with av.open(io.BytesIO(png), "r") as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgba")
    return np.asarray(pixels, dtype=np.float32) / np.float32(255)


def over(below: Picture, above: Picture, *, dx: int = 0, dy: int = 0) -> None:
    """Lay one picture over another, moved by a few pixels."""
    moved = np.roll(above, (dy, dx), axis=(0, 1))
    alpha = moved[..., 3:]
    below[..., :3] = below[..., :3] * (1 - alpha) + moved[..., :3] * alpha


def speech(venue: int) -> NDArray[np.int16]:
    """Twenty seconds of voice, silent at both ends."""
    track = np.zeros(SECONDS * SAMPLE_RATE, dtype=np.int16)
    spoken = [(0.3, NAMES[venue - 1]), *((float(second), str(second)) for second in range(FIRST_COUNT, SECONDS - 1))]
    for start, words in spoken:
        voice = say(words, pitch=(38, 52, 64)[venue - 1])
        first = round(start * SAMPLE_RATE)
        length = min(len(voice), len(track) - first)
        track[first : first + length] = np.maximum(track[first : first + length], 0) + voice[:length]
    return track


def say(words: str, *, pitch: int) -> NDArray[np.int16]:
    """Words as 48 kHz samples."""
    command = ["espeak-ng", "-v", "cmn", "-s", "175", "-p", str(pitch), "-a", "70", "--stdout", words]
    wave = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 (fixed words)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(wave), "r") as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.asarray(np.concatenate(parts), dtype=np.int16)


def write(path: Path, pictures: list[VideoFrame], sound: NDArray[np.int16]) -> None:
    """Encode, and interleave by time."""
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=RATE)
        video.width, video.height, video.pix_fmt = blockcode.WIDTH, blockcode.HEIGHT, "yuv420p"
        video.bit_rate = VIDEO_BITS
        video.codec_context.gop_size = RATE
        video.codec_context.time_base = Fraction(1, RATE)
        # No alt-ref frames: WebRTC shows every packet. Best quality, since this is done once.
        video.options = {
            "auto-alt-ref": "0",
            "lag-in-frames": "0",
            "deadline": "best",
            "cpu-used": "0",
            "keyint_min": str(RATE),
            "qmax": "46",
            "error-resilient": "default",
        }
        audio = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = AUDIO_BITS
        audio.options = {"application": "voip", "frame_duration": "20"}
        packets = [packet for picture in [*pictures, None] for packet in video.encode(picture)]
        heard = []
        for first in range(0, len(sound), OPUS_SAMPLES):
            frame = AudioFrame.from_ndarray(sound[None, first : first + OPUS_SAMPLES], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
            heard += audio.encode(frame)
        # The encoder's look-ahead would add a packet; a loop needs exactly as many as fit.
        heard = (heard + audio.encode(None))[: len(sound) // OPUS_SAMPLES]
        packets += heard
        for packet in sorted(packets, key=lambda packet: Fraction(packet.pts or 0) * (packet.time_base or 0)):
            container.mux(packet)


if __name__ == "__main__":
    main()
