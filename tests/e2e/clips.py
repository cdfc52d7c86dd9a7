"""The demo's clips as what Chromium's made-up devices play: camera as Y4M, microphone as WAV."""

from __future__ import annotations

import itertools
import wave
from fractions import Fraction
from pathlib import Path

import av

from web.demo.run import CLIPS

# Chromium names the camera by its file as it is given: from where we stand, and no place of this machine.
MADE = Path("build") / "cameras"
# Every fifth picture of the clip's ten a second: nine windows are painted by two cores.
EVERY, RATE_FPS = 5, 2
RATE_HZ = 48_000


def devices(venue: int) -> tuple[str, ...]:
    """Chromium's flags for the devices of this venue's room; the clip begins anew when it has ended."""
    MADE.mkdir(parents=True, exist_ok=True)
    camera, microphone = MADE / f"venue-{venue}.y4m", MADE / f"venue-{venue}.wav"
    with av.open(str(CLIPS / f"venue-{venue}.webm")) as clip, av.open(str(camera), "w", format="yuv4mpegpipe") as out:
        source = clip.streams.video[0]
        stream = out.add_stream("rawvideo", rate=RATE_FPS)
        stream.width, stream.height, stream.pix_fmt = source.width, source.height, "yuv420p"
        for n, frame in enumerate(itertools.islice(clip.decode(source), 0, None, EVERY)):
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = n, Fraction(1, RATE_FPS)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    with av.open(str(CLIPS / f"venue-{venue}.webm")) as clip, wave.open(str(microphone), "wb") as out_wave:
        out_wave.setnchannels(1)
        out_wave.setsampwidth(2)
        out_wave.setframerate(RATE_HZ)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        for sound in clip.decode(clip.streams.audio[0]):
            for piece in resampler.resample(sound):
                out_wave.writeframes(piece.to_ndarray().tobytes())
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
    )
