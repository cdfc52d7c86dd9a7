"""A city node's records in one SQLite file, keys sealed inside it, ciphertexts as files beside it.

The witness key lives in the same database as the record of what it signed: whoever loses the record has lost the key
too, so that a witness without memory cannot sign (C2SP tlog-witness; protocols.md 1.6: retired, never restored).
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence.core import act as acts
from evidence.core.act import NO_ACT, Act
from evidence.core.canonical import sha256
from evidence.core.note import VerifierKey
from evidence.core.origins import proceeding_of
from evidence.core.witness import Answer, Decision, WitnessState
from sessions.node_errors import NodeStateBroken, OtherFreeze, OtherSuccessor

MASTER_KEY = "master.key"
DATABASE = "node.sqlite"
OBJECTS = "objects"
# AES-256-GCM (architecture.md 5): a key of 32 bytes, a random nonce of 96 bits; a node seals a handful of keys.
_KEY_BYTES, _NONCE_BYTES = 32, 12
# The largest integer of SQLite: more than any log has entries.
_BEYOND = 2**63 - 1

_SCHEMA = """
CREATE TABLE secret (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE witnessed (origin TEXT PRIMARY KEY, vkey TEXT NOT NULL, opening BLOB NOT NULL, size INTEGER NOT NULL,
    root BLOB NOT NULL, time INTEGER NOT NULL) STRICT;
CREATE TABLE mirror (origin TEXT NOT NULL, n INTEGER NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (origin, n)) STRICT;
CREATE TABLE head (origin TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, size)) STRICT;
CREATE TABLE act (origin TEXT NOT NULL, ctr INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL,
    jws TEXT NOT NULL, PRIMARY KEY (origin, ctr), UNIQUE (origin, kind, subject)) STRICT;
CREATE TABLE released (origin TEXT NOT NULL, purpose TEXT NOT NULL, round INTEGER NOT NULL, freeze BLOB NOT NULL,
    PRIMARY KEY (origin, purpose, round)) STRICT;
"""
# Besides the tables above: a store of an earlier release has none yet.
_JOURNAL = """
CREATE TABLE IF NOT EXISTS journal (origin TEXT NOT NULL, n INTEGER NOT NULL, line BLOB NOT NULL,
    PRIMARY KEY (origin, n)) STRICT;
