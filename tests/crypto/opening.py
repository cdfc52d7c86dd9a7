"""A browser's seat as a fresh page opens it: what is in the store is all there is."""

from __future__ import annotations

from sessions.trust import Pins
from tests.crypto.node import Browser
from tests.device.server import SESSION, MainServer
from tests.sessions.node_world import PROCEEDING


async def opened(client: Browser, server: MainServer, pins: Pins, seat: str, **more: object) -> str:
    """The thumbprint of its device's key."""
    told = await client.ask(
        "open",
        url=server.url,
        cookie=SESSION,
        proceeding=PROCEEDING.rpartition("/")[2],
        origin=PROCEEDING,
        sub=seat,
        policy=pins.policy_text,
        trust=pins.trust_text,
        digest=pins.digest.hex(),
        **more,
    )
    return str(told["thumbprint"])
