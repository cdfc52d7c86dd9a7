"""Canaries of one tenant, looked for in every octet that another tenant's token can get: all routes of the application,
the live socket, webhooks, errors and headers (issue 5, "Done when")."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from evidence.core.canonical import b64u, encode
from tests.partner.test_walls import CANARY, planted
from tests.partner.test_webhook_doors import PATH, calling, eventually, registered
from tests.partner.world import ORIGIN, City, Site, handshake, site
from tests.sessions.receivers import Receiver, receiving
from tests.sessions.service_people import People

BODIES: tuple[Any, ...] = (None, {"act": "x"}, {"act": "x", "disclosures": []}, {})


@dataclass(frozen=True, slots=True)
class Planted:
    """What is Zhongshan's: ids to ask with, and secrets to look for."""

    ids: dict[str, str]
    secrets: tuple[str, ...]


@pytest.mark.asyncio
async def test_no_canary_of_one_tenant_is_in_any_octet_of_another(tmp_path: Path) -> None:
    """Before and during the meeting; the control is the tenant itself, who gets its own canaries by the same calls."""
    async with site(tmp_path) as found:
        with receiving(Receiver()) as mine, receiving(Receiver()) as others:
            async with calling(found):
                webhook = await registered(found.zhongshan, mine.url)
                own = await registered(found.zhuhai, others.url)
                agreement, invitation, proceeding = await planted(found)
                await eventually(lambda: mine.calls)
                keeper = found.proceedings.get(proceeding)
                fixed = keeper.state.evaluation.fixed
                assert fixed is not None
                ids = {
                    "id": proceeding,
                    "agreement": agreement,
                    "invitation": invitation,
                    "webhook": webhook["webhook"],
                    "message": mine.calls[0].message,
                    "centre": found.zhongshan.domain,
                    "seat": "seat-4",
                    "room": "room-2",
                    "sha256": fixed.sha256.hex(),
                }
                secrets = (CANARY, "terms-canary", agreement, invitation, proceeding)
                there = Planted(ids, (*secrets, webhook["webhook"], "zhongshan", b64u(CANARY.encode())))
                people = People(found.world, proceeding)
                people.connect(people.keeper(found.proceedings))
                await nothing_of(there, found, found.zhuhai)
                await people.play(keeper, lambda state: state.stage == "declarations")
                await nothing_of(there, found, found.zhuhai)
                got = [said(answer) for answer in await everything(found, found.zhongshan, there)]
                for secret in (*secrets, webhook["webhook"]):
                    assert any(secret in text for text in got), f"nobody gets {secret}: the test looks at nothing"
                # Something of Zhuhai's own makes its webhook speak: what it says is Zhuhai's.
                await found.agree(found.zhuhai)
                await eventually(lambda: others.calls)
                heard = b"".join(call.body + repr(call.headers).encode() for call in others.calls)
                assert [secret for secret in there.secrets if secret.encode() in heard] == []
                assert own["webhook"] not in "".join(got)


async def nothing_of(there: Planted, found: Site, stranger: City) -> None:
    """Neither by HTTP nor by a socket."""
    for answer in await everything(found, stranger, there):
        for secret in there.secrets:
            assert secret not in said(answer), (answer.request.method, answer.url, secret)
    for ticket in ("", "x" * 43, stranger.token):
        told = await knock(found.app, there.ids["id"], ticket, stranger.token)
        assert [message["type"] for message in told] == ["websocket.close"], "no door for a token"
        assert not any(secret in repr(told) for secret in there.secrets)


async def everything(found: Site, city: City, there: Planted) -> list[httpx2.Response]:
    """Every answer that the city's token gets, at every route there is, asking with every id there is."""
    heard = []
    for path, methods in found.app.openapi()["paths"].items():
        asked = re.sub(r"\{(\w+)(:\w+)?\}", lambda match: there.ids.get(match[1], "0"), path)
        for method in methods:
            for body in BODIES if method in ("post", "put") else BODIES[:1]:
                headers = {"If-Match": "*", "Origin": ORIGIN}
                if path == "/v1/oauth/token" or (city is found.zhongshan and method == "delete"):
                    continue
                heard.append(await city.call(method.upper(), asked, body, headers=headers))
    assert len(heard) > 60
    return heard


def said(answer: httpx2.Response) -> str:
    """Body and headers."""
    return answer.content.decode("utf-8", "replace") + str(sorted(answer.headers.items()))


async def knock(app: FastAPI, proceeding: str, ticket: str, token: str) -> list[dict[str, Any]]:
    """What the application says to a handshake of a socket, and to a `hello` where it opens."""
    scope = handshake(f"/v1/proceedings/{proceeding}/live", ticket, (b"authorization", f"Bearer {token}".encode()))
    hello = encode({"type": "hello", "resume": None}).decode()
    asked: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": hello},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        # After `hello` the snapshot is waited for, so that leaving does not come before it.
        if len(asked) == 1:
            await eventually(lambda: any("snapshot" in message.get("text", "") for message in told))
        return asked.pop(0)

    async def send(message: Any) -> None:
        told.append(dict(message))

    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return told


@pytest.mark.asyncio
async def test_a_seats_ticket_opens_the_socket_that_a_token_does_not(tmp_path: Path) -> None:
    """The control of the knocking: by the same handshake a seat of the meeting gets its snapshot."""
    async with site(tmp_path) as found:
        _, _, proceeding = await planted(found)
        link = await found.services.identity.issue_link(proceeding, "seat-1")
        _, session = await found.services.identity.sign_in(link, brought=None)
        told = await knock(found.app, proceeding, found.services.tickets.issue(session), "")
        assert told[0]["type"] == "websocket.accept"
        assert proceeding in told[1]["text"]
        assert PATH not in told[1]["text"]
