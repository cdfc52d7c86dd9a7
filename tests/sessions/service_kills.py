"""kill -9 at chosen appends: the process stops there for ever, and the next one finds what was durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from evidence.core.entry import Entry
from evidence.ports import Ledger, StoredDisclosure


class KillingLedger:
    """The ledger as one process after the other sees it. Before (or after) the first append that begins with an entry
    of each type, the process is killed."""

    def __init__(self, ledger: Ledger, *, after: bool) -> None:
        self._ledger = ledger
        self._after = after
        self.killed = asyncio.Event()
        self.kills: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def append(
        self,
        origin: str,
        entries: Sequence[Entry],
        disclosures: Sequence[StoredDisclosure] = (),
        *,
        expected_size: int,
        epoch: int,
        outbox: Sequence[bytes] = (),
    ) -> int:
        kill = entries[0].type not in self.kills
        if kill:
            self.kills.append(entries[0].type)
        if kill and not self._after:
            await self._die()
        size = await self._ledger.append(
            origin, entries, disclosures, expected_size=expected_size, epoch=epoch, outbox=outbox
        )
        if kill:
            await self._die()
        return size

    async def _die(self) -> None:
        self.killed.set()
        await asyncio.Event().wait()


async def lives(killed: asyncio.Event, life: Callable[[], Awaitable[None]]) -> None:
    """Let `life` run; whenever `killed` is set, everything of this process is gone at once, and it begins anew."""
    while True:
        killed.clear()
        living = asyncio.ensure_future(life())
        dying = asyncio.create_task(killed.wait())
        await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED)
        if not killed.is_set():
            dying.cancel()
            return living.result()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
