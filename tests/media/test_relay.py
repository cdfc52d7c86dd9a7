"""What receivers get: everything, once, in numbers of their own; what is lost is asked for and served again."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from media.core import rtcp
from media.core.clock import ntp_of
from media.core.rtcp import KeyframeRequest, Nack, SenderReport
from media.core.rtp import RtpPacket, serialise
from media.core.sdp import Section
from media.core.sdp_text import Slot
from media.publisher import MAX_STREAMS, Publisher
from media.relay import KEYFRAME_INTERVAL_MS, IncomingTrack
from media.watcher import Watcher
from tests.media.fakes import Camera, FakePeer
from tests.media.test_vp8_webm import frames_of

NOW = 1_795_000_000_000.0


@pytest.fixture
def frames(clip: Path) -> list[tuple[int, bool, bytes]]:
    return frames_of(clip, "video")


def track_of(sent: list[bytes]) -> IncomingTrack:
    def send(data: bytes) -> bool:
        sent.append(data)
        return True

    return IncomingTrack(room="main", kind="camera", ssrc=5, own_ssrc=1, send_rtcp=send, now_ms=NOW)


def watcher() -> tuple[Watcher, FakePeer]:
    made: list[FakePeer] = []

    def make(listener: Watcher) -> FakePeer:
        made.append(FakePeer(listener))
        return made[0]

    slots = (Slot("0", "main", "camera", 900),)
    one = Watcher(name="seat-1", make_peer=make, slots=slots, joined=lambda _: None, left=lambda *_: None)
    return one, made[0]


def numbers(packets: list[RtpPacket]) -> list[int]:
    return [packet.sequence for packet in packets]


def messages(sent: list[bytes]) -> list[rtcp.Message]:
    return [message for data in sent for message in rtcp.parse(data)]


def test_every_packet_goes_to_every_receiver_under_the_receiver_s_ssrc(frames: list[tuple[int, bool, bytes]]) -> None:
    track, (one, peer), (other, other_peer) = track_of([]), watcher(), watcher()
    track.join(one.slots[0], NOW, cached=True)
    track.join(other.slots[0], NOW, cached=True)
    sent = [packet for at, _, packet in Camera(frames).packets(40)]
    for index, packet in enumerate(sent):
        track.packet(packet, NOW + index)
        track.packet(packet, NOW + index)  # repeated by the network
    assert [packet.payload for packet in peer.rtp] == [packet.payload for packet in sent]
    assert {packet.ssrc for packet in peer.rtp} == {900}
    assert len(other_peer.rtp) == len(sent)


def test_a_receiver_that_is_full_costs_the_others_nothing(frames: list[tuple[int, bool, bytes]]) -> None:
    track, (slow, slow_peer), (fast, fast_peer) = track_of([]), watcher(), watcher()
    slow_peer.full = True
    track.join(slow.slots[0], NOW, cached=True)
    track.join(fast.slots[0], NOW, cached=True)
    sent = [packet for _, _, packet in Camera(frames).packets(10)]
    for packet in sent:
        track.packet(packet, NOW)
    assert len(fast_peer.rtp) == len(sent)
    assert slow_peer.rtp == []


def test_who_joins_late_gets_everything_since_the_last_keyframe_at_once(frames: list[tuple[int, bool, bytes]]) -> None:
    track, (late, peer) = track_of([]), watcher()
    since: list[RtpPacket] = []
    for at, keyframe, packet in Camera(frames).packets(20):
        since = [packet] if keyframe else [*since, packet]
        track.packet(packet, NOW + at)
    track.join(late.slots[0], NOW + 2_000, cached=True)
    assert [packet.payload for packet in peer.rtp] == [packet.payload for packet in since]


def test_the_recorder_gets_nothing_from_before_its_start_but_a_keyframe_is_asked_for(
    frames: list[tuple[int, bool, bytes]],
) -> None:
    sent: list[bytes] = []
    track, (late, peer) = track_of(sent), watcher()
    for at, _, packet in Camera(frames).packets(20):
        track.packet(packet, NOW + at)
    sent.clear()
    track.join(late.slots[0], NOW + 2_000, cached=False)
    track.chase(NOW + 2_000)
    assert peer.rtp == []
    assert messages(sent) == [KeyframeRequest(5)]


def test_a_lost_packet_is_asked_of_the_publisher_and_served_to_the_receiver_from_the_ring(
    frames: list[tuple[int, bool, bytes]],
) -> None:
    sent: list[bytes] = []
    track, (one, peer) = track_of(sent), watcher()
    track.join(one.slots[0], NOW, cached=True)
    packets = [packet for _, _, packet in Camera(frames, sequence=65_530).packets(20)]
    missing = packets[9]
    for index, packet in enumerate(packets):
        if packet is not missing:
            track.packet(packet, NOW + index * 10)
    asked = [message for message in messages(sent) if isinstance(message, Nack)]
    assert asked
    assert {number for nack in asked for number in nack.sequences} == {missing.sequence}
    track.packet(missing, NOW + 500)
    assert peer.rtp[-1].payload == missing.payload
    peer.rtp.clear()
    one.on_rtcp(rtcp.nack(1, 900, [missing.sequence, packets[3].sequence, 30_000]), NOW)
    assert [packet.payload for packet in peer.rtp] == [missing.payload, packets[3].payload]


def test_one_nack_cannot_make_us_send_thousands_of_packets(frames: list[tuple[int, bool, bytes]]) -> None:
    track, (one, peer) = track_of([]), watcher()
    track.join(one.slots[0], NOW, cached=True)
    for packet in (packet for _, _, packet in Camera(frames, sequence=0).packets(150)):
        track.packet(packet, NOW)
    count = len(peer.rtp)
    one.on_rtcp(rtcp.nack(1, 900, list(range(count)) * 3), NOW)
    assert len(peer.rtp) - count <= 300


def test_keyframe_requests_become_one_per_half_second_until_a_keyframe_comes(
    frames: list[tuple[int, bool, bytes]],
) -> None:
    sent: list[bytes] = []
    track, (one, _), (other, _) = track_of(sent), watcher(), watcher()
    track.join(one.slots[0], NOW, cached=True)
    track.join(other.slots[0], NOW, cached=True)
    start = NOW + 10_000
    packets = list(Camera(frames).packets(30))
    for at, _, packet in packets[: len(packets) // 3]:
        track.packet(packet, NOW + at)
    sent.clear()
    for step in range(20):
        one.on_rtcp(rtcp.keyframe_request(1, 900), start)
        other.on_rtcp(rtcp.keyframe_request(1, 900), start)
        track.chase(start + step * 100)
    assert messages(sent) == [KeyframeRequest(5)] * (2_000 // KEYFRAME_INTERVAL_MS)
    track.packet(next(packet for at, key, packet in packets if key and at > 900), start + 2_000)
    sent.clear()
    track.chase(start + 5_000)
    assert KeyframeRequest(5) not in messages(sent)


def test_numbers_go_on_when_the_publisher_comes_back_with_others(frames: list[tuple[int, bool, bytes]]) -> None:
    (one, peer), slot = watcher(), None
    for turn, (ssrc, sequence) in enumerate(((5, 65_500), (6, 3), (7, 40_000))):
        track = track_of([])
        slot = one.slots[0]
        track.join(slot, NOW, cached=True)
        for at, _, packet in Camera(frames, ssrc=ssrc, sequence=sequence).packets(15):
            track.packet(packet, NOW + turn * 5_000 + at)
        track.leave(slot)
    steps = [(b - a) % 65_536 for a, b in zip(numbers(peer.rtp), numbers(peer.rtp)[1:], strict=False)]
    assert set(steps) == {1}
    stamps = [packet.timestamp for packet in peer.rtp]
    jumps = [(b - a) % 2**32 for a, b in itertools.pairwise(stamps)]
    assert all(jump < 90 * 5_100 for jump in jumps)
    assert sum(jump > 90 * 3_900 for jump in jumps) == 2  # the time between two publishers passed here, too


def test_sender_reports_put_all_rooms_on_the_session_s_clock(frames: list[tuple[int, bool, bytes]]) -> None:
    track, (one, peer) = track_of([]), watcher()
    track.join(one.slots[0], NOW, cached=True)
    first = None
    for at, _, packet in Camera(frames).packets(30):
        first = first if first is not None else packet.timestamp
        track.packet(packet, NOW + at)
    one.tick(NOW + 3_000)
    one.tick(NOW + 3_100)
    reports = [message for message in messages(peer.rtcp) if isinstance(message, SenderReport)]
    assert len(reports) == 1
    assert reports[0].ntp == ntp_of(NOW + 3_000)
    assert first is not None
    assert abs((reports[0].rtp - first) % 2**32 - 3_000 * 90) < 100


SECTIONS = (
    Section("a", "audio", 9, "sendonly", 111, 4, (70,)),
    Section("v", "video", 9, "sendonly", 96, 4, ()),
    Section("d", "video", 9, "sendonly", 96, 4, ()),
)


def publisher() -> tuple[Publisher, list[IncomingTrack], FakePeer]:
    tracks: list[IncomingTrack] = []
    made: list[FakePeer] = []

    def make(listener: Publisher) -> FakePeer:
        made.append(FakePeer(listener))
        return made[0]

    one = Publisher(
        room="main", sections=SECTIONS, slots={"a": "mic", "v": "camera", "d": "document"}, own_ssrc=1,
        make_peer=make, connected=lambda _: None, track=lambda _, track: tracks.append(track), closed=lambda *_: None,
    )  # fmt: skip
    return one, tracks, made[0]


def with_mid(packet: RtpPacket, mid: bytes) -> bytes:
    data = serialise(packet)
    body = bytes([4 << 4 | len(mid) - 1]) + mid
    body += bytes(-len(body) % 4)
    return bytes([data[0] | 0x10]) + data[1:12] + b"\xbe\xde" + (len(body) // 4).to_bytes(2, "big") + body + data[12:]


def test_rfc_9143_9_2_streams_are_told_apart_by_ssrc_then_mid_then_payload_type() -> None:
    one, tracks, _ = publisher()
    one.on_rtp(serialise(RtpPacket(111, True, 1, 1, 70, b"x")), NOW)
    one.on_rtp(with_mid(RtpPacket(96, True, 1, 1, 80, b"x"), b"d"), NOW)
    one.on_rtp(with_mid(RtpPacket(96, True, 1, 1, 81, b"x"), b"v"), NOW)
    one.on_rtp(serialise(RtpPacket(96, True, 2, 1, 80, b"x")), NOW)
    one.on_rtp(serialise(RtpPacket(111, True, 1, 1, 71, b"x")), NOW)
    assert [(track.kind, track.ssrc) for track in tracks] == [
        ("mic", 70),
        ("document", 80),
        ("camera", 81),
        ("mic", 71),
    ]
    assert one.tracks[80].quality.received == 2


def test_streams_that_belong_nowhere_are_counted_and_cannot_fill_the_memory() -> None:
    one, tracks, _ = publisher()
    one.on_rtp(serialise(RtpPacket(96, True, 1, 1, 80, b"x")), NOW)  # two sections share the type, no mid
    one.on_rtp(with_mid(RtpPacket(96, True, 1, 1, 81, b"x"), b"zz"), NOW)
    one.on_rtp(serialise(RtpPacket(0, True, 1, 1, 70, b"x")), NOW)
    one.on_rtp(b"\x80", NOW)
    one.on_rtcp(b"\x80", NOW)
    assert tracks == []
    assert one.malformed == 5
    for ssrc in range(1_000):
        one.on_rtp(serialise(RtpPacket(111, True, 1, 1, 100 + ssrc, b"x")), NOW)
    assert len(tracks) == MAX_STREAMS


def test_the_publisher_gets_receiver_reports(frames: list[tuple[int, bool, bytes]]) -> None:
    one, _, peer = publisher()
    for at, _, packet in Camera(frames).packets(30):
        one.on_rtp(with_mid(packet, b"v"), NOW + at)
    one.on_rtcp(rtcp.sender_report(SenderReport(5, 0x1_2345_6789, 7, 1, 1), cname="x"), NOW + 2_000)
    peer.rtcp.clear()
    one.tick(NOW + 2_500)
    blocks = [message for message in messages(peer.rtcp) if isinstance(message, rtcp.ReportBlock)]
    assert len(blocks) == 1
    assert blocks[0].last_sr == 0x1_2345_6789 >> 16
    assert blocks[0].delay_since_sr == 32_768
