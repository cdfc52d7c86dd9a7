"""VP8 in RTP (RFC 7741): the payload descriptor, keyframes and whole frames. Nothing is ever decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from media.errors import Vp8Malformed

_START_CODE = b"\x9d\x01\x2a"  # RFC 6386 section 9.1
# A 1080p keyframe of a document is 150 to 300 packets; more bytes than this in one frame is an attack on our memory.
MAX_FRAME_BYTES = 4 * 1024 * 1024


class Descriptor(NamedTuple):
    begins_frame: bool  # S bit of partition 0
    length: int


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    height: int


def descriptor(payload: bytes) -> Descriptor:
    """Read the payload descriptor of RFC 7741 section 4.2."""
    size = len(payload)
    if not size:
        raise Vp8Malformed("empty payload")
    first, at = payload[0], 1
    if first & 0x80:
        if size < 2:
            raise Vp8Malformed("extension byte missing")
        flags, at = payload[1], 2
        if flags & 0x80:
            if size <= at:
                raise Vp8Malformed("picture id missing")
            at += 2 if payload[at] & 0x80 else 1
        if flags & 0x40:
            at += 1
        if flags & 0x30:
            at += 1
    if at > size:
        raise Vp8Malformed("descriptor longer than the payload")
    return Descriptor(first & 0x10 != 0 and first & 0x07 == 0, at)


def begins_keyframe(payload: bytes) -> bool:
    """Whether this RTP payload is the first of a keyframe."""
    try:
        found = descriptor(payload)
    except Vp8Malformed:
        return False
    return found.begins_frame and len(payload) > found.length and is_keyframe(payload[found.length :])


def is_keyframe(frame: bytes) -> bool:
    """RFC 6386 section 9.1: the lowest bit of the frame tag is 0 for a keyframe."""
    return len(frame) > 0 and frame[0] & 1 == 0


def size_of(keyframe: bytes) -> Size:
    """Width and height from a keyframe's header (RFC 6386 section 9.1), scaling bits dropped."""
    if len(keyframe) < 10 or keyframe[3:6] != _START_CODE:
        raise Vp8Malformed("keyframe without start code")
    width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
    height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
    if not width or not height:
        raise Vp8Malformed("keyframe of no size")
    return Size(width, height)


class FrameAssembler:
    """Packets in order become whole frames. After a loss nothing is whole until the next keyframe."""

    __slots__ = ("_bytes", "_parts", "_timestamp", "needs_keyframe")

    def __init__(self) -> None:
        self.needs_keyframe = True
        self._parts: list[bytes] = []
        self._bytes = 0
        self._timestamp: int | None = None

    def packet(self, timestamp: int, payload: bytes, marker: bool) -> bytes | None:
        """Add the next packet; returns the frame that it completes."""
        if not payload:
            return None  # padding that a sender uses to probe the line
        try:
            head = descriptor(payload)
        except Vp8Malformed:
            self.lost()
            return None
        if head.begins_frame:
            if self._parts:
                self.lost()  # the frame before never got its marker
            self._parts, self._bytes, self._timestamp = [], 0, timestamp
        elif timestamp != self._timestamp:
            self.lost()
            return None
        part = payload[head.length :]
        self._parts.append(part)
        self._bytes += len(part)
        if self._bytes > MAX_FRAME_BYTES:
            self.lost()
            return None
        if not marker:
            return None
        frame = b"".join(self._parts)
        self._parts, self._bytes, self._timestamp = [], 0, None
        if is_keyframe(frame):
            self.needs_keyframe = False
        return None if self.needs_keyframe or not frame else frame

    def lost(self) -> None:
        """A packet is missing for good."""
        self._parts, self._bytes, self._timestamp = [], 0, None
        self.needs_keyframe = True
