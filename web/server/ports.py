"""What the doors need from behind them, in MUST / MUST NOT. (Accounts: `identity`.)"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Pages(Protocol):
    """Pages of PDF documents as images."""

    async def png(self, name: str, page: int, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """Page `page` (from 1) of the document with SHA-256 `name` as PNG octets, the same octets each time; `load`
        fetches the document where it is needed. MUST NOT let the document run code, use more than its share of memory
        or time, or take this process down with it. PageError where there is no image."""
