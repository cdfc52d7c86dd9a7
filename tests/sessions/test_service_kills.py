"""kill -9 of the process at every kind of append, before and after it: nothing acknowledged is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.vault_files import FileVault
from sessions.core.state import CLOSED
from sessions.service import ProceedingKeeper
from tests.sessions.service_kills import KillingLedger, lives
from tests.sessions.service_people import People
from tests.sessions.service_world import World, audit, tender, types, until


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[DatabaseLedger]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    prepare(url)
    ledger = DatabaseLedger(url)
    yield ledger
    ledger.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_proceeding_survives_a_kill_at_every_kind_of_append(tmp_path: Path, after: bool) -> None:
    """protocols.md section 3, "main server dies at any point": every step is idempotent by act id or freeze leaf."""
    await survive(World(tmp_path), after=after)


@pytest.mark.asyncio
async def test_so_it_does_on_real_disks(tmp_path: Path, sqlite: DatabaseLedger) -> None:
    """The same on SQLite, with objects, keys and preparations as files."""
    await survive(World(tmp_path, ledger=sqlite, vault=FileVault(tmp_path / "vault"), disk=True), after=False)


async def survive(world: World, *, after: bool) -> None:
    """A whole proceeding with a kill at each kind of append."""
    ledger = KillingLedger(world.ledger, after=after)
    everybody: list[People] = []
    logs: list[ProceedingKeeper] = []

    async def life() -> None:
        proceedings = world.process(ledger)
        await proceedings.start()
        names = proceedings.ids or (await proceedings.create(tender()),)
        assert len(names) == 1
        await until(lambda: proceedings.ready)
        keeper = proceedings.get(names[0])
        people = everybody[0] if everybody else People(world, names[0])
        everybody[:] = [people]
        people.connect(keeper)
        for seat in tuple(people.unanswered):
            await people.send(keeper, seat)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        logs[:] = [keeper]
        await proceedings.stop()

    await lives(ledger.killed, life)
    keeper, people = logs[0], everybody[0]
    expected = {"CentreFounded", "ProceedingOpened", "ProceedingFounded", "CertificateIssued", "FinalRootRecorded"}
    assert set(ledger.kills) >= expected | {"SegmentsClosed", "SheetOpened", "ReportFrozen", "ReportSigned"}
    for act, index in people.acknowledged.items():
        assert keeper.state.acts[act] == index
    found = types(keeper.entries)
    assert found.count("ReportSigned") == len(set(world.cloud.signed)) == 5
    assert keeper.evidence_path().exists()
    await audit(world, keeper)
