"""How does a centre vouch for the device of one of its seats?

The main centre's server does it for its own operator; every other city asks its own node, which signs with the key that
the agreement pins, and carries the act to the main server: the operator by hand, or the city's own system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx2

from web.demo.actor import Actor, Report
from web.device.client import Client
from web.device.live import Live
from web.device.seat import Seat

PARTNER_S, PAUSE_S = 60.0, 0.1
"""The partner's system looks once a second, and waits out whatever the demo kills."""


class Vouching(Protocol):
    """Asking again MUST be harmless: a seat is vouched for once, with one device."""

    async def __call__(self, seat: str, thumbprint: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ByMainCentre:
    """`client` is signed in as the main venue's operator."""

    client: Client

    async def __call__(self, seat: str, thumbprint: str) -> None:
        await self.client.vouch(seat, thumbprint)


@dataclass(frozen=True, slots=True)
class ByCity:
    """`token` is the city's own operator's, `client` any seat of the city's that is signed in at the main server."""

    client: Client
    node: str
    token: str
    origin: str

    async def __call__(self, seat: str, thumbprint: str) -> None:
        question = {"origin": self.origin, "seat": seat, "thumbprint": thumbprint}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            answer = await http.post(f"{self.node}/identity/vouch", json=question, headers=headers)
        answer.raise_for_status()
        await self.client.post_act(answer.json()["act"])


@dataclass(frozen=True, slots=True)
class ByPartner:
    """The city's own system vouches: its officers write down what they saw, in its folder `devices`."""

    devices: Path

    async def __call__(self, seat: str, thumbprint: str) -> None:
        (self.devices / seat).write_text(thumbprint)
        async with asyncio.timeout(PARTNER_S):
            while not (self.devices / f"{seat}.vouched").exists():  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(PAUSE_S)


class Voucher(Actor):
    """Whoever has a centre vouch: for the own device, and for those of the people who sit in the same place."""

    def __init__(self, *, seat: Seat, live: Live, report: Report, vouch: Vouching, present: Sequence[Actor]) -> None:
        super().__init__(seat=seat, live=live, report=report)
        self._vouch = vouch
        self._present = (self, *present)

    async def attend(self) -> None:
        """Vouching is the centre's act, so no seat's view asks for it: the people stand at the door."""
        for actor in self._present:
            if not actor.vouched.is_set():
                try:
                    await self._vouch(actor.id, actor.seat.device.thumbprint)
                except httpx2.HTTPError:
                    self.report.say(self.id, "refused", act="seat.vouch", code="node-away")
                    return
                actor.vouched.set()
        await super().attend()
