"""The main server's questions to city nodes over real HTTP: what counts as an answer, what as silence."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evidence.core.canonical import b64u
from sessions.adapters.nodes_http import HttpHolderNode
from sessions.service_errors import NodeRefused, NodeUnavailable

ORIGIN = "a.example/proceedings/x"


@dataclass
class Node:
    """Answers what it is told to, and remembers what it was asked."""

    url: str = ""
    answer: Response = field(default_factory=lambda: Response(status_code=500))
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.asked.append((request.url.path, await request.json()))
        return self.answer


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    app = Starlette(routes=[Route("/{what}/{door}", node.__call__, methods=["POST"])])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        node.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield node
        server.should_exit = True
        thread.join(timeout=10)


@pytest.mark.asyncio
async def test_questions_and_answers(node: Node) -> None:
    """docs/protocol.md section 8."""
    async with httpx2.AsyncClient() as client:
        holder = HttpHolderNode(node.url, client)
        node.answer = JSONResponse({"act": "a.b.c"})
        assert await holder.offer(ORIGIN) == "a.b.c"
        assert await holder.ack(ORIGIN, b"\x01" * 32) == "a.b.c"
        assert await holder.release(ORIGIN, b"\x02" * 32) == "a.b.c"
        assert await holder.contribute(ORIGIN, b"\x03" * 32) == "a.b.c"
        assert await holder.reveal(ORIGIN, b"\x04" * 32) == "a.b.c"
    assert node.asked == [
        ("/holder/offer", {"origin": ORIGIN}),
        ("/holder/ack", {"origin": ORIGIN, "act": b64u(b"\x01" * 32)}),
        ("/holder/release", {"origin": ORIGIN, "freeze": b64u(b"\x02" * 32)}),
        ("/draw/contribute", {"origin": ORIGIN, "opened": b64u(b"\x03" * 32)}),
        ("/draw/reveal", {"origin": ORIGIN, "freeze": b64u(b"\x04" * 32)}),
    ]


@pytest.mark.asyncio
async def test_a_refusal_carries_the_nodes_code(node: Node) -> None:
    async with httpx2.AsyncClient() as client:
        node.answer = JSONResponse({"code": "not-yet", "detail": "later"}, 409)
        with pytest.raises(NodeRefused) as caught:
            await HttpHolderNode(node.url, client).offer(ORIGIN)
        assert caught.value.reason == "not-yet"


SILENCE = [
    Response(status_code=500),
    Response(b"not json", 200),
    Response(b"[1]", 200),
    JSONResponse({"act": 7}),
    JSONResponse({"code": "gone"}, 503),
    JSONResponse({"detail": "no code"}, 404),
    JSONResponse({"act": "x" * 200_000}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(len(SILENCE)))
async def test_everything_else_is_no_answer(node: Node, number: int) -> None:
    """A broken node is asked again; nothing that it says out of form is believed, however long."""
    async with httpx2.AsyncClient() as client:
        node.answer = SILENCE[number]
        with pytest.raises(NodeUnavailable):
            await HttpHolderNode(node.url, client).offer(ORIGIN)


@pytest.mark.asyncio
async def test_a_node_that_is_away_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx2.AsyncClient() as client:
        with pytest.raises(NodeUnavailable):
            await HttpHolderNode(url, client).offer(ORIGIN)
