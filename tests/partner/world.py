"""A host with real partners at its doors: the service's world behind the real application, and cities as programs.

Requests go through the whole application (guard, doors, routes) without a socket; the database is a real one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import httpx2
from fastapi import FastAPI

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import NOTHING_SEEN, Signer
from evidence.core.canonical import Object, b64u, encode, unb64u
from sessions.adapters import accounts as seat_accounts
from sessions.adapters import partner_accounts
from sessions.adapters.accounts import DatabaseAccounts
from sessions.adapters.pages_pdfium import PdfiumPages
from sessions.adapters.partner_accounts import DatabasePartnerAccounts
from sessions.adapters.uploads_files import UploadFolder
from sessions.adapters.webhooks_http import HttpWebhookSender
from sessions.adapters.webhooks_memory import MemoryWebhooks
from sessions.core.tenancy import SCOPES
from sessions.feeds import Feeds
from sessions.service import Proceedings
from sessions.trust import Centre
from sessions.webhooks import Pace, Webhooks
from tests.sessions import drive
from tests.sessions.drive import signer_of
from tests.sessions.service_world import World, tender
from web.server.app import create_app
from web.server.cursors import Cursors
from web.server.identity import Identity, digest_of
from web.server.limits import OBJECT_RATE, Buckets, Rate
from web.server.oauth import ASSERTION_TYPE, PartnerDoor
from web.server.services import Services
from web.server.tickets import Tickets
from web.server.verifying import Verifications

ORIGIN = "https://hohhot.example"
ADMINISTRATOR = "administrator-token"
STARTS = "2031-05-06T09:00:00+08:00"
UNTIL = "2031-12-31"
PLENTY = Rate(per_second=10_000, burst=100_000)


def b64u_json(value: Object) -> str:
    return b64u(encode(value))


@dataclass
class City:
    """A partner: its identity key, its client key, and what it said under each agreement."""

    domain: str
    identity: Signer
    http: httpx2.AsyncClient
    client: str = ""
    token: str = ""
    key: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.key = signer_of(f"client/{self.domain}")

    def assertion(self, *, key: Signer | None = None, head: Object | None = None, **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": self.client,
            "sub": self.client,
            "aud": f"{ORIGIN}/v1/oauth/token",
            "exp": now + 50,
            "jti": secrets.token_hex(16),
        } | claims
        payload = {name: value for name, value in payload.items() if value is not None}
        signed = f"{b64u_json(head or {'alg': 'ES256', 'typ': 'JWT'})}.{b64u_json(payload)}"
        return f"{signed}.{b64u((key or self.key).sign(signed.encode()))}"

    async def ask_token(self, assertion: str | None = None, **form: str) -> httpx2.Response:
        data = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        } | form
        return await self.http.post("/v1/oauth/token", data={k: v for k, v in data.items() if v})

    async def sign_in(self, **form: str) -> str:
        answer = await self.ask_token(**form)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        key: str | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        sent = {"Authorization": f"Bearer {token or self.token}"}
        if method != "GET":
            sent["Idempotency-Key"] = key or secrets.token_hex(8)
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        return await self.http.request(method, path, content=None if body is None else encode(body), headers=sent)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, chain: Object, act: str, body: Object, **changed: Any) -> str:
        """An act under the agreement of this chain."""
        parts: dict[str, Any] = {
            "aud": chain["aud"],
            "ctr": chain["ctr"],
            "prev": unb64u(chain["prev"], 32),
            "sub": self.domain,
            "iat": int(time.time()),
            "seen": NOTHING_SEEN,
        }
        signer = changed.pop("signer", self.identity)
        return acts.make(signer, act=act, body=body, **{**parts, **changed}).jws

    async def change(self, method: str, path: str, of: str, make: Any, **options: Any) -> httpx2.Response:
        """A write to what stands at `of`, with its ETag; `make` makes the body of what was read."""
        read = await self.call("GET", of)
        assert read.status_code == 200, read.text
        headers = {"If-Match": read.headers["etag"]} | options.pop("headers", {})
        return await self.call(method, path, make(read.json()), headers=headers, **options)

    async def sign(self, agreement: str, **options: Any) -> httpx2.Response:
        path = f"/v1/partner/agreements/{agreement}"

        def make(found: Object) -> Object:
            return {"act": self.act(found["chain"], "agreement.sign", {"offer": found["offer"]})}

        return await self.change("POST", f"{path}/signature", path, make, **options)

    async def accept(self, invitation: str, **options: Any) -> httpx2.Response:
        path = f"/v1/partner/invitations/{invitation}"

        def make(found: Object) -> Object:
            return {"act": self.act(found["chain"], "invitation.accept", {"invitation": invitation})}

        return await self.change("POST", f"{path}/acceptance", path, make, **options)

    async def name(self, invitation: str, venue: Object, names: list[list[str]]) -> httpx2.Response:
        path = f"/v1/partner/invitations/{invitation}"
        shown = disclosure.make("names", cast(Any, names), secrets.token_bytes(16))

        def make(found: Object) -> Object:
            body = {"invitation": invitation, **venue}
            return {
                "act": self.act(found["chain"], "venue.name", body, sd=(shown.digest,)),
                "disclosures": [shown.text],
            }

        return await self.change("PUT", f"{path}/venue", path, make)


@dataclass
class Site:
    """The running host, its two partners, and its administrator."""

    world: World
    proceedings: Proceedings
    services: Services
    app: FastAPI
    http: httpx2.AsyncClient
    cities: dict[str, City]

    @property
    def zhongshan(self) -> City:
        return self.cities[drive.ZHONGSHAN]

    @property
    def zhuhai(self) -> City:
        return self.cities[drive.ZHUHAI]

    def join(self, domain: str, jwk: Object) -> None:
        """Another centre comes into the host's trust."""
        cast(dict[str, Centre], self.world.pins.trust.centres)[domain] = Centre(domain, domain, jwk)

    async def administer(self, path: str, body: Object | None = None, *, method: str = "POST") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {ADMINISTRATOR}", "Idempotency-Key": secrets.token_hex(8)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self.http.request(method, path, content=None if body is None else encode(body), headers=headers)

    async def host(self, path: str, body: Object | None = None) -> Any:
        answer = await self.administer(path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def register(self, city: City, scopes: Sequence[str] = tuple(SCOPES)) -> None:
        body: Object = {"jwk": city.key.jwk, "scopes": sorted(scopes)}
        city.client = (await self.host(f"/v1/partners/{city.domain}/clients", body))["client"]
        await city.sign_in()

    async def agree(self, city: City, terms: str = "框架协议") -> str:
        """An agreement in force."""
        offered = await self.host(
            f"/v1/partners/{city.domain}/agreements", {"terms": terms, "until": UNTIL, "sign": True}
        )
        answer = await city.sign(offered["agreement"])
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "in-force"
        return str(offered["agreement"])

    async def invite(self, city: City, agreement: str, **changed: Any) -> str:
        offer: Object = {
            "agreement": agreement,
            "venue": "venue-2",
            "starts": STARTS,
            "rooms": 1,
            "seats": 1,
            "specialities": [["信息化", 1]],
        }
        found = await self.host(f"/v1/partners/{city.domain}/invitations", offer | changed)
        return str(found["invitation"])

    async def named(self, city: City, name: str = "张三", venue: str = "venue-2") -> str:
        """An invitation accepted and its venue named."""
        invitation = await self.invite(city, await self.agree(city), venue=venue)
        accepted = await city.accept(invitation)
        assert accepted.status_code == 201, accepted.text
        done = await city.name(invitation, self.venue(city), [["专家甲", name, "某单位"]])
        assert done.status_code == 200, done.text
        return invitation

    def venue(self, city: City) -> Object:
        keys = {key.name.partition("/")[0]: str(key) for key in self.world.pins.policy.witnesses}
        return {
            "rooms": ["一号评标室"],
            "seats": [
                {"label": "专家甲", "role": "expert", "speciality": "信息化"},
                {"label": "经办", "role": "operator", "speciality": None},
            ],
            "witness": keys[city.domain],
            "holder": True,
        }

    async def convene(self, *invitations: str) -> str:
        """The proceeding of the example, its secondary venues named by the invitations; with one invitation there is
        one secondary venue, and the fifth expert sits in the main one."""
        kept, whole = {"venue-1"}, tender()
        seats = [s for s in whole["seats"] if s["venue"] is None or s["venue"] in kept]
        if len(invitations) == 1:
            seats.append({"id": "seat-5", "role": "expert", "venue": "venue-1", "centre": drive.MAIN})
        mine = {s["id"] for s in seats}
        definition = whole["definition"]
        definition["members"] = [m for m in definition["members"] if m["seat"] in mine]
        part: Object = {
            "definition": definition,
            "venues": [v for v in whole["venues"] if v["id"] in kept],
            "rooms": [r for r in whole["rooms"] if r["venue"] in kept],
            "seats": seats,
            "invitations": list(invitations),
        }
        return str((await self.host("/v1/proceedings", whole | part))["id"])


@asynccontextmanager
async def site(
    folder: Path,
    *,
    partner_rate: Rate = PLENTY,
    token_rate: Rate = PLENTY,
    clock: Any = time.time,
    world: World | None = None,
) -> AsyncIterator[Site]:
    """A host that runs, with Zhongshan and Zhuhai registered at its doors."""
    world = world or World(folder)
    url = f"sqlite:///{folder / 'partner.db'}"
    partner_accounts.prepare(url)
    accounts = DatabasePartnerAccounts(url=url)
    seat_accounts.prepare(url)
    seats = DatabaseAccounts(url=url)
    async with world.running() as proceedings:
        sender = HttpWebhookSender(test_networks=(ip_network("127.0.0.0/8"),))
        webhooks = Webhooks(
            ledger=world.ledger,
            store=MemoryWebhooks(),
            sender=sender,
            clock=clock,
            entropy=os.urandom,
            pace=Pace(look=0.01),
        )
        services = Services(
            origin=ORIGIN,
            administrator=digest_of(ADMINISTRATOR),
            pins=world.pins,
            proceedings=proceedings,
            identity=Identity(accounts=seats, clock=clock),
            tickets=Tickets(clock=time.monotonic),
            pages=PdfiumPages(cache=folder / "pages"),
            uploads=UploadFolder(folder / "uploads"),
            verifications=Verifications(policy=folder / "policy"),
            session_buckets=Buckets(PLENTY, clock=time.monotonic),
            sign_in_buckets=Buckets(PLENTY, clock=time.monotonic),
            sdp_buckets=Buckets(PLENTY, clock=time.monotonic),
            object_buckets=Buckets(OBJECT_RATE, clock=time.monotonic),
            partners=PartnerDoor(accounts=accounts, origin=ORIGIN, clock=clock),
            partner_accounts=accounts,
            partner_buckets=Buckets(partner_rate, clock=time.monotonic),
            token_buckets=Buckets(token_rate, clock=time.monotonic),
            cursors=Cursors(hashlib.sha256(b"cursors").digest()),
            feeds=Feeds(),
            clock=clock,
            monotonic=time.monotonic,
            client=folder,
            nodes={},
            webhooks=webhooks,
        )
        app = create_app(services)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            cities = {
                domain: City(domain, world.holders[domain].signer, http) for domain in (drive.ZHONGSHAN, drive.ZHUHAI)
            }
            found = Site(world, proceedings, services, app, http, cities)
            for city in cities.values():
                await found.register(city)
            yield found
            await services.verifications.stop()
        await sender.close()
    accounts.close()
    seats.close()


async def settle() -> None:
    await asyncio.sleep(0)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, json.loads(answer.text)["code"]


def handshake(path: str, ticket: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The ASGI scope of a live socket that a page of ours opens."""
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": path,
        "raw_path": path.encode(),
        "query_string": f"ticket={ticket}".encode(),
        "root_path": "",
        "headers": [(b"host", ORIGIN.removeprefix("https://").encode()), (b"origin", ORIGIN.encode()), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 443),
        "subprotocols": [],
    }
