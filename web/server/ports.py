"""What the doors need from behind them, in MUST / MUST NOT. (Accounts: `identity`.)"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

from sessions.uploads import Upload


class Pages(Protocol):
    """Pages of PDF documents as images."""

    async def png(self, name: str, page: int, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """Page `page` (from 1) of the document with SHA-256 `name` as PNG octets, the same octets each time; `load`
        fetches the document where it is needed. MUST NOT let the document run code, use more than its share of memory
        or time, or take this process down with it. PageError where there is no image."""


class Uploads(Protocol):
    """Documents that are handed in before there is a tender."""

    async def receive(self, stream: AsyncIterator[bytes], *, limit: int) -> Upload:
        """Keep the document for some days. MUST look at it in a process of its own, MUST NOT hold it in memory whole,
        and MUST keep nothing of one that is refused. DocumentRefused says why."""

    def find(self, sha256: bytes) -> tuple[Path, Upload] | None:
        """Where it lies, and what was found in it."""
