"""What the databases themselves refuse, and what survives a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from evidence.adapters.database import DatabaseLedger, open_engine, prepare
from evidence.core.entry import parse
from evidence.errors import Unavailable
from evidence.ports import StoredDisclosure
from tests.contract.ledgers import ORIGIN, WITNESSES, checkpoint, row
from tests.postgres import Cluster

ATTACKS = [
    "UPDATE entries SET data = data",
    "UPDATE entries SET act_id = NULL WHERE n = 0",
    "DELETE FROM entries",
    "DELETE FROM entries WHERE n = 2",
    "UPDATE checkpoints SET note = note",
    "DELETE FROM checkpoints",
    "UPDATE cosignatures SET line = 'x'",
    "DELETE FROM cosignatures",
    "UPDATE disclosures SET text = 'x'",
    "INSERT INTO entries (origin, n, leaf, data) VALUES ('{origin}', 7, '', '')",
    "INSERT INTO entries (origin, n, leaf, data) VALUES ('{origin}', 1, '', '')",
    "INSERT INTO entries (origin, n, leaf, data) VALUES ('fresh', 1, '', '')",
]
SQLITE_ATTACKS = [
    "INSERT OR REPLACE INTO entries (origin, n, leaf, data) VALUES ('{origin}', 1, x'00', x'00')",
    "INSERT OR REPLACE INTO checkpoints (origin, size, note) VALUES ('{origin}', 3, x'00')",
    "INSERT OR REPLACE INTO cosignatures (id, origin, size, key, line) VALUES (1, 'other', 9, 'k', 'l')",
    "UPDATE OR REPLACE entries SET n = 1 WHERE n = 2",
]
POSTGRESQL_ATTACKS = ["TRUNCATE entries", "TRUNCATE entries, checkpoints, cosignatures", "TRUNCATE checkpoints CASCADE"]


async def fill(url: str) -> None:
    ledger = DatabaseLedger(url)
    epoch = await ledger.lease(ORIGIN, "web-1", 60)
    entries = row(0, 3)
    await ledger.append(ORIGIN, entries, [StoredDisclosure("d", "t", "case")], expected_size=0, epoch=epoch)
    note = await ledger.put_checkpoint(ORIGIN, 3, checkpoint(entries), epoch=epoch)
    signed = note.split(b"\n\n")[0] + b"\n"
    await ledger.add_cosignatures(ORIGIN, 3, [WITNESSES[0].line(signed, time=5)])
    ledger.close()


def counts(rows: list[tuple[int, ...]]) -> None:
    assert rows == [(3, 1, 1)]


COUNT = "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM checkpoints), (SELECT count(*) FROM cosignatures)"


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    prepare(f"sqlite:///{path}")
    asyncio.run(fill(f"sqlite:///{path}"))
    return path


@pytest.mark.parametrize("attack", [*ATTACKS, *SQLITE_ATTACKS])
def test_sqlite_refuses(sqlite: Path, attack: str) -> None:
    connection = sqlite3.connect(sqlite, isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(attack.format(origin=ORIGIN))
    counts(connection.execute(COUNT).fetchall())
    connection.close()


def test_without_the_triggers_sqlite_obeys(sqlite: Path) -> None:
    """The control of the test above, and the reason why the witnessed log, and not the database, is the proof."""
    connection = sqlite3.connect(sqlite, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE entries SET data = x'00' WHERE n = 1")
    connection.execute("DELETE FROM entries WHERE n = 2")
    connection.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        cluster.create("ledger")
        prepare(cluster.url("ledger", "owner"), app_role="app")
        asyncio.run(fill(cluster.url("ledger")))
        yield cluster


def connect(cluster: Cluster, role: str) -> psycopg.Connection[tuple[int, ...]]:
    return psycopg.connect(cluster.url("ledger", role).replace("+psycopg", ""), autocommit=True)


@pytest.mark.parametrize("attack", [*ATTACKS, *POSTGRESQL_ATTACKS])
@pytest.mark.parametrize("role", ["app", "owner", "postgres", "replica"])
def test_postgresql_refuses(cluster: Cluster, role: str, attack: str) -> None:
    """The application's role, the owner, the superuser, and the superuser with ordinary triggers switched off."""
    with connect(cluster, "postgres" if role == "replica" else role) as connection:
        if role == "replica":
            connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.Error):
            connection.execute(attack.format(origin=ORIGIN).encode())
        counts(connection.execute(COUNT.encode()).fetchall())


