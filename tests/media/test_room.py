"""Rooms as others see them: connected, silent, lost, replaced; what they offer and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.core.events import Event, RoomConnected, RoomLost, TrackResumed, TrackStalled
from media.core.plan import KINDS, RoomPlan
from media.core.rtp import RtpPacket, serialise
from media.engine import MAX_WATCHERS, Engine
from media.errors import TooManyPeers
from media.ports import PeerListener
from media.recorder import NAME
from media.room import EXPIRED_MS, SILENT_MS
from tests.media.fakes import FakePeer, FakeSink
from tests.media.test_sdp import OFFERS

OFFER = OFFERS["chromium-156.offer.sdp"]


class Shy(FakePeer):
    """A peer whose handshake never ends."""

    def start(self, remote: object) -> None: ...


class Stage:
    """An engine on a clock that stands still, with peers that are connected at once."""

    def __init__(self, kind: type[FakePeer] = FakePeer) -> None:
        self.kind = kind
        self.now = 1_795_000_000_000.0
        self.peers: list[FakePeer] = []
        self.told: list[Event] = []
        self.sink = FakeSink()
        self.engine = Engine(peers=self._peer, make_sink=lambda *_: self.sink, clock=lambda: self.now)

    def _peer(self, listener: PeerListener) -> FakePeer:
        peer = self.kind(listener)
        peer.last_heard_ms = self.now
        self.peers.append(peer)
        return peer

    async def open(self) -> Stage:
        await self.engine.open(RoomPlan("p", ("main", "east")))
        self.engine._rooms["main"]._tell = self.told.append
        return self

    def sound(self, peer: FakePeer, number: int) -> None:
        """A microphone packet of the browser whose offer is used."""
        peer.last_heard_ms = self.now
        peer._listener.on_rtp(serialise(RtpPacket(111, True, number, number * 960, SSRC, b"opus")), self.now)

    def pass_ms(self, milliseconds: float) -> None:
        end = self.now + milliseconds
        while self.now < end:
            self.now += 100
            self.engine.tick()


SSRC = int(OFFER.split("a=ssrc:")[1].split(" ")[0])


@pytest.mark.asyncio
async def test_a_silent_room_is_lost_after_five_seconds_and_back_with_its_first_packet() -> None:
    one = await Stage().open()
    await one.engine.publish("main", OFFER)
    (peer,) = one.peers
    one.sound(peer, 1)
    one.pass_ms(SILENT_MS + 200)
    kinds = [type(event) for event in one.told]
    assert kinds == [RoomConnected, TrackStalled, RoomLost]
    assert [event.cause for event in one.told if isinstance(event, RoomLost)] == ["silent"]
    assert not (await one.engine.status())["rooms"]["main"]["connected"]
    one.sound(peer, 2)
    one.pass_ms(100)
    assert [type(event) for event in one.told[3:]] == [RoomConnected, TrackResumed]


@pytest.mark.asyncio
async def test_rfc_7675_a_room_that_stays_silent_for_thirty_seconds_is_forgotten() -> None:
    one = await Stage().open()
    await one.engine.publish("main", OFFER)
    one.pass_ms(EXPIRED_MS + 200)
    assert not one.peers[0].connected
    assert [type(event) for event in one.told] == [RoomConnected, RoomLost]


@pytest.mark.asyncio
async def test_a_watcher_that_stays_silent_is_forgotten_too() -> None:
    one = await Stage().open()
    offer = await one.engine.watch("seat-1")
    one.peers[0]._listener.on_connected()
    assert one.engine._rooms["main"].slots["mic"].downs
    one.pass_ms(EXPIRED_MS + 200)
    assert (await one.engine.status())["watchers"] == {}
    assert not one.engine._rooms["main"].slots["mic"].downs
    await one.engine.drop(offer.subscription)


@pytest.mark.asyncio
async def test_the_recorder_is_a_receiver_that_everybody_can_see() -> None:
    one = await Stage().open()
    await one.engine.start_recording(["main"])
    await one.engine.watch("seat-1")
    one.peers[0]._listener.on_connected()
    rooms = (await one.engine.status())["rooms"]
    assert rooms["main"]["receivers"] == sorted([NAME, "seat-1"])
    assert rooms["east"]["receivers"] == ["seat-1"]


@pytest.mark.asyncio
async def test_nothing_is_forwarded_or_recorded_of_a_room_that_did_not_publish_and_no_packet_of_a_watcher() -> None:
    one = await Stage().open()
    await one.engine.start_recording(["main", "east"])
    await one.engine.watch("seat-1")
    watcher = one.peers[0]
    watcher._listener.on_connected()
    one.sound(watcher, 1)
    one.pass_ms(1_000)
    assert one.sink.heads == {}
    assert watcher.rtp == []


@pytest.mark.asyncio
async def test_an_offer_that_is_answered_again_replaces_the_one_that_never_connected() -> None:
    one = await Stage(Shy).open()
    await one.engine.publish("main", OFFER)
    first = one.peers[0]
    await one.engine.publish("main", OFFER)
    assert not first.connected
    assert one.told == []


@pytest.mark.asyncio
async def test_watchers_are_limited() -> None:
    one = await Stage().open()
    for number in range(MAX_WATCHERS):
        await one.engine.watch(f"seat-{number}")
    with pytest.raises(TooManyPeers):
        await one.engine.watch("one too many")


def test_every_kind_has_a_slot_in_the_default_plan() -> None:
    assert RoomPlan("p", ("main",)).slots == KINDS == ("mic", "camera", "document")
    assert Path(NAME).name == NAME
