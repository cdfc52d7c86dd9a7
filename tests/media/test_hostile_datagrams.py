"""Anybody can send datagrams to the port. None may cost a room its connection (ASVS 17.2.6, RFC 7983, RFC 8445).

Each kind of datagram is sent by a stranger's socket and, as if spoofed, from the room's own address; and each control
is shown to matter by a port without it.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aioice import stun

from media.adapters.aiortc_peer import AiortcPeers
from media.adapters.clip_publisher import ClipPublisher
from media.adapters.ice_lite import Address, UdpPort
from media.adapters.room_client import RoomClient
from media.core.datagram import Datagram
from media.core.plan import RoomPlan
from media.core.rtp import RtpPacket, serialise
from media.engine import Engine
from tests.media.fakes import FakeSink
from tests.media.worlds import until, until_status, wall_ms


def client_hello() -> bytes:
    """A DTLS ClientHello that offers only TLS_NULL_WITH_NULL_NULL (reliability-and-security.md, F2)."""
    body = b"\xfe\xfd" + bytes(32) + b"\x00\x00" + b"\x00\x02\x00\x00" + b"\x01\x00"
    size = len(body).to_bytes(3, "big")
    handshake = b"\x01" + size + b"\x00\x00" + b"\x00\x00\x00" + size + body
    return b"\x16\xfe\xff" + bytes(8) + len(handshake).to_bytes(2, "big") + handshake


FATAL_ALERT = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"
RTP = serialise(RtpPacket(96, True, 1, 1, 1, bytes(300)))
STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
KINDS = {
    "empty": b"",
    "one byte": b"\x00",
    "oversized": bytes([0x80]) + bytes(1_600),
    "oversized handshake": b"\x16" * 9_000,
    "client hello": client_hello(),
    "fatal alert": FATAL_ALERT,
    "rtp": RTP,
    "rtcp": b"\x80\xc9\x00\x01" + bytes(40),
    "stun": STUN + bytes(12),
    "stun cut": STUN,
    "text": b"GET /",
}


class OpenDoor(UdpPort):
    """The guard switched off: every datagram reaches the room, as in a stock connection."""

    def receive(self, data: bytes, address: Address) -> None:
        if address in self.owners or (data and data[0] <= 3):
            super().receive(data, address)
            return
        for peer in self.peers.values():
            peer.endpoint.on_datagram(Datagram.DTLS, data, self.clock())


class NoSizes(UdpPort):
    """Only the control of sizes is switched off."""

    def receive(self, data: bytes, address: Address) -> None:
        if not data and address in self.owners:
            self.owners[address].endpoint.on_datagram(Datagram.DTLS, data, self.clock())
            return
        super().receive(data, address)


@dataclass
class Stage:
    port: UdpPort
    engine: Engine
    clip: Path

    def stranger(self, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, (self.port.address, self.port.port))

    async def offer(self) -> tuple[RoomClient, str]:
        clip = ClipPublisher(clip_path=self.clip, clock=wall_ms)
        client = RoomClient(tracks=[clip.audio, clip.video])
        return client, await self.engine.publish("main", await client.offer())

    async def packets(self) -> int:
        tracks = (await self.engine.status())["rooms"]["main"]["tracks"]
        return sum(track["packets"] for track in tracks.values())

    async def still_flows(self) -> None:
        before = await self.packets()
        await until_status(
            self.engine,
            lambda found: sum(t["packets"] for t in found["rooms"]["main"]["tracks"].values()) > before + 10,
        )


@asynccontextmanager
async def stage(clip: Path, kind: type[UdpPort] = UdpPort) -> AsyncIterator[Stage]:
    port = kind(address="127.0.0.1", port=0, clock=wall_ms)
    engine = Engine(peers=AiortcPeers(port=port), make_sink=lambda *_: FakeSink(), clock=wall_ms)
    await engine.open(RoomPlan("p", ("main",)))
    try:
        yield Stage(port, engine, clip)
    finally:
        await engine.close()
        await asyncio.sleep(0)
        port.close()


@pytest.mark.asyncio
async def test_no_datagram_of_a_stranger_hinders_or_ends_a_connection(clip: Path) -> None:
    async with stage(clip) as one:
        client, answer = await one.offer()
        one.stranger(*KINDS.values())  # before the handshake
        accepting = asyncio.create_task(client.accept(answer))
        one.stranger(*KINDS.values())  # meanwhile
        await accepting
        await asyncio.wait_for(client.connected(), 5)
        await one.still_flows()
        one.stranger(*KINDS.values(), *(os.urandom(n) for n in range(0, 1_500, 13)))  # afterwards
        await one.still_flows()
        refused = one.port.refused
        assert refused["empty"] >= 3
        assert refused["oversized"] >= 6
        assert refused["foreign"] >= 12
        assert refused["stun-malformed"] + refused["stun-other"] >= 3
        await client.close()


@pytest.mark.asyncio
async def test_no_spoofed_datagram_ends_a_connection(clip: Path) -> None:
    rng = random.Random(8)
    async with stage(clip) as one:
        client, answer = await one.offer()
        await client.accept(answer)
        await asyncio.wait_for(client.connected(), 5)
        await until(lambda: one.port.owners)
        (address,) = one.port.owners
        for data in (*KINDS.values(), *(rng.randbytes(rng.randint(0, 1_600)) for _ in range(2_000))):
            one.port.receive(data, address)
        await one.still_flows()
        await client.close()


@pytest.mark.asyncio
async def test_with_the_guard_off_a_stranger_s_client_hello_prevents_the_connection(clip: Path) -> None:
    async with stage(clip, OpenDoor) as one:
        client, answer = await one.offer()
        one.stranger(client_hello())
        await asyncio.sleep(0.05)
        await client.accept(answer)
        await until(lambda: not one.port.peers, 5)
        assert not (await one.engine.status())["rooms"]["main"]["connected"]
        await client.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("door", [OpenDoor, NoSizes])
async def test_with_the_guard_off_one_empty_datagram_ends_the_connection(clip: Path, door: type[UdpPort]) -> None:
    async with stage(clip, door) as one:
        client, answer = await one.offer()
        await client.accept(answer)
        await asyncio.wait_for(client.connected(), 5)
        await one.still_flows()
        (address,) = one.port.owners
        if door is OpenDoor:
            one.stranger(b"")
        else:
            one.port.receive(b"", address)
        await until(lambda: not one.port.peers, 5)
        assert not (await one.engine.status())["rooms"]["main"]["connected"]
        await client.close()


def binding(username: str, password: str, **attributes: object) -> bytes:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1
    message.attributes.update({name.replace("_", "-"): value for name, value in attributes.items()})
    message.add_message_integrity(password.encode())
    return bytes(message)


@pytest.mark.asyncio
async def test_rfc_8445_7_3_only_who_knows_the_password_becomes_a_known_address(clip: Path) -> None:
    async with stage(clip) as one:
        client, _ = await one.offer()
        (ufrag,) = one.port.peers
        ice = one.port.peers[ufrag]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            sender.setblocking(False)
            address = sender.getsockname()
            refused = [
                binding(f"{ufrag}:{ice.remote_ufrag}", "wrong"),
                binding(f"{ufrag}:other", ice.password),
                binding(f"nobody:{ice.remote_ufrag}", ice.password),
                binding(ufrag, ice.password),
                RTP,
            ]
            for data in refused:
                one.port.receive(data, address)
            assert one.port.owners == {}
            with pytest.raises(BlockingIOError):
                sender.recv(2_000)  # not a byte is sent to who proved nothing
            good = binding(f"{ufrag}:{ice.remote_ufrag}", ice.password, ICE_CONTROLLING=1)
            one.port.receive(good, address)
            assert one.port.owners == {address: ice}
            answer = stun.parse_message(sender.recv(2_000))
            assert answer.message_class == stun.Class.RESPONSE
            assert answer.check_message_integrity(ice.password.encode())
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
            conflict = binding(f"{ufrag}:{ice.remote_ufrag}", ice.password, ICE_CONTROLLED=1)
            one.port.receive(conflict, address)
            assert stun.parse_message(sender.recv(2_000)).error_code == 487
        await client.close()


@pytest.mark.asyncio
async def test_a_peer_owns_a_handful_of_addresses_and_gives_them_back(clip: Path) -> None:
    async with stage(clip) as one:
        client, _ = await one.offer()
        (ufrag,) = one.port.peers
        ice = one.port.peers[ufrag]
        data = binding(f"{ufrag}:{ice.remote_ufrag}", ice.password)
        for port in range(40_000, 40_100):
            one.port.receive(data, ("127.0.0.1", port))
        assert len(one.port.owners) == 8
        assert ice.selected == ("127.0.0.1", 40_000)
        one.port.receive(
            binding(f"{ufrag}:{ice.remote_ufrag}", ice.password, USE_CANDIDATE=None), ("127.0.0.1", 41_000)
        )
        assert ice.selected == ("127.0.0.1", 41_000)
        await one.engine.drop("main")
        await until(lambda: not one.port.owners and not one.port.peers)
        await client.close()


@pytest.mark.asyncio
async def test_mutated_checks_raise_nothing(clip: Path) -> None:
    rng = random.Random(9)
    async with stage(clip) as one:
        client, _ = await one.offer()
        (ufrag,) = one.port.peers
        ice = one.port.peers[ufrag]
        seed = binding(f"{ufrag}:{ice.remote_ufrag}", ice.password, ICE_CONTROLLING=5, USE_CANDIDATE=None)
        for _ in range(5_000):
            data = bytearray(seed)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            one.port.receive(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]), ("127.0.0.1", 40_000))
        assert sum(one.port.refused.values()) > 4_000
        await client.close()


@pytest.mark.asyncio
async def test_a_certificate_that_is_not_the_one_of_the_description_is_refused(clip: Path) -> None:
    """RFC 8827 section 6.5: with the right fingerprint the same room connects (the tests above)."""
    async with stage(clip) as one:
        clip_tracks = ClipPublisher(clip_path=clip, clock=wall_ms)
        client = RoomClient(tracks=[clip_tracks.audio])
        offer = await client.offer()
        lines = [
            line[:-2] + ("00" if line[-2:] != "00" else "11") if line.startswith("a=fingerprint:") else line
            for line in offer.split("\r\n")
        ]
        await client.accept(await one.engine.publish("main", "\r\n".join(lines)))
        await until(lambda: not one.port.peers, 5)
        assert not (await one.engine.status())["rooms"]["main"]["connected"]
        await client.close()
