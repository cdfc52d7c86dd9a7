"""RTP and RTCP bytes against an independent implementation (aiortc's), and against bytes of strangers."""

from __future__ import annotations

import contextlib
import random

import pytest
from aiortc import rtp as theirs
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from media.core import rtcp, rtp
from media.core.rtcp import Bye, KeyframeRequest, Nack, ReportBlock, SenderReport
from media.errors import Malformed, RtcpMalformed, RtpMalformed

MID = 4


def extension_map() -> theirs.HeaderExtensionsMap:
    found = theirs.HeaderExtensionsMap()
    found.configure(
        RTCRtpParameters(
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=MID, uri="urn:ietf:params:rtp-hdrext:sdes:mid")]
        )
    )
    return found


def their_packet(**changes: int) -> theirs.RtpPacket:
    packet = theirs.RtpPacket(payload_type=96, sequence_number=65_535, timestamp=4_294_967_295)
    packet.ssrc, packet.marker, packet.payload = 0xDEADBEEF, 1, b"payload"
    for name, value in changes.items():
        setattr(packet, name, value)
    return packet


def test_rfc_3550_5_1_a_packet_of_another_implementation_is_read() -> None:
    packet = their_packet()
    packet.extensions.mid = "12"
    packet.csrc = [1, 2, 3]
    packet.padding_size = 5
    data = packet.serialize(extension_map())
    assert rtp.parse(data) == rtp.RtpPacket(96, True, 65_535, 4_294_967_295, 0xDEADBEEF, b"payload")
    assert rtp.header_extension(data, MID) == b"12"
    assert rtp.header_extension(data, MID + 1) is None


def test_what_we_write_is_read_by_another_implementation() -> None:
    packet = rtp.RtpPacket(111, False, 7, 8, 9, b"opus")
    found = theirs.RtpPacket.parse(rtp.serialise(packet))
    assert (found.payload_type, found.marker, found.sequence_number) == (111, 0, 7)
    assert (found.timestamp, found.ssrc, found.payload) == (8, 9, b"opus")
    again = theirs.RtpPacket.parse(rtp.rewritten(packet, 96, 65_536 + 3, 2**32 + 4, 5))
    assert (again.payload_type, again.sequence_number, again.timestamp, again.ssrc) == (96, 3, 4, 5)


def test_rfc_8285_both_forms_of_extensions_are_read() -> None:
    head = bytes.fromhex("90600001 00000002 00000003".replace(" ", ""))
    one_byte = head + bytes.fromhex("BEDE0002" + "00" + "41" + "3132" + "F0" + "000000") + b"x"
    assert rtp.header_extension(one_byte, MID) == b"12"
    assert rtp.header_extension(one_byte, 15) is None
    two_bytes = head + bytes.fromhex("10000002" + "0402" + "3132" + "00" + "0500" + "00") + b"x"
    assert rtp.header_extension(two_bytes, MID) == b"12"
    assert rtp.header_extension(two_bytes, 5) == b""
    assert rtp.header_extension(head + bytes.fromhex("12340001") + b"abcd", MID) is None
    too_long = head + bytes.fromhex("BEDE0001" + "4F313200") + b"x"
    assert rtp.header_extension(too_long, MID) is None


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80",
        "80600001000000020000",
        "40600001000000020000000300",  # version 1
        "8F60000100000002000000030000",  # fifteen CSRCs that are not there
        "906000010000000200000003BEDE",  # half an extension header
        "906000010000000200000003BEDEFFFF00",  # an extension of 256 kB
        "A0600001000000020000000300",  # padding of length 0
        "A06000010000000200000003FF",  # padding longer than the packet
        "B06000010000000200000003BEDE000100000005",  # padding that reaches into the extension
    ],
)
def test_lengths_that_do_not_fit_are_refused(data: str) -> None:
    with pytest.raises(RtpMalformed):
        rtp.parse(bytes.fromhex(data))


def test_rfc_5761_4_rtcp_is_told_from_rtp_by_its_type() -> None:
    assert rtp.is_rtcp(rtcp.keyframe_request(1, 2))
    assert not rtp.is_rtcp(rtp.serialise(rtp.RtpPacket(96, True, 1, 2, 3, b"")))
    assert not rtp.is_rtcp(b"\x80")


