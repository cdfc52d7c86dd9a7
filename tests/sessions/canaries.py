"""Everything that a server sends to anybody, gathered: each route to each role, each socket from its first message on.

The routes are the application's own, and none is left out: one that takes a body, or names something in its path or its
query, that nobody has written down here stops the walk. A canary is something that must not leave: a score, a sheet's
salt, a name. `found` looks for it in the forms in which it could travel: plain, base64 in its three alignments,
hexadecimal.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import httpx2

from evidence.core.canonical import b64u, encode
from evidence.core.tiles import WIDTH, Tile
from sessions.core.contents import objects
from sessions.keeper import ProceedingKeeper
from tests.partner.world import ADMINISTRATOR, ORIGIN, City, Site, handshake
from tests.sessions.drive import ZHUHAI
from tests.sessions.service_people import People
from tests.web.test_route_table import permissions
from web.server.allow import PUBLIC

SEATS = ("seat-1", "seat-3", "seat-4", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2")
"""Each role, in the main venue and in another one."""
NODE, NOBODY = "node", "nobody"
# Sockets bring every entry to every seat, and bundles all of them to a node; singly each asks for the newest.
NEWEST = 2
# FastAPI's own description of the routes.
DESCRIPTION = ("GET", "/v1/openapi.json")
QUERY = {"old": "1", "size": "2"}
"""What a query must name."""
JSON_TYPE, SDP_TYPE, OCTETS_TYPE = "application/json", "application/sdp", "application/octet-stream"
FORM_TYPE, PDF_TYPE = "application/x-www-form-urlencoded", "application/pdf"
_ACT: Any = {"act": "x"}
BODIES: Mapping[tuple[str, str], tuple[str, Any]] = {
    # `{token}` is a link of the caller's own, `{act}` the next act of its key.
    ("POST", "/v1/sign-in"): (JSON_TYPE, {"token": "{token}"}),
    ("POST", "/v1/oauth/token"): (FORM_TYPE, b"grant_type=client_credentials"),
    ("POST", "/v1/proceedings"): (JSON_TYPE, {}),
    ("POST", "/v1/tender-checks"): (JSON_TYPE, {}),
    ("POST", "/v1/uploads"): (PDF_TYPE, b"%PDF-1.7"),
    ("POST", "/v1/proceedings/{id}/acts"): (JSON_TYPE, {"act": "{act}"}),
    ("POST", "/v1/proceedings/{id}/after/acts"): (JSON_TYPE, _ACT),
    ("POST", "/v1/proceedings/{id}/confirmations"): (JSON_TYPE, _ACT),
    ("POST", "/v1/proceedings/{id}/continue"): (JSON_TYPE, {"reason": "x"}),
    ("POST", "/v1/proceedings/{id}/device-check"): (SDP_TYPE, b"v=0"),
    ("POST", "/v1/proceedings/{id}/journals"): (JSON_TYPE, _ACT),
    ("POST", "/v1/proceedings/{id}/links"): (JSON_TYPE, {"seat": "seat-1"}),
    ("POST", "/v1/proceedings/{id}/objects"): (OCTETS_TYPE, b"octets"),
    ("POST", "/v1/proceedings/{id}/pool-facts"): (OCTETS_TYPE, b"{}"),
    ("POST", "/v1/proceedings/{id}/proofs"): (JSON_TYPE, {"entry": "eA", "proof": "x"}),
    ("POST", "/v1/proceedings/{id}/questions/{question}/vouch"): (JSON_TYPE, {"jwk": {}}),
    ("POST", "/v1/proceedings/{id}/rooms/{room}/publish"): (SDP_TYPE, b"v=0"),
    ("POST", "/v1/proceedings/{id}/seats/me/key"): (JSON_TYPE, {"jwk": {}}),
    ("POST", "/v1/proceedings/{id}/seats/{seat}/vouch"): (JSON_TYPE, {"thumbprint": "x"}),
    ("POST", "/v1/proceedings/{id}/vouches"): (JSON_TYPE, _ACT),
    ("PUT", "/v1/proceedings/{id}/watch/{subscription}"): (SDP_TYPE, b"v=0"),
    ("POST", "/v1/partners/{centre}/agreements"): (JSON_TYPE, {}),
    ("POST", "/v1/partners/{centre}/agreements/{agreement}/end"): (JSON_TYPE, {}),
    ("POST", "/v1/partners/{centre}/agreements/{agreement}/signature"): (JSON_TYPE, {}),
    ("POST", "/v1/partners/{centre}/clients"): (JSON_TYPE, {}),
    ("POST", "/v1/partners/{centre}/invitations"): (JSON_TYPE, {}),
    ("POST", "/v1/partners/{centre}/invitations/{invitation}/withdrawal"): (JSON_TYPE, {}),
    ("POST", "/v1/partner/agreements/{agreement}/end"): (JSON_TYPE, _ACT),
    ("POST", "/v1/partner/agreements/{agreement}/signature"): (JSON_TYPE, _ACT),
    ("POST", "/v1/partner/invitations/{invitation}/acceptance"): (JSON_TYPE, _ACT),
    ("POST", "/v1/partner/invitations/{invitation}/refusal"): (JSON_TYPE, _ACT),
    ("PUT", "/v1/partner/invitations/{invitation}/venue"): (JSON_TYPE, _ACT | {"disclosures": []}),
    ("POST", "/v1/partner/proceedings/{id}/vouches"): (JSON_TYPE, _ACT),
    ("POST", "/v1/partner/webhooks"): (JSON_TYPE, {}),
    ("POST", "/v1/partner/webhooks/{webhook}/deliveries/{message}/replay"): (JSON_TYPE, {}),
    ("POST", "/v1/partner/webhooks/{webhook}/rotation"): (JSON_TYPE, {}),
}
"""What is sent to each route that takes a body."""


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
    """Every file below, and every row of every database among them: a page of a file may cut a text in two."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files} | dict(chain(*map(_rows, files)))


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix not in (".sqlite", ".db"):
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
            yield f"{path}: {table}", b"\n".join(_octets(value) for row in rows for value in row)