@pytest.mark.parametrize(
    "attack",
    [
        "DROP TABLE entries",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "DROP TRIGGER entries_fixed ON entries",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "DELETE FROM disclosures",
        "DELETE FROM leases",
        "UPDATE outbox SET body = ''",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_lift_the_rules(cluster: Cluster, attack: str) -> None:
    with connect(cluster, "app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attack.encode())


def test_without_the_triggers_postgresql_obeys(cluster: Cluster) -> None:
    """The control: rolled back, so that the other tests keep their rows."""
    with connect(cluster, "owner") as connection, connection.transaction(force_rollback=True):
        connection.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        assert connection.execute("DELETE FROM entries").rowcount == 3


def test_settings_that_durability_rests_on(cluster: Cluster, tmp_path: Path) -> None:
    """Architecture 5: TRUNCATE and FULL on SQLite; synchronous_commit on PostgreSQL, whatever the server's default."""
    engine = open_engine(f"sqlite:///{tmp_path / 'x'}")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "truncate"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA recursive_triggers")) == 1
    engine.dispose()
    with connect(cluster, "postgres") as superuser:
        superuser.execute("ALTER ROLE app SET synchronous_commit = off")
    engine = open_engine(cluster.url("ledger"))
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    engine.dispose()


APPENDER = """
import asyncio, sys
sys.path.insert(0, {root!r})
from evidence.adapters.database import DatabaseLedger
from tests.contract.ledgers import ORIGIN, row

async def main():
    ledger = DatabaseLedger({url!r})
    epoch = await ledger.lease(ORIGIN, "web-1", 60)
    size = await ledger.size(ORIGIN)
    while True:
        size = await ledger.append(ORIGIN, row(size, size + 3), expected_size=size, epoch=epoch, outbox=[b"m"])
        print(size, flush=True)

asyncio.run(main())
"""


def killed_while_appending(url: str, after: int) -> int:
    """The last size that a process announced before it was killed with -9."""
    script = APPENDER.format(root=str(Path(__file__).parents[2]), url=url)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    sizes = [int(process.stdout.readline()) for _ in range(after)]
    os.kill(process.pid, signal.SIGKILL)
    sizes += [int(line) for line in process.stdout.read().splitlines() if line.strip()]
    process.stdout.close()
    process.wait()
    return sizes[-1]


async def check_after_crash(url: str, announced: int) -> None:
    ledger = DatabaseLedger(url)
    size = await ledger.size(ORIGIN)
    entries = await ledger.entries(ORIGIN, 0, size)
    assert size >= announced
    assert size % 3 == 0
    assert [parse(data).n for data in entries] == list(range(size))
    assert len(await ledger.outbox(10_000)) == size // 3
    ledger.close()


def test_kill_9_loses_no_acknowledged_append_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    prepare(url)
    for after in (1, 15):
        asyncio.run(check_after_crash(url, killed_while_appending(url, after)))


def test_kill_9_loses_no_acknowledged_append_on_postgresql() -> None:
    """The writing process is killed, then the server itself crashes and recovers."""
    with Cluster() as cluster:
        cluster.create("ledger")
        prepare(cluster.url("ledger", "owner"), app_role="app")
        announced = killed_while_appending(cluster.url("ledger"), 10)
        cluster.stop("immediate")
        cluster.start()
        asyncio.run(check_after_crash(cluster.url("ledger"), announced))


def test_a_server_that_is_away_is_unavailable_and_found_again() -> None:
    async def run(cluster: Cluster) -> None:
        ledger = DatabaseLedger(cluster.url("ledger"))
        epoch = await ledger.lease(ORIGIN, "web-1", 60)
        await ledger.append(ORIGIN, row(0, 1), expected_size=0, epoch=epoch)
        await asyncio.to_thread(cluster.stop, "immediate")
        with pytest.raises(Unavailable):
            await ledger.append(ORIGIN, row(1, 2), expected_size=1, epoch=epoch)
        with pytest.raises(Unavailable):
            await ledger.size(ORIGIN)
        await asyncio.to_thread(cluster.start)
        assert await ledger.size(ORIGIN) == 1
        assert await ledger.append(ORIGIN, row(1, 2), expected_size=1, epoch=epoch) == 2
        ledger.close()
        with pytest.raises(Unavailable):
            await ledger.append(ORIGIN, row(2, 3), expected_size=2, epoch=epoch)

    with Cluster() as cluster:
        cluster.create("ledger")
        prepare(cluster.url("ledger", "owner"), app_role="app")
        asyncio.run(run(cluster))


def test_a_stale_epoch_cannot_slip_through_between_two_sqlite_processes(tmp_path: Path) -> None:
    """BEGIN IMMEDIATE: the check of epoch and size and the write are one step for everybody."""

    async def run() -> None:
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        prepare(url)
        one, two = DatabaseLedger(url), DatabaseLedger(url)
        done = 0
        for turn in range(15):
            owner, other = (one, two) if turn % 2 else (two, one)
            epoch = await owner.lease(ORIGIN, "same-owner", 60)
            results = await asyncio.gather(
                owner.append(ORIGIN, row(done, done + 1), expected_size=done, epoch=epoch),
                other.lease(ORIGIN, "same-owner", 60),
                other.append(ORIGIN, row(done, done + 1), expected_size=done, epoch=epoch + 1),
                return_exceptions=True,
            )
            done += sum(isinstance(results[i], int) for i in (0, 2))
            assert await one.size(ORIGIN) == done
            assert [parse(d).n for d in await two.entries(ORIGIN, 0, 99)] == list(range(done))
        one.close()
        two.close()

    asyncio.run(run())