def test_our_rtcp_is_read_by_another_implementation() -> None:
    block = ReportBlock(7, 255, -5, 70_000, 3, 0x12345678, 65_536)
    parts = theirs.RtcpPacket.parse(rtcp.receiver_report(1, [block, block], cname="tongping"))
    assert [type(part).__name__ for part in parts] == ["RtcpRrPacket", "RtcpSdesPacket"]
    report = parts[0].reports[1]  # type: ignore[union-attr]
    assert (report.ssrc, report.fraction_lost, report.packets_lost) == (7, 255, -5)
    assert (report.highest_sequence, report.jitter, report.lsr, report.dlsr) == (70_000, 3, 0x12345678, 65_536)
    parts = theirs.RtcpPacket.parse(rtcp.sender_report(SenderReport(1, 2**40, 3, 4, 5), cname="main"))
    assert parts[0].sender_info.ntp_timestamp == 2**40  # type: ignore[union-attr]
    assert parts[1].chunks[0].items == [(1, b"main")]  # type: ignore[union-attr]
    nack = theirs.RtcpPacket.parse(rtcp.nack(1, 2, [65_534, 65_535, 0, 14, 15, 400]))[0]
    # It forgets to wrap inside a bitmap, hence the modulo.
    assert [lost % 65_536 for lost in nack.lost] == [65_534, 65_535, 0, 14, 15, 400]  # type: ignore[union-attr]
    pli = theirs.RtcpPacket.parse(rtcp.keyframe_request(1, 2))[0]
    assert (pli.fmt, pli.media_ssrc) == (1, 2)  # type: ignore[union-attr]


def test_rtcp_of_another_implementation_is_read() -> None:
    report = theirs.RtcpReceiverInfo(
        ssrc=5, fraction_lost=1, packets_lost=-2, highest_sequence=3, jitter=4, lsr=6, dlsr=7
    )
    data = bytes(theirs.RtcpSrPacket(
        ssrc=1, sender_info=theirs.RtcpSenderInfo(ntp_timestamp=2, rtp_timestamp=3, packet_count=4, octet_count=5),
        reports=[report],
    ))  # fmt: skip
    data += bytes(theirs.RtcpSdesPacket(chunks=[theirs.RtcpSourceInfo(ssrc=1, items=[(1, b"name")])]))
    data += bytes(theirs.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[10, 11, 40]))
    data += bytes(theirs.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2))
    data += bytes(theirs.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=(9).to_bytes(4, "big") + b"\x01\x00\x00\x00"))
    data += bytes(theirs.RtcpByePacket(sources=[1, 2]))
    assert rtcp.parse(data) == (
        SenderReport(1, 2, 3, 4, 5),
        ReportBlock(5, 1, -2, 3, 4, 6, 7),
        Nack(2, (10, 11, 40)),
        KeyframeRequest(2),
        KeyframeRequest(9),
        Bye((1, 2)),
    )


SHORT = ("80", "80C8", "40C80000", "80C80000", "81C90001", "80C8FFFF00000000", "82CB000100000000", "81CD0000")
PADDED = ("A0C9000100000009", "A0C9000100000000")


@pytest.mark.parametrize("data", [*SHORT, *PADDED])
def test_rtcp_that_does_not_fit_is_refused(data: str) -> None:
    with pytest.raises(RtcpMalformed):
        rtcp.parse(bytes.fromhex(data))


def test_mutated_packets_raise_nothing_but_malformed() -> None:
    rng = random.Random(2)
    packet = their_packet()
    packet.extensions.mid = "12"
    seeds = [packet.serialize(extension_map()), rtcp.nack(1, 2, range(0, 300, 7)), rtcp.keyframe_request(1, 2)]
    seeds.append(rtcp.receiver_report(1, [ReportBlock(1, 2, 3, 4, 5, 6, 7)] * 3, cname="x"))
    for _ in range(20_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = data[: rng.randint(0, len(data))]
        try:
            rtp.parse(bytes(data))
            rtp.header_extension(bytes(data), rng.randrange(16))
        except Malformed:
            pass
        with contextlib.suppress(Malformed):
            rtcp.parse(bytes(data))
