"""A meeting whose database was restored from an older copy stands still, comes back, and goes on (protocols.md 6)."""

from __future__ import annotations

import copy
import time
from pathlib import Path

import pytest

from evidence.adapters.memory import MemoryLedger
from evidence.core.tiles import Tile, write_bundle
from evidence.errors import EntriesLost
from sessions.recovery import Recovery
from tests.sessions.service_people import People
from tests.sessions.service_world import World, audit, tender, until
from web.server.routes.administration import listed_alarms

pytestmark = pytest.mark.asyncio


class Copy:
    """What a city's node kept of the logs."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    async def checkpoint(self, origin: str) -> bytes | None:
        return await self._ledger.checkpoint(origin)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        return write_bundle(await self._ledger.entries(origin, *tile.span))

    async def object(self, sha256_: bytes) -> bytes | None:
        return None


async def test_a_meeting_stands_still_and_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = MemoryLedger()
    world = World(tmp_path, ledger=whole)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        backup = copy.deepcopy(whole)
        await people.play(keeper, lambda state: state.stage == "chair-election")
        await keeper.log.quorum(keeper.log.size, 10.0)
        size = keeper.log.cosigned.size
    for log in backup._logs.values():
        log.expires = 0.0
    world.ledger = backup
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        keeper = people.keeper(proceedings)
        await until(lambda: keeper.log.ahead >= size)
        left = keeper.log.size
        act = people.act(keeper, "operator-1", "proceeding.pause", {"reason": "停电"})
        with pytest.raises(EntriesLost):
            await keeper.perform(act.jws)
        assert "entries-lost" in [alarm.kind for alarm in listed_alarms(keeper, keeper.state, time.time())]
        assert keeper.log.size == left < size

    found = await Recovery(
        owner="recover",
        pins=world.pins,
        ledger=backup,
        vault=world.vault,
        witnesses=world.witnesses,
        mirrors={"zhuhai.example": Copy(whole)},
    ).run()
    assert [(log.gone, log.missing, log.untold) for log in found] == [(0, (), 0)] * 2
    assert found[1].size >= size
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "compliance-review")
        assert keeper.log.ahead == 0
        await audit(world, keeper)
