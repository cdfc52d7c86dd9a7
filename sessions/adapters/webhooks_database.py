"""Endpoints and deliveries in the operational database, through SQLAlchemy.

Keys lie as nonce (12) || AES-256-GCM(master key, nonce, aad = the endpoint's id, keys as JSON): a row is useless
without the master key, and in another row's place. Nothing of these tables ever enters a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from evidence.adapters.database import open_engine
from evidence.core.canonical import b64, decode, encode, unb64
from evidence.errors import Unavailable
from sessions.adapters.operational import prepare_tables
from sessions.core.webhooks import PENDING, Delivery, Endpoint, Key
from sessions.service_errors import KeyLost

# The nonce length that GCM takes without extra hashing (NIST SP 800-38D 5.2.1.1).
_NONCE = 12
_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_metadata = sa.MetaData()
_endpoints = sa.Table(
    "webhooks",
    _metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("centre", sa.String(253), nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("types", sa.Text, nullable=False),
    sa.Column("keys", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("disabled", sa.String(64)),
)
_deliveries = sa.Table(
    "webhook_deliveries",
    _metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("endpoint", sa.String(64), sa.ForeignKey("webhooks.id"), nullable=False),
    sa.Column("message", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("due", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.String(64)),
    sa.UniqueConstraint("endpoint", "message"),
    sa.Index("webhook_deliveries_due", "state", "due"),
)


def prepare(url: str, *, app_role: str | None = None) -> None:
    """Create the tables; `url` connects as their owner, and `app_role` may use them. Safe to repeat."""
    prepare_tables(_metadata, url, app_role=app_role)


class DatabaseWebhooks:
    """A `sessions.webhook_ports.WebhookStore` in the database at `url`, sealed under `master` (32 bytes), in tables
    that `prepare` made."""

    def __init__(self, *, url: str, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self._engine = open_engine(url)
        self._reading = self._engine.execution_options(reading=True)
        self._cipher = AESGCM(master)
        self._entropy = entropy

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(self, endpoint: Endpoint) -> None:
        with self._writing() as connection:
            connection.execute(sa.insert(_endpoints).values(self._row(endpoint)))

    def replace(self, endpoint: Endpoint) -> bool:
        mine = sa.and_(_endpoints.c.id == endpoint.id, _endpoints.c.version == endpoint.version - 1)
        with self._writing() as connection:
            changed = connection.execute(sa.update(_endpoints).where(mine).values(self._row(endpoint)))
            return changed.rowcount == 1

    def remove(self, endpoint: str) -> None:
        with self._writing() as connection:
            connection.execute(sa.delete(_deliveries).where(_deliveries.c.endpoint == endpoint))
            connection.execute(sa.delete(_endpoints).where(_endpoints.c.id == endpoint))

    def endpoints(self, centre: str | None = None) -> list[Endpoint]:
        query = sa.select(_endpoints).order_by(_endpoints.c.number)
        if centre is not None:
            query = query.where(_endpoints.c.centre == centre)
        return [self._endpoint(row) for row in self._rows(query)]

    def owe(self, deliveries: Sequence[Delivery]) -> None:
        with self._writing() as connection:
            for delivery in deliveries:
                same = sa.and_(_deliveries.c.endpoint == delivery.endpoint, _deliveries.c.message == delivery.message)
                # FOR UPDATE: a removal that runs now would leave a delivery without its endpoint.
                there = sa.select(_endpoints.c.id).where(_endpoints.c.id == delivery.endpoint).with_for_update()
                owed = connection.scalar(sa.select(_deliveries.c.number).where(same))
                if owed is None and connection.scalar(there) is not None:
                    connection.execute(sa.insert(_deliveries).values(_values(delivery)))

    def due(self, now: float, limit: int, busy: frozenset[str] = frozenset()) -> list[Delivery]:
        free = _deliveries.c.endpoint.not_in(sorted(busy))
        pending = sa.and_(_deliveries.c.state == PENDING, _deliveries.c.due <= now, free)
        query = sa.select(_deliveries).where(pending).order_by(_deliveries.c.due, _deliveries.c.number).limit(limit)
        return [_delivery(row) for row in self._rows(query)]

    def record(self, delivery: Delivery) -> None:
        same = sa.and_(_deliveries.c.endpoint == delivery.endpoint, _deliveries.c.message == delivery.message)
        with self._writing() as connection:
            connection.execute(sa.update(_deliveries).where(same).values(_values(delivery)))

    def deliveries(self, endpoint: str, limit: int) -> list[Delivery]:
        query = sa.select(_deliveries).where(_deliveries.c.endpoint == endpoint)
        return [_delivery(row) for row in self._rows(query.order_by(_deliveries.c.number.desc()).limit(limit))]

    def delivery(self, endpoint: str, message: str) -> Delivery | None:
        same = sa.and_(_deliveries.c.endpoint == endpoint, _deliveries.c.message == message)
        rows = self._rows(sa.select(_deliveries).where(same))
        return _delivery(rows[0]) if rows else None

    def _rows(self, query: sa.Select[Any]) -> list[Any]:
        with self._answering(), self._reading.connect() as connection:
            return list(connection.execute(query))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._answering(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise Unavailable(f"the database did not answer: {type(error).__name__}") from error

    def _row(self, endpoint: Endpoint) -> dict[str, object]:
        keys = encode([[key.scheme, b64(key.secret), key.until] for key in endpoint.keys])
        nonce = self._entropy(_NONCE)
        return {
            "id": endpoint.id,
            "centre": endpoint.centre,
            "url": endpoint.url,
            "types": " ".join(endpoint.types),
            "keys": nonce + self._cipher.encrypt(nonce, keys, endpoint.id.encode()),
            "created": endpoint.created,
            "version": endpoint.version,
            "disabled": endpoint.disabled,
        }

    def _endpoint(self, row: Any) -> Endpoint:
        try:
            opened: Any = decode(self._cipher.decrypt(row.keys[:_NONCE], row.keys[_NONCE:], row.id.encode()))
        except InvalidTag as error:
            raise KeyLost(f"the keys of {row.id} do not open: another master key, or another row's") from error
        keys = tuple(Key(scheme, unb64(secret), until) for scheme, secret, until in opened)
        types = tuple(row.types.split())
        return Endpoint(row.id, row.centre, row.url, types, keys, row.created, row.version, row.disabled)


def _values(delivery: Delivery) -> dict[str, object]:
    return {name: getattr(delivery, name) for name in Delivery.__dataclass_fields__}


def _delivery(row: Any) -> Delivery:
    return Delivery(row.endpoint, row.message, row.body, row.due, row.state, row.attempts, row.status, row.error)
