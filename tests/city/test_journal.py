"""The journal's door on a node of its own process: cut off for real, killed with -9, asked by pages, brought back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest

from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import b64u
from tests.city.servers import OPERATOR, main_app, serving
from tests.city.test_process import World
from tests.sessions.node_world import CITIES, PROCEEDING

SEAT = "seat-5"


class Remote:
    """The node of its own process, as the game asks nodes for vouchers."""

    domain = CITIES[1]

    def __init__(self, world: World) -> None:
        self._ask = world.process.ask

    async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
        question = {"origin": origin, "seat": seat, "thumbprint": thumbprint}
        return str(self._ask("/identity/vouch", question, OPERATOR).json()["act"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The node's city has one seat bound; the main server answers only within `online`."""
    made = World(tmp_path)
    made.game.nodes[CITIES[1]] = Remote(made)  # type: ignore[assignment]
    made.process.start()
    try:
        yield made
    finally:
        made.process.kill()
        made.process.http.close()


def online(world: World) -> AbstractContextManager[str]:
    return serving(main_app(world.main, f"http://127.0.0.1:{world.port}"), world.port)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def leave(world: World, act: Act) -> httpx2.Response:
    return world.process.ask("/journal", {"act": act.jws})


def note(world: World) -> Act:
    return world.game.seats[SEAT].act("incident.note", {"seat": None, "text": "断电"})


def test_a_seat_that_is_cut_off_leaves_its_acts_and_the_node_brings_their_journal(world: World) -> None:
    game, process = world.game, world.process
    with online(world):
        game.found()
        process.http.post("/add-log", content=world.main.add_log())
        asyncio.run(game.bind(SEAT))
        first, second = note(world), note(world)
        # Its replay follows the log every few seconds: until then it does not know the key.
        until(lambda: leave(world, first).json()["code"] != "unknown-key")
        early = leave(world, first)
        assert (early.status_code, early.json()["code"]) == (409, "venue-not-lost")
    until(lambda: leave(world, first).status_code == 204)
    process.kill()
    process.start()
    assert [leave(world, act).status_code for act in (first, second, first)] == [204, 204, 204]
    assert world.main.brought == []
    with online(world):
        until(lambda: bool(world.main.brought))
    journal = acts.parse(world.main.brought[0])
    assert journal.body["acts"] == [b64u(first.id), b64u(second.id)]
    assert journal.body["lost"] < journal.body["returned"]
    game.perform(journal)
    for act in (first, second):
        game.perform(act)


def test_the_door_refuses_what_has_no_form_and_lets_pages_of_one_origin_ask(world: World) -> None:
    http, pages = world.process.http, f"http://127.0.0.1:{world.port}"

    def refused(content: bytes, kind: str = "application/json") -> tuple[int, str]:
        answer = http.post("/journal", content=content, headers={"Content-Type": kind, "Origin": pages})
        assert answer.headers["access-control-allow-origin"] == pages, "a page may read why"
        return answer.status_code, answer.json()["code"]

    for body in (b"", b"[]", b"{", b'{"act":7}', b'{"act":"a","act":"a"}', b"\xff", b'{"act":"a.b.c","x":1}'):
        assert refused(body) == (400, "malformed")
    assert refused(b'{"act":"a.b.c"}', "text/plain") == (400, "malformed")
    assert refused(b'{"act":"' + b"a" * 70_000 + b'"}') == (413, "city-request-too-large")
    assert refused(b'{"act":"%s"}' % note(world).jws.encode()) == (404, "unknown-log")
    asked = {"Origin": pages, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in (pages, "https://evil.example"):
        may = http.options("/journal", headers=asked | {"Origin": origin})
        assert (may.status_code, may.headers["access-control-allow-origin"]) == (204, pages)
        assert may.headers["access-control-allow-methods"] == "POST"
        assert may.headers["access-control-allow-headers"] == "Content-Type"
        assert "access-control-allow-credentials" not in may.headers
    # No other door is one for pages.
    for path in ("/holder/offer", "/identity/vouch", "/add-log"):
        assert http.options(path, headers=asked).status_code == 405
        assert "access-control-allow-origin" not in http.post(path, json={"origin": PROCEEDING}).headers
