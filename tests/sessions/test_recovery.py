"""What the main server's database lost comes back from the cities' copies, or stays lost and says so.

protocols.md section 6, "Main server lost": a log goes on at or above the highest witnessed checkpoint, and only where
its acknowledged entries are gone everywhere there is nothing to take back. Real nodes behind their real doors, a real
database that was restored from an older copy.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.vault_files import FileVault
from evidence.adapters.witness_http import HttpWitness
from evidence.core import disclosure
from evidence.core.act import Signer
from evidence.core.canonical import b64u, sha256
from evidence.core.entry import Draft
from evidence.core.merkle import Tree
from evidence.core.tiles import Tile, write_bundle
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import EntriesLost, LostLease, Unavailable, UnknownLog
from evidence.ports import StoredDisclosure, Witness
from evidence.service import LogKeeper
from sessions.adapters.centre_token import CentreVoice
from sessions.adapters.mirrors_http import HttpMirror
from sessions.adapters.node_store import FileNodeStore
from sessions.node import CityNode
from sessions.node_errors import LogForked
from sessions.node_following import Following
from sessions.ports import LogMirror
from sessions.recovery import Recovered, Recovery
from tests.evidence.worlds import QUICK, WITHIN_S
from tests.sessions.node_play import Play, make_node
from tests.sessions.node_world import CENTRE, CITIES, MAIN, NOW, PROCEEDING, Log, Main, new_log_signer, request, salt
from web.city.app import create_city_app

pytestmark = pytest.mark.asyncio
NO_OBJECT = f"/mirror-objects/{'A' * 43}"
TOLD = disclosure.make("title", "x", salt())


@dataclass
class World:
    """A proceeding in check-in with one sealed ballot; its log as it was, its nodes, and what a backup kept."""

    main: Main
    nodes: Sequence[CityNode]
    http: Sequence[httpx2.AsyncClient]
    folder: Path
    vault: FileVault
    ciphertext: bytes
    backup: int

    def __post_init__(self) -> None:
        self.witnesses: list[Witness] = [
            HttpWitness(client=client, prefix="http://node", vkey=city.witness.vkey)
            for client, city in zip(self.http, self.main.cities, strict=True)
        ]
        make = partial(HttpMirror, url="http://node", main=MAIN, signer=self.main.identity, clock=lambda: float(NOW))
        self.mirrors: dict[str, LogMirror] = {
            city: make(client=client, domain=city) for client, city in zip(self.http, CITIES, strict=True)
        }

    @property
    def logs(self) -> tuple[Log, Log]:
        return self.main.centre, self.main.log

    def cosign(self) -> None:
        """All witnesses cosign both logs as they are now."""
        for node in self.nodes:
            for log in self.logs:
                known = node.witness._store.witnessed(log.origin)
                assert known is not None
                node.witness.add_checkpoint(request(log, known.size))

    async def follow(self) -> None:
        for node in self.nodes:
            for log in self.logs:
                await node.follow(log.origin)

    async def restored(self, name: str = "ledger", *, also: Draft | None = None) -> DatabaseLedger:
        """The database as an older copy has it; with `also`, one that has gone on since."""
        url = f"sqlite:///{self.folder / name}"
        prepare(url)
        ledger = DatabaseLedger(url)
        for log, size in zip(self.logs, (1, self.backup), strict=True):
            epoch = await ledger.lease(log.origin, "old", 60)
            await ledger.append(log.origin, log.entries[:size], expected_size=0, epoch=epoch)
            await ledger.put_checkpoint(log.origin, size, self.main.quorum(log, size), epoch=epoch)
            if also is not None and log is self.main.log:
                other = Log(log.origin, log.signer, list(log.entries[:size])).append([also])
                await ledger.append(log.origin, other, expected_size=size, epoch=epoch)
            await ledger.release(log.origin, epoch)
        return ledger

    @asynccontextmanager
    async def kept(self, ledger: DatabaseLedger) -> AsyncIterator[LogKeeper]:
        """The proceeding's log as the server opens it."""
        log = await LogKeeper.open(
            origin=PROCEEDING,
            owner="web-1",
            ledger=ledger,
            signer=self.main.log.signer,
            policy=self.main.pins.policy,
            witnesses=self.witnesses,
            clock=lambda: datetime.fromtimestamp(NOW, UTC),
            entropy=os.urandom,
            pace=QUICK,
        )
        try:
            yield log
        finally:
            await log.close()

    async def recover(
        self, ledger: DatabaseLedger, mirrors: dict[str, LogMirror] | None = None, *, look_only: bool = False
    ) -> list[Recovered]:
        return await Recovery(
            owner="recover",
            pins=self.main.pins,
            ledger=ledger,
            vault=self.vault,
            witnesses=self.witnesses,
            mirrors=self.mirrors if mirrors is None else mirrors,
            told=[TOLD.text],
            look_only=look_only,
        ).run()


