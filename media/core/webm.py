"""WebM written by hand (RFC 8794 EBML, RFC 9559 Matroska).

One init segment per take, one Cluster of known size per segment: `init + segment + segment...` is a file that any
player reads, and each segment is one append of Media Source Extensions.
A cluster is written with an unknown size; the size is patched when it is closed, or by the recovery after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.core.vp8 import Size
from media.errors import WebmMalformed

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TIMECODE, _SIMPLE_BLOCK = 0xE7, 0xA3
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_TRACK_NUMBER = 1
_APPLICATION = b"tongping"

# Cluster: 4 bytes of id, 8 of size; Timecode: id, size, 8 bytes of value.
SIZE_OFFSET = 4
CLUSTER_HEADER_LENGTH = 12
CLUSTER_HEAD_LENGTH = CLUSTER_HEADER_LENGTH + 10
# A block's time is a signed 16-bit number of milliseconds after its cluster's.
MAX_BLOCK_OFFSET_MS = 32_767


@dataclass(frozen=True, slots=True)
class Scan:
    """What a cluster holds as far as it is whole."""

    timecode_ms: int
    end: int  # offset behind the last whole block
    blocks: int
    last_offset_ms: int
    begins_with_keyframe: bool


def _vint(value: int) -> bytes:
    """An EBML size in its shortest form (RFC 8794 section 4); all ones is reserved for 'unknown'."""
    for length in range(1, 9):
        if value < (1 << 7 * length) - 1:
            return (value | 1 << 7 * length).to_bytes(length, "big")
    raise ValueError("too large for an EBML size")


def _element(number: int, body: bytes) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + _vint(len(body)) + body


def _uint(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def init_video(size: Size) -> bytes:
    """The head of a VP8 recording of this size."""
    video = _element(0xE0, _uint(0xB0, size.width) + _uint(0xBA, size.height))
    return _init(_uint(0x83, 1) + _element(0x86, b"V_VP8") + video)


def init_audio() -> bytes:
    """The head of an Opus recording. RTP always says 48 kHz and two channels (RFC 7587 section 7).

    Pre-skip is 0: the stream is tapped in the middle, and no sample of it may be hidden.
    """
    opus_head = b"OpusHead" + bytes((1, 2)) + (0).to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
    audio = _element(0xE1, _element(0xB5, b"\x40\xe7\x70\x00\x00\x00\x00\x00") + _uint(0x9F, 2))  # 48000.0, 2 channels
    preroll = _uint(0x56BB, 80_000_000)  # SeekPreRoll of 80 ms (RFC 7845 section 4.6)
    return _init(_uint(0x83, 2) + _element(0x86, b"A_OPUS") + preroll + _element(0x63A2, opus_head) + audio)


def _init(codec: bytes) -> bytes:
    head = (
        _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
        + _element(0x4282, b"webm") + _uint(0x4287, 4) + _uint(0x4285, 2)
    )  # fmt: skip
    info = _uint(0x2AD7B1, 1_000_000) + _element(0x4D80, _APPLICATION) + _element(0x5741, _APPLICATION)
    track = _uint(0xD7, _TRACK_NUMBER) + _uint(0x73C5, 1) + _uint(0x9C, 0) + codec
    return (
        _element(_EBML, head)
        + _SEGMENT.to_bytes(4, "big")
        + _UNKNOWN_SIZE
        + _element(_INFO, info)
        + _element(_TRACKS, _element(0xAE, track))
    )


def cluster_head(timecode_ms: int) -> bytes:
    """The beginning of a cluster whose size is not known yet."""
    return _CLUSTER.to_bytes(4, "big") + _UNKNOWN_SIZE + bytes((_TIMECODE, 0x88)) + timecode_ms.to_bytes(8, "big")


def cluster_size(total: int) -> bytes:
    """The eight size bytes of a cluster that fills `total` bytes with its header."""
    return (total - CLUSTER_HEADER_LENGTH | 1 << 56).to_bytes(8, "big")


def simple_block(offset_ms: int, keyframe: bool, payload: bytes) -> bytes:
    """One frame at a time relative to its cluster."""
    if not 0 <= offset_ms <= MAX_BLOCK_OFFSET_MS:
        raise ValueError("block too far from its cluster")
    head = bytes((0x80 | _TRACK_NUMBER,)) + offset_ms.to_bytes(2, "big") + (b"\x80" if keyframe else b"\x00")
    return bytes((_SIMPLE_BLOCK,)) + _vint(len(head) + len(payload)) + head + payload


def scan(data: bytes) -> Scan:
    """Walk the whole blocks of a cluster that `cluster_head` began, whatever lies behind them."""
    if len(data) < CLUSTER_HEAD_LENGTH or data[:4] != _CLUSTER.to_bytes(4, "big"):
        raise WebmMalformed("not the head of a cluster")
    if data[CLUSTER_HEADER_LENGTH : CLUSTER_HEADER_LENGTH + 2] != bytes((_TIMECODE, 0x88)):
        raise WebmMalformed("cluster without its timecode")
    timecode = int.from_bytes(data[CLUSTER_HEADER_LENGTH + 2 : CLUSTER_HEAD_LENGTH], "big")
    at, blocks, last, key = CLUSTER_HEAD_LENGTH, 0, 0, False
    while at + 2 <= len(data) and data[at] == _SIMPLE_BLOCK:
        length = 9 - data[at + 1].bit_length()
        if length > 8 or at + 1 + length > len(data):
            break
        size = int.from_bytes(data[at + 1 : at + 1 + length], "big") & ((1 << 7 * length) - 1)
        body = at + 1 + length
        if size < 4 or body + size > len(data):
            break
        if not blocks:
            key = data[body + 3] & 0x80 != 0
        last = max(last, int.from_bytes(data[body + 1 : body + 3], "big", signed=True))
        blocks += 1
        at = body + size
    return Scan(timecode_ms=timecode, end=at, blocks=blocks, last_offset_ms=last, begins_with_keyframe=key)
