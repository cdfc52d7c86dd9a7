"""Members that the whole proceeding in browsers plays over the API: `python -m tests.e2e.place CONFIG`.

Each announces its device's key like a browser does, and waits until the venue's operator has looked at it. Standard
output carries one JSON object per line.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from evidence.core.canonical import Object
from sessions.core.identity import comparison_code
from sessions.trust import Pins
from web.demo import wiring
from web.demo.actor import Actor, Report
from web.demo.seat import Member
from web.demo.venue import read_opening, read_plan
from web.device.client import Client
from web.device.device import Device
from web.device.live import Live
from web.device.seat import Seat

PATIENCE_S = 150.0
LOOK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    server: str
    origin: str
    state: str
    policy: str
    links: dict[str, str]
    plans: dict[str, Object]


async def play(config: Config) -> None:
    """Until the proceeding is over for every seat."""
    policy = Path(config.policy)
    pins = Pins.parse((policy / "tlog-policy").read_text(), (policy / "trust.json").read_text())
    report = Report(write=say, acknowledged=Path(config.state) / "acknowledged.jsonl")
    async with AsyncExitStack() as stack:
        clients = {name: await sign_in(stack, config.server, token) for name, token in config.links.items()}
        opening = await read_opening(next(iter(clients.values())))
        async with asyncio.TaskGroup() as group:
            for name, client in clients.items():
                device = Device(folder=Path(config.state) / name, origin=config.origin, sub=name)
                stack.callback(device.close)
                seat = Seat(
                    device=device,
                    client=client,
                    pins=pins,
                    envelopes=wiring.envelopes(),
                    entropy=secrets.token_bytes,
                    opening=opening,
                )
                plan = read_plan(config.plans[name])
                actor = Member(seat=seat, live=Live(client=client), report=report, plan=plan, drafted=nothing)
                group.create_task(actor.run())
                group.create_task(introduce(actor))


async def introduce(actor: Actor) -> None:
    await announced(actor.seat)
    actor.vouched.set()


async def announced(seat: Seat) -> None:
    """Announce the key until it is vouched for."""
    client, device = seat.client, seat.device
    path = f"/v1/proceedings/{client.proceeding}/seats/me/key"
    code = comparison_code(device.origin, device.sub, device.thumbprint)
    say(json.dumps({"who": device.sub, "what": "announces", "code": code}))
    while (await client.view())["me"]["vouched"] != device.thumbprint:
        await client.call("POST", path, json={"jwk": device.jwk})
        await asyncio.sleep(LOOK_S)


async def sign_in(stack: AsyncExitStack, server: str, token: str) -> Client:
    client = Client(base_url=server, origin=server, patience_s=PATIENCE_S)
    stack.push_async_callback(client.close)
    await client.sign_in(token)
    return client


async def nothing() -> None:
    """A draft is kept, and nothing happens to the venue."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(play(Config(**json.loads(Path(sys.argv[1]).read_text()))))