@dataclass
class Played:
    """A log to be lost, played once: what nodes kept of it, and how much of it the backup has."""

    main: Main
    ciphertext: bytes
    backup: int

    def copy(self) -> Main:
        """With logs of its own, under the same keys."""
        main = copy.copy(self.main)
        main.centre, main.log = (
            Log(log.origin, log.signer, list(log.entries), Tree([entry.leaf for entry in log.entries]))
            for log in (self.main.centre, self.main.log)
        )
        main.by_centre = copy.copy(self.main.by_centre)
        main.by_centre.log = main.centre
        return main


@pytest.fixture(scope="module")
def played() -> Played:
    async def play() -> Played:
        main = Main()
        game = Play(main, [make_node(main, keys) for keys in main.cities])
        game.found()
        await game.offers()
        await game.check_in()
        backup = len(main.log.entries)
        game.declare()
        await game.ack(game.seal("seat-5"))
        main.centre.append([Draft("LookNoted", {}, sd=(TOLD.digest,))])
        (seal,) = game.round.seals.values()
        return Played(main, main.objects[seal.envelope.ct_sha256 or b""], backup)

    return asyncio.run(play())


@pytest_asyncio.fixture
async def world(tmp_path: Path, played: Played) -> AsyncIterator[World]:
    main = played.copy()
    stores = [FileNodeStore.create(tmp_path / keys.domain) for keys in main.cities]
    nodes = [make_node(main, keys, store=store) for keys, store in zip(main.cities, stores, strict=True)]
    async with AsyncExitStack() as stack:
        http = []
        for node, store in zip(nodes, stores, strict=True):
            stack.callback(store.close)
            node.witness.add_log(main.add_log())
            store.put_object(played.ciphertext)
            transport = httpx2.ASGITransport(app=create_city_app(node, operator_token="x", pages="http://x"))
            http.append(await stack.enter_async_context(httpx2.AsyncClient(transport=transport)))
        vault = FileVault(tmp_path / "vault")
        made = World(main, nodes, http, tmp_path, vault, played.ciphertext, played.backup)
        made.cosign()
        yield made


async def entries(ledger: DatabaseLedger, log: Log) -> list[bytes]:
    return await ledger.entries(log.origin, 0, 10_000)


def octets(log: Log) -> list[bytes]:
    return [entry.data for entry in log.entries]


