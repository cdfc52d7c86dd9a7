"""A seat that is cut off leaves its acts with its own city's node; whatever the node does changes nothing for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import b64u
from sessions.core import venue_journal
from sessions.core.commands import LoseVenue
from tests.city.servers import OPERATOR, free_port
from tests.device.server import SESSION, MainServer, problem, until
from tests.sessions.node_play import ZHONGSHAN, Play, make_node
from tests.sessions.node_world import NOW, PROCEEDING, Main
from web.city.app import create_city_app
from web.device.client import Client
from web.device.device import Device
from web.device.errors import NotOffline
from web.device.seat import Seat

pytestmark = pytest.mark.asyncio
SEAT = "seat-4"


class Game(Play):
    """A play in which seat-4, which sits with the first city's node, is a device."""

    seat: Seat

    async def bind(self, name: str) -> None:
        if name != SEAT:
            await super().bind(name)
        else:
            await self.vouch(name, self.seat.device.thumbprint)
            await self.seat.bind()

    async def begun(self) -> None:
        self.found()
        for name in (SEAT, "operator-1", "operator-2", "room-2"):
            await self.bind(name)


class World:
    def __init__(self, folder: Path) -> None:
        self.main = Main()
        self.game = Game(self.main, [make_node(self.main, keys) for keys in self.main.cities])
        self.server = MainServer(self.game)
        self.port = free_port()
        client = Client(base_url=self.server.url, origin=self.server.url, patience_s=5, session=SESSION)
        client.proceeding = PROCEEDING.rpartition("/")[2]
        self.seat = self.game.seat = Seat(
            device=Device(folder=folder, origin=PROCEEDING, sub=SEAT, clock=lambda: float(NOW)),
            client=client,
            pins=self.main.pins,
            envelopes=envelope_p256,
            entropy=os.urandom,
            node=f"http://127.0.0.1:{self.port}",
        )

    @property
    def answers(self) -> dict[bytes, str]:
        assert self.seat.leaving is not None
        return self.seat.leaving.answers

    def node(self) -> FastAPI:
        node = self.game.nodes[ZHONGSHAN]
        return create_city_app(node, operator_token=OPERATOR, pages=self.server.url)

    async def note(self, text: str = "断电") -> Act:
        return await self.seat.sign_offline("incident.note", {"seat": None, "text": text})

    async def back(self, *made: Act) -> None:
        """The venue was lost meanwhile; its other seats signed nothing."""
        server_ctr = self.game.state.keys[self.seat.device.thumbprint].ctr
        self.game.command(LoseVenue("venue-2", 1))
        await self.seat.resume(server_ctr, confirmed=[act.id for act in made])
        for name in ("operator-2", "room-2"):
            ctr = self.game.seats[name].ctr
            self.game.by(name, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    async with world.server.running():
        try:
            await world.game.begun()
            yield world
        finally:
            await world.seat.close()


@asynccontextmanager
async def serving(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await task


async def test_what_is_signed_while_cut_off_lies_with_the_citys_node_and_comes_into_the_log(tmp_path: Path) -> None:
    """protocols.md section 6, whole: left in the order of `ctr`, signed by the node on return, merged, all there."""
    async with running(tmp_path) as world, serving(world.node(), world.port):
        game = world.game
        await game.nodes[ZHONGSHAN].journals.look(PROCEEDING)
        world.main.away = True
        await world.server.stop()
        first, second = await world.note(), await world.note("二")
        await until(lambda: world.answers == {first.id: "", second.id: ""})
        world.main.away = False
        await world.server.start()
        await game.nodes[ZHONGSHAN].journals.look(PROCEEDING)
        (journal,) = world.main.brought
        assert acts.parse(journal).body["acts"] == [b64u(first.id), b64u(second.id)]
        game.perform(journal)
        assert len(venue_journal.findings(game.state, game.log.entries)) == 2
        await world.back(first, second)
        assert venue_journal.findings(game.state, game.log.entries) == ()
        assert game.state.gate == "open"


@pytest.mark.parametrize("silent", ["nobody listens", "a refusal", "no journal", "an answer without end"])
async def test_whatever_the_node_does_changes_nothing_for_the_seat(tmp_path: Path, silent: str) -> None:
    async with running(tmp_path) as world:
        node = FastAPI()
        held = asyncio.Event()

        @node.post("/journal")
        async def journal() -> Response:
            if silent == "an answer without end":
                await held.wait()
            return problem(503, "node") if silent == "no journal" else problem(403, "foreign-seat")

        @asynccontextmanager
        async def nobody() -> AsyncIterator[None]:
            yield

        async with nobody() if silent == "nobody listens" else serving(node, world.port):
            first, second = await world.note(), await world.note("二")
            with pytest.raises(NotOffline):
                await world.seat.sign_offline("review.vote", {"findings": []})
            if silent == "a refusal":
                await until(lambda: set(world.answers.values()) == {"foreign-seat"})
            await world.back(first, second)
            held.set()
            assert world.seat.device.offline == []
            assert world.game.state.gate == "open"


async def test_acts_are_left_in_their_order_and_again_until_the_node_has_them(tmp_path: Path) -> None:
    """A node that is restarted, or that has a line itself for a while yet; what may not be signed offline stays."""
    async with running(tmp_path) as world:
        node, asked = FastAPI(), list[Any]()
        answers = [problem(503, "node"), problem(409, "venue-not-lost"), problem(429, "x")]

        @node.post("/journal")
        async def journal(request: Request) -> Response:
            asked.append(acts.parse((await request.json())["act"]).id)
            return answers.pop(0) if answers else Response(status_code=204)

        # Its answer never came: it becomes the first of them, and no node keeps such a one.
        world.seat.client._patience_s = 0
        world.server.failures = [lambda: problem(503, "not-ready")]
        with pytest.raises(Exception, match="503"):
            await world.seat.perform("presenter.hand-over", {"to": "seat-2"})
        world.seat.client._patience_s = 5
        async with serving(node, world.port):
            first, second = await world.note(), await world.note("二")
            await until(lambda: len(world.answers) == 2)
        assert asked == [first.id] * 4 + [second.id]
        assert [act.act for act in world.seat.device.offline] == ["presenter.hand-over"] + ["incident.note"] * 2
