"""Tokens of partner programs: RFC 6749 4.4, RFC 7523, docs/protocol.md 10.2; and which doors they open."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from sessions.adapters import partner_accounts
from sessions.adapters.partner_accounts import DatabasePartnerAccounts
from sessions.core.tenancy import SCOPES
from tests.partner.world import ADMINISTRATOR, ORIGIN, problem, site
from tests.sessions.drive import signer_of
from web.server.limits import Rate
from web.server.oauth import ACCESS_S

AGREEMENTS = "/v1/partner/agreements"


class Clock:
    """A clock that can be set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.mark.asyncio
async def test_an_assertion_is_taken_once_and_for_this_server_only(tmp_path: Path) -> None:
    """RFC 7523 section 3: every part of an assertion that is wrong is `invalid_client`, and nothing says which."""
    async with site(tmp_path) as found:
        city, other = found.zhongshan, found.zhuhai
        now = int(time.time())
        good = city.assertion()
        assert (await city.ask_token(good)).status_code == 200
        wrong = {
            "replayed": good,
            "another city's key": city.assertion(key=other.key),
            "the identity key, which is no client's": city.assertion(key=city.identity),
            "another client's name": city.assertion(key=city.key, iss=other.client, sub=other.client),
            "an unknown client": city.assertion(iss="client-0", sub="client-0"),
            "iss is not sub": city.assertion(sub=other.client),
            "another server": city.assertion(aud="https://zhuhai.example/v1/oauth/token"),
            "the origin instead of the endpoint": city.assertion(aud=ORIGIN),
            "several audiences": city.assertion(aud=[f"{ORIGIN}/v1/oauth/token", "https://x.example"]),
            "over": city.assertion(exp=now - 5),
            "lives too long": city.assertion(exp=now + 120),
            "no expiry": city.assertion(exp=None),
            "an expiry that is a truth": city.assertion(exp=True),
            "not yet": city.assertion(nbf=now + 30),
            "no id": city.assertion(jti=None),
            "an empty id": city.assertion(jti=""),
            "a long id": city.assertion(jti="x" * 129),
            "no algorithm": city.assertion(head={"alg": "none"}),
            "HMAC with the public key": city.assertion(head={"alg": "HS256", "typ": "JWT"}),
            "brings its own key": city.assertion(head={"alg": "ES256", "jwk": city.key.jwk}),
            "a key by address": city.assertion(head={"alg": "ES256", "jku": "https://x.example"}),
            "cut": good[:-8],
            "not a JWS": "x",
            "four parts": good + ".x",
            "huge": "A" * 5_000 + ".A.A",
            "nobody's key": city.assertion(iss="client-0", sub="client-0", key=signer_of("x")),
        }
        for what, assertion in wrong.items():
            answer = await city.ask_token(assertion)
            assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"}), what


@pytest.mark.asyncio
async def test_the_form_is_read_strictly(tmp_path: Path) -> None:
    """RFC 6749 section 5.2."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        for form, error in (
            ({"grant_type": "password"}, "unsupported_grant_type"),
            ({"grant_type": ""}, "invalid_request"),
            ({"client_assertion_type": "x"}, "invalid_request"),
            ({"scope": "partner.agreements.read root"}, "invalid_scope"),
            ({"scope": " "}, "invalid_scope"),
        ):
            answer = await city.ask_token(**form)
            assert (answer.status_code, answer.json()) == (400, {"error": error}), form
        raw = {"Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"", b"grant_type", b"\xff=1", b"grant_type=client_credentials&grant_type=x", b"&" * 100):
            answer = await city.http.post("/v1/oauth/token", content=body, headers=raw)
            assert answer.json() == {"error": "invalid_request"}, body
        json = await city.http.post("/v1/oauth/token", json={"grant_type": "client_credentials"})
        assert problem(json) == (415, "unsupported-media-type")
        large = await city.http.post("/v1/oauth/token", content=b"a=" + b"x" * 9_000, headers=raw)
        assert problem(large) == (413, "too-large")


@pytest.mark.asyncio
async def test_an_assertion_stays_used_when_the_process_dies(tmp_path: Path) -> None:
    """10.2: `jti` is remembered in the database until the assertion is over."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        used = city.assertion()
        await city.ask_token(used)
        url = f"sqlite:///{tmp_path / 'partner.db'}"
        partner_accounts.prepare(url)
        reopened = DatabasePartnerAccounts(url=url)
        grant = reopened.find(b"\0" * 32)
        assert grant is None
        reopened.close()
        assert (await city.ask_token(used)).status_code == 401


@pytest.mark.asyncio
async def test_an_access_token_ends(tmp_path: Path) -> None:
    """10.2: after 600 s, and with its client."""
    clock = Clock()
    async with site(tmp_path, clock=clock) as found:
        city = found.zhongshan
        assert (await city.call("GET", AGREEMENTS)).status_code == 200
        clock.ahead = ACCESS_S + 1
        assert problem(await city.call("GET", AGREEMENTS)) == (401, "token-refused")
        clock.ahead = 0
        await city.sign_in()
        path = f"/v1/partners/{city.domain}/clients/{city.client}"
        foreign = path.replace(city.domain, found.zhuhai.domain)
        assert problem(await found.administer(foreign, method="DELETE")) == (404, "not-found")
        assert (await city.call("GET", AGREEMENTS)).status_code == 200
        assert (await found.administer(path, method="DELETE")).status_code == 204
        assert problem(await city.call("GET", AGREEMENTS)) == (401, "token-refused")
        assert (await city.ask_token()).json() == {"error": "invalid_client"}


