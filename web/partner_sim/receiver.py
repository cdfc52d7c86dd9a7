"""The receiver of webhooks: verifies, tells repetitions, answers at once, and works later (Standard Webhooks).

A call is taken in, as a recipe:
(1) id, timestamp and signatures are there, and the body is small;
(2) the timestamp is within five minutes of now: a call that somebody recorded is not played again later;
(3) one of the signatures is an Ed25519 one (`v1a`) under a key of the registered endpoint, over `id.timestamp.body`;
(4) the id is new, else the call is answered like the first one and changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evidence.core.canonical import unb64
from evidence.errors import Malformed
from web.partner_sim.errors import CallRefused

# Standard Webhooks, "Verifying timestamps".
TOLERANCE_S = 300
# Standard Webhooks: payloads are below 20 kB.
MAX_BODY = 20_000
PATH = "/hooks"


def verify(headers: Mapping[str, str], body: bytes, *, publics: list[str], now: float) -> str:
    """Steps (1) to (3): the message's id, or CallRefused. `publics` are `whpk_` keys."""
    try:  # (1)
        message, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        given = headers["webhook-signature"].split(" ")
        sent = int(timestamp)
    except (KeyError, ValueError) as error:
        raise CallRefused("no Standard Webhooks headers") from error
    if abs(now - sent) > TOLERANCE_S:  # (2)
        raise CallRefused("the call is not of this time")
    signed = f"{message}.{timestamp}.".encode() + body
    for signature in given:  # (3)
        for public in publics:
            if signature.startswith("v1a,") and _holds(public, signature[4:], signed):
                return message
    raise CallRefused("no signature of the host")


def _holds(public: str, signature: str, signed: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(unb64(public.removeprefix("whpk_"), 32))
        key.verify(unb64(signature, 64), signed)
    except (InvalidSignature, Malformed, ValueError):
        return False
    return True


class _Server(uvicorn.Server):
    """Signals are the program's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Receiver:
    """Listens on `host`:`port`; `publics` gives the keys that the host handed out. `heard` are the events by message
    id, `news` is set by each new one."""

    host: str
    port: int
    publics: Callable[[], list[str]]
    heard: dict[str, Any] = field(default_factory=dict)
    repeated: int = 0
    refused: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        app = Starlette(routes=[Route(PATH, self._take, methods=["POST"])])
        config = uvicorn.Config(app, host=self.host, port=self.port, lifespan="off", ws="none", log_config=None)
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        try:
            while not server.started and not task.done():  # noqa: ASYNC110 (uvicorn tells nobody when it listens)
                await asyncio.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            await task

    async def _take(self, request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return Response(status_code=413)
        try:
            message = verify(request.headers, bytes(body), publics=self.publics(), now=time.time())
            event = json.loads(body)
        except (CallRefused, ValueError):
            self.refused += 1
            return Response(status_code=401)
        if message in self.heard:  # (4)
            self.repeated += 1
        else:
            self.heard[message] = event
            self.news.set()
        return Response(status_code=204)
