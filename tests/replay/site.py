"""A finished proceeding behind the real doors: what a supervisor and an auditor find, over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
from fastapi import FastAPI

from evidence.core.canonical import Object
from sessions.adapters import accounts
from sessions.adapters.accounts import DatabaseAccounts
from sessions.core.state import CLOSED
from sessions.service import ProceedingKeeper, Proceedings
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until
from web.server.app import create_app
from web.server.cursors import Cursors
from web.server.identity import Identity, digest_of
from web.server.limits import MESSAGE_RATE, OBJECT_RATE, SESSION_RATE, SIGN_IN_RATE, Buckets
from web.server.services import Services
from web.server.tickets import Tickets
from web.server.verifying import Verifications

ADMINISTRATOR = "a" * 43


@dataclass
class Site:
    """The process, its doors, and a plain HTTP client."""

    world: World
    proceedings: Proceedings
    people: People
    app: FastAPI
    identity: Identity
    origin: str
    http: httpx2.AsyncClient
    id: str

    @property
    def keeper(self) -> ProceedingKeeper:
        return self.proceedings.get(self.id)

    @property
    def path(self) -> str:
        return f"/v1/proceedings/{self.id}"

    async def session(self, seat: str) -> str:
        session, _ = await self.identity.sign_in(await self.identity.issue_link(self.id, seat), brought=None)
        return session

    async def call(self, method: str, path: str, seat: str, **headers: str) -> httpx2.Response:
        """A request of a page of ours."""
        session = await self.session(seat) if seat else ""
        cookie = {"Cookie": f"{self.app.state.services.cookie}={session}"}
        sent = {"Origin": self.origin} | cookie | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, self.path + path, headers=sent)

    async def finish(self) -> None:
        """Play to the archived end."""
        await self.people.play(self.keeper, lambda state: state.gate == CLOSED)
        await until(lambda: self.world.keyring.log_key(self.keeper.state.origin) is None)


@asynccontextmanager
async def site(
    folder: Path,
    *,
    origin: str = "https://pb.example",
    client: Path | None = None,
    world: World | None = None,
    made: Object | None = None,
) -> AsyncIterator[Site]:
    """One proceeding, created; of the tender `made` where one is given."""
    world = world or World(folder)
    url = f"sqlite:///{folder / 'accounts.db'}"
    accounts.prepare(url)
    store = DatabaseAccounts(url=url)
    policy = folder / "policy"
    policy.mkdir()
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    verifications = Verifications(policy=policy)
    async with world.running() as proceedings:
        name = await proceedings.create(made or tender())
        people = People(world, name)
        people.connect(proceedings.get(name))
        unused = cast(Any, SimpleNamespace())
        identity = Identity(accounts=store, clock=time.time)
        services = Services(
            origin=origin,
            administrator=digest_of(ADMINISTRATOR),
            pins=world.pins,
            proceedings=proceedings,
            identity=identity,
            tickets=Tickets(clock=time.monotonic),
            pages=unused,
            uploads=unused,
            verifications=verifications,
            session_buckets=Buckets(SESSION_RATE, clock=time.monotonic),
            sign_in_buckets=Buckets(SIGN_IN_RATE, clock=time.monotonic),
            sdp_buckets=Buckets(MESSAGE_RATE, clock=time.monotonic),
            object_buckets=Buckets(OBJECT_RATE, clock=time.monotonic),
            partners=unused,
            partner_accounts=unused,
            partner_buckets=unused,
            token_buckets=unused,
            cursors=Cursors(b"k" * 32),
            feeds=unused,
            webhooks=unused,
            clock=time.time,
            monotonic=time.monotonic,
            client=client or folder,
            nodes={},
        )
        app = create_app(services)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=origin) as http:
            yield Site(world, proceedings, people, app, identity, origin, http, name)
        await verifications.stop()
    store.close()