async def test_lost_entries_come_back_from_a_city_and_the_proceeding_goes_on(world: World) -> None:
    await world.follow()
    ledger = await world.restored()
    size = len(world.main.log.entries)
    async with world.kept(ledger) as log:
        with pytest.raises(EntriesLost):
            await log.append([Draft("PageShown", {})])
        assert log.ahead == size
    seen = await world.recover(ledger, look_only=True)
    assert [len(await entries(ledger, each)) for each in world.logs] == [1, world.backup]
    assert not await world.vault.has(sha256(world.ciphertext).hex())

    found = await world.recover(ledger)
    assert [(f.origin, f.had, f.size, f.source) for f in found] == [
        (CENTRE, 1, 3, CITIES[0]),
        (PROCEEDING, world.backup, size, CITIES[0]),
    ]
    assert [(f.gone, f.missing, f.untold) for f in found] == [(0, (), 0)] * 2
    assert (found, found[1].objects) == (seen, 1)
    for log_ in world.logs:
        assert await entries(ledger, log_) == octets(log_)
        note = await ledger.checkpoint(log_.origin)
        assert note is not None
        assert world.main.pins.policy.check(note, log_.signer.vkey) == log_.head()
    assert await world.vault.get(sha256(world.ciphertext).hex()) == world.ciphertext
    stored = await ledger.disclosures(CENTRE, [TOLD.digest])
    assert stored == {TOLD.digest: StoredDisclosure(TOLD.digest, TOLD.text, "case")}

    async with world.kept(ledger) as log:
        await log.append([Draft("PageShown", {})], expected_size=size)
        await log.quorum(size + 1, WITHIN_S)
        assert log.alarms == {}
    again = await world.recover(ledger)
    assert [(f.had, f.size, f.source, f.gone, f.refused) for f in again] == [
        (3, 3, None, 0, ()),
        (size + 1, size + 1, None, 0, ()),
    ]
    ledger.close()


async def test_a_database_that_is_wholly_lost_comes_back_too(world: World) -> None:
    await world.follow()
    prepare(url := f"sqlite:///{world.folder / 'empty'}")
    ledger = DatabaseLedger(url)
    found = await world.recover(ledger)
    assert [f.had for f in found] == [0, 0]
    assert [await entries(ledger, log) for log in world.logs] == [octets(log) for log in world.logs]
    ledger.close()


class Hostile:
    """A copy that shows these entries of the proceeding, under its own note or another one."""

    def __init__(self, honest: LogMirror, *, entries: Sequence[bytes], note: bytes | None = None) -> None:
        self._honest = honest
        self._entries = entries
        self._note = note

    async def checkpoint(self, origin: str) -> bytes | None:
        return await self._honest.checkpoint(origin) if self._note is None or origin == CENTRE else self._note

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        return await self._honest.bundle(origin, tile) if origin == CENTRE else write_bundle(self._entries)

    async def object(self, sha256_: bytes) -> bytes | None:
        return b"something else"


def hostile(data: list[bytes]) -> list[list[bytes]]:
    """Altered, swapped, one missing, one too many, cut short, nothing."""
    late = data[-1].replace(b'"at":"2026', b'"at":"2025')
    return [[*data[:-1], late], [*data[:-2], *data[:-3:-1]], data[:-1], [*data, data[-1]], data[:5], []]


async def test_a_copy_with_other_entries_changes_nothing(world: World) -> None:
    await world.follow()
    ledger = await world.restored()
    for lie in hostile(octets(world.main.log)):
        liar = Hostile(world.mirrors[CITIES[0]], entries=lie)
        await _refused(world, ledger, liar)
    # Control: beside it an honest copy is enough.
    found = await world.recover(ledger, {CITIES[0]: liar, CITIES[1]: world.mirrors[CITIES[1]]})
    assert (found[1].source, found[1].refused[0][0]) == (CITIES[1], CITIES[0])
    assert await entries(ledger, world.main.log) == octets(world.main.log)
    ledger.close()


async def test_a_copy_that_goes_on_beyond_what_was_signed_changes_nothing(world: World) -> None:
    """More entries under another key's signature, or under the log's own by whoever stole it."""
    await world.follow()
    true = world.main.log
    for signer in (new_log_signer(PROCEEDING), true.signer):
        other = Log(PROCEEDING, signer)
        other.append([Draft("PageShown", {"n": n}) for n in range(len(true.entries) + 3)])
        ledger = await world.restored(f"beyond-{signer is true.signer}")
        liar = Hostile(world.mirrors[CITIES[0]], entries=octets(other), note=other.note())
        await _refused(world, ledger, liar)
        ledger.close()
    # The stolen key's log, in a database that knows nothing yet: the witnesses know better.
    prepare(url := f"sqlite:///{world.folder / 'empty'}")
    ledger = DatabaseLedger(url)
    found = await world.recover(ledger, {CITIES[0]: liar})
    assert (found[1].size, found[1].source) == (0, None)
    assert "witness-refused" in "".join(why for _, why in found[1].refused)
    ledger.close()


