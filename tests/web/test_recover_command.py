"""`tongping recover`, as it is typed after the database was restored from an older copy (docs/protocol.md 11.1)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from evidence.adapters import envelope_p256
from evidence.adapters.database import DatabaseLedger
from evidence.adapters.witness_http import HttpWitness
from evidence.core import disclosure
from evidence.core.entry import Draft
from evidence.core.note import NoteSigner
from evidence.errors import EntriesLost
from evidence.service import LogKeeper
from sessions.adapters.keyring_files import FileKeyring
from sessions.adapters.node_source import HttpLogSource
from sessions.adapters.node_store import FileNodeStore
from sessions.node import CityNode
from sessions.node_keys import NodeKeys
from signing.adapters.master_key import read_master_key
from tests.city.servers import free_port, serving
from tests.commands import typed
from tests.evidence.worlds import QUICK, WITHIN_S
from web.city.app import create_city_app
from web.server import wiring
from web.server.installation import Layout

MAIN, CITIES = "main.example", ("one.example", "two.example")


class Agreement:
    """A main centre and two cities, made by their own commands; the cities' nodes serve."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.state = folder / "main"
        self.nodes: dict[str, FileNodeStore] = {}
        ports = {city: free_port() for city in CITIES}
        self.urls = {city: f"http://127.0.0.1:{port}" for city, port in ports.items()}
        assert typed("init", "--state", self.state, "--domain", MAIN)[0] == 0
        named: list[object] = []
        for city, url in self.urls.items():
            assert typed("city", "init", "--state", folder / city, "--domain", city, "--url", url)[0] == 0
            named += ["--city", Layout(folder / city).public]
        assert typed("trust", "--state", self.state, *named)[0] == 0
        self.layout = Layout(self.state)
        self.pins = wiring.read_pins(self.layout.policy)
        for city, port in ports.items():
            store = FileNodeStore.open(Layout(folder / city).data / "node")
            stack.callback(store.close)
            self.nodes[city] = store
            stack.enter_context(serving(self._app(store), port))

    @property
    def database(self) -> Path:
        return self.layout.data / "tongping.db"

    def _app(self, store: FileNodeStore) -> FastAPI:
        keys, clock = NodeKeys.load(store), lambda: datetime.now(UTC).timestamp()
        source = HttpLogSource(main_url="http://x", main=MAIN, domain=keys.domain, signer=keys.identity, clock=clock)
        node = CityNode(keys=keys, pins=self.pins, store=store, source=source, envelopes=envelope_p256, clock=clock)
        return create_city_app(node, operator_token="x", pages="http://x")

    def signer(self) -> NoteSigner:
        master = read_master_key(self.layout.secrets / wiring.MASTER_KEY)
        return FileKeyring(self.layout.data / "keys", domain=MAIN, master=master, entropy=os.urandom).centre_log

    async def grow(self, entries: int) -> tuple[list[bytes], bytes]:
        """The centre log with so many more witnessed entries: all of them, and the newest note."""
        async with AsyncExitStack() as stack:
            ledger = DatabaseLedger(f"sqlite:///{self.database}")
            stack.callback(ledger.close)
            http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
            vkeys = {key.name.partition("/")[0]: key for key in self.pins.policy.witnesses}
            log = await LogKeeper.open(
                origin=f"{MAIN}/centre",
                owner="web",
                ledger=ledger,
                signer=self.signer(),
                policy=self.pins.policy,
                witnesses=[HttpWitness(client=http, prefix=self.urls[city], vkey=vkeys[city]) for city in CITIES],
                clock=lambda: datetime.now(UTC),
                entropy=os.urandom,
                pace=QUICK,
            )
            stack.push_async_callback(log.close)
            await log.append([Draft("LookNoted", {"n": n}) for n in range(entries)])
            note = await log.quorum(log.size, WITHIN_S)
            return await ledger.entries(log.origin, 0, log.size), note


@pytest.fixture
def agreement(tmp_path: Path) -> Iterator[Agreement]:
    with ExitStack() as stack:
        yield Agreement(tmp_path, stack)


def test_the_database_is_whole_again_or_the_command_says_what_is_gone(agreement: Agreement, tmp_path: Path) -> None:
    origin, database = f"{MAIN}/centre", agreement.database
    asyncio.run(agreement.grow(2))
    backup = shutil.copy(database, tmp_path / "backup.db")
    entries, note = asyncio.run(agreement.grow(3))
    agreement.nodes[CITIES[0]].extend(origin, 0, entries, note)
    shutil.copy(backup, database)

    with pytest.raises(EntriesLost, match="the witnesses saw 5 entries, and 2 are here"):
        asyncio.run(agreement.grow(1))
    recover = ("recover", "--state", agreement.state)
    status, said, _ = typed(*recover, "--from", CITIES[1])
    assert (status, "见证方见过 5 条，第 2 条起无处可取" in said) == (1, True)
    status, said, _ = typed(*recover, "--look")
    assert (status, f"{origin}：可取回第 2 至 4 条，来自 {CITIES[0]} 的副本" in said) == (0, True)
    assert typed(*recover, "--from", "three.example")[::2] == (
        2,
        "tongping: bad-settings: the settings name no three.example\n",
    )
    (junk := tmp_path / "junk.json").write_text("{}")
    status, _, complained = typed(*recover, "--disclosures", junk)
    assert (status, "malformed" in complained) == (2, True)

    (plan := tmp_path / "plan.json").write_text(json.dumps({"people": [disclosure.make("x", "y", bytes(16)).text]}))
    assert typed(*recover, "--look", "--disclosures", plan)[0] == 0

    status, said, _ = typed(*recover)
    assert (status, f"{origin}：已取回第 2 至 4 条，来自 {CITIES[0]} 的副本" in said) == (0, True)
    status, said, _ = typed(*recover)
    assert (status, said.splitlines()[-1]) == (0, f"{origin}：5 条，副本中没有更多")
    grown, _ = asyncio.run(agreement.grow(1))
    assert (grown[:5], len(grown)) == (entries, 6)