@pytest.mark.asyncio
async def test_a_scope_opens_its_own_doors_and_no_other(tmp_path: Path) -> None:
    """10.2: scopes per verb; the control is the token with all of them."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        for scope, path in doors(found.app):
            full = await city.call("GET", path)
            assert full.status_code in (200, 404), path
            narrow = (await city.ask_token(scope=scope)).json()["access_token"]
            assert (await city.call("GET", path, token=narrow)).status_code == full.status_code, path
            rest = " ".join(sorted(SCOPES - {scope}))
            without = (await city.ask_token(scope=rest)).json()["access_token"]
            assert problem(await city.call("GET", path, token=without)) == (403, "insufficient-scope"), path


@pytest.mark.asyncio
async def test_a_partners_token_opens_no_door_but_a_partners(tmp_path: Path) -> None:
    """And no other bearer opens a partner's."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        proceeding = await found.convene(await found.named(city))
        closed = 0
        for path, methods in found.app.openapi()["paths"].items():
            for method, operation in methods.items():
                if operation["x-permission"] in SCOPES | {"public"}:
                    continue
                door = re.sub(r"\{\w+\}", "1", path.replace("{id}", proceeding).replace("{centre}", city.domain))
                answer = await city.call(method.upper(), f"{door}?old=0&size=0", None if method == "get" else {})
                assert problem(answer) in ((401, "not-signed-in"), (400, "malformed-request")), path
                closed += problem(answer)[0] == 401
        assert closed > 30
        for token in (ADMINISTRATOR, "tpat_" + "x" * 43, "tpat_", "tpat_" + "x" * 5_000, "x", "a.b.c"):
            answer = await city.http.get(AGREEMENTS, headers={"Authorization": f"Bearer {token}"})
            assert problem(answer)[0] == 401, token
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert problem(await city.http.get(AGREEMENTS)) == (401, "not-signed-in")
        asked = await city.http.get(AGREEMENTS, headers={"Authorization": f"Basic {city.token}"})
        assert problem(asked) == (401, "token-refused")


@pytest.mark.asyncio
async def test_a_client_is_registered_for_a_partner_with_scopes_that_there_are(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        key = signer_of("another").jwk
        for centre, body, refused in (
            ("guangzhou.example", {"jwk": key, "scopes": ["partner.events.read"]}, (404, "not-found")),
            (found.proceedings.partners.host, {"jwk": key, "scopes": ["partner.events.read"]}, (404, "not-found")),
            ("zhuhai.example", {"jwk": key, "scopes": ["stage.advance"]}, (400, "malformed-request")),
            ("zhuhai.example", {"jwk": key, "scopes": []}, (400, "malformed-request")),
            ("zhuhai.example", {"jwk": {**key, "d": "x"}, "scopes": ["partner.events.read"]}, (400, "malformed")),
            ("zhuhai.example", {"jwk": {**key, "y": key["x"]}, "scopes": ["partner.events.read"]}, (400, "malformed")),
        ):
            assert problem(await found.administer(f"/v1/partners/{centre}/clients", body)) == refused, body


@pytest.mark.asyncio
async def test_a_flood_is_told_when_to_come_back_and_disturbs_nobody_else(tmp_path: Path) -> None:
    """10.3: `RateLimit`, `RateLimit-Policy`, `Retry-After`."""
    async with site(tmp_path, partner_rate=Rate(per_second=0.5, burst=5), token_rate=Rate(1, 8)) as found:
        city, other = found.zhongshan, found.zhuhai
        seen = [await city.call("GET", AGREEMENTS) for _ in range(7)]
        assert [answer.status_code for answer in seen] == [200] * 5 + [429] * 2
        assert [answer.headers["ratelimit"].split(";")[1] for answer in seen] == [
            f"r={n}" for n in (4, 3, 2, 1, 0, 0, 0)
        ]
        assert all(answer.headers["ratelimit-policy"] for answer in seen)
        assert int(seen[-1].headers["retry-after"]) in (1, 2)
        assert problem(seen[-1]) == (429, "too-many-requests")
        assert (await other.call("GET", AGREEMENTS)).headers["ratelimit"].startswith('"default";r=4')
        answers = [await city.ask_token("x") for _ in range(12)]
        assert answers[-1].status_code == 429
        assert "retry-after" in answers[-1].headers


def doors(app: Any) -> list[tuple[str, str]]:
    """Scope and path of every reading route of a partner that needs no proceeding."""
    found = []
    for path, methods in app.openapi()["paths"].items():
        scope = methods.get("get", {}).get("x-permission", "")
        if scope in SCOPES and "webhooks" not in path and "{id}" not in path:
            found.append((scope, path.replace("{agreement}", "a" * 26).replace("{invitation}", "a" * 26)))
    assert len(found) > 7
    return found
