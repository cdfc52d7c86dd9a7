"""A node's copies stay close behind what the node cosigns, asked or not.

A witness sees roots only. Entries that lie nowhere but in the main server's database are gone with it, and a log whose
witnessed entries are gone cannot go on under its name (protocols.md section 6, "Main server lost"). So whatever was
cosigned is fetched, replayed and stored soon afterwards, and `sessions.recovery` finds it here.
"""

from __future__ import annotations

import asyncio
import logging

from evidence.errors import EvidenceError
from sessions.node import CityNode
from sessions.node_errors import LogForked, LogRefused, NodeError

logger = logging.getLogger(__name__)

# What a copy may lack at most, beside the time of one fetch; a fetch takes up to 256 entries once more.
PAUSE_S = 5.0


class Following:
    """`heard` is told what was cosigned; `run` fetches it."""

    def __init__(self, node: CityNode, *, pause: float = PAUSE_S) -> None:
        self._node = node
        self._pause = pause
        self._waiting: set[str] = set()
        self._heard = asyncio.Event()

    def heard(self, origin: str) -> None:
        """A checkpoint of this log was cosigned."""
        self._waiting.add(origin)
        self._heard.set()

    async def run(self) -> None:
        """Until cancelled. A log that cannot be fetched now is fetched with its next checkpoint."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            for origin in sorted(self._waiting):
                self._waiting.discard(origin)
                try:
                    await self._node.follow(origin)
                except (LogForked, LogRefused) as error:
                    logger.error("the copy of %s stands still: %s (%s)", origin, error, error.code)
                except (EvidenceError, NodeError) as error:
                    logger.info("the copy of %s waits: %s (%s)", origin, error, error.code)
            await asyncio.sleep(self._pause)
