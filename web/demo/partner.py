"""How does a partner city come into the demo? Its own system does everything by the partner API.

The administrator offers the agreement and the invitation; `tongping partner-sim` signs, accepts, names its room and its
seats, vouches for their devices, follows feed and webhook, and in the end fetches and verifies the evidence file.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from web.demo.installation import ADDRESS, Installation, Node, free_ports
from web.demo.tender import Object
from web.server import wiring
from web.server.installation import Layout

VENUE = "venue-2"
STARTS = "2016-11-07T09:00:00+08:00"
TERMS = "双方按《政府采购远程异地评审协作框架协议》开展协作：互认场地、人员与见证，各自对本地席位负责。（演示文本）"
UNTIL = "2099-12-31"
SCOPES = [
    *("partner.agreements.read", "partner.agreements.sign", "partner.agreements.end"),
    *("partner.invitations.read", "partner.invitations.answer", "partner.venues.name"),
    *("partner.events.read", "partner.sessions.read", "partner.seats.vouch", "partner.results.read"),
    *("partner.evidence.read", "partner.webhooks.read", "partner.webhooks.write"),
]
NAMED_S = 30.0
"""The program answers within a second or two; longer is a failure."""
Write = Callable[[str, Object], Awaitable[Object]]
"""A POST of the administrator's, each with an Idempotency-Key of its own."""


@dataclass(frozen=True, slots=True)
class Guests:
    """What a partner brings: `people` are its members' names, which only it knows before it names them."""

    centre: str
    rooms: int
    people: list[tuple[str, str]]


def apart(tender: Object, venue: str) -> tuple[Object, Guests]:
    """The tender without what the venue's own city will name, and what that is."""
    ours = [seat for seat in tender["seats"] if seat["venue"] != venue]
    theirs = {seat["id"] for seat in tender["seats"] if seat["venue"] == venue}
    members = tender["definition"]["members"]
    rest = tender | {
        "venues": [v for v in tender["venues"] if v["id"] != venue],
        "rooms": [room for room in tender["rooms"] if room["venue"] != venue],
        "seats": ours,
        "definition": tender["definition"] | {"members": [m for m in members if m["seat"] not in theirs]},
    }
    (centre,) = (v["centre"] for v in tender["venues"] if v["id"] == venue)
    people = [(m["name"], m["organisation"]) for m in members if m["seat"] in theirs]
    return rest, Guests(centre, sum(room["venue"] == venue for room in tender["rooms"]), people)


@dataclass(slots=True)
class Partner:
    """The partner's program, and the host's side of the partnership. `heard` gets each line that the program says."""

    installation: Installation
    guests: Guests
    heard: Callable[[Any], None]
    folder: Path = field(init=False)
    _process: asyncio.subprocess.Process | None = None
    _following: asyncio.Task[int] | None = None
    _stopped: bool = False

    def __post_init__(self) -> None:
        self.folder = self.installation.state / "partner"

    async def convene(self, write: Write, read: Callable[[str], Awaitable[Object]], *, until: str = "closed") -> str:
        """From the first key to the named venue; the invitation's id, for the tender."""
        centre = self.guests.centre
        jwk = await self._initialise()
        client = (await write(f"/v1/partners/{centre}/clients", {"jwk": jwk, "scopes": SCOPES}))["client"]
        offer: Object = {"terms": TERMS, "until": UNTIL, "sign": True}
        agreement = (await write(f"/v1/partners/{centre}/agreements", offer))["agreement"]
        self._following = asyncio.create_task(self._run(client, until))
        await self._until(read, "agreements", "agreement", agreement, "in-force")
        place: Object = {
            "agreement": agreement,
            "venue": VENUE,
            "starts": STARTS,
            "rooms": self.guests.rooms,
            "seats": len(self.guests.people),
            "specialities": [],
        }
        invitation = str((await write(f"/v1/partners/{centre}/invitations", place))["invitation"])
        await self._until(read, "invitations", "invitation", invitation, "named")
        return invitation

    async def ended(self) -> int:
        """The program's exit status."""
        assert self._following is not None  # noqa: S101 (for the type checker: it was started)
        return await self._following

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None  # noqa: S101 (for the type checker: it was started)
        self._process.kill()

    async def stop(self) -> None:
        """Whatever still runs."""
        self._stopped = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
        if self._following is not None:
            await asyncio.gather(self._following, return_exceptions=True)

    async def _initialise(self) -> Object:
        node = self._node
        (port,) = free_ports(socket.SOCK_STREAM, 1)
        token = Layout(node.state).secrets / wiring.OPERATOR_TOKEN
        process = await asyncio.create_subprocess_exec(
            *_command("init", "--state", str(self.folder), "--centre", self.guests.centre),
            *("--server", self.installation.url, "--node", node.url, "--node-token", str(token)),
            *("--receiver-port", str(port), "--receiver-url", f"http://{ADDRESS}:{port}"),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise PartnerFailed("the partner's program could not be set up")
        (self.folder / "people.json").write_text(json.dumps(self.guests.people))
        jwk: Object = json.loads(said)
        return jwk

    async def _run(self, client: str, until: str) -> int:
        """The exit status; a program that was killed is started again, as whoever keeps it would."""
        while True:
            self._process = await asyncio.create_subprocess_exec(
                *_command("run", "--state", str(self.folder), "--client", client),
                *("--policy", str(Layout(self._node.state).policy), "--until", until),
                stdout=asyncio.subprocess.PIPE,
                # Out of the terminal's reach: a Ctrl-C is for the demo, which ends the program.
                start_new_session=True,
            )
            assert self._process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
            async for line in self._process.stdout:
                self.heard(json.loads(line))
            status = await self._process.wait()
            if status != -signal.SIGKILL or self._stopped:
                return status

    async def _until(
        self, read: Callable[[str], Awaitable[Object]], kind: str, key: str, name: str, state: str
    ) -> None:
        async with asyncio.timeout(NAMED_S):
            while True:
                if self._following is not None and self._following.done():
                    raise PartnerFailed("the partner's program ended too early")
                found = (await read(f"/v1/partners/{self.guests.centre}/{kind}"))[kind]
                if any(item[key] == name and item["state"] == state for item in found):
                    return
                await asyncio.sleep(0.1)

    @property
    def _node(self) -> Node:
        node = self.installation.node(self.guests.centre)
        assert node is not None  # noqa: S101 (a partner has a node)
        return node


class PartnerFailed(Exception):
    """The partner's program gave up."""


def _command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "web.server", "partner-sim", *arguments)
