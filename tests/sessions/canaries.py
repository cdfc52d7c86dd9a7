"""Everything that a server sends to anybody, gathered: each route to each role, each socket from its first message on.

A canary is something that must not leave: a score, a sheet's salt, a name. `found` looks for it in the forms in which
it could travel: plain, base64 in its three alignments, hexadecimal.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence.core.canonical import b64u, encode, unb64u
from evidence.core.entry import Entry
from sessions.core.contents import objects
from tests.partner.world import ADMINISTRATOR, ORIGIN, City, Site
from tests.sessions.drive import ZHUHAI
from tests.web.test_route_table import permissions

SEATS = ("seat-1", "seat-3", "seat-4", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2")
"""Each role, in the main venue and in another one."""
# Images of pages are made by a worker of its own from documents alone; signing out would end the walk.
NOT_WALKED = ("/pages/", "/sign-out", "/sign-in", "/verification")
# Sockets bring every entry to every seat; by routes each asks for the newest ones, and a node for all since the seals.
NEWEST, SINCE = 3, 40


def forms(canary: bytes) -> Iterator[bytes]:
    """How these octets could look on a wire or a disk."""
    yield canary
    yield canary.hex().encode()
    for shift in range(3):
        # What surrounds a text in base64 changes its first and last characters; the middle stays.
        coded = base64.b64encode(bytes(shift) + canary)
        middle = coded[4 if shift else 0 : len(coded) - 4]
        if len(middle) >= 8:
            yield middle
            yield middle.replace(b"+", b"-").replace(b"/", b"_")


def found(canaries: Mapping[str, bytes], places: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """(canary, place) of each that got out."""
    looks = [(name, form) for name, canary in canaries.items() for form in forms(canary)]
    return {(name, place) for place, data in places.items() for name, form in looks if form in data}


def disk(*folders: Path) -> dict[str, bytes]:
    """Every file below."""
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


@dataclass
class Wire:
    """One client's live socket on the application itself; `sent` is all that the server said."""

    sent: list[bytes] = field(default_factory=list)
    entries: int = 0

    async def run(self, app: Callable[..., Any], path: str, ticket: str) -> None:
        """From the handshake to its cancellation: a page that only listens."""
        asked = iter([{"type": "websocket.connect"}, self._text({"type": "hello", "resume": 0})])

        async def receive() -> dict[str, Any]:
            with suppress(StopIteration):
                return next(asked)
            await asyncio.sleep(0.5)
            return self._text({"type": "ping", "t": 1})

        async def send(message: Mapping[str, Any]) -> None:
            text = str(message.get("text", "")).encode()
            self.sent.append(text)
            if b'"entry"' in text:
                said = json.loads(text)
                self.entries = max(self.entries, said.get("n", -1) + 1)
                # What travels as base64 is looked at as it is, too.
                if isinstance(said.get("entry"), str):
                    self.sent.append(base64.urlsafe_b64decode(said["entry"] + "=="))

        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": f"ticket={ticket}".encode(),
            "headers": [(b"origin", ORIGIN.encode()), (b"host", b"hohhot.example")],
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
            "server": ("hohhot.example", 443),
            "scheme": "wss",
            "http_version": "1.1",
        }
        await app(scope, receive, send)

    def _text(self, value: Any) -> dict[str, Any]:
        return {"type": "websocket.receive", "text": encode(value).decode()}


@dataclass
class Walk:
    """All doors of one proceeding, for all who may come."""

    site: Site
    id: str
    sessions: dict[str, str] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def listen(self) -> None:
        """A socket for each seat, from the first entry on."""
        for seat in SEATS:
            answer = await self._as(seat, "POST", f"/v1/proceedings/{self.id}/socket-tickets")
            wire = self.wires[seat] = Wire()
            path = f"/v1/proceedings/{self.id}/live"
            self.tasks.append(asyncio.create_task(wire.run(self.site.app, path, answer["ticket"])))

    async def hang_up(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def told(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """What every route says now to every role, and what every socket has said."""
        listed = list(entries)
        places = {f"socket of {seat}": b"\n".join(wire.sent) for seat, wire in self.wires.items()}
        for city in self.site.cities.values():
            await city.sign_in()
        for actor in (*SEATS, "node", "administrator", *self.site.cities):
            for method, path in self._paths(listed[-(SINCE if actor == "node" else NEWEST) :]):
                places[f"{method} {path} to {actor}"] = await self.ask(actor, method, path)
        return places

    def _paths(self, entries: list[Entry]) -> Iterator[tuple[str, str]]:
        log = self.site.proceedings.get(self.id).entries
        seals = [entry.act for entry in log if entry.type == "SheetSealed" and entry.act is not None]
        cited = sorted(sha256.hex() for name, sha256 in objects(log).items() if not name.startswith("recordings"))
        names = {unb64u(act.body["envelope"]["ct"]["sha256"]).hex() for act in seals} | set(cited[:2])
        fills = {"n": [str(entry.n) for entry in entries], "sha256": sorted(names), "seat": ["seat-1"]}
        for (method, path), permission in permissions(self.site.app).items():
            if method not in ("GET", "POST") or not path.startswith("/v1/") or any(p in path for p in NOT_WALKED):
                continue
            if permission is None or (method == "POST" and "/proceedings/{id}/" not in path):
                continue
            yield from ((method, filled) for filled in self._filled(path.replace("{id}", self.id), fills))

    def _filled(self, path: str, fills: Mapping[str, list[str]]) -> Iterator[str]:
        named = re.search(r"\{(\w+)(?::\w+)?\}", path)
        if named is None:
            yield path
            return
        for value in fills.get(named.group(1), ["0"]):
            yield from self._filled(path[: named.start()] + value + path[named.end() :], fills)

    async def ask(self, actor: str, method: str, path: str) -> bytes:
        headers = {"Origin": ORIGIN}
        if actor in SEATS:
            headers["Cookie"] = f"{self.site.services.cookie}={await self._session(actor)}"
        else:
            headers["Authorization"] = f"Bearer {self._bearer(actor)}"
        content = b"{}" if method == "POST" else None
        if content is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": "canary"}
        answer = await self.site.http.request(method, path, headers=headers, content=content)
        return answer.content + repr(answer.headers).encode()

    def _bearer(self, actor: str) -> str:
        if actor == "administrator":
            return ADMINISTRATOR
        if actor == "node":
            payload = {"iss": ZHUHAI, "aud": ORIGIN, "exp": int(time.time()) + 30}
            signed = f"{b64u(encode({'alg': 'ES256', 'typ': 'JWT'}))}.{b64u(encode(payload))}"
            return f"{signed}.{b64u(self.site.world.holders[ZHUHAI].signer.sign(signed.encode()))}"
        city: City = self.site.cities[actor]
        return city.token

    async def _as(self, seat: str, method: str, path: str) -> Any:
        return json.loads((await self._raw(seat, method, path)).content)

    async def _raw(self, seat: str, method: str, path: str) -> Any:
        cookie = {"Cookie": f"{self.site.services.cookie}={await self._session(seat)}"}
        answer = await self.site.http.request(method, path, headers={"Origin": ORIGIN} | cookie)
        assert answer.is_success, answer.text
        return answer

    async def _session(self, seat: str) -> str:
        if seat not in self.sessions:
            identity = self.site.services.identity
            self.sessions[seat], _ = await identity.sign_in(await identity.issue_link(self.id, seat), brought=None)
        return self.sessions[seat]
