"""The live socket from the seat's side: it resumes and misses nothing (docs/protocol.md section 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from evidence.core.canonical import Object
from evidence.core.entry import Draft
from tests.device.server import SESSION, MainServer, until
from tests.sessions.node_play import Play
from tests.sessions.node_world import PROCEEDING, Main
from web.device.client import Client
from web.device.errors import RecordUntrusted
from web.device.live import Live

pytestmark = pytest.mark.asyncio


class Room:
    def __init__(self) -> None:
        self.game = Play(Main(), [])
        self.server = MainServer(self.game)
        self.client = Client(base_url=self.server.url, origin=self.server.url, patience_s=10, session=SESSION)
        self.client.proceeding = PROCEEDING.rpartition("/")[2]
        self.live = Live(client=self.client)
        self.seen: list[Object] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.live.messages():
            self.seen.append(message)

    @property
    def indexes(self) -> list[int]:
        return [message["n"] for message in self.seen if message["type"] == "entry"]

    def grow(self, count: int) -> None:
        self.game.log.append([Draft("Witnessed", {"size": 1}) for _ in range(count)])

    async def until(self, size: int) -> None:
        await until(lambda: self.reading.done() or (bool(self.indexes) and self.indexes[-1] == size - 1))
        assert not self.reading.done()


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    made = Room()
    made.game.found()
    async with made.server.running():
        try:
            yield made
        finally:
            made.live.close()
            made.reading.cancel()
            await asyncio.wait([made.reading])
            await made.client.close()


async def snapshot(made: Room) -> None:
    await until(lambda: any(message["type"] == "snapshot" for message in made.seen))


async def test_entries_come_once_and_in_order_over_drops_and_restarts() -> None:
    async with room() as made:
        await snapshot(made)
        made.server.cut_at = 5
        made.grow(6)
        await made.until(8)
        await made.server.stop()
        made.grow(2)
        await made.server.start()
        await made.until(10)
        assert made.indexes == list(range(2, 10))
        assert made.server.sockets >= 3


async def test_offline_really_hangs_up_and_comes_back() -> None:
    async with room() as made:
        await snapshot(made)
        made.live.offline()
        sockets = made.server.sockets
        made.grow(3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await made.until(5)
        assert made.server.sockets == sockets
        made.live.online()
        await made.until(5)
        assert made.indexes == [2, 3, 4]


async def test_a_gap_or_another_leaf_hash_stops_the_seat() -> None:
    live = Live(client=Client(base_url="http://127.0.0.1:1", origin="x"))
    live.next = 4
    with pytest.raises(RecordUntrusted):
        live._checked({"type": "entry", "n": 5, "leaf": "A" * 43, "entry": None})
    with pytest.raises(RecordUntrusted):
        live._checked({"type": "entry", "n": 4, "leaf": "A" * 43, "entry": "AAAA"})
    assert live._checked({"type": "entry", "n": 3, "leaf": "A" * 43, "entry": None}) is None
    assert live._checked({"type": "entry", "n": 4, "leaf": "A" * 43, "entry": None}) is not None
    await live._client.close()
