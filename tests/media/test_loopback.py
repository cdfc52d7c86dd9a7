"""Device checks: what comes goes back to where it came from, bounded in time, number and octets, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from media import loopback
from media.core import rtcp, rtp
from media.core.plan import RoomPlan
from media.core.rtcp import ReportBlock
from media.core.rtp import RtpPacket
from media.engine import Engine
from media.errors import NotOpen, SdpRefused, TooManyPeers
from media.ports import PeerListener
from tests.media.fakes import FakePeer, FakeSink
from tests.media.test_sdp import simple

OFFER = simple(dir0="a=sendrecv", dir1="a=sendrecv")
AUDIO, VIDEO = 111, 96


class World:
    """An engine with peers and a sink that only remember."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.peers: list[FakePeer] = []
        self.sink = FakeSink()
        self.engine = Engine(peers=self._peer, make_sink=lambda *_: self.sink, clock=lambda: self.now)
        asyncio.run(self.engine.open(RoomPlan("centre.example/proceedings/1", ("main",))))

    def _peer(self, listener: PeerListener) -> FakePeer:
        self.peers.append(FakePeer(listener))
        return self.peers[-1]

    def check(self, name: str = "seat-1", offer: str = OFFER) -> tuple[FakePeer, PeerListener, str]:
        answer = asyncio.run(self.engine.loopback(name, offer))
        peer = self.peers[-1]
        return peer, peer._listener, answer


def packet(sequence: int, *, kind: int = AUDIO, ssrc: int = 7, payload: bytes = b"voice") -> bytes:
    return rtp.serialise(RtpPacket(kind, False, sequence, sequence * 960, ssrc, payload))


def ssrcs(answer: str) -> list[int]:
    return [int(line.split(":")[1].split(" ")[0]) for line in answer.splitlines() if line.startswith("a=ssrc:")]


def test_each_packet_goes_back_under_the_answers_ssrc() -> None:
    world = World()
    peer, caller, answer = world.check()
    for number in range(3):
        caller.on_rtp(packet(number), world.now)
        caller.on_rtp(packet(number, kind=VIDEO, ssrc=8, payload=b"picture"), world.now)
    assert [(p.ssrc, p.sequence, p.payload) for p in peer.rtp] == [
        (ssrc, number, payload)
        for number in range(3)
        for ssrc, payload in zip(ssrcs(answer), (b"voice", b"picture"), strict=True)
    ]


def test_reports_tell_the_loss_on_the_way_here() -> None:
    world = World()
    peer, caller, _ = world.check()
    for number in (0, 1, 3, 4, 5):
        caller.on_rtp(packet(number), world.now)
    world.now += 1_100
    world.engine.tick()
    (report,) = peer.rtcp
    block = ReportBlock(*_block_of(report))
    assert (block.ssrc, block.lost, block.highest & 0xFFFF) == (7, 1, 5)


def test_a_wish_for_a_keyframe_reaches_the_callers_own_camera() -> None:
    world = World()
    peer, caller, answer = world.check()
    caller.on_rtp(packet(1, kind=VIDEO, ssrc=8), world.now)
    caller.on_rtcp(rtcp.keyframe_request(99, ssrcs(answer)[1]), world.now)
    caller.on_rtcp(rtcp.keyframe_request(99, 12345), world.now)
    assert [rtcp.parse(one) for one in peer.rtcp] == [(rtcp.KeyframeRequest(8),)]


def test_it_ends_by_itself() -> None:
    world = World()
    peer, _, _ = world.check()
    world.now += loopback.LIFE_MS - 1
    world.engine.tick()
    assert peer.connected
    world.now += 1
    world.engine.tick()
    assert not peer.connected


def test_no_more_goes_back_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the bound it would: the control."""
    for bound, expected in ((100, 5), (10_000, 20)):
        monkeypatch.setattr(loopback, "MAX_BYTES", bound)
        world = World()
        peer, caller, _ = world.check()
        for number in range(20):
            caller.on_rtp(packet(number), world.now)
        assert len(peer.rtp) == expected


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x00" * 40, packet(1, kind=100), rtp.serialise(RtpPacket(AUDIO, False, 1, 1, 9, b""))[:11]]
)
def test_what_is_no_packet_of_the_check_does_not_go_back(data: bytes) -> None:
    world = World()
    peer, caller, _ = world.check()
    caller.on_rtp(data, world.now)
    caller.on_rtcp(data, world.now)
    assert peer.rtp == []


def test_a_section_has_one_stream() -> None:
    world = World()
    peer, caller, _ = world.check()
    for ssrc in range(1, 50):
        caller.on_rtp(packet(ssrc, ssrc=ssrc), world.now)
    assert len(peer.rtp) == 1


def test_a_newer_check_of_one_caller_ends_the_older_and_callers_are_bounded() -> None:
    world = World()
    first, _, _ = world.check()
    second, _, _ = world.check()
    assert (first.connected, second.connected) == (False, True)
    for number in range(loopback.MAX_LOOPBACKS - 1):
        world.check(f"other-{number}")
    with pytest.raises(TooManyPeers):
        world.check("one too many")
    second.close("gone")
    world.check("one too many")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dir0": "a=sendonly"}, "sdp-direction"),
        ({"dir1": "a=inactive"}, "sdp-direction"),
        ({"map1": "a=rtpmap:96 H264/90000"}, "sdp-codec"),
        ({"m1": "m=video 9 UDP/TLS/RTP/SAVPF 111", "map1": "a=rtpmap:111 VP8/90000"}, "sdp-codec"),
        ({"fp": ""}, "sdp-fingerprint"),
        ({"more": "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2"}, "sdp-too-many-sections"),
    ],
)
def test_an_offer_out_of_form_is_refused_and_costs_no_peer(changes: dict[str, Any], code: str) -> None:
    world = World()
    offer = simple(**({"dir0": "a=sendrecv", "dir1": "a=sendrecv"} | changes))
    with pytest.raises(SdpRefused) as refused:
        world.check(offer=offer)
    assert refused.value.code == code
    assert world.peers == []


def test_it_needs_an_open_plan() -> None:
    world = World()
    world.engine._plan = None
    with pytest.raises(NotOpen):
        world.check()


def test_it_is_part_of_no_room() -> None:
    """Neither seen nor recorded: no slot, no segment, no event."""
    world = World()
    _, caller, _ = world.check()
    asyncio.run(world.engine.start_recording(["main"]))
    for number in range(100):
        caller.on_rtp(packet(number), world.now)
    status = asyncio.run(world.engine.status())
    assert status["rooms"]["main"]["tracks"] == {}
    assert not status["rooms"]["main"]["connected"]
    assert world.sink.blocks == {}


def _block_of(report: bytes) -> tuple[int, ...]:
    ssrc, loss, highest, jitter, last, delay = (int.from_bytes(report[at : at + 4], "big") for at in range(8, 32, 4))
    return ssrc, loss >> 24, loss & 0xFFFFFF, highest, jitter, last, delay
