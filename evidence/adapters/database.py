"""The ledger in a database: SQLite where nothing is to be started, PostgreSQL in deployments."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Delete,
    Engine,
    Update,
    and_,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    not_,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from evidence.adapters.disclosure_keys import MARK, DisclosureKeys
from evidence.adapters.schema import CHECKPOINTS, COSIGNATURES, DISCLOSURES, ENTRIES, LEASES, OUTBOX, migrate
from evidence.adapters.writer import Writer
from evidence.core.entry import Entry, check_row
from evidence.core.note import Note, SignatureLine, check_names, with_lines
from evidence.errors import LostLease, RepeatedAct, StaleSize, Unavailable, UnknownLog
from evidence.ports import Message, StoredDisclosure

Result = TypeVar("Result")

# Another process of this machine holds the SQLite lock for one commit; ten seconds are an outage.
_BUSY_S = 10.0
# Reads that wait on the disk must not use up the event loop's shared threads.
_READERS = 2
_CLOCK = {
    "postgresql": text("SELECT extract(epoch FROM clock_timestamp())::float8"),
    "sqlite": text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
}

# What every append runs is built once: building costs as much as running.
_EPOCH = select(LEASES.c.epoch).where(LEASES.c.origin == bindparam("origin"))
_EPOCH_LOCKED = _EPOCH.with_for_update()
_LAST = select(func.max(ENTRIES.c.n)).where(ENTRIES.c.origin == bindparam("origin"))
_REPEATED = (
    select(ENTRIES.c.n)
    .where(ENTRIES.c.origin == bindparam("origin"), ENTRIES.c.act_id.in_(bindparam("acts", expanding=True)))
    .limit(1)
)
_INSERT_ENTRIES = insert(ENTRIES)
_INSERT_OUTBOX = insert(OUTBOX)


def open_engine(url: str) -> Engine:
    """An engine whose commits are durable: SQLite with a truncated rollback journal, PostgreSQL synchronous.

    Not WAL: SQLite before 3.51.3 can corrupt it. Not DELETE: that mode does not sync the directory.
    """
    if make_url(url).get_backend_name() == "postgresql":
        options = "-c synchronous_commit=on -c lock_timeout=10s -c statement_timeout=30s"
        return create_engine(url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5})
    engine = create_engine(url, connect_args={"timeout": _BUSY_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = TRUNCATE",
            "synchronous = FULL",
            "foreign_keys = ON",
            "recursive_triggers = ON",
            "trusted_schema = OFF",
            # What is deleted is overwritten, so that no page of the file keeps it.
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction could check a stale epoch and write afterwards.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def prepare(url: str, *, app_role: str | None = None) -> None:
    """Create the tables and rules; `url` connects as the owner. Safe to repeat."""
    engine = open_engine(url)
    try:
        migrate(engine, app_role)
    except SQLAlchemyError as error:
        raise Unavailable("the database could not be prepared") from error
    finally:
        engine.dispose()
    database = make_url(url).database
    if engine.dialect.name == "sqlite" and database:
        directory = os.open(Path(database).resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class DatabaseLedger:
    """An `evidence.ports.Ledger`; `prepare` made its tables. Close it when done. With `keys` disclosures lie sealed,
    and what is erased loses its key; without them it loses its row, as only the tables' owner may have it."""

    def __init__(self, url: str, *, keys: DisclosureKeys | None = None) -> None:
        self._engine = open_engine(url)
        self._keys = keys
        self._clock = _CLOCK[self._engine.dialect.name]
        self._writer = Writer(self._engine)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-reader")

    def close(self) -> None:
        """Finish waiting writes and close all connections."""
        self._writer.close()
        self._readers.shutdown()
        self._engine.dispose()

    async def lease(self, origin: str, owner: str, ttl_s: float) -> int:
        def run(connection: Connection) -> int:
            now = connection.scalar(self._clock) or 0.0
            row = connection.execute(select(LEASES).where(LEASES.c.origin == origin).with_for_update()).first()
            if row is None:
                values = {"origin": origin, "epoch": 1, "owner": owner, "expires": now + ttl_s}
                connection.execute(insert(LEASES).values(values))
                return 1
            if row.owner != owner and row.expires > now:
                raise LostLease(f"{origin} is owned by {row.owner}")
            changed = update(LEASES).where(LEASES.c.origin == origin)
            connection.execute(changed.values(epoch=row.epoch + 1, owner=owner, expires=now + ttl_s))
            return int(row.epoch) + 1

        return await self._writer.write(origin, run)

    async def renew(self, origin: str, epoch: int, ttl_s: float) -> None:
        def run(connection: Connection) -> None:
            _own(connection, origin, epoch)
            expires = (connection.scalar(self._clock) or 0.0) + ttl_s
            connection.execute(update(LEASES).where(LEASES.c.origin == origin).values(expires=expires))

        await self._writer.write(origin, run)

    async def release(self, origin: str, epoch: int) -> None:
        await self._execute(
            origin,
            update(LEASES).where(LEASES.c.origin == origin, LEASES.c.epoch == epoch).values(expires=0.0),
        )

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
        check_row(entries, origin, expected_size)
        rows = [
            {
                "origin": origin,
                "n": entry.n,
                "act_id": entry.act.id if entry.act else None,
                "leaf": entry.leaf,
                "data": entry.data,
            }
            for entry in entries
        ]
        acts = [row["act_id"] for row in rows if row["act_id"] is not None]

        def run(connection: Connection) -> int:
            _own(connection, origin, epoch)
            size = _size(connection, origin)
            if size != expected_size:
                raise StaleSize(expected=expected_size, actual=size)
            if acts:
                repeated = connection.scalar(_REPEATED, {"origin": origin, "acts": acts})
                if repeated is not None:
                    raise RepeatedAct(repeated)
            connection.execute(_INSERT_ENTRIES, rows)
            _disclose(connection, origin, disclosures, self._sealed)
            if outbox:
                connection.execute(_INSERT_OUTBOX, [{"origin": origin, "body": body} for body in outbox])
            return size + len(rows)

        return await self._writer.write(origin, run)

    async def size(self, origin: str) -> int:
        return await self._read(origin, lambda connection: _size(connection, origin))

    async def entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        return await self._column(ENTRIES.c.data, origin, start, stop)

    async def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        return await self._column(ENTRIES.c.leaf, origin, start, stop)

    async def act_index(self, origin: str, act_id: bytes) -> int | None:
        query = select(ENTRIES.c.n).where(ENTRIES.c.origin == origin, ENTRIES.c.act_id == act_id)
        return await self._read(origin, lambda connection: connection.scalar(query))

    async def disclosures(self, origin: str, digests: Sequence[str]) -> dict[str, StoredDisclosure]:
        query = select(DISCLOSURES).where(DISCLOSURES.c.origin == origin, DISCLOSURES.c.digest.in_(list(digests)))

        def run(connection: Connection) -> dict[str, StoredDisclosure]:
            found = ((row, self._opened(origin, row.digest, row.text)) for row in connection.execute(query))
            return {row.digest: StoredDisclosure(row.digest, text, row.kind) for row, text in found if text is not None}

        return await self._read(origin, run)

    async def disclose(self, origin: str, disclosures: Sequence[StoredDisclosure], *, epoch: int) -> None:
        def run(connection: Connection) -> None:
            _own(connection, origin, epoch)
            _disclose(connection, origin, disclosures, self._sealed)

        await self._writer.write(origin, run)

    async def erase(self, origin: str, digests: Sequence[str]) -> None:
        await self.size(origin)
        if self._keys is not None:
            await asyncio.get_running_loop().run_in_executor(self._readers, self._keys.forget, origin, list(digests))
        # What an earlier release stored in clear goes with its row, where the role may delete rows.
        told = (DISCLOSURES.c.origin == origin, DISCLOSURES.c.digest.in_(list(digests)))
        clear = and_(*told, not_(DISCLOSURES.c.text.startswith(MARK)))
        if await self._read(origin, lambda connection: connection.scalar(select(DISCLOSURES.c.digest).where(clear))):
            await self._execute(origin, delete(DISCLOSURES).where(clear))

    def _sealed(self, origin: str, told: StoredDisclosure) -> str:
        return told.text if self._keys is None else self._keys.seal(origin, told)

    def _opened(self, origin: str, digest: str, text: str) -> str | None:
        return text if self._keys is None else self._keys.open(origin, digest, text)

    async def put_checkpoint(self, origin: str, size: int, note: bytes, *, epoch: int) -> bytes:
        check_names(note, origin, size)

        def run(connection: Connection) -> bytes:
            _own(connection, origin, epoch)
            committed = _size(connection, origin)
            if size > committed:
                raise StaleSize(expected=size, actual=committed)
            stored = _note(connection, origin, size)
            if stored is not None:
                return stored
            connection.execute(insert(CHECKPOINTS).values(origin=origin, size=size, note=note))
            return note

        return await self._writer.write(origin, run)

    async def add_cosignatures(self, origin: str, size: int, lines: Sequence[str]) -> bytes:
        brought = {_key(SignatureLine.parse(line)): line for line in reversed(lines)}

        def run(connection: Connection) -> bytes:
            stored = _note(connection, origin, size)
            if stored is None:
                raise UnknownLog(f"{origin} has no checkpoint of size {size}")
            present = {_key(signature) for signature in Note.parse(stored).signatures}
            _cosign(connection, origin, size, {k: line for k, line in brought.items() if k not in present})
            return _note(connection, origin, size) or stored

        return await self._writer.write(origin, run)

    async def checkpoint(self, origin: str, size: int | None = None) -> bytes | None:
        def run(connection: Connection) -> bytes | None:
            newest = select(func.max(CHECKPOINTS.c.size)).where(CHECKPOINTS.c.origin == origin)
            wanted = connection.scalar(newest) if size is None else size
            return None if wanted is None else _note(connection, origin, wanted)

        return await self._read(origin, run)

    async def checkpoints(self, origin: str) -> list[bytes]:
        def run(connection: Connection) -> list[bytes]:
            stored = select(CHECKPOINTS).where(CHECKPOINTS.c.origin == origin).order_by(CHECKPOINTS.c.size)
            notes: dict[int, bytes] = {row.size: row.note for row in connection.execute(stored)}
            cosigned = select(COSIGNATURES).where(COSIGNATURES.c.origin == origin).order_by(COSIGNATURES.c.id)
            for row in connection.execute(cosigned):
                notes[row.size] = with_lines(notes[row.size], [row.line])
            return list(notes.values())

        return await self._read(origin, run)

    async def origins(self) -> list[str]:
        query = select(LEASES.c.origin).order_by(LEASES.c.origin)
        return await self._read(None, lambda connection: list(connection.scalars(query)))

    async def outbox(self, limit: int) -> list[Message]:
        query = select(OUTBOX).order_by(OUTBOX.c.id).limit(limit)

        def run(connection: Connection) -> list[Message]:
            return [Message(row.id, row.origin, row.body) for row in connection.execute(query)]

        return await self._read(None, run)

    async def settle(self, ids: Sequence[int]) -> None:
        await self._execute("", delete(OUTBOX).where(OUTBOX.c.id.in_(list(ids))))

    async def _execute(self, order: str, statement: Update | Delete) -> None:
        def run(connection: Connection) -> None:
            connection.execute(statement)

        await self._writer.write(order, run)

    async def _column(self, column: Any, origin: str, start: int, stop: int) -> list[bytes]:
        rows = select(column).where(ENTRIES.c.origin == origin, ENTRIES.c.n >= start, ENTRIES.c.n < stop)
        query = rows.order_by(ENTRIES.c.n)
        return await self._read(origin, lambda connection: list(connection.scalars(query)))

    async def _read(self, origin: str | None, run: Callable[[Connection], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_now, origin, run)

    def _read_now(self, origin: str | None, run: Callable[[Connection], Result]) -> Result:
        try:
            with self._engine.connect().execution_options(reading=True) as connection, connection.begin():
                if origin is not None and _epoch(connection, origin) is None:
                    raise UnknownLog(origin)
                return run(connection)
        except SQLAlchemyError as error:
            raise Unavailable(f"the database did not answer: {type(error).__name__}") from error


def _epoch(connection: Connection, origin: str) -> int | None:
    return connection.scalar(_EPOCH, {"origin": origin})


def _own(connection: Connection, origin: str, epoch: int) -> None:
    """The lease's row stays locked until the commit, so no newer epoch can begin before it."""
    if connection.scalar(_EPOCH_LOCKED, {"origin": origin}) != epoch:
        raise LostLease(f"epoch {epoch} of {origin} is over")


def _size(connection: Connection, origin: str) -> int:
    last = connection.scalar(_LAST, {"origin": origin})
    return 0 if last is None else int(last) + 1


def _disclose(
    connection: Connection,
    origin: str,
    disclosures: Sequence[StoredDisclosure],
    sealed: Callable[[str, StoredDisclosure], str],
) -> None:
    wanted = {d.digest: d for d in disclosures}
    if not wanted:
        return
    held = select(DISCLOSURES.c.digest).where(DISCLOSURES.c.origin == origin, DISCLOSURES.c.digest.in_(list(wanted)))
    for digest in connection.scalars(held):
        del wanted[digest]
    if wanted:
        rows = [
            {"origin": origin, "digest": d.digest, "kind": d.kind, "text": sealed(origin, d)} for d in wanted.values()
        ]
        connection.execute(insert(DISCLOSURES), rows)


def _note(connection: Connection, origin: str, size: int) -> bytes | None:
    at = (CHECKPOINTS.c.origin == origin, CHECKPOINTS.c.size == size)
    note: bytes | None = connection.scalar(select(CHECKPOINTS.c.note).where(*at))
    if note is None:
        return None
    lines = select(COSIGNATURES.c.line).where(COSIGNATURES.c.origin == origin, COSIGNATURES.c.size == size)
    return with_lines(note, list(connection.scalars(lines.order_by(COSIGNATURES.c.id))))


def _cosign(connection: Connection, origin: str, size: int, lines: dict[str, str]) -> None:
    for key, line in lines.items():
        row = {"origin": origin, "size": size, "key": key, "line": line}
        try:
            with connection.begin_nested():
                connection.execute(insert(COSIGNATURES).values(row))
        except IntegrityError:
            # Another process brought this witness's line a moment earlier.
            continue


def _key(signature: SignatureLine) -> str:
    return f"{signature.name}+{signature.key_id.hex()}"
