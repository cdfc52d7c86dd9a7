"""One contract for every store of webhooks: in memory, on SQLite, on PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.adapters.database import open_engine
from evidence.errors import Unavailable
from sessions.adapters.webhooks_database import DatabaseWebhooks, prepare
from sessions.adapters.webhooks_memory import MemoryWebhooks
from sessions.core.webhooks import DELIVERED, ED25519, FAILED, HMAC, Delivery, Endpoint, Key
from sessions.service_errors import KeyLost
from sessions.webhook_ports import WebhookStore
from tests.contract.ledgers import KINDS
from tests.postgres import Cluster

MASTER = bytes(range(32))
KEYS = (Key(ED25519, b"\x01" * 32), Key(HMAC, b"\x02" * 32, 99))
ONE = Endpoint("wh_1", "b.example", "https://b.example/", ("session.venue-lost",), KEYS, 7)
TWO = Endpoint("wh_2", "c.example", "https://c.example/", (), KEYS, 8)
NUMBERS = itertools.count()


class Stores:
    """`reopen` opens the same store again, as another process would."""

    def __init__(self, kind: str, folder: Path, cluster: Cluster) -> None:
        self.kind = kind
        self.url = f"sqlite:///{folder / 'webhooks.sqlite'}"
        self._memory = MemoryWebhooks()
        if kind == "postgresql":
            name = f"webhooks{next(NUMBERS)}"
            cluster.create(name)
            self.url = cluster.url(name)
            prepare(cluster.url(name, "owner"), app_role="app")
        else:
            prepare(self.url)

    @contextmanager
    def reopen(self, master: bytes = MASTER) -> Iterator[WebhookStore]:
        if self.kind == "memory":
            yield self._memory
            return
        store = DatabaseWebhooks(url=self.url, master=master, entropy=os.urandom)
        try:
            yield store
        finally:
            store.close()


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Stores:
    return Stores(request.param, tmp_path, cluster)


def owed(endpoint: str, message: str, due: float = 0.0) -> Delivery:
    return Delivery(endpoint, message, message.encode(), due)


def test_an_endpoint_is_kept_whole_and_by_centre(stores: Stores) -> None:
    with stores.reopen() as store:
        store.add(ONE)
        store.add(TWO)
    with stores.reopen() as store:
        assert store.endpoints() == [ONE, TWO]
        assert store.endpoints("c.example") == [TWO]
        assert store.endpoints("d.example") == []


def test_a_change_counts_only_after_the_version_before_it(stores: Stores) -> None:
    with stores.reopen() as store:
        store.add(ONE)
        gone = ONE.without("gone")
        assert store.replace(gone)
        assert not store.replace(gone)
        assert not store.replace(replace(ONE, url="https://x.example/", version=5))
        assert not store.replace(TWO.without("gone"))
        assert store.endpoints() == [gone]


def test_what_is_owed_is_owed_once(stores: Stores) -> None:
    with stores.reopen() as store:
        store.add(ONE)
        store.owe([owed("wh_1", "msg_1"), owed("wh_1", "msg_2")])
        store.record(replace(owed("wh_1", "msg_1"), state=DELIVERED, attempts=1, status=204))
    with stores.reopen() as store:
        store.owe([owed("wh_1", "msg_1"), owed("wh_1", "msg_3"), owed("wh_9", "msg_1")])
        assert [d.message for d in store.due(0.0, 10)] == ["msg_2", "msg_3"]
        assert [d.message for d in store.deliveries("wh_1", 10)] == ["msg_3", "msg_2", "msg_1"]
        assert [d.message for d in store.deliveries("wh_1", 2)] == ["msg_3", "msg_2"]
        found = store.delivery("wh_1", "msg_1")
        assert found == replace(owed("wh_1", "msg_1"), state=DELIVERED, attempts=1, status=204)
        assert store.delivery("wh_1", "msg_9") is None
        assert store.delivery("wh_9", "msg_1") is None


def test_due_is_what_waits_longest_and_is_not_busy(stores: Stores) -> None:
    with stores.reopen() as store:
        store.add(ONE)
        store.add(TWO)
        store.owe([owed("wh_1", "msg_3", 3.0), owed("wh_1", "msg_1", 1.0), owed("wh_2", "msg_2", 2.0)])
        assert [d.message for d in store.due(2.5, 10)] == ["msg_1", "msg_2"]
        assert [d.message for d in store.due(9.0, 2)] == ["msg_1", "msg_2"]
        assert [d.message for d in store.due(9.0, 10, frozenset({"wh_1"}))] == ["msg_2"]
        store.record(replace(owed("wh_1", "msg_1"), state=FAILED, error="timeout"))
        assert [d.message for d in store.due(9.0, 10)] == ["msg_2", "msg_3"]


def test_with_an_endpoint_goes_all_that_it_was_owed(stores: Stores) -> None:
    with stores.reopen() as store:
        store.add(ONE)
        store.owe([owed("wh_1", "msg_1")])
        store.remove("wh_1")
        store.remove("wh_1")
        store.record(replace(owed("wh_1", "msg_1"), state=DELIVERED))
        assert (store.endpoints(), store.due(9.0, 10), store.delivery("wh_1", "msg_1")) == ([], [], None)


def test_keys_lie_sealed_and_open_in_their_own_row_only(tmp_path: Path, cluster: Cluster) -> None:
    stores = Stores("sqlite", tmp_path, cluster)
    with stores.reopen() as store:
        store.add(replace(ONE, keys=(Key(HMAC, b"a secret that nobody else reads!"),)))
        store.add(TWO)
    assert b"a secret that nobody" not in (tmp_path / "webhooks.sqlite").read_bytes()
    with stores.reopen(master=bytes(32)) as other, pytest.raises(KeyLost):
        other.endpoints()
    engine = open_engine(stores.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE webhooks SET keys = (SELECT keys FROM webhooks WHERE id = 'wh_2') WHERE id = 'wh_1'"
        )
    engine.dispose()
    with stores.reopen() as store, pytest.raises(KeyLost):
        store.endpoints("b.example")


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        DatabaseWebhooks(url=f"sqlite:///{tmp_path / 'missing' / 'x'}", master=MASTER, entropy=os.urandom).endpoints()
