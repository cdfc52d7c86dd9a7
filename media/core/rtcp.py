"""RTCP that a relay needs (RFC 3550 section 6, RFC 4585): reports, NACK, keyframe requests, BYE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

from media.errors import RtcpMalformed

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206  # RFC 3550 section 12.1, RFC 4585 section 6.1
_NACK_FORMAT = 1  # RFC 4585 section 6.2.1
_PLI_FORMAT = 1  # RFC 4585 section 6.3.1
_FIR_FORMAT = 4  # RFC 5104 section 4.3.1

_HEAD = Struct("!BBH")
_SENDER = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_FEEDBACK = Struct("!II")


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int  # 32.32 fixed point, seconds since 1900
    rtp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    ssrc: int
    fraction_lost: int  # in 1/256 since the last report
    lost: int
    highest: int
    jitter: int
    last_sr: int
    delay_since_sr: int  # in 1/65536 s


@dataclass(frozen=True, slots=True)
class Nack:
    media_ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


Message = SenderReport | ReportBlock | Nack | KeyframeRequest | Bye


def parse(data: bytes) -> tuple[Message, ...]:
    """Read a compound packet. Unknown types are skipped; a length that does not fit refuses the whole packet."""
    messages: list[Message] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise RtcpMalformed("RTCP header does not fit")
        first, kind, words = _HEAD.unpack_from(data, at)
        if first & 0xC0 != 0x80:
            raise RtcpMalformed("not RTCP version 2")
        end = at + 4 + 4 * words
        if end > len(data):
            raise RtcpMalformed("RTCP length does not fit")
        body = data[at + 4 : end]
        if first & 0x20 and body:
            padding = body[-1]
            if not 0 < padding <= len(body):
                raise RtcpMalformed("RTCP padding does not fit")
            body = body[:-padding]
        messages.extend(_read(kind, first & 0x1F, body))
        at = end
    return tuple(messages)


def _read(kind: int, count: int, body: bytes) -> Iterator[Message]:
    if kind == SR:
        if len(body) < _SENDER.size:
            raise RtcpMalformed("sender report too short")
        ssrc, ntp, rtp, packets, octets = _SENDER.unpack_from(body)
        yield SenderReport(ssrc, ntp, rtp, packets, octets)
        yield from _blocks(count, body[_SENDER.size :])
    elif kind == RR:
        if len(body) < 4:
            raise RtcpMalformed("receiver report too short")
        yield from _blocks(count, body[4:])
    elif kind == BYE:
        if len(body) < 4 * count:
            raise RtcpMalformed("BYE too short")
        yield Bye(tuple(int.from_bytes(body[4 * i : 4 * i + 4], "big") for i in range(count)))
    elif kind == RTPFB and count == _NACK_FORMAT:
        _, media = _feedback(body)
        yield Nack(media, tuple(_nacked(body[8:])))
    elif kind == PSFB and count == _PLI_FORMAT:
        _, media = _feedback(body)
        yield KeyframeRequest(media)
    elif kind == PSFB and count == _FIR_FORMAT:
        _feedback(body)
        for i in range(8, len(body) - 7, 8):
            yield KeyframeRequest(int.from_bytes(body[i : i + 4], "big"))


def _feedback(body: bytes) -> tuple[int, int]:
    if len(body) < _FEEDBACK.size:
        raise RtcpMalformed("feedback too short")
    sender, media = _FEEDBACK.unpack_from(body)
    return sender, media


def _blocks(count: int, body: bytes) -> Iterator[ReportBlock]:
    if len(body) < count * _BLOCK.size:
        raise RtcpMalformed("report blocks do not fit")
    for i in range(count):
        ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, i * _BLOCK.size)
        lost = loss & 0xFFFFFF
        if lost >= 0x800000:  # the cumulative count is signed, 24 bits
            lost -= 0x1000000
        yield ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay)


def _nacked(body: bytes) -> Iterator[int]:
    for at in range(0, len(body) - 3, 4):
        first = int.from_bytes(body[at : at + 2], "big")
        mask = int.from_bytes(body[at + 2 : at + 4], "big")
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound of SR and SDES, as RFC 3550 section 6.1 demands."""
    body = _SENDER.pack(
        report.ssrc, report.ntp, report.rtp & 0xFFFFFFFF, report.packets & 0xFFFFFFFF, report.octets & 0xFFFFFFFF
    )
    return _packet(SR, 0, body) + _cname(report.ssrc, cname)


def receiver_report(own_ssrc: int, blocks: Iterable[ReportBlock], cname: str) -> bytes:
    """A compound of RR and SDES."""
    packed = [
        _BLOCK.pack(
            b.ssrc,
            (b.fraction_lost << 24) | (max(-0x800000, min(b.lost, 0x7FFFFF)) & 0xFFFFFF),
            b.highest & 0xFFFFFFFF,
            b.jitter & 0xFFFFFFFF,
            b.last_sr,
            b.delay_since_sr & 0xFFFFFFFF,
        )
        for b in blocks
    ]
    return _packet(RR, len(packed), own_ssrc.to_bytes(4, "big") + b"".join(packed)) + _cname(own_ssrc, cname)


def _cname(ssrc: int, cname: str) -> bytes:
    item = ssrc.to_bytes(4, "big") + bytes((1, len(cname))) + cname.encode("ascii")
    return _packet(SDES, 1, item + bytes(4 - len(item) % 4))


def nack(own_ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """A generic NACK; runs within 16 of each other share one entry with a bitmap."""
    entries: list[list[int]] = []
    for sequence in sequences:
        if entries and 0 < (distance := (sequence - entries[-1][0]) & 0xFFFF) <= 16:
            entries[-1][1] |= 1 << (distance - 1)
        else:
            entries.append([sequence & 0xFFFF, 0])
    body = _FEEDBACK.pack(own_ssrc, media_ssrc) + b"".join(
        first.to_bytes(2, "big") + mask.to_bytes(2, "big") for first, mask in entries
    )
    return _packet(RTPFB, _NACK_FORMAT, body)


def keyframe_request(own_ssrc: int, media_ssrc: int) -> bytes:
    """A Picture Loss Indication."""
    return _packet(PSFB, _PLI_FORMAT, _FEEDBACK.pack(own_ssrc, media_ssrc))
