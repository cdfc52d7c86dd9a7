"""uvicorn as every process of ours runs it: nothing trusted from a proxy, nothing told about itself, bounded."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from web.server.messages import MAX_TEXT
from web.server.settings import Listen

# Open sockets are closed by then; seats come back by themselves (architecture: resume from the log).
GRACE_S = 3
# A meeting has some dozens of seats with a few connections each; more than this is not a meeting.
MAX_CONNECTIONS = 2_000


async def serve(app: FastAPI, listen: Listen) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        host=listen.host,
        port=listen.port,
        loop="none",
        log_config=None,
        access_log=False,
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
    )
    await uvicorn.Server(config).serve()
