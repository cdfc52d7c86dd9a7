"""The register on SQLite: credentials, authorisations, activation data, signatures.

journal_mode=TRUNCATE and synchronous=FULL: a commit is on disk before it returns, and `kill -9` at any moment leaves
the state before or after a transaction. Every transaction starts with BEGIN IMMEDIATE, so that what it reads is what
it changes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidence.core.canonical import b64u, decode, decode_object, encode, unb64u
from signing.core.authorisation import Authorisation, Grant
from signing.core.credential import Credential, Holder
from signing.errors import UnknownCredential

_SCHEMA = """
CREATE TABLE IF NOT EXISTS credentials (
    id TEXT PRIMARY KEY, origin TEXT NOT NULL, seat TEXT NOT NULL, body TEXT NOT NULL, sealed BLOB NOT NULL,
    UNIQUE (origin, seat)
) STRICT;
CREATE TABLE IF NOT EXISTS authorisations (
    act BLOB PRIMARY KEY, jws TEXT NOT NULL, credential TEXT NOT NULL REFERENCES credentials (id)
) STRICT;
CREATE TABLE IF NOT EXISTS activations (
    sad BLOB PRIMARY KEY, act BLOB NOT NULL REFERENCES authorisations (act), expires INTEGER NOT NULL,
    remaining TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS signatures (
    act BLOB NOT NULL REFERENCES authorisations (act), hash BLOB NOT NULL, signature BLOB NOT NULL,
    PRIMARY KEY (act, hash)
) STRICT;
"""
# Another process that holds the lock (a backup) gets this long; requests wait less than a client's patience.
BUSY_SECONDS = 10.0


class SqliteRegister:
    """A `CredentialRegister` in one file, readable by its user only."""

    def __init__(self, *, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "foreign_keys=ON"):
            self._database.execute(f"PRAGMA {pragma}").fetchall()
        # executescript would commit first and run each statement on its own; one transaction makes all tables or none.
        with self._transaction():
            for statement in filter(None, (part.strip() for part in _SCHEMA.split(";"))):
                self._database.execute(statement)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def find(self, origin: str, seat: str) -> Credential | None:
        with self._transaction():
            return self._find(origin, seat)

    def get(self, credential: str) -> Credential:
        with self._transaction():
            row = self._one("SELECT body, sealed FROM credentials WHERE id = ?", credential)
        if row is None:
            raise UnknownCredential("no such credential")
        return _credential(row)

    def ids(self, *, after: str, limit: int) -> tuple[str, ...]:
        with self._transaction():
            rows = self._database.execute(
                "SELECT id FROM credentials WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            ).fetchall()
        return tuple(row[0] for row in rows)

    def add(self, credential: Credential) -> Credential:
        holder = credential.holder
        with self._transaction():
            kept = self._find(holder.origin, holder.seat)
            if kept is None:
                self._database.execute(
                    "INSERT INTO credentials (id, origin, seat, body, sealed) VALUES (?, ?, ?, ?, ?)",
                    (credential.id, holder.origin, holder.seat, _body(credential), credential.sealed),
                )
                kept = credential
        return kept

    def grant(self, authorisation: Authorisation, *, sad_hash: bytes, expires: datetime) -> None:
        with self._transaction():
            self._database.execute(
                "INSERT INTO authorisations (act, jws, credential) VALUES (?, ?, ?) ON CONFLICT (act) DO NOTHING",
                (authorisation.act, authorisation.jws, authorisation.credential),
            )
            self._database.execute(
                "INSERT INTO activations (sad, act, expires, remaining) VALUES (?, ?, ?, ?)",
                (sad_hash, authorisation.act, int(expires.timestamp()), _hashes(authorisation.hashes)),
            )

    def redeem(
        self,
        sad_hash: bytes,
        *,
        hashes: Sequence[bytes],
        check: Callable[[Grant | None], Grant],
        sign: Callable[[bytes], bytes],
    ) -> tuple[bytes, ...]:
        with self._transaction():
            left = check(self._grant(sad_hash))
            self._database.execute(
                "UPDATE activations SET remaining = ? WHERE sad = ?", (_hashes(left.remaining), sad_hash)
            )
            return tuple(self._signature(left.act, digest, sign) for digest in hashes)

    def _signature(self, act: bytes, digest: bytes, sign: Callable[[bytes], bytes]) -> bytes:
        row = self._one("SELECT signature FROM signatures WHERE act = ? AND hash = ?", act, digest)
        if row is not None:
            return bytes(row[0])
        signature = sign(digest)
        self._database.execute("INSERT INTO signatures VALUES (?, ?, ?)", (act, digest, signature))
        return signature

    def _grant(self, sad_hash: bytes) -> Grant | None:
        row = self._one(
            "SELECT act, credential, expires, remaining FROM activations JOIN authorisations USING (act) WHERE sad = ?",
            sad_hash,
        )
        if row is None:
            return None
        act, credential, expires, remaining = row
        return Grant(
            act=act,
            credential=credential,
            expires=datetime.fromtimestamp(expires, UTC),
            remaining=tuple(unb64u(h) for h in decode(remaining.encode("ascii"))),
        )

    def _find(self, origin: str, seat: str) -> Credential | None:
        row = self._one("SELECT body, sealed FROM credentials WHERE origin = ? AND seat = ?", origin, seat)
        return None if row is None else _credential(row)

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(statement, values).fetchone()
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _hashes(hashes: Sequence[bytes]) -> str:
    return encode([b64u(h) for h in hashes]).decode("ascii")


def _body(credential: Credential) -> str:
    holder = credential.holder
    value = {
        "certificates": [b64u(certificate) for certificate in credential.certificates],
        "id": credential.id,
        "jwk": holder.jwk,
        "name": holder.name,
        "organisation": holder.organisation,
        "origin": holder.origin,
        "seat": holder.seat,
        "version": credential.version,
    }
    return encode(value).decode("utf-8")


def _credential(row: Sequence[Any]) -> Credential:
    body = decode_object(row[0].encode("utf-8"))
    return Credential(
        id=body["id"],
        version=body["version"],
        holder=Holder(body["origin"], body["seat"], body["name"], body["organisation"], body["jwk"]),
        certificates=tuple(unb64u(certificate) for certificate in body["certificates"]),
        sealed=row[1],
    )
