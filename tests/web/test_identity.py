"""Sessions: ASVS 5.0 chapter 7, and what the store may know."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sessions.adapters.accounts import DatabaseAccounts, prepare
from tests.postgres import Cluster
from web.server.errors import LinkRefused, NotSignedIn, TicketRefused, TooManyRequests
from web.server.identity import ABSOLUTE_S, IDLE_S, LINK_S, Identity, digest_of
from web.server.tickets import MAX_TICKETS, TICKET_S, Tickets

NUMBERS = itertools.count()


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Path, cluster: Cluster) -> str:
    """On PostgreSQL the tables belong to another role than the one that uses them."""
    if request.param == "sqlite":
        prepare(f"sqlite:///{database}")
        return f"sqlite:///{database}"
    name = f"accounts{next(NUMBERS)}"
    cluster.create(name)
    prepare(cluster.url(name, "owner"), app_role="app")
    prepare(cluster.url(name, "owner"), app_role="app")
    return cluster.url(name, "app")


@pytest.fixture
def identity(url: str, clock: Clock) -> Iterator[Identity]:
    accounts = DatabaseAccounts(url=url)
    yield Identity(accounts=accounts, clock=clock)
    accounts.close()


def signed_in(identity: Identity, seat: str = "seat-1") -> str:
    async def run() -> str:
        token = await identity.issue_link("p", seat)
        session, _ = await identity.sign_in(token, brought=None)
        return session

    return asyncio.run(run())


def test_a_link_opens_one_session_however_often_and_at_once_it_is_used(identity: Identity) -> None:
    async def run() -> list[object]:
        token = await identity.issue_link("p", "seat-1")
        return list(
            await asyncio.gather(*(identity.sign_in(token, brought=None) for _ in range(20)), return_exceptions=True)
        )

    answers = asyncio.run(run())
    assert sum(isinstance(answer, tuple) for answer in answers) == 1
    assert sum(isinstance(answer, LinkRefused) for answer in answers) == 19


def test_a_link_ends_after_a_day(identity: Identity, clock: Clock) -> None:
    token = asyncio.run(identity.issue_link("p", "seat-1"))
    clock.now += LINK_S
    with pytest.raises(LinkRefused):
        asyncio.run(identity.sign_in(token, brought=None))


@pytest.mark.parametrize("token", ["", "x", "x" * 65, "\ud800", "a\x00b", "é" * 30])
def test_what_is_no_link_opens_nothing(identity: Identity, token: str) -> None:
    with pytest.raises(LinkRefused):
        asyncio.run(identity.sign_in(token, brought=None))


def test_the_session_a_caller_brings_along_ends_at_sign_in(identity: Identity) -> None:
    """ASVS 7.2.4: a new session id at authentication; a planted one (session fixation) is worth nothing."""

    async def run() -> None:
        first, _ = await identity.sign_in(await identity.issue_link("p", "seat-1"), brought=None)
        second, found = await identity.sign_in(await identity.issue_link("p", "seat-2"), brought=first)
        assert found.seat == "seat-2"
        assert second != first
        with pytest.raises(NotSignedIn):
            await identity.find(first)

    asyncio.run(run())


def test_a_session_ends_after_idleness_age_and_sign_out(identity: Identity, clock: Clock) -> None:
    """ASVS 7.3.1, 7.3.2, 7.4.1."""
    idle, old, left = signed_in(identity), signed_in(identity), signed_in(identity)
    started = clock.now
    asyncio.run(identity.sign_out(asyncio.run(identity.find(left))))
    with pytest.raises(NotSignedIn):
        asyncio.run(identity.find(left))
    clock.now = started + IDLE_S - 1
    assert asyncio.run(identity.find(old)).seat == "seat-1"
    clock.now = started + IDLE_S
    with pytest.raises(NotSignedIn):
        asyncio.run(identity.find(idle))
    while clock.now < started + ABSOLUTE_S - IDLE_S:
        clock.now += IDLE_S - 2
        asyncio.run(identity.find(old))
    clock.now = started + ABSOLUTE_S
    with pytest.raises(NotSignedIn):
        asyncio.run(identity.find(old))


def test_the_store_holds_no_token(database: Path, clock: Clock) -> None:
    prepare(f"sqlite:///{database}")
    identity = Identity(accounts=DatabaseAccounts(url=f"sqlite:///{database}"), clock=clock)
    token = asyncio.run(identity.issue_link("p", "seat-1"))
    session, _ = asyncio.run(identity.sign_in(token, brought=None))
    stored = database.read_bytes()
    assert digest_of(session) in stored
    assert digest_of(token) in stored
    assert session.encode() not in stored
    assert token.encode() not in stored


def test_a_session_survives_kill_9(tmp_path: Path, clock: Clock) -> None:
    """The process that opened the session is killed the moment it has answered."""
    database = tmp_path / "accounts.db"
    prepare(f"sqlite:///{database}")
    program = (
        "import asyncio, sys, time\n"
        "from sessions.adapters.accounts import DatabaseAccounts\n"
        "from web.server.identity import Identity\n"
        f"identity = Identity(accounts=DatabaseAccounts(url='sqlite:///{database}'), clock=lambda: {clock.now})\n"
        "token = asyncio.run(identity.issue_link('p', 'seat-4'))\n"
        "print(asyncio.run(identity.sign_in(token, brought=None))[0], flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        session = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGKILL)
    identity = Identity(accounts=DatabaseAccounts(url=f"sqlite:///{database}"), clock=clock)
    assert asyncio.run(identity.find(session)).seat == "seat-4"
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("session", [None, "", "x" * 65, "\ud800"])
def test_what_is_no_session_is_nobody(identity: Identity, session: str | None) -> None:
    with pytest.raises(NotSignedIn):
        asyncio.run(identity.find(session))


def test_a_ticket_works_once_for_30_seconds_in_its_own_proceeding(identity: Identity, clock: Clock) -> None:
    session = asyncio.run(identity.find(signed_in(identity)))
    tickets = Tickets(clock=clock)
    ticket = tickets.issue(session)
    assert tickets.use(ticket, proceeding="p") == session
    with pytest.raises(TicketRefused):
        tickets.use(ticket, proceeding="p")
    late, foreign = tickets.issue(session), tickets.issue(session)
    with pytest.raises(TicketRefused):
        tickets.use(foreign, proceeding="q")
    with pytest.raises(TicketRefused):
        tickets.use(foreign, proceeding="p")
    clock.now += TICKET_S
    for refused in (late, None, "", "x" * 1000):
        with pytest.raises(TicketRefused):
            tickets.use(refused, proceeding="p")


def test_unused_tickets_are_bounded(identity: Identity, clock: Clock) -> None:
    session = asyncio.run(identity.find(signed_in(identity)))
    tickets = Tickets(clock=clock)
    for _ in range(MAX_TICKETS):
        tickets.issue(session)
    with pytest.raises(TooManyRequests):
        tickets.issue(session)
    clock.now += TICKET_S
    tickets.issue(session)
