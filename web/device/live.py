"""The live socket as a seat uses it (docs/protocol.md section 7): it comes back by itself and misses no entry."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from evidence.core.canonical import Object, unb64u
from evidence.core.merkle import leaf_hash
from web.device.client import Client
from web.device.errors import RecordUntrusted, ServerSilent

# docs/protocol.md section 7: a ping each second. Five missed ones are a dead connection (protocols.md 6: 5 s).
PING_S = 1.0
SILENCE_S = 5.0
RECONNECT_S = 0.3
# A snapshot holds a view and some media facts; entries are below 60 kB, 80 kB in base64url with their JSON around.
MAX_MESSAGE = 1 << 20


class Live:
    """`messages()` yields what the server says, over as many connections as it takes. `offline()` really hangs up:
    no closing handshake, and no new connection until `online()`."""

    def __init__(self, *, client: Client) -> None:
        self.next: int | None = None
        self._client = client
        self._socket: ClientConnection | None = None
        self._pinged: int | None = None
        self._rtt: int | None = None  # of that ping
        self._up = asyncio.Event()
        self._up.set()
        self._closed = False

    async def messages(self) -> AsyncIterator[Object]:
        """Snapshots, entries in order without a gap, and everything else; ends after `close`."""
        while not self._closed:
            await self._up.wait()
            with suppress(OSError, TimeoutError, WebSocketException, ServerSilent):
                async for message in self._one_connection():
                    yield message
            if not self._closed:
                await asyncio.sleep(RECONNECT_S)

    async def point(self, x: int, y: int) -> None:
        """The presenter's pointer; lost where there is no connection, as the protocol allows."""
        await self._send({"type": "pointer", "x": x, "y": y})

    def offline(self) -> None:
        """The network is gone: drop the connection without a goodbye."""
        self._up.clear()
        self._drop()

    def online(self) -> None:
        self._up.set()

    def close(self) -> None:
        self._closed = True
        self._up.set()
        self._drop()

    async def _one_connection(self) -> AsyncIterator[Object]:
        ticket = await self._client.socket_ticket()
        base = self._client.base_url.replace("http", "ws", 1)
        address = f"{base}/v1/proceedings/{self._client.proceeding}/live?ticket={ticket}"
        headers = {"Cookie": self._client.session or ""}
        async with connect(
            address,
            origin=Origin(self._client.origin),
            additional_headers=headers,
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=None,
            close_timeout=1,
            proxy=None,
        ) as socket:
            self._socket = socket
            pings = asyncio.create_task(self._ping())
            try:
                if not self._up.is_set():
                    return
                await socket.send(json.dumps({"type": "hello", "resume": self.next}))
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        text = await socket.recv()
                    message = self._checked(json.loads(text))
                    if message is not None:
                        yield message
            finally:
                self._socket = None
                pings.cancel()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            ping: Object = {"type": "ping", "t": _clock()}
            rtt: Object = {} if self._rtt is None else {"rtt": self._rtt}
            self._pinged, self._rtt = ping["t"], None
            await self._send(ping | rtt)

    async def _send(self, message: Object) -> None:
        socket = self._socket
        if socket is not None:
            with suppress(WebSocketException, OSError):
                await socket.send(json.dumps(message))

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    def _checked(self, message: Object) -> Object | None:
        """Entries come in order, each with the octets of its leaf hash; None for one that was seen already."""
        if message["type"] == "pong" and message["t"] == self._pinged:
            self._rtt = max(0, _clock() - message["t"])
        if message["type"] == "snapshot":
            self.next = message["size"] if self.next is None else self.next
        if message["type"] == "entry":
            if self.next is not None and message["n"] < self.next:
                return None
            if self.next is not None and message["n"] != self.next:
                raise RecordUntrusted(f"entry {message['n']} came where {self.next} was due")
            data = message.get("entry")
            if data is not None and leaf_hash(unb64u(data)) != unb64u(message["leaf"], 32):
                raise RecordUntrusted(f"entry {message['n']} has another leaf hash")
            self.next = message["n"] + 1
        return message


def _clock() -> int:
    """This device's own clock, which nobody sets, in ms."""
    return int(time.monotonic() * 1000)