async def _refused(world: World, ledger: DatabaseLedger, liar: LogMirror) -> None:
    before = await entries(ledger, world.main.log), await ledger.checkpoints(PROCEEDING)
    found = await world.recover(ledger, {CITIES[0]: liar})
    assert (found[1].had, found[1].size, found[1].source) == (world.backup, world.backup, None)
    assert (found[1].gone, found[1].refused[0][0]) == (len(world.main.log.entries), CITIES[0])
    assert (await entries(ledger, world.main.log), await ledger.checkpoints(PROCEEDING)) == before


async def test_what_no_city_has_any_more_is_said_to_be_gone(world: World) -> None:
    """The witnesses saw more than the longest copy: restoring less would make a second history."""
    await world.follow()
    game_size = len(world.main.log.entries)
    world.main.log.append([Draft("PageShown", {"n": n}) for n in range(3)])
    world.cosign()
    ledger = await world.restored()
    found = await world.recover(ledger)
    assert (found[1].size, found[1].gone) == (world.backup, game_size + 3)
    assert [why.partition(":")[0] for _, why in found[1].refused] == ["entries-lost"] * 3
    async with world.kept(ledger) as log:
        with pytest.raises(EntriesLost):
            await log.append([Draft("PageShown", {})])
    ledger.close()


async def test_a_closed_log_that_is_shorter_than_its_final_root_is_not_whole(world: World) -> None:
    body = {"origin": PROCEEDING, "root": b64u(bytes(32)), "size": len(world.main.log.entries) + 2}
    world.main.centre.append([Draft("FinalRootRecorded", {}, world.main.by_centre.act("root.record", body))])
    world.cosign()
    await world.follow()
    ledger = await world.restored()
    found = await world.recover(ledger)
    assert (found[1].source, found[1].size + 2, found[1].gone) == (CITIES[0], body["size"], body["size"])
    ledger.close()


async def test_a_database_that_went_another_way_is_left_alone(world: World) -> None:
    await world.follow()
    ledger = await world.restored(also=Draft("PageShown", {"n": 7}))
    found = await world.recover(ledger)
    assert (found[1].source, len(await entries(ledger, world.main.log))) == (None, world.backup + 1)
    assert all("here is another one" in why for _, why in found[1].refused)
    ledger.close()


async def test_nothing_is_restored_without_the_quorum_or_while_a_server_runs(world: World) -> None:
    await world.follow()
    ledger = await world.restored()

    class Silent:
        vkey = world.witnesses[0].vkey

        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            raise Unavailable("away")

        async def add_log(self, request: AddLog) -> None:
            raise Unavailable("away")

    awake, world.witnesses = world.witnesses, [Silent(), *world.witnesses[1:]]
    found = await world.recover(ledger)
    assert [(f.source, f.size) for f in found] == [(None, 1)]
    assert [why.partition(":")[0] for who, why in found[0].refused if who in CITIES] == ["no-quorum"] * 3
    world.witnesses = awake
    epoch = await ledger.lease(CENTRE, "web-1", 60)
    with pytest.raises(LostLease):
        await world.recover(ledger)
    await ledger.release(CENTRE, epoch)
    assert [f.source for f in await world.recover(ledger)] == [CITIES[0]] * 2
    ledger.close()


async def test_a_recovery_that_died_before_the_checkpoint_is_finished(world: World) -> None:
    await world.follow()
    ledger = await world.restored()

    class Dying:
        def __getattr__(self, name: str) -> object:
            return getattr(ledger, name)

        async def put_checkpoint(self, *_: object, **__: object) -> bytes:
            raise Unavailable("killed")

    with pytest.raises(Unavailable):
        await world.recover(Dying())  # type: ignore[arg-type]
    assert await ledger.checkpoint(CENTRE, 3) is None
    found = await world.recover(ledger)
    assert (found[0].had, found[0].size, found[0].source) == (3, 3, CITIES[0])
    assert await ledger.checkpoint(CENTRE, 3) is not None
    ledger.close()


