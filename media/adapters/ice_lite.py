"""One UDP port for all peers of a worker, as an ICE-lite agent (RFC 8445 section 2.5, RFC 7983).

A lite agent sends nothing to anybody who did not prove the password first, so that no description can make the worker
scan a network, and a foreign datagram has no way to reach a peer:

(1) empty and oversized datagrams are dropped (either of them kills a stock aiortc connection);
(2) STUN is accepted only as a binding request for a known user name with a valid MESSAGE-INTEGRITY; it alone makes its
    source address known, and with USE-CANDIDATE selects it;
(3) DTLS and media are accepted only from known addresses, and go to the peer that the address belongs to;
(4) everything else is counted and forgotten; nothing is logged per packet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections import Counter
from typing import Protocol

from aioice import stun

from media.adapters.session_clock import Clock
from media.core.datagram import Datagram, classify

_log = logging.getLogger(__name__)

Address = tuple[str, int]

# Half a second of a dozen rooms; the kernel doubles what it is asked for and caps it at net.core.[rw]mem_max.
_SOCKET_BUFFER = 4 * 1024 * 1024
# Read so many datagrams per wake-up, so that a flood cannot keep the event loop from its other duties.
_BATCH = 64
# A fault that every packet meets must not fill the disk that recordings need.
_LOGGED_FAULTS = 20
# A peer behind several interfaces or a rebinding NAT uses a handful of addresses.
_MAX_ADDRESSES = 8


class Endpoint(Protocol):
    """A peer as its port sees it."""

    def on_datagram(self, kind: Datagram, data: bytes, now_ms: float) -> None: ...


class IceLite:
    """The ICE side of one peer."""

    def __init__(self, port: UdpPort, endpoint: Endpoint) -> None:
        # RFC 8445 section 5.3: at least 24 and 128 bits of randomness, ice-chars only.
        self.ufrag = secrets.token_hex(8)
        self.password = secrets.token_hex(16)
        self.remote_ufrag: str | None = None
        self.endpoint = endpoint
        self.selected: Address | None = None
        self.validated = asyncio.Event()
        self.last_heard_ms = port.clock()
        self._addresses: dict[Address, None] = {}
        self._port = port
        port.peers[self.ufrag] = self

    def send(self, data: bytes) -> bool:
        """Send to the selected address; False if there is none or the socket is full."""
        return self.selected is not None and self._port.send(data, self.selected)

    def close(self) -> None:
        self._port.peers.pop(self.ufrag, None)
        for address in self._addresses:
            if self._port.owners.get(address) is self:
                del self._port.owners[address]
        self._addresses.clear()
        self.selected = None

    def on_check(self, message: stun.Message, address: Address, now_ms: float) -> None:
        """A binding request for our user name: prove it, answer it, remember where it came from."""
        remote = str(message.attributes["USERNAME"]).partition(":")[2]
        if self.remote_ufrag is not None and remote != self.remote_ufrag:
            self._port.refused["stun-user"] += 1
            return
        if not message.check_message_integrity(self.password.encode()):
            self._port.refused["stun-integrity"] += 1
            return
        # RFC 8445 section 7.3.1.1: a lite agent is always controlled; send the other side into its role.
        conflict = "ICE-CONTROLLED" in message.attributes
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.ERROR if conflict else stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
        )
        if conflict:
            response.attributes["ERROR-CODE"] = (487, "Role Conflict")
        else:
            response.attributes["XOR-MAPPED-ADDRESS"] = address
        response.add_message_integrity(self.password.encode())
        self._port.send(bytes(response), address)
        if conflict:
            return
        self.last_heard_ms = now_ms
        self._know(address)
        if self.selected is None or "USE-CANDIDATE" in message.attributes:
            self.selected = address
        self.validated.set()

    def _know(self, address: Address) -> None:
        self._addresses.pop(address, None)
        self._addresses[address] = None
        self._port.owners[address] = self
        if len(self._addresses) > _MAX_ADDRESSES:
            oldest = next(iter(self._addresses))
            del self._addresses[oldest]
            if self._port.owners.get(oldest) is self:
                del self._port.owners[oldest]


class UdpPort:
    """The socket and who is behind it."""

    def __init__(self, *, address: str, port: int, clock: Clock) -> None:
        self.clock = clock
        self.peers: dict[str, IceLite] = {}
        self.owners: dict[Address, IceLite] = {}
        self.refused: Counter[str] = Counter()
        self.unsent = 0
        self.faults = 0
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        try:
            self._socket.bind((address, port))
        except OSError:
            self._socket.close()
            raise
        self.address, self.port = self._socket.getsockname()[:2]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._on_readable)

    def send(self, data: bytes, address: Address) -> bool:
        """Hand a datagram to the kernel. Its buffer is the only queue: what does not fit is lost as on any network."""
        try:
            self._socket.sendto(data, address)
        except (BlockingIOError, OSError):
            self.unsent += 1
            return False
        return True

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _on_readable(self) -> None:
        for _ in range(_BATCH):
            try:
                # One byte more than allowed, so that a longer datagram is seen to be longer.
                data, address = self._socket.recvfrom(2_048)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier sendto
                continue
            try:
                self.receive(data, address[:2])
            except Exception:  # noqa: BLE001  one peer's packet must not stop the reading of all
                self.faults += 1
                if self.faults <= _LOGGED_FAULTS:
                    _log.exception("a datagram met a fault of ours")

    def receive(self, data: bytes, address: Address) -> None:
        """Steps (1) to (4) for one datagram."""
        kind = classify(data)
        if kind is Datagram.EMPTY or kind is Datagram.OVERSIZED or kind is Datagram.OTHER:  # (1), (4)
            self.refused[kind.value] += 1
            return
        now_ms = self.clock()
        if kind is Datagram.STUN:  # (2)
            self._check(data, address, now_ms)
            return
        owner = self.owners.get(address)  # (3)
        if owner is None:
            self.refused["foreign"] += 1
            return
        owner.endpoint.on_datagram(kind, data, now_ms)

    def _check(self, data: bytes, address: Address, now_ms: float) -> None:
        try:
            message = stun.parse_message(data)
        except Exception:  # noqa: BLE001  the parser leaks struct.error, IndexError and others (F9)
            self.refused["stun-malformed"] += 1
            return
        username = message.attributes.get("USERNAME")
        if (
            message.message_class != stun.Class.REQUEST
            or message.message_method != stun.Method.BINDING
            or not isinstance(username, str)
        ):
            self.refused["stun-other"] += 1
            return
        peer = self.peers.get(username.partition(":")[0])
        if peer is None:
            self.refused["stun-user"] += 1
            return
        with contextlib.suppress(Exception):  # attributes of odd types must not reach the event loop
            peer.on_check(message, address, now_ms)
