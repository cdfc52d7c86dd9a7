"""What the doors need from behind them, in MUST / MUST NOT. (Accounts: `identity`.)"""

from __future__ import annotations

from typing import Protocol


class Pages(Protocol):
    """Pages of PDF documents as images."""

    async def png(self, document: bytes, page: int) -> bytes:
        """Page `page` (from 1) as PNG octets, the same octets each time. MUST NOT let the document run code, use
        more than its share of memory or time, or take this process down with it. PageError where there is none."""
