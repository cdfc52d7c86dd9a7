"""The client's files: served as they were built, small on the wire, and nothing beside them."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import brotli
import httpx2
import pytest

from sessions.core.state import Proceeding
from tests.sessions.drive import FINANCE, ZHONGSHAN, ZHUHAI, Drive
from web.server.app import create_app
from web.server.errors import NotSignedIn
from web.server.identity import SignedIn
from web.server.services import Services

NODES = {city: f"https://node.{city}:8100" for city in (ZHONGSHAN, ZHUHAI, FINANCE)}
PAGE = b"<!doctype html><title>page</title>"
SCRIPT = b"export const answer = 42;\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    client = tmp_path / "dist"
    (client / "assets").mkdir(parents=True)
    (client / "index.html").write_bytes(PAGE)
    (client / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (client / "assets" / "main-1a2b.js.br").write_bytes(brotli.compress(SCRIPT))
    (client / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret").write_bytes(b"secret")
    (client / "assets" / "folder").mkdir()
    return client


@cache
def founded() -> Proceeding:
    drive = Drive()
    drive.found()
    return drive.state


def get(client: Path, path: str, *, seat: str = "", **headers: str) -> httpx2.Response:
    """The answer to nobody, or to the session of a seat."""

    async def find(cookie: str) -> SignedIn:
        if cookie != seat or not seat:
            raise NotSignedIn("no session")
        return SignedIn(b"digest", "id", seat)

    async def ask() -> httpx2.Response:
        services = SimpleNamespace(
            origin="https://pb.example",
            client=client,
            cookie="__Host-sid",
            identity=SimpleNamespace(find=find),
            session_buckets=SimpleNamespace(take=lambda digest: None),
            keeper={"id": SimpleNamespace(state=founded())}.__getitem__,
            nodes=NODES,
        )
        transport = httpx2.ASGITransport(app=create_app(cast(Services, services)))
        async with httpx2.AsyncClient(transport=transport, base_url="https://pb.example") as http:
            return await http.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/sign-in", "/rooms", "/expert", "/expert/sheet/1", "/operator/board"])
def test_every_path_of_the_client_is_its_one_page(built: Path, path: str) -> None:
    answer = get(built, path)
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self';" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("seat", "node"),
    [
        ("", None),
        ("seat-1", None),
        ("supervisor-1", None),
        ("administrator", None),
        ("nobody", None),
        ("seat-4", NODES[ZHONGSHAN]),
        ("room-2", NODES[ZHONGSHAN]),
        ("seat-5", NODES[ZHUHAI]),
    ],
)
def test_a_page_may_ask_the_node_of_its_seats_own_city_and_nothing_else(
    built: Path, seat: str, node: str | None
) -> None:
    """Exactly that origin: no other city's, no wildcard, and not for whoever has no seat there."""
    answer = get(built, "/expert", seat=seat, Cookie=f"__Host-sid={seat}")
    policy = answer.headers["content-security-policy"]
    (connect,) = [part.strip() for part in policy.split(";") if "connect-src" in part]
    own = f" {node}" if node else ""
    assert connect == f"connect-src 'self' wss://pb.example{own}"
    stranger = get(built, "/expert").headers["content-security-policy"]
    assert policy.replace(own, "") == stranger
    assert answer.content == PAGE


@pytest.mark.parametrize(("accepts", "sent"), [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)])
def test_an_asset_goes_out_as_small_as_the_browser_takes_it(built: Path, accepts: str, sent: str | None) -> None:
    answer = get(built, "/assets/main-1a2b.js", **{"Accept-Encoding": accepts})
    assert answer.content == SCRIPT
    assert answer.headers.get("content-encoding") == sent
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name", ["..%2f..%2fsecret", "%2e%2e", "folder", "missing.js", ".env", "a" * 300, "main-1a2b.js%00", "a%0d%0ab"]
)
def test_nothing_beside_the_assets_is_served(built: Path, name: str) -> None:
    answer = get(built, f"/assets/{name}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_person_who_is_lost_gets_a_page_and_a_program_a_problem(built: Path) -> None:
    person = get(built, "/nowhere", Accept="text/html,application/xhtml+xml")
    assert (person.status_code, person.content) == (404, PAGE)
    program = get(built, "/nowhere", Accept="*/*")
    assert (program.status_code, program.json()["code"]) == (404, "not-found")
    api = get(built, "/v1/nowhere", Accept="text/html")
    assert (api.status_code, api.json()["code"]) == (404, "not-found")


def test_a_server_without_its_client_says_so(tmp_path: Path) -> None:
    answer = get(tmp_path, "/sign-in")
    assert (answer.status_code, answer.json()["code"]) == (503, "client-missing")
    assert get(tmp_path, "/nowhere", Accept="text/html").json()["code"] == "not-found"
