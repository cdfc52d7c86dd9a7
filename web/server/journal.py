"""What the processes say: one JSON object a line, on standard error, UTC, no secret and no score among the fields.

Nothing logs requests' bodies, cookies, tokens or query strings; a token-like field that slips in is cut out by name.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Field names that never belong into a log, whoever adds them.
SECRET_FIELDS = frozenset(
    {"token", "cookie", "authorization", "ticket", "session", "sad", "secret", "key", "body", "p"}
)


def start_journal(process: str, *, level: int = logging.INFO) -> None:
    """Route structlog and the standard library's loggers to one JSON writer."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
        without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # These log the address of every request at INFO, and a live socket's holds its ticket.
    for noisy in (
        "httpx",
        "httpx2",
        "httpcore",
        "uvicorn.error",
        "uvicorn.access",
        "websockets",
        "asyncio",
        "aioice",
        "aiortc",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Every retry would say what the duty that failed has said.
    logging.getLogger("stamina").setLevel(logging.ERROR)


def without_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut the fields whose very name says that they hold a secret."""
    for name in SECRET_FIELDS & event.keys():
        event[name] = "[cut]"
    return event


def _named(process: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add
