"""All that sits in one place, as one process: `python -m web.demo.venue CONFIG`.

CONFIG is a JSON file of `Config`'s fields. Standard output carries one JSON object per line (see `actor.Report`).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from evidence.core import entry as entries
from evidence.core.canonical import Object
from sessions.trust import Pins
from web.demo import wiring
from web.demo.actor import Actor, Report
from web.demo.operator import Operator
from web.demo.room import Room
from web.demo.seat import Member
from web.demo.supervisor import Supervisor
from web.demo.tender import Plan
from web.demo.vouching import ByCity, ByMainCentre, ByPartner, Vouching
from web.device.client import Client
from web.device.device import Device
from web.device.errors import RecordUntrusted
from web.device.live import Live
from web.device.record import Opening
from web.device.seat import Seat

PATIENCE_S = 150.0
"""An actor waits for the server longer than any restart takes, and not longer than the demo may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`links` = seat -> one-time token; `token` is that of whoever vouches: at `node`, or of the main server's
    administrator where that is None; `devices` is the folder of a city's own system that does. `outage_s` = how long
    this venue is cut off once its expert has a draft, 0 for never; `evidence` is where the leading operator puts the
    file."""

    server: str
    origin: str
    state: str
    policy: str
    trust: str
    links: dict[str, str]
    node: str | None = None
    token: str = ""
    devices: str | None = None
    clip: str | None = None
    plans: dict[str, Object] = field(default_factory=dict)
    outage_s: float = 0.0
    evidence: str | None = None


class Place:
    """The actors of one venue, who share its network."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pins = Pins.parse(Path(config.policy).read_text(), Path(config.trust).read_text())
        self._report = Report(write=_write, acknowledged=Path(config.state) / "acknowledged.jsonl")
        self._actors: list[Actor] = []
        self._outage_over = config.outage_s == 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the proceeding is over for every actor."""
        async with AsyncExitStack() as stack:
            clients = {name: await self._sign_in(stack, token) for name, token in self._config.links.items()}
            leader = next(name for name in clients if name.startswith(("operator", "supervisor")))
            opening = await read_opening(clients[leader])
            seats = {name: self._seat(stack, name, client, opening) for name, client in clients.items()}
            self._actors += [self._actor(name, seat) for name, seat in seats.items() if name != leader]
            self._actors.append(self._leader(leader, seats[leader]))
            async with asyncio.TaskGroup() as group:
                for actor in self._actors:
                    group.create_task(actor.run())

    async def _sign_in(self, stack: AsyncExitStack, token: str) -> Client:
        client = Client(base_url=self._config.server, origin=self._config.server, patience_s=PATIENCE_S)
        stack.push_async_callback(client.close)
        await client.sign_in(token)
        return client

    def _seat(self, stack: AsyncExitStack, name: str, client: Client, opening: Opening) -> Seat:
        device = Device(folder=Path(self._config.state) / name, origin=self._config.origin, sub=name)
        seat = Seat(
            device=device,
            client=client,
            pins=self._pins,
            envelopes=wiring.envelopes(),
            entropy=secrets.token_bytes,
            opening=opening,
            node=self._config.node,
        )
        stack.push_async_callback(seat.close)
        return seat

    def _actor(self, name: str, seat: Seat) -> Actor:
        live = Live(client=seat.client)
        if name.startswith("room") and self._config.clip is not None:
            return Room(seat=seat, live=live, report=self._report, clip=Path(self._config.clip))
        plan = self._config.plans[name]
        return Member(seat=seat, live=live, report=self._report, plan=read_plan(plan), drafted=self._drafted)

    def _leader(self, name: str, seat: Seat) -> Actor:
        live = Live(client=seat.client)
        vouch = self._vouching(seat.client)
        if name.startswith("supervisor"):
            return Supervisor(seat=seat, live=live, report=self._report, vouch=vouch)
        evidence = self._config.evidence
        return Operator(
            seat=seat,
            live=live,
            report=self._report,
            vouch=vouch,
            present=tuple(self._actors),
            evidence=None if evidence is None else Path(evidence),
        )

    def _vouching(self, client: Client) -> Vouching:
        if self._config.devices is not None:
            return ByPartner(Path(self._config.devices))
        config = self._config
        if config.node is None:
            return ByMainCentre(config.server, config.token, config.origin)
        return ByCity(client, config.node, config.token, config.origin)

    async def _drafted(self) -> None:
        """The expert has a draft: the moment in which this venue's network fails, if it is to fail."""
        if not self._outage_over:
            self._outage_over = True
            task = asyncio.create_task(self._outage())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _outage(self) -> None:
        self._report.say("network", f"is gone for {self._config.outage_s:.0f} s")
        for actor in self._actors:
            await actor.went_offline()
        await asyncio.sleep(self._config.outage_s)
        self._report.say("network", "is back")
        for actor in self._actors:
            await actor.came_back()


async def read_opening(client: Client) -> Opening:
    """The proceeding's opening in the centre log, for every device of the place: each proves it under its own pins.
    A room's device may not see entry 0, which says where it stands."""
    founding = entries.parse(await client.entry(0))
    if founding.act is None:
        raise RecordUntrusted("entry 0 founds no proceeding")
    index = founding.act.body["opening"]["index"]
    return await client.centre_entry(index), await client.centre_receipt(index)


def write_plan(plan: Plan) -> Object:
    """A plan as JSON."""
    return {
        "chair": plan.chair,
        "sheet": {bidder: {leaf: str(p) for leaf, p in points.items()} for bidder, points in plan.sheet.items()},
        "failed": [list(pair) for pair in plan.failed],
    }


def read_plan(value: Object) -> Plan:
    """What `write_plan` wrote."""
    return Plan(
        chair=value["chair"],
        sheet={bidder: {leaf: Decimal(p) for leaf, p in points.items()} for bidder, points in value["sheet"].items()},
        failed=tuple((bidder, item) for bidder, item in value["failed"]),
    )


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Place(Config(**json.loads(Path(sys.argv[1]).read_text()))).run())
