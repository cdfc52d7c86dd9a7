"""How does a centre vouch for the device of one of its seats?

An officer of the centre does it on the command line: the main centre's at its own server, every other city's at its own
node, which signs with the key that the agreement pins and has the act carried to the main server; or the city's own
system does. (In a browser an operator checks the people by `identity.check`.)
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
    """`token` is the administrator's of the main server."""

    server: str
    token: str
    origin: str

    async def __call__(self, seat: str, thumbprint: str) -> None:
        path = f"/v1/proceedings/{self.origin.rpartition('/')[2]}/seats/{seat}/vouch"
        async with httpx2.AsyncClient(base_url=self.server, timeout=10, trust_env=False) as http:
            answer = await http.post(path, json={"thumbprint": thumbprint}, headers=_bearer(self.token))
        answer.raise_for_status()


@dataclass(frozen=True, slots=True)
class ByCity:
    """`token` is the city's own operator's, `client` any seat of the city's that is signed in at the main server."""

    client: Client
    node: str
    token: str
    origin: str

    async def __call__(self, seat: str, thumbprint: str) -> None:
        question = {"origin": self.origin, "seat": seat, "thumbprint": thumbprint}
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            answer = await http.post(f"{self.node}/identity/vouch", json=question, headers=_bearer(self.token))
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


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


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
