"""uvicorn as every process of ours runs it: nothing trusted from a proxy, nothing told about itself, bounded."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from web.server.messages import MAX_TEXT
from web.server.settings import Listen

_log = structlog.get_logger("serving")

# Open sockets are closed by then; seats come back by themselves (architecture.md: resume from the log).
GRACE_S = 3
# A meeting has some dozens of seats with a few connections each; more than this is not a meeting.
MAX_CONNECTIONS = 2_000


class _Server(uvicorn.Server):
    """uvicorn raises a caught signal again when it has stopped, which would skip our own last steps."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Sockets(WebSocketsSansIOProtocol):
    """A handshake that cannot be parsed (a request line of 10 kB is enough) would hold its connection for ever."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None:
            self.transport.close()


async def serve(app: FastAPI, listen: Listen, *, stopping: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT; `stopping` is called when one comes."""
    config = uvicorn.Config(
        app,
        host=listen.host,
        port=listen.port,
        log_config=None,
        access_log=False,
        ws=_Sockets,
        # Report F7: 16 MiB and compression are the defaults, and both invite to exhaust our memory.
        ws_max_size=MAX_TEXT,
        ws_per_message_deflate=False,
        # Seats ping on their own, each second (protocol.md section 7).
        ws_ping_interval=None,
        # ASVS 4.1.3: a header of the caller must not change who the caller is.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=MAX_CONNECTIONS,
        lifespan="off",
        ssl_certfile=listen.certificate or None,
        ssl_keyfile=listen.key or None,
    )
    # What was loaded stays until the end; without it a full collection stops every seat for 11 ms instead of 140.
    gc.collect()
    gc.freeze()
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True
        stopping()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    _log.info("serving", host=listen.host, port=listen.port)
    await server.serve()
    _log.info("served")
