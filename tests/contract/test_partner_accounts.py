"""What `sessions.partner_ports.PartnerAccounts` promises, on both databases; and that every row has an owner."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from evidence.adapters import database
from sessions.adapters import accounts as people
from sessions.adapters import partner_accounts
from sessions.adapters.partner_accounts import DatabasePartnerAccounts
from sessions.partner_ports import Answer, Client, Grant, Running
from tests.postgres import Cluster
from tests.sessions.drive import signer_of

NUMBERS = itertools.count()
CENTRE, NOW = "zhuhai.example", 1_000_000
CLIENT = Client("client-1", CENTRE, signer_of("client").jwk, frozenset({"partner.events.read"}))
GRANT = Grant("client-1", CENTRE, CLIENT.scopes, NOW + 600)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> str:
    """On PostgreSQL the tables belong to another role than the one that uses them."""
    if request.param == "sqlite":
        found = owner = f"sqlite:///{tmp_path / 'partners.db'}"
        role = None
    else:
        name = f"partners{next(NUMBERS)}"
        cluster.create(name)
        found, owner, role = cluster.url(name, "app"), cluster.url(name, "owner"), "app"
    for _ in range(2):
        partner_accounts.prepare(owner, app_role=role)
    return found


@pytest.fixture
def accounts(url: str) -> Iterator[DatabasePartnerAccounts]:
    found = DatabasePartnerAccounts(url=url)
    yield found
    found.close()


def test_a_client_lives_until_its_own_centre_ends_it(accounts: DatabasePartnerAccounts) -> None:
    accounts.put_client(CLIENT)
    assert accounts.client("client-1") == CLIENT
    assert accounts.client("client-2") is None
    assert accounts.grant(b"a" * 32, expires=NOW + 60, token=b"t" * 32, grant=GRANT, now=NOW)
    assert not accounts.end_client("zhongshan.example", "client-1", now=NOW)
    assert accounts.find(b"t" * 32) == GRANT
    assert accounts.end_client(CENTRE, "client-1", now=NOW)
    assert accounts.client("client-1") is None
    assert accounts.find(b"t" * 32) is None
    assert not accounts.end_client(CENTRE, "client-1", now=NOW)


def test_an_assertion_is_used_once_by_whoever_is_first(url: str, accounts: DatabasePartnerAccounts) -> None:
    """In a race of two processes, too, and until it is over; a refused one leaves no token."""
    accounts.put_client(CLIENT)
    other = DatabasePartnerAccounts(url=url)

    def use(n: int) -> bool:
        store = (accounts, other)[n % 2]
        return store.grant(b"a" * 32, expires=NOW + 60, token=bytes([n]) * 32, grant=GRANT, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(use, range(16)))
    assert sum(taken) == 1
    assert [accounts.find(bytes([n]) * 32) is not None for n in range(16)] == taken
    assert not accounts.grant(b"a" * 32, expires=NOW + 60, token=b"x" * 32, grant=GRANT, now=NOW + 59)
    assert accounts.find(b"x" * 32) is None
    # Over: then its own `exp` refuses it, and the row is not kept.
    assert accounts.grant(b"a" * 32, expires=NOW + 120, token=b"y" * 32, grant=GRANT, now=NOW + 61)
    other.close()


def test_a_key_is_given_to_one_request_at_a_time(url: str, accounts: DatabasePartnerAccounts) -> None:
    other = DatabasePartnerAccounts(url=url)

    def begin(n: int) -> object:
        store = (accounts, other)[n % 2]
        return store.begin(CENTRE, "k", b"d" * 32, now=NOW, keep_s=100, stuck_s=10)

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(begin, range(16)))
    assert given.count(None) == 1
    assert given.count(Running(same=True)) == 15
    answer = Answer(201, {"etag": '"v"'}, b"\x00{}")
    accounts.answer(CENTRE, "k", answer)
    assert begin(1) == answer
    other.close()


def test_every_row_of_the_installation_belongs_to_a_centre(tmp_path: Path) -> None:
    """Issue 5, line 1: by its own column, by its log (`<centre>/…`), by its proceeding, or by a row that does."""
    url = f"sqlite:///{tmp_path / 'all.db'}"
    database.prepare(url)
    people.prepare(url)
    partner_accounts.prepare(url)
    engine = sa.create_engine(url)
    owners = {"centre", "origin", "proceeding", "client", "endpoint"}
    tables = {name: {c["name"] for c in sa.inspect(engine).get_columns(name)} for name in table_names(engine)}
    engine.dispose()
    assert len(tables) > 10
    # The address of a session is a digest; its proceeding is beside it. Nothing is nobody's.
    assert {name for name, columns in tables.items() if not columns & owners} == set()


def table_names(engine: sa.Engine) -> list[str]:
    return [name for name in sa.inspect(engine).get_table_names() if not name.startswith("sqlite_")]
