"""A whole proceeding through its keeper: every duty of the server is done without being asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.core.state import CLOSED
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, types, until


@pytest.mark.asyncio
async def test_a_tender_becomes_an_archived_proceeding(tmp_path: Path) -> None:
    """docs/protocol.md section 2, from `ProceedingOpened` to `FinalRootRecorded`."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper = proceedings.get(name)
        people = People(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        assert keeper.evidence_path().exists()
        assert types(keeper.entries)[-1] == "ProceedingClosed"
