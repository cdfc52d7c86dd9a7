"""One-time links and sign-ins in the operational database, through SQLAlchemy.

Only SHA-256 digests of tokens are stored: whoever reads the database can sign in as nobody. Sign-ins live here and
not in the process, so that they survive its death. Nothing of this table ever enters a log.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from evidence.adapters.database import open_engine
from sessions.adapters.operational import prepare_tables

_metadata = sa.MetaData()
_links = sa.Table(
    "links",
    _metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("proceeding", sa.String(64), nullable=False),
    sa.Column("seat", sa.String(64), nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger),
)
_sign_ins = sa.Table(
    "sign_ins",
    _metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("proceeding", sa.String(64), nullable=False),
    sa.Column("seat", sa.String(64), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("active", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """A row: who signed in, when, and when the session was last active (seconds since the epoch)."""

    proceeding: str
    seat: str
    created: int
    active: int


def prepare(url: str, *, app_role: str | None = None) -> None:
    """Create the tables; `url` connects as their owner, and `app_role` may use them. Safe to repeat."""
    prepare_tables(_metadata, url, app_role=app_role)


class DatabaseAccounts:
    """Adapter of the doors' port `Accounts`; synchronous, the caller moves it off the event loop."""

    def __init__(self, *, url: str) -> None:
        self._engine = open_engine(url)
        self._reading = self._engine.execution_options(reading=True)

    def close(self) -> None:
        self._engine.dispose()

    def put_link(self, digest: bytes, *, proceeding: str, seat: str, expires: int) -> None:
        with self._engine.begin() as connection:
            row = {"digest": digest, "proceeding": proceeding, "seat": seat, "expires": expires}
            connection.execute(sa.insert(_links).values(row))

    def sign_in(self, link: bytes, *, session: bytes, replaces: bytes | None, now: int) -> StoredSignIn | None:
        """Use the link once and open the session in one transaction; None where the link is used, over or unknown."""
        with self._engine.begin() as connection:
            unused = sa.and_(_links.c.digest == link, _links.c.used.is_(None), _links.c.expires > now)
            claimed = connection.execute(
                sa.update(_links).where(unused).values(used=now).returning(_links.c.proceeding, _links.c.seat)
            ).one_or_none()
            if claimed is None:
                return None
            if replaces is not None:
                _drop(connection, replaces)
            stored = StoredSignIn(claimed.proceeding, claimed.seat, now, now)
            row = {"digest": session, "proceeding": stored.proceeding, "seat": stored.seat}
            connection.execute(sa.insert(_sign_ins).values(row | {"created": now, "active": now}))
            return stored

    def session(self, digest: bytes) -> StoredSignIn | None:
        with self._reading.connect() as connection:
            row = connection.execute(sa.select(_sign_ins).where(_sign_ins.c.digest == digest)).one_or_none()
        return None if row is None else StoredSignIn(row.proceeding, row.seat, row.created, row.active)

    def touch(self, digest: bytes, *, now: int) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(_sign_ins).where(_sign_ins.c.digest == digest).values(active=now))

    def sign_out(self, digest: bytes) -> None:
        with self._engine.begin() as connection:
            _drop(connection, digest)


def _drop(connection: Connection, digest: bytes) -> None:
    connection.execute(sa.delete(_sign_ins).where(_sign_ins.c.digest == digest))
