"""A room without a browser: an aiortc peer that publishes tracks to a media worker. For demonstrations and tests.

Signalling is the caller's: take `offer()` to the server and bring its answer to `accept()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription


def use_loopback() -> None:
    """Let this process's peers use 127.0.0.1 only; aioice would use every address but this one."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class RoomClient:
    """One connection of one room; after a loss, make another one."""

    def __init__(self, *, tracks: Sequence[MediaStreamTrack]) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._changed = asyncio.Event()
        self._connection.on("connectionstatechange", self._changed.set)
        for track in tracks:
            self._connection.addTransceiver(track, direction="sendonly")

    @property
    def state(self) -> str:
        """new, connecting, connected, failed or closed."""
        return self._connection.connectionState

    async def offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def connected(self) -> None:
        """Return when packets flow; raise ConnectionError if they never will."""
        while self.state != "connected":
            if self.state in ("failed", "closed"):
                raise ConnectionError(f"the connection is {self.state}")
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        await self._connection.close()
