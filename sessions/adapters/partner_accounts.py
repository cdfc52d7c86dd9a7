"""API clients of partners, their tokens, and requests that were answered, in the operational database.

Only digests of tokens and assertions are stored. Every row carries its centre or belongs to a client that does. Nothing
of these tables ever enters a log.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from evidence.adapters.database import open_engine
from evidence.core.canonical import Object, decode_object, encode
from sessions.adapters.operational import prepare_tables
from sessions.partner_ports import Answer, Client, Grant, Known, Running

_metadata = sa.MetaData()
_clients = sa.Table(
    "partner_clients",
    _metadata,
    sa.Column("client", sa.String(64), primary_key=True),
    sa.Column("centre", sa.String(253), nullable=False),
    sa.Column("jwk", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("ended", sa.BigInteger),
)
_assertions = sa.Table(
    "partner_assertions",
    _metadata,
    sa.Column("client", sa.String(64), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
_tokens = sa.Table(
    "partner_tokens",
    _metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("client", sa.String(64), nullable=False),
    sa.Column("centre", sa.String(253), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
_requests = sa.Table(
    "partner_requests",
    _metadata,
    sa.Column("centre", sa.String(253), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.LargeBinary),
    sa.Column("body", sa.LargeBinary),
)


def prepare(url: str, *, app_role: str | None = None) -> None:
    """Create the tables; `url` connects as their owner, and `app_role` may use them. Safe to repeat."""
    prepare_tables(_metadata, url, app_role=app_role)


class DatabasePartnerAccounts:
    """A `sessions.partner_ports.PartnerAccounts`; synchronous, the caller moves it off the event loop."""

    def __init__(self, *, url: str) -> None:
        self._engine = open_engine(url)
        self._reading = self._engine.execution_options(reading=True)

    def close(self) -> None:
        self._engine.dispose()

    def put_client(self, client: Client) -> None:
        row = {"client": client.id, "centre": client.centre, "jwk": encode(client.jwk).decode()}
        with self._engine.begin() as connection:
            connection.execute(sa.insert(_clients).values(row | {"scopes": _joined(client.scopes)}))

    def client(self, name: str) -> Client | None:
        live = sa.and_(_clients.c.client == name, _clients.c.ended.is_(None))
        with self._reading.connect() as connection:
            row = connection.execute(sa.select(_clients).where(live)).one_or_none()
        if row is None:
            return None
        jwk: Object = decode_object(row.jwk.encode())
        return Client(row.client, row.centre, jwk, frozenset(row.scopes.split()))

    def end_client(self, centre: str, name: str, *, now: int) -> bool:
        mine = sa.and_(_clients.c.client == name, _clients.c.centre == centre, _clients.c.ended.is_(None))
        with self._engine.begin() as connection:
            ended = connection.execute(sa.update(_clients).where(mine).values(ended=now).returning(_clients.c.client))
            found = ended.one_or_none() is not None
            if found:
                connection.execute(sa.delete(_tokens).where(_tokens.c.client == name))
        return found

    def grant(self, assertion: bytes, *, expires: int, token: bytes, grant: Grant, now: int) -> bool:
        try:
            with self._engine.begin() as connection:
                for table in (_assertions, _tokens):
                    connection.execute(sa.delete(table).where(table.c.expires <= now))
                used = {"client": grant.client, "digest": assertion, "expires": expires}
                connection.execute(sa.insert(_assertions).values(used))
                row = {"digest": token, "client": grant.client, "centre": grant.centre, "expires": grant.expires}
                connection.execute(sa.insert(_tokens).values(row | {"scopes": _joined(grant.scopes)}))
        except IntegrityError:
            return False
        return True

    def find(self, token: bytes) -> Grant | None:
        with self._reading.connect() as connection:
            row = connection.execute(sa.select(_tokens).where(_tokens.c.digest == token)).one_or_none()
        return None if row is None else Grant(row.client, row.centre, frozenset(row.scopes.split()), row.expires)

    def begin(self, centre: str, key: str, digest: bytes, *, now: int, keep_s: int, stuck_s: int) -> Known:
        at = sa.and_(_requests.c.centre == centre, _requests.c.key == key)
        with self._engine.begin() as connection:
            old = sa.and_(_requests.c.centre == centre, _requests.c.started <= now - keep_s)
            connection.execute(sa.delete(_requests).where(old))
            row = {"centre": centre, "key": key, "digest": digest, "started": now}
            if _inserted(connection, row):
                return None
            stand = connection.execute(sa.select(_requests).where(at).with_for_update()).one_or_none()
            if stand is None:
                # It was freed a moment ago; whoever asks again gets it.
                return Running(same=True)
            if stand.digest != digest:
                return Running(same=False)
            if stand.status is not None:
                headers = {str(name): str(value) for name, value in decode_object(stand.headers).items()}
                return Answer(stand.status, headers, stand.body)
            if stand.started > now - stuck_s:
                return Running(same=True)
            connection.execute(sa.update(_requests).where(at).values(started=now))
            return None

    def answer(self, centre: str, key: str, answer: Answer) -> None:
        at = sa.and_(_requests.c.centre == centre, _requests.c.key == key)
        values = {"status": answer.status, "headers": encode(dict(answer.headers)), "body": answer.body}
        with self._engine.begin() as connection:
            connection.execute(sa.update(_requests).where(at).values(values))

    def forget(self, centre: str, key: str) -> None:
        at = sa.and_(_requests.c.centre == centre, _requests.c.key == key, _requests.c.status.is_(None))
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_requests).where(at))


def _inserted(connection: Connection, row: Mapping[str, object]) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_requests).values(row))
    except IntegrityError:
        return False
    return True


def _joined(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))
