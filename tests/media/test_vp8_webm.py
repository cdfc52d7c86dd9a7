"""VP8 frames out of packets, and WebM that independent readers (ffprobe, PyAV) accept, also after a cut anywhere."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from aiortc.codecs.vpx import Vp8Encoder

from media.core import vp8, webm
from media.core.vp8 import FrameAssembler, Size
from media.errors import Vp8Malformed, WebmMalformed


def frames_of(clip: Path, kind: str) -> list[tuple[int, bool, bytes]]:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0] if kind == "video" else container.streams.audio[0]
        found = []
        for packet in container.demux(stream):
            if packet.pts is not None and packet.time_base is not None and packet.size:
                found.append((max(0, round(packet.pts * packet.time_base * 1000)), packet.is_keyframe, bytes(packet)))
        return found


def payloads_of(frame: bytes, number: int) -> list[bytes]:
    return list(Vp8Encoder._packetize(frame, number))


def test_frames_packetised_by_another_implementation_come_out_whole(clip: Path) -> None:
    assembler, out = FrameAssembler(), []
    frames = frames_of(clip, "video")
    for number, (_, keyframe, frame) in enumerate(frames):
        payloads = payloads_of(frame, number)
        assert vp8.begins_keyframe(payloads[0]) == keyframe
        assert not any(vp8.begins_keyframe(payload) for payload in payloads[1:])
        for index, payload in enumerate(payloads):
            done = assembler.packet(number * 6_000, payload, index == len(payloads) - 1)
            if done is not None:
                out.append(done)
    assert out == [frame for _, _, frame in frames]
    assert vp8.size_of(frames[0][2]) == Size(320, 240)


def test_after_a_loss_nothing_is_used_until_the_next_keyframe(clip: Path) -> None:
    assembler, out = FrameAssembler(), []
    frames = frames_of(clip, "video")[:40]
    for number, (_, _, frame) in enumerate(frames):
        payloads = payloads_of(frame, number)
        for index, payload in enumerate(payloads):
            if (number, index) == (5, 0):
                assembler.lost()
                continue
            if assembler.packet(number * 6_000, payload, index == len(payloads) - 1) is not None:
                out.append(number)
    assert out == [*range(5), *range(15, 40)]


def test_a_recording_begins_with_a_keyframe(clip: Path) -> None:
    assembler = FrameAssembler()
    for number, (_, _, frame) in enumerate(frames_of(clip, "video")[1:14]):
        for payload in payloads_of(frame, number):
            assert assembler.packet(number, payload, True) is None
    assert assembler.needs_keyframe


def test_mutated_payloads_raise_nothing_and_never_grow_without_bound(clip: Path) -> None:
    rng = random.Random(5)
    seeds = [payload for _, _, frame in frames_of(clip, "video")[:20] for payload in payloads_of(frame, 1)]
    assembler = FrameAssembler()
    for step in range(20_000):
        payload = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(0, 3)):
            payload[rng.randrange(min(12, len(payload)))] = rng.randrange(256)
        payload = payload[: rng.choice((0, 1, 2, 3, 4, 5, len(payload)))]
        vp8.begins_keyframe(bytes(payload))
        frame = assembler.packet(step // 3, bytes(payload), rng.random() < 0.3)
        if frame is not None and vp8.is_keyframe(frame):
            with contextlib.suppress(Vp8Malformed):
                vp8.size_of(frame)
    endless = FrameAssembler()
    endless.packet(1, b"\x10" + bytes(1_200), False)
    for _ in range(4_000):
        endless.packet(1, b"\x00" + bytes(1_200), False)
    assert endless._bytes <= vp8.MAX_FRAME_BYTES


def segment(frames: list[tuple[int, bool, bytes]]) -> bytes:
    body = webm.cluster_head(frames[0][0]) + b"".join(
        webm.simple_block(at - frames[0][0], key, data) for at, key, data in frames
    )
    return body[: webm.SIZE_OFFSET] + webm.cluster_size(len(body)) + body[webm.CLUSTER_HEADER_LENGTH :]


def probe(path: Path) -> tuple[dict[str, Any], list[float]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_entries", "packet=pts_time", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    return found["streams"][0], [float(packet["pts_time"]) for packet in found["packets"]]


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_init_and_segments_are_a_file_that_ffprobe_and_pyav_read(clip: Path, tmp_path: Path, kind: str) -> None:
    frames = frames_of(clip, kind)
    init = webm.init_video(Size(320, 240)) if kind == "video" else webm.init_audio()
    half = len(frames) // 2
    path = tmp_path / "recording.webm"
    path.write_bytes(init + segment(frames[:half]) + segment(frames[half:]))
    stream, times = probe(path)
    assert [round(t * 1000) for t in times] == [at for at, _, _ in frames]
    if kind == "video":
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("vp8", 320, 240)
    else:
        assert (stream["codec_name"], stream["channels"], stream["sample_rate"]) == ("opus", 2, "48000")
    assert frames_of(path, kind) == frames
    with av.open(str(path)) as container:
        decoded = sum(1 for _ in container.decode(**{kind: 0}))
    assert decoded >= len(frames) - 1
    each = tmp_path / "second.webm"  # every segment stands on the init alone
    each.write_bytes(init + segment(frames[half:]))
    assert len(probe(each)[1]) == len(frames) - half


def test_a_cluster_cut_anywhere_keeps_its_whole_blocks(clip: Path) -> None:
    frames = frames_of(clip, "video")[:12]
    whole = webm.cluster_head(7_000) + b"".join(webm.simple_block(at, key, data) for at, key, data in frames)
    ends = [webm.CLUSTER_HEAD_LENGTH]
    for at, key, data in frames:
        ends.append(ends[-1] + len(webm.simple_block(at, key, data)))
    assert webm.scan(whole) == webm.Scan(7_000, len(whole), 12, frames[-1][0], True)
    for (start, end), blocks in zip(pairwise(ends), range(12), strict=True):
        for length in (start, start + 1, start + 3, end - 1):
            found = webm.scan(whole[:length])
            assert (found.end, found.blocks) == (start, blocks)
    assert webm.scan(whole + b"\xa3\x81").end == len(whole)
    assert webm.scan(whole + bytes(100)).end == len(whole)


def test_what_is_not_a_cluster_is_refused() -> None:
    for data in (b"", bytes(30), webm.cluster_head(1)[:20], b"\x1f\x43\xb6\x75" + bytes(30)):
        with pytest.raises(WebmMalformed):
            webm.scan(data)


def test_scan_survives_any_bytes() -> None:
    rng = random.Random(6)
    whole = webm.cluster_head(1) + b"".join(webm.simple_block(n, True, bytes(n * 9)) for n in range(40))
    for _ in range(3_000):
        data = bytearray(whole)
        for _ in range(4):
            data[rng.randrange(webm.CLUSTER_HEAD_LENGTH, len(data))] = rng.randrange(256)
        assert webm.scan(bytes(data)).end <= len(data)


def test_block_times_stay_within_sixteen_bits() -> None:
    with pytest.raises(ValueError, match="too far"):
        webm.simple_block(32_768, True, b"")
