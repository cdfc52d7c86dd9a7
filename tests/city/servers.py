"""Real servers for the node's tests: the main server's log routes over a `Main`, and a node as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI, Request, Response

from evidence.core.tiles import Tile
from tests.sessions.node_world import Main
from web.server.node_tokens import verify_node_token

OPERATOR = "operator's own token"
# A process of Python with its imports is up within two seconds here; ten is a machine under load.
START_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main_app(main: Main, url: str) -> FastAPI:
    """The log routes of docs/protocol.md section 6, for nodes with their tokens only. `main.asked` counts requests."""
    app = FastAPI()
    prefix = "/v1/proceedings/{proceeding}"

    @app.middleware("http")
    async def nodes_only(request: Request, proceed):  # type: ignore[no-untyped-def]
        token = request.headers["authorization"].removeprefix("Bearer ")
        verify_node_token(token, identities=main.pins.trust.identities, audience=url, now=time.time())
        return await proceed(request)

    def octets(data: bytes | None) -> Response:
        return Response(status_code=404) if data is None else Response(data, media_type="application/octet-stream")

    @app.get(prefix + "/log/checkpoint")
    async def checkpoint(proceeding: str) -> Response:
        return octets(await main.checkpoint(""))

    @app.get(prefix + "/log/tile/{path:path}")
    async def tile(proceeding: str, path: str) -> Response:
        return octets(await main.bundle("", Tile.parse(path)))

    @app.get(prefix + "/log/receipts/{n}")
    async def receipt(proceeding: str, n: int) -> Response:
        return octets(await main.receipt("", n))

    @app.get(prefix + "/objects/{name}")
    async def stored(proceeding: str, name: str) -> Response:
        return octets(await main.object("", bytes.fromhex(name), 0))

    @app.post(prefix + "/{door}", status_code=201)
    async def brought(proceeding: str, door: str, request: Request) -> Response:
        await main.bring("", door, (await request.json())["act"])
        return Response(status_code=201)

    return app


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[str]:
    """The app on a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for_port(port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


class NodeProcess:
    """`tests.city.serve_node` as a process that can be killed and started again."""

    def __init__(self, folder: Path, *, main_url: str) -> None:
        self.port = free_port()
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20, trust_env=False)
        self._command = [sys.executable, "-m", "tests.city.serve_node", str(folder), main_url, str(self.port), OPERATOR]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2])
        wait_for_port(self.port)

    def kill(self) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ask(self, path: str, question: Mapping[str, Any], token: str | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.http.post(path, json=question, headers=headers)
