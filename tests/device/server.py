"""A main server for seats over real sockets: the routes of docs/protocol.md sections 6 and 7 that a seat uses, on a
`Play`. It can be stopped and started, and told to lie or to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse

from evaluation.errors import EvaluationError
from evidence.core import act as acts
from evidence.core.canonical import b64, b64u
from evidence.core.tiles import Tile
from evidence.errors import EvidenceError
from sessions.core.view import view
from sessions.errors import SessionError
from sessions.trust import Pins
from tests.city.servers import free_port
from tests.sessions.node_play import Play
from tests.sessions.node_world import PROCEEDING, Log

TOKEN, SESSION = "one-time", "sid=session-value"
PREFIX = f"/v1/proceedings/{PROCEEDING.rpartition('/')[2]}"


class MainServer:
    """`failures` are run once each, in order, before the next acts: they may raise or answer in place of the server."""

    def __init__(self, game: Play) -> None:
        self.game = game
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.failures: list[Callable[[], Response | None]] = []
        self.after: list[Callable[[], None]] = []
        self.cut_at: int | None = None
        self.sockets = 0
        self.handed: list[dict[str, str]] = []
        self.log: Log | None = None
        self.hidden: set[int] = set()
        self.pins: Pins | None = None
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def shown(self) -> Log:
        return self.log or self.game.log

    async def start(self) -> None:
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="critical", lifespan="off", ws="websockets-sansio"
        )
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve())
        server = self._server
        await until(lambda: server.started)

    async def stop(self) -> None:
        """As a kill looks from outside: connections end, nothing is said."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = self._server.force_exit = True
            await self._task

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MainServer]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def doors(request: Request, proceed):  # type: ignore[no-untyped-def]
            if request.method != "GET" and request.headers.get("origin") != self.url:
                return problem(403, "origin-refused")
            if request.url.path != "/v1/sign-in" and request.headers.get("cookie") != SESSION:
                return problem(401, "not-signed-in")
            return await proceed(request)

        @app.get("/v1/trust")
        async def trust() -> dict[str, object]:
            pins = self.pins or self.game.main.pins
            opened = self.game.main.opened.n
            return {"policy": pins.policy_text, "trust": pins.trust_text, "opening": opened}

        @app.post("/v1/sign-in")
        async def sign_in(request: Request) -> Response:
            if (await request.json()) != {"token": TOKEN}:
                return problem(401, "link-refused")
            cookie = f"{SESSION}; Path=/; Secure; HttpOnly; SameSite=Strict"
            return Response(status_code=204, headers={"Set-Cookie": cookie})

        @app.get("/v1/me")
        async def me() -> dict[str, str]:
            return {"proceeding": PREFIX.rpartition("/")[2], "seat": "seat-3", "origin": PROCEEDING}

        @app.get(PREFIX)
        async def seen() -> dict[str, object]:
            return view(self.game.state, "seat-3")

        @app.post(PREFIX + "/proofs")
        async def proofs(request: Request) -> Response:
            self.handed.append(await request.json())
            return Response(status_code=204)

        @app.post(PREFIX + "/acts")
        async def act(request: Request) -> Response:
            if self.failures:
                answer = self.failures.pop(0)()
                if answer is not None:
                    return answer
            response = self._perform((await request.json())["act"])
            if self.after:
                self.after.pop(0)()
            return response

        @app.post(PREFIX + "/objects")
        async def put(request: Request) -> Response:
            name = self.game.main.put(await request.body())
            return JSONResponse({"sha256": name.hex(), "size": 0}, 201)

        @app.get(PREFIX + "/objects/{name}")
        async def get(name: str) -> Response:
            return Response(self.game.main.objects[bytes.fromhex(name)])

        @app.get(PREFIX + "/log/checkpoint")
        async def checkpoint() -> Response:
            return Response(self.shown.note()) if len(self.shown.tree) else problem(404, "not-found")

        @app.get(PREFIX + "/log/consistency")
        async def consistency(old: int, size: int) -> Response:
            return PlainTextResponse("".join(b64(h) + "\n" for h in self.shown.tree.consistency(old, size)))

        @app.get(PREFIX + "/log/entries/{n}")
        async def entry(n: int) -> Response:
            there = n < len(self.shown.entries) and n not in self.hidden
            return Response(self.shown.entries[n].data) if there else problem(404, "not-found")

        @app.get(PREFIX + "/log/receipts/{n}")
        async def receipt(n: int) -> Response:
            return self._receipt(self.shown, n)

        @app.get(PREFIX + "/log/tile/{path:path}")
        async def tile(path: str) -> Response:
            return Response(Tile.parse(path).hashes(self.shown.tree))

        @app.post(PREFIX + "/report/signature")
        async def prepare() -> dict[str, object]:
            return self.game.prepared()

        @app.get("/v1/centre/log/entries/{n}")
        async def centre_entry(n: int) -> Response:
            return Response(self.game.main.centre.entries[n].data)

        @app.get("/v1/centre/log/receipts/{n}")
        async def centre_receipt(n: int) -> Response:
            return Response(self.game.main.proof(self.game.main.centre, n))

        @app.post(PREFIX + "/socket-tickets")
        async def ticket() -> dict[str, str]:
            return {"ticket": "t"}

        @app.websocket(PREFIX + "/live")
        async def live(socket: WebSocket) -> None:
            await self._live(socket)

        return app

    def _perform(self, jws: str) -> Response:
        state = self.game.state
        try:
            made = acts.parse(jws)
            repeated = made.id in state.acts
            index = state.acts[made.id] if repeated else self.game.take(made)[0].n
        except (EvidenceError, SessionError, EvaluationError) as error:
            return problem(409, error.code)
        answer = {"index": index, "id": b64u(made.id), "leaf": b64u(self.game.log.entries[index].leaf)}
        return JSONResponse(answer, 200 if repeated else 201)

    def _receipt(self, log: Log, n: int) -> Response:
        return Response(self.game.main.proof(log, n))

    async def _live(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets += 1
        resume = (await socket.receive_json())["resume"]
        log = self.game.log
        n = len(log.entries) if resume is None else resume
        await socket.send_json({"type": "snapshot", "size": n, "view": {}, "checkpoint": None, "media": {}})
        while True:
            for entry in log.entries[n:]:
                await socket.send_json(
                    {
                        "type": "entry",
                        "n": entry.n,
                        "leaf": b64u(entry.leaf),
                        "entry": b64u(entry.data),
                        "summary": None,
                    }
                )
                n = entry.n + 1
                if n == self.cut_at:
                    self.cut_at = None
                    await socket.close(1011)
                    return
            message = await socket.receive_json()
            if message["type"] == "ping":
                await socket.send_json({"type": "pong", "t": message["t"], "now": 0})


async def until(condition: Callable[[], bool]) -> None:
    """Poll a condition; the deadline is far beyond what a loaded machine needs."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def problem(status: int, code: str) -> Response:
    return JSONResponse({"status": status, "code": code}, status, media_type="application/problem+json")