"""
# The note that was cosigned last, and which log continues another one.
_CONTINUED = """
CREATE TABLE IF NOT EXISTS cosigned (origin TEXT PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS continued (origin TEXT PRIMARY KEY, successor TEXT NOT NULL) STRICT;
"""
_STATE = """
SELECT vkey, size, root, time, coalesce((SELECT note FROM cosigned WHERE cosigned.origin = witnessed.origin), x''),
    coalesce((SELECT successor FROM continued WHERE continued.origin = witnessed.origin), '')
FROM witnessed WHERE origin = ?
"""
_APPEND_ONLY = ("secret", "mirror", "head", "act", "released")


class FileNodeStore:
    """`NodeStore` on stdlib sqlite3; made by `create`, opened by `open`."""

    def __init__(self, *, database: sqlite3.Connection, objects: Path, master: bytes) -> None:
        self._database = database
        self._objects = objects
        self._cipher = AESGCM(master)
        self._lock = Lock()

    @staticmethod
    def create(folder: Path) -> FileNodeStore:
        """A new store in `folder`; refuses one that holds a node already."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / DATABASE).exists() or (folder / MASTER_KEY).exists():
            raise NodeStateBroken(f"{folder} holds a node already")
        write_durably(folder / MASTER_KEY, secrets.token_bytes(_KEY_BYTES))
        (folder / OBJECTS).mkdir(mode=0o700, exist_ok=True)
        database = _connect(folder / DATABASE)
        database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {_triggers(*_APPEND_ONLY)} COMMIT;")
        os.chmod(folder / DATABASE, 0o600)
        sync_folder(folder)
        database.close()
        return FileNodeStore.open(folder)

    @staticmethod
    def open(folder: Path) -> FileNodeStore:
        """The store in `folder`; a master key that others may read is refused."""
        key_file = folder / MASTER_KEY
        if not key_file.is_file() or not (folder / DATABASE).is_file():
            raise NodeStateBroken(f"{folder} lacks the master key or the database of a node")
        master = key_file.read_bytes()
        if key_file.stat().st_mode & 0o077 or len(master) != _KEY_BYTES:
            raise NodeStateBroken(f"{key_file} must be 32 bytes that only its owner can read")
        database = _connect(folder / DATABASE)
        database.executescript(f"BEGIN IMMEDIATE; {_JOURNAL} {_CONTINUED} {_triggers('journal', 'continued')} COMMIT;")
        return FileNodeStore(database=database, objects=folder / OBJECTS, master=master)

    def close(self) -> None:
        """Close the database; every write was durable before it returned."""
        self._database.close()

    def secret(self, name: str) -> bytes | None:
        row = self._one("SELECT sealed FROM secret WHERE name = ?", name)
        return None if row is None else self._unseal(name, row[0])

    def put_secret(self, name: str, value: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, value, name.encode())
        with self._transaction() as cursor:
            cursor.execute("INSERT INTO secret VALUES (?, ?) ON CONFLICT DO NOTHING", (name, sealed))
            (stored,) = cursor.execute("SELECT sealed FROM secret WHERE name = ?", (name,)).fetchone()
        return self._unseal(name, stored)

    def witnessed(self, origin: str) -> WitnessState | None:
        return _witness_state(self._one(_STATE, origin))

    def opening(self, origin: str) -> bytes | None:
        row = self._one("SELECT opening FROM witnessed WHERE origin = ?", origin)
        return None if row is None else bytes(row[0])

    def admit(self, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        with self._transaction() as cursor:
            return _admit(cursor, origin, state, opening)

    def succeed(self, former: str, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        with self._transaction() as cursor:
            known = _witness_state(_read_witnessed(cursor, former))
            if known is None or known.successor not in ("", origin):
                raise OtherSuccessor(f"{former} is continued by {known.successor if known else 'nothing known'}")
            cursor.execute("INSERT INTO continued VALUES (?, ?) ON CONFLICT DO NOTHING", (former, origin))
            return _admit(cursor, origin, state, opening)

    def cosign(self, origin: str, decide: Callable[[WitnessState | None], Decision]) -> Decision:
        with self._transaction() as cursor:
            decision = decide(_witness_state(_read_witnessed(cursor, origin)))
            if decision.answer is Answer.COSIGNED and decision.state is not None:
                state = decision.state
                cursor.execute(
                    "UPDATE witnessed SET size = ?, root = ?, time = ? WHERE origin = ?",
                    (state.size, state.root, state.time, origin),
                )
                cursor.execute("INSERT OR REPLACE INTO cosigned VALUES (?, ?)", (origin, state.note))
        return decision

    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        query = "SELECT n, entry FROM mirror WHERE origin = ? AND n >= ? AND n < ? ORDER BY n"
        with self._lock:
            rows = self._database.execute(query, (origin, start, _BEYOND if stop is None else stop))
            found = rows.fetchall()
        if [n for n, _ in found] != list(range(start, start + len(found))):
            raise NodeStateBroken(f"the mirror of {origin} has gaps")
        return [bytes(entry) for _, entry in found]

    def head(self, origin: str) -> bytes | None:
        row = self._one("SELECT note FROM head WHERE origin = ? ORDER BY size DESC LIMIT 1", origin)
        return None if row is None else bytes(row[0])

    def extend(self, origin: str, start: int, entries: Sequence[bytes], head: bytes) -> None:
        rows = [(origin, start + i, entry) for i, entry in enumerate(entries)]
        with self._transaction() as cursor:
            (size,) = cursor.execute("SELECT count(*) FROM mirror WHERE origin = ?", (origin,)).fetchone()
            if size != start:
                raise NodeStateBroken("the mirror was extended by somebody else")
            cursor.executemany("INSERT INTO mirror VALUES (?, ?, ?)", rows)
            cursor.execute("INSERT INTO head VALUES (?, ?, ?)", (origin, start + len(entries), head))

    def released(self, origin: str) -> list[bytes]:
        with self._lock:
            query = "SELECT freeze FROM released WHERE origin = ?"
            rows = self._database.execute(query, (proceeding_of(origin),)).fetchall()
        return [bytes(freeze) for (freeze,) in rows]

    def act(self, origin: str, kind: str, subject: bytes) -> str | None:
        query = "SELECT jws FROM act WHERE origin = ? AND kind = ? AND subject = ?"
        row = self._one(query, origin, kind, subject)
        return None if row is None else str(row[0])

    def sign(
        self,
        origin: str,
        kind: str,
        subject: bytes,
        make: Callable[[int, bytes], Act],
        *,
        once: tuple[str, int, bytes] | None = None,
    ) -> str:
        with self._transaction() as cursor:
            query = "SELECT jws FROM act WHERE origin = ? AND kind = ? AND subject = ?"
            stored = cursor.execute(query, (origin, kind, subject)).fetchone()
            if stored is not None:
                return str(stored[0])
            if once is not None:
                _record_release(cursor, proceeding_of(origin), once)
            query = "SELECT ctr, jws FROM act WHERE origin = ? ORDER BY ctr DESC LIMIT 1"
            last = cursor.execute(query, (origin,)).fetchone()
            ctr, prev = (last[0] + 1, acts.parse(last[1]).id) if last else (1, NO_ACT)
            made = make(ctr, prev)
            cursor.execute("INSERT INTO act VALUES (?, ?, ?, ?, ?)", (origin, made.ctr, kind, subject, made.jws))
        return made.jws

    def journal(self, origin: str) -> list[bytes]:
        with self._lock:
            rows = self._database.execute("SELECT line FROM journal WHERE origin = ? ORDER BY n", (origin,)).fetchall()
        return [bytes(line) for (line,) in rows]

    def journals(self) -> list[str]:
        with self._lock:
            rows = self._database.execute("SELECT DISTINCT origin FROM journal").fetchall()
        return [str(origin) for (origin,) in rows]

    def note(self, origin: str, start: int, lines: Sequence[bytes]) -> None:
        rows = [(origin, n, line) for n, line in enumerate(lines, start)]
        with self._transaction() as cursor:
            (size,) = cursor.execute("SELECT count(*) FROM journal WHERE origin = ?", (origin,)).fetchone()
            if size != start:
                raise NodeStateBroken("the journal was written by somebody else")
            cursor.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)

    def put_object(self, data: bytes) -> None:
        path = self._objects / sha256(data).hex()
        if self.object(sha256(data)) is None:
            write_durably(path, data)

    def object(self, sha256_: bytes) -> bytes | None:
        path = self._objects / sha256_.hex()
        if not path.is_file():
            return None
        data = path.read_bytes()
        return data if sha256(data) == sha256_ else None

    def _one(self, query: str, *arguments: str | bytes) -> tuple[bytes, ...] | None:
        with self._lock:
            row: tuple[bytes, ...] | None = self._database.execute(query, arguments).fetchone()
        return row

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag as error:
            raise NodeStateBroken(f"the key {name!r} does not open under this master key") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            cursor = self._database.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    cursor.execute("ROLLBACK")
                raise


def write_durably(path: Path, data: bytes) -> None:
    """The whole file or none, readable by its owner only, on disk when this returns."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _triggers(*tables: str) -> str:
    """Nothing that these tables hold is changed or removed."""
    return "".join(
        f"CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'append-only'); END;"
        for table in tables
        for verb in ("UPDATE", "DELETE")
    )


def _connect(path: Path) -> sqlite3.Connection:
    # One connection under one lock: the rollback journal with TRUNCATE and FULL survives power loss, and the WAL of
    # the stdlib's SQLite has a corruption bug (architecture.md 5).
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = TRUNCATE")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _read_witnessed(cursor: sqlite3.Cursor, origin: str) -> tuple[str | int | bytes, ...] | None:
    row: tuple[str | int | bytes, ...] | None = cursor.execute(_STATE, (origin,)).fetchone()
    return row


def _admit(cursor: sqlite3.Cursor, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
    row = (origin, str(state.log_key), opening, state.size, state.root, state.time)
    cursor.execute("INSERT INTO witnessed VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
    stored = _witness_state(_read_witnessed(cursor, origin))
    if stored is None:
        raise NodeStateBroken("an admitted log is not there")
    return stored


def _witness_state(row: tuple[str | int | bytes, ...] | None) -> WitnessState | None:
    match row:
        case (str(vkey), int(size), bytes(root), int(time), bytes(note), str(successor)):
            return WitnessState(VerifierKey.parse(vkey), size, root, time, note, successor)
    return None


def _record_release(cursor: sqlite3.Cursor, origin: str, once: tuple[str, int, bytes]) -> None:
    purpose, number, freeze = once
    query = "SELECT freeze FROM released WHERE origin = ? AND purpose = ? AND round = ?"
    row = cursor.execute(query, (origin, purpose, number)).fetchone()
    if row is None:
        cursor.execute("INSERT INTO released VALUES (?, ?, ?, ?)", (origin, purpose, number, freeze))
    elif bytes(row[0]) != freeze:
        raise OtherFreeze(f"shares of {purpose} round {number} left for another freeze")