async def test_a_copy_is_shown_to_the_main_centre_alone(world: World) -> None:
    """Whole entries leave a city only to whom they came from."""
    await world.follow()
    client, main = world.http[0], world.main
    paths = [
        f"/mirror/{PROCEEDING}/checkpoint",
        f"/mirror/{PROCEEDING}/tile/entries/000.p/5",
        NO_OBJECT,
    ]

    async def asked(
        path: str, *, signer: Signer = main.identity, issuer: str = MAIN, audience: str = CITIES[0], at: int = NOW
    ) -> tuple[int, str]:
        voice = CentreVoice(http=client, signer=signer, issuer=issuer, audience=audience, clock=lambda: float(at))
        answer = await client.get("http://node" + path, headers={"Authorization": voice.authorization})
        return answer.status_code, "" if answer.is_success else answer.json()["code"]

    city = main.cities[1]
    for path in paths:
        bare = await client.get("http://node" + path)
        assert (bare.status_code, bare.json()["code"]) == (401, "main-token-refused")
        refused = [
            await asked(path, signer=city.identity, issuer=city.domain),
            await asked(path, signer=city.identity),
            await asked(path, audience=CITIES[1]),
            await asked(path, at=NOW - 120),
        ]
        assert refused == [(401, "main-token-refused")] * 4
    assert [await asked(path) for path in paths] == [(200, ""), (200, ""), (404, "not-mirrored")]
    for path, code in (
        ("/mirror/nobody.example/proceedings/x/checkpoint", (404, "not-mirrored")),
        (f"/mirror/{PROCEEDING}/tile/entries/900", (404, "not-mirrored")),
        (f"/mirror/{PROCEEDING}/tile/0/000", (404, "not-mirrored")),
        (f"/mirror/{PROCEEDING}/tile/entries/junk", (400, "malformed")),
        ("/mirror-objects/junk", (400, "malformed")),
    ):
        assert await asked(path) == code


async def test_a_node_follows_what_it_cosigned(world: World) -> None:
    """Unasked by any duty: what the witnesses saw is soon in the cities' copies, the centre log included."""
    node, log = world.nodes[0], world.main.log
    known = len(log.entries)
    await node.follow(PROCEEDING)
    following = Following(node, pause=0.01)
    transport = httpx2.ASGITransport(
        app=create_city_app(node, operator_token="x", pages="http://x", cosigned=following.heard)
    )
    task = asyncio.create_task(following.run())
    async with httpx2.AsyncClient(transport=transport, base_url="http://node") as http:
        for grown in world.logs:
            assert (await http.post("/add-checkpoint", content=request(grown, len(grown.entries)))).status_code == 200
        async with asyncio.timeout(WITHIN_S):
            while node.bundle(CENTRE, Tile(None, 0, 3)) is None:  # noqa: ASYNC110 (its disk is what is waited for)
                await asyncio.sleep(0.01)
        # A copy that cannot follow (the log shown forks) stops nobody else's.
        fork = Log(PROCEEDING, log.signer)
        fork.append([Draft("PageShown", {"n": n}) for n in range(known)])
        world.main.log = fork
        with pytest.raises(LogForked):
            await node.follow(PROCEEDING)
        following.heard(PROCEEDING)
        world.main.centre.append([Draft("LookNoted", {"looks": [], "origin": PROCEEDING})])
        assert (await http.post("/add-checkpoint", content=request(world.main.centre, 3))).status_code == 200
        async with asyncio.timeout(WITHIN_S):
            while node.bundle(CENTRE, Tile(None, 0, 4)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(node._store.entries(PROCEEDING)) == known
    # The copy of the centre log makes it no proceeding.
    with pytest.raises(UnknownLog):
        await node.offer(CENTRE)