def _octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@dataclass
class Wire:
    """One client's live socket on the application itself; `sent` is all that the server said."""

    sent: list[bytes] = field(default_factory=list)
    entries: int = 0

    async def run(self, app: Callable[..., Any], path: str, ticket: str) -> None:
        """From the handshake to its end: a page that only listens."""
        asked = iter([{"type": "websocket.connect"}, self._text({"type": "hello", "resume": self.entries})])

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

        await app(handshake(path, ticket), receive, send)

    def _text(self, value: Any) -> dict[str, Any]:
        return {"type": "websocket.receive", "text": encode(value).decode()}


@dataclass(frozen=True, slots=True)
class Question:
    """One request: the route as the application names it, and the path that is asked for; `kind` of a body, if any.
    What is `public` is read without a look at who asks."""

    method: str
    route: str
    path: str
    kind: str | None = None
    body: Any = None
    public: bool = False


@dataclass
class Walk:
    """All doors of one proceeding, for all who may come. `ids` are what paths name besides what is the proceeding's
    own; `answered` are the doors that told somebody something else than a refusal."""

    site: Site
    people: People
    ids: Mapping[str, str]
    sessions: dict[str, str] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    answered: set[tuple[str, str]] = field(default_factory=set)

    @property
    def keeper(self) -> ProceedingKeeper:
        return self.site.proceedings.get(self.people.id)

    def listen(self) -> None:
        """A socket for each seat, from the first entry on."""
        for seat in SEATS:
            wire = self.wires[seat] = Wire()
            self.tasks.append(asyncio.create_task(self._follow(seat, wire)))

    async def _follow(self, seat: str, wire: Wire) -> None:
        """A socket that was silent for too long, on a busy machine, is closed; it is opened anew where it was."""
        path = f"/v1/proceedings/{self.people.id}"
        while True:
            cookie = {"Origin": ORIGIN, "Cookie": f"{self.site.services.cookie}={await self._session(seat)}"}
            answer = await self.site.http.post(f"{path}/socket-tickets", headers=cookie)
            await wire.run(self.site.app, f"{path}/live", answer.json()["ticket"])
            await asyncio.sleep(0.1)

    async def hang_up(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def told(self, actors: Sequence[str] = (), *, reads: bool = False) -> dict[str, bytes]:
        """What every route says now to every role, and what every socket has said; `reads`: only what is read."""
        places = {f"socket of {seat}": b"\n".join(wire.sent) for seat, wire in self.wires.items()}
        for city in self.site.cities.values():
            await city.sign_in()
        questions = [asked for asked in self.questions() if asked.method == "GET" or not reads]
        for actor in actors or (*SEATS, NODE, "administrator", *self.site.cities, NOBODY):
            for asked in questions:
                if asked.public and actor != NOBODY:
                    continue
                answer = await self._ask(actor, asked)
                if answer.is_success:
                    self.answered.add((asked.method, asked.route))
                places[f"{asked.method} {asked.path} to {actor}"] = _all(answer)
        return places

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Every route of the application; its one socket is listened to."""
        return [*(route for route in permissions(self.site.app) if route[0] != "SOCKET"), DESCRIPTION]

    def questions(self) -> Iterator[Question]:
        """All that can be asked now. KeyError for a route that wants something which nobody has written down."""
        described, known = self.site.app.openapi()["paths"], permissions(self.site.app)
        for method, route in self.routes:
            operation = described.get(re.sub(r":\w+}", "}", route), {}).get(method.lower(), {})
            kind, body = BODIES[method, route] if "requestBody" in operation else (None, None)
            wanted = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p.get("required")]
            query = "?" + "&".join(f"{name}={QUERY[name]}" for name in wanted) if wanted else ""
            for path in _filled(route, self._fills(method, route)):
                public = method == "GET" and known.get((method, route)) == PUBLIC
                yield Question(method, route, path + query, kind, body, public)

    async def ask(self, actor: str, path: str) -> bytes:
        """One answer, octets and headers."""
        return _all(await self._ask(actor, Question("GET", path, path)))

    async def _ask(self, actor: str, asked: Question) -> httpx2.Response:
        headers = {"Origin": ORIGIN}
        if actor in SEATS:
            # Who signs in or out does it beside the session of the walk.
            apart = asked.route in ("/v1/sign-in", "/v1/sign-out")
            session = await (self._another(actor) if apart else self._session(actor))
            headers["Cookie"] = f"{self.site.services.cookie}={session}"
        elif actor != NOBODY:
            headers["Authorization"] = f"Bearer {self._bearer(actor)}"
        if asked.method != "GET":
            headers |= {"Idempotency-Key": secrets.token_hex(8), "If-Match": "*"}
        content = asked.body
        if asked.kind is not None:
            headers["Content-Type"] = asked.kind
            content = content if isinstance(content, bytes) else encode(await self._meant(actor, content))
        return await self.site.http.request(asked.method, asked.path, headers=headers, content=content)

    async def _meant(self, actor: str, body: Any) -> Any:
        if body == {"token": "{token}"}:
            seat = actor if actor in SEATS else SEATS[0]
            return {"token": await self.site.services.identity.issue_link(self.people.id, seat)}
        if body == {"act": "{act}"}:
            seat = actor if actor in SEATS else SEATS[0]
            return {"act": self.people.act(self.keeper, seat, "incident.note", {"seat": None, "text": "x"}).jws}
        return body

    def _fills(self, method: str, path: str) -> dict[str, Sequence[str]]:
        log = self.keeper.entries
        size = len(self.site.proceedings.centre.entries) if path.startswith("/v1/centre/") else len(log)
        given = {name: (value,) for name, value in self.ids.items()}
        if method == "DELETE":
            given["webhook"] = given["spare"]
        sealed = [entry for entry in log if entry.type in ("DefinitionFixed", "SheetSealed")]
        shown = {sha256.hex() for sha256 in objects(sealed).values()}
        pieces = sorted(sha256.hex() for name, sha256 in objects(log).items() if name.startswith("recordings/"))
        return {
            **given,
            "id": (self.people.id,),
            "n": [str(n) for n in range(max(0, size - NEWEST), size)],
            "sha256": pieces[:1] if "/recordings/" in path else sorted(shown),
            "path": [tile.path for tile in _tiles(size)],
        }

    def _bearer(self, actor: str) -> str:
        if actor == "administrator":
            return ADMINISTRATOR
        if actor == NODE:
            payload = {"iss": ZHUHAI, "aud": ORIGIN, "exp": int(time.time()) + 30}
            signed = f"{b64u(encode({'alg': 'ES256', 'typ': 'JWT'}))}.{b64u(encode(payload))}"
            return f"{signed}.{b64u(self.site.world.holders[ZHUHAI].signer.sign(signed.encode()))}"
        city: City = self.site.cities[actor]
        return city.token

    async def _session(self, seat: str) -> str:
        if seat not in self.sessions:
            self.sessions[seat] = await self._another(seat)
        return self.sessions[seat]

    async def _another(self, seat: str) -> str:
        identity = self.site.services.identity
        session, _ = await identity.sign_in(await identity.issue_link(self.people.id, seat), brought=None)
        return session


def _filled(path: str, fills: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The path with all that it may name."""
    named = re.search(r"\{(\w+)(?::\w+)?\}", path)
    if named is None:
        yield path
        return
    for value in fills[named.group(1)]:
        yield from _filled(path[: named.start()] + value + path[named.end() :], fills)


def _tiles(size: int) -> Iterator[Tile]:
    for level in (None, 0):
        for index in range(-(-size // WIDTH)):
            yield Tile(level, index, min(WIDTH, size - index * WIDTH))


def _all(answer: httpx2.Response) -> bytes:
    return answer.content + repr(answer.headers).encode()
