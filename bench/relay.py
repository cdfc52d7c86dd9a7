"""CPU per packet passed on by the media relay, beside the floor: encrypting the same packets and nothing else.

    python -m bench.relay [--watchers 12] [--rounds 8]

A publisher's encrypted packets go in as datagrams; out of the socket comes one encrypted packet per watcher. The floor
is `srtp_protect` (AES-128-GCM) of pylibsrtp's libsrtp on the same payloads. Both run in turns in one process, so that a
noisy machine hurts both; the ratio is the figure to compare, the microseconds are this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator

from aiortc import RTCCertificate
from pylibsrtp import Policy, Session
from pylibsrtp._binding import lib

from media.adapters.aiortc_peer import AiortcPeer, _Cipher
from media.adapters.ice_lite import UdpPort
from media.adapters.session_clock import session_clock
from media.core.rtp import RtpPacket, serialise
from media.core.sdp import Section
from media.core.sdp_text import Slot
from media.ports import PeerListener
from media.publisher import Publisher
from media.relay import IncomingTrack
from media.watcher import Watcher

PAYLOAD = 1_030  # a 720p camera at 1.03 Mbit/s and 125 packets/s (media-benchmark.md)
PACKETS = 2_000  # per round
KEY = bytes(28)
SOURCE = ("127.0.0.1", 9)


def cipher(kind: int) -> _Cipher:
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    policy = Policy(key=KEY, ssrc_type=kind, srtp_profile=profile)
    policy.window_size = 1_024
    policy.allow_repeat_tx = True
    return _Cipher(Session(policy))


class Bench:
    """One publisher, some watchers, and a socket where their packets end."""

    def __init__(self, *, watchers: int) -> None:
        self.port = UdpPort(address="127.0.0.1", port=0, clock=session_clock())
        self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("127.0.0.1", 0))
        self.certificate = RTCCertificate.generateCertificate()
        self.watchers = [self._watcher(number) for number in range(watchers)]
        section = Section("0", "video", 9, "sendonly", 96, None, (5,))
        self.publisher = Publisher(
            room="main", sections=(section,), slots={"0": "camera"}, own_ssrc=1, make_peer=self._peer,
            connected=lambda _: None, track=self._joined, closed=lambda *_: None,
        )  # fmt: skip
        self.port.owners[SOURCE] = self.port.peers[self.publisher.peer.local.ufrag]
        self.sender = cipher(Policy.SSRC_ANY_OUTBOUND)
        self.sequence = 0

    def _peer(self, listener: PeerListener) -> AiortcPeer:
        peer = AiortcPeer(port=self.port, certificate=self.certificate, listener=listener)
        peer._rx, peer._tx = cipher(Policy.SSRC_ANY_INBOUND), cipher(Policy.SSRC_ANY_OUTBOUND)
        peer._ice.selected = self.sink.getsockname()
        peer.connected = True
        return peer

    def _watcher(self, number: int) -> Watcher:
        slots = (Slot("0", "main", "camera", 100 + number),)
        return Watcher(
            name=str(number), make_peer=self._peer, slots=slots, joined=lambda _: None, left=lambda *_: None
        )  # fmt: skip

    def _joined(self, publisher: Publisher, track: IncomingTrack) -> None:
        for watcher in self.watchers:
            track.join(watcher.slots[0], 0.0, cached=True)

    def plain(self) -> Iterator[bytes]:
        body = b"\x90\x80\x80\x00" + os.urandom(PAYLOAD)
        for _ in range(PACKETS):
            self.sequence += 1
            yield serialise(RtpPacket(96, True, self.sequence & 0xFFFF, self.sequence * 720 & 0xFFFFFFFF, 5, body))

    def drain(self) -> None:
        """Empty the sink, so that its full buffer is not what is measured."""
        self.sink.setblocking(False)
        try:
            while True:
                self.sink.recv(2_048)
        except BlockingIOError:
            return

    def relay(self) -> float:
        """Microseconds of CPU per packet out."""
        datagrams = [packet for data in self.plain() if (packet := self.sender.run(lib.srtp_protect, data))]
        spent = 0.0
        for start in range(0, len(datagrams), 10):
            before = time.process_time()
            for datagram in datagrams[start : start + 10]:
                self.port.receive(datagram, SOURCE)
            spent += time.process_time() - before
            self.drain()
        return spent * 1e6 / (PACKETS * len(self.watchers))

    def floor(self) -> float:
        """The same for srtp_protect alone."""
        ciphers = [cipher(Policy.SSRC_ANY_OUTBOUND) for _ in self.watchers]
        packets = list(self.plain())
        before = time.process_time()
        for data in packets:
            for one in ciphers:
                one.run(lib.srtp_protect, data)
        return (time.process_time() - before) * 1e6 / (PACKETS * len(ciphers))


async def measure(watchers: int, rounds: int) -> None:
    bench = Bench(watchers=watchers)
    runs: dict[str, Callable[[], float]] = {"relay": bench.relay, "floor": bench.floor}
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            value = run()
            if number:  # the first round warms up
                found[name].append(value)
    ratios = [relay / floor for relay, floor in zip(found["relay"], found["floor"], strict=True)]
    for name, values in found.items():
        low, high = min(values), max(values)
        print(f"{name:6} {statistics.median(values):6.1f} us of CPU per packet out ({low:.1f} to {high:.1f})")
    low, high = min(ratios), max(ratios)
    print(f"ratio  {statistics.median(ratios):6.2f} ({low:.2f} to {high:.2f}), {watchers} watchers, AES-128-GCM")
    bench.port.close()
    bench.sink.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    asyncio.run(measure(given.watchers, given.rounds))


if __name__ == "__main__":
    main()
