"""RTP packets as bytes (RFC 3550 section 5.1, RFC 8285): read with every bound checked, write without extensions."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from media.errors import RtpMalformed

_HEADER = Struct("!BBHII")
HEADER_LENGTH = 12  # RFC 3550 section 5.1, without CSRCs and extension
VERSION_BITS = 0x80  # version 2 in the two top bits

# RFC 8285: one-byte form carries ids 1..14, two-byte form 1..255 (low 4 bits of the profile are "appbits").
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000


class RtpPacket(NamedTuple):
    """One packet without its extensions. A tuple, not a dataclass: it is built for every packet of every room."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4: on a shared port, packet types 192..223 are RTCP."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def parse(data: bytes) -> RtpPacket:
    """Read a packet; the lengths inside it are the sender's claims and are all checked."""
    size = len(data)
    if size < HEADER_LENGTH:
        raise RtpMalformed("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first & 0xC0 != VERSION_BITS:
        raise RtpMalformed("not RTP version 2")
    start = HEADER_LENGTH + 4 * (first & 0x0F)
    if first & 0x10:
        if size < start + 4:
            raise RtpMalformed("extension header does not fit")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = size
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            raise RtpMalformed("padding of length zero")
        end -= padding
    if start > end:
        raise RtpMalformed("header and padding are longer than the packet")
    return RtpPacket(second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, data[start:end])


def serialise(packet: RtpPacket) -> bytes:
    """Write a packet without CSRCs, extension or padding."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return _HEADER.pack(VERSION_BITS, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def rewritten(packet: RtpPacket, payload_type: int, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """The same payload under the numbers of another leg; ids of extensions differ per leg, so none is kept."""
    second = payload_type | (0x80 if packet.marker else 0)
    return _HEADER.pack(VERSION_BITS, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + packet.payload


def header_extension(data: bytes, wanted: int) -> bytes | None:
    """The value of one header extension of a packet that `parse` accepted, or None."""
    if not data[0] & 0x10:
        return None
    at = HEADER_LENGTH + 4 * (data[0] & 0x0F)
    profile = int.from_bytes(data[at : at + 2], "big")
    end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    at += 4
    two_bytes = profile & 0xFFF0 == _TWO_BYTE_PROFILE
    if not two_bytes and profile != _ONE_BYTE_PROFILE:
        return None
    while at < end:
        if data[at] == 0:  # a padding byte (RFC 8285 section 4.1.2)
            at += 1
            continue
        if two_bytes:
            if at + 2 > end:
                return None
            number, length, at = data[at], data[at + 1], at + 2
        else:
            number, length, at = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
            if number == 15:  # RFC 8285 section 4.2: stop here
                return None
        if at + length > end:
            return None
        if number == wanted:
            return data[at : at + length]
        at += length
    return None
