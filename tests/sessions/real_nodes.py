"""A main server in this process with real city nodes behind their real doors, on real SQLite on both sides."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx2

from evidence.adapters import envelope_p256
from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.vault_files import FileVault
from evidence.adapters.witness_http import HttpWitness
from evidence.core.tiles import Tile, write_bundle
from evidence.errors import Unavailable
from sessions.adapters.node_store import FileNodeStore
from sessions.adapters.nodes_http import HttpHolderNode
from sessions.errors import SessionError
from sessions.node import CityNode
from sessions.node_errors import NotYet
from sessions.node_keys import NodeKeys
from sessions.service import ProceedingKeeper, Proceedings
from sessions.service_errors import NotFoundedYet, NotWitnessedYet
from tests.sessions import drive
from tests.sessions.service_world import TIMES, World
from web.city.app import create_city_app

# Real nodes fetch, replay and flush; a machine that is busy does so slowly.
PATIENT = replace(TIMES, gate=60.0, opening=60.0)
OPERATOR = "operator's token"


class Shown:
    """What the main server shows to a node: the `LogSource` of a process that may come and go."""

    def __init__(self) -> None:
        self.process: Proceedings | None = None
        self.brought: list[tuple[str, str]] = []

    def keeper(self, origin: str) -> ProceedingKeeper:
        if self.process is None:
            raise Unavailable("the main server is away")
        try:
            return self.process.get(origin.split("/")[2])
        except NotFoundedYet as error:
            raise NotYet("starting") from error

    async def checkpoint(self, origin: str) -> bytes:
        newest = self.keeper(origin).log.newest
        if not newest.size:
            raise NotYet("no checkpoint")
        return newest.note

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        start, stop = tile.span
        return write_bundle([entry.data for entry in self.keeper(origin).entries[start:stop]])

    async def receipt(self, origin: str, n: int) -> bytes:
        try:
            return bytes(self.keeper(origin).receipt(n))
        except NotWitnessedYet as error:
            raise NotYet(str(error)) from error

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        return await self.keeper(origin).get_object(sha256_.hex(), None)

    async def announced(self, origin: str) -> Mapping[str, str]:
        return {}

    async def bring(self, origin: str, door: str, act: str) -> None:
        self.brought.append((door, act))
        try:
            await self.keeper(origin).perform(act)
        except SessionError as error:
            raise Unavailable(error.code) from error


class RealWorld(World):
    """`World` with a database on disk and three real nodes; `restore` puts an older database in its place."""

    def __init__(self, folder: Path) -> None:
        self.shown = Shown()
        prepare(self._url(folder))
        super().__init__(
            folder, ledger=DatabaseLedger(self._url(folder)), vault=FileVault(folder / "vault"), times=PATIENT
        )
        keys = {}
        self.stores: dict[str, FileNodeStore] = {}
        for domain in drive.HOLDERS:
            self.stores[domain] = FileNodeStore.create(folder / domain)
            keys[domain] = NodeKeys.create(self.stores[domain], domain=domain)
        self.clients = {domain: self._client(domain) for domain in drive.HOLDERS}
        self.witnesses: list[HttpWitness] = [  # type: ignore[assignment]
            HttpWitness(client=self.clients[domain], prefix="http://node", vkey=keys[domain].witness.vkey)
            for domain in drive.HOLDERS
        ]
        self.pins = self.agreed({domain: made.identity.jwk for domain, made in keys.items()})
        self.keys = keys
        self.nodes = {domain: self.node(domain) for domain in drive.HOLDERS}
        self.holders: dict[str, Voice] = {  # type: ignore[assignment]
            domain: Voice(self, domain) for domain in drive.HOLDERS
        }

    @staticmethod
    def _url(folder: Path) -> str:
        return f"sqlite:///{folder / 'ledger'}"

    def node(self, domain: str) -> CityNode:
        """A node's process on what its disk holds."""
        return CityNode(
            keys=self.keys[domain],
            pins=self.pins,
            store=self.stores[domain],
            source=self.shown,
            envelopes=envelope_p256,
            clock=time.time,
        )

    def _client(self, domain: str) -> httpx2.AsyncClient:
        async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            door = create_city_app(self.nodes[domain], operator_token=OPERATOR, pages="http://x")
            await door(scope, receive, send)

        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))

    async def confirm(self, domain: str, origin: str, token: str = OPERATOR) -> httpx2.Response:
        """`tongping city confirm`."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.clients[domain].post("http://node/log/confirm", json={"origin": origin}, headers=headers)

    async def follow(self, origin: str) -> None:
        """Every node's copy is as long as what is shown."""
        for node in self.nodes.values():
            await node.follow(origin)

    def backup(self, origin: str) -> int:
        """A copy of the database as it is now; how many entries of the log it has."""
        with (
            closing(sqlite3.connect(self.folder / "ledger")) as here,
            closing(sqlite3.connect(self.folder / "backup")) as there,
        ):
            here.backup(there)
            (size,) = there.execute("SELECT count(*) FROM entries WHERE origin = ?", (origin,)).fetchone()
        return int(size)

    def restore(self) -> None:
        """The database as the backup has it."""
        assert isinstance(self.ledger, DatabaseLedger)
        self.ledger.close()
        shutil.copy(self.folder / "backup", self.folder / "ledger")
        self.ledger = DatabaseLedger(self._url(self.folder))

    def forget(self, domain: str, origin: str, size: int) -> None:
        """This node's copy of the log is cut back; its record of what it cosigned stays."""
        database = self.stores[domain]._database
        for table, column in (("mirror", "n"), ("head", "size")):
            database.execute(f"DROP TRIGGER IF EXISTS {table}_DELETE")
            low = size if column == "n" else size + 1
            database.execute(f"DELETE FROM {table} WHERE origin = ? AND {column} >= ?", (origin, low))
        self.nodes[domain] = self.node(domain)

    async def close(self) -> None:
        for client in self.clients.values():
            await client.aclose()
        for store in self.stores.values():
            store.close()
        assert isinstance(self.ledger, DatabaseLedger)
        self.ledger.close()


class Voice(HttpHolderNode):
    """A node's holder doors, and the vouching that its own operator does."""

    def __init__(self, world: RealWorld, domain: str) -> None:
        super().__init__("http://node", world.clients[domain])
        self._world = world
        self._domain = domain
        self.signer = world.keys[domain].identity

    async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
        return await self._world.nodes[self._domain].vouch(origin, seat, thumbprint)


__all__ = ["OPERATOR", "RealWorld"]
