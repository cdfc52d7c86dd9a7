"""What the browser's seat signs while cut off lies with its city's node: as tests/device/test_leaving.py has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request, Response

from evidence.core import act as acts
from evidence.core.canonical import b64u
from sessions.core import venue_journal
from sessions.core.commands import LoseVenue
from tests.city.servers import OPERATOR, free_port
from tests.crypto.node import Browser, browser
from tests.crypto.opening import opened
from tests.device.server import MainServer, problem, until
from tests.device.test_leaving import SEAT, serving
from tests.sessions.node_play import ZHONGSHAN, Play, make_node
from tests.sessions.node_world import PROCEEDING, Main
from web.city.app import create_city_app

pytestmark = pytest.mark.asyncio
NOTE = {"act": "incident.note", "body": {"seat": None, "text": "断电"}}


class World:
    def __init__(self, client: Browser) -> None:
        self.client = client
        self.main = Main()
        self.game = Play(self.main, [make_node(self.main, keys) for keys in self.main.cities])
        self.server = MainServer(self.game)
        self.port = free_port()

    async def begin(self) -> None:
        more = {"patience": 5000, "fresh": True, "node": f"http://127.0.0.1:{self.port}"}
        self.thumbprint = await opened(self.client, self.server, self.main.pins, SEAT, **more)
        self.game.found()
        await self.game.vouch(SEAT, self.thumbprint)
        await self.client.ask("bind")

    async def back(self, *made: str) -> None:
        server_ctr = self.game.state.keys[self.thumbprint].ctr
        self.game.command(LoseVenue("venue-2", 1))
        await self.client.ask("resume", ctr=server_ctr, confirmed=list(made))


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    async with browser() as client:
        world = World(client)
        async with world.server.running():
            await world.begin()
            yield world


async def test_what_is_signed_while_cut_off_lies_with_the_citys_node_and_comes_into_the_log() -> None:
    async with running() as world:
        game = world.game
        node = game.nodes[ZHONGSHAN]
        async with serving(create_city_app(node, operator_token=OPERATOR, pages=world.server.url), world.port):
            await node.journals.look(PROCEEDING)
            world.main.away = True
            await world.server.stop()
            made = [await world.client.ask("signOffline", **NOTE) for _ in range(2)]
            assert await world.client.ask("left", least=2) == dict.fromkeys(made, "")
            world.main.away = False
            await world.server.start()
            await node.journals.look(PROCEEDING)
        (journal,) = world.main.brought
        assert acts.parse(journal).body["acts"] == [b64u(bytes.fromhex(act)) for act in made]
        game.perform(journal)
        await world.back(*made)
        assert venue_journal.findings(game.state, game.log.entries) == ()


async def test_a_node_that_is_silent_or_refuses_changes_nothing_for_the_seat() -> None:
    async with running() as world:
        node, asked = FastAPI(), list[str]()
        answers = [problem(503, "node"), problem(409, "venue-not-lost"), problem(403, "foreign-seat")]

        @node.post("/journal")
        async def journal(request: Request) -> Response:
            asked.append(acts.parse((await request.json())["act"]).id.hex())
            return answers.pop(0) if answers else Response(status_code=204)

        # Nobody listens at first.
        first = await world.client.ask("signOffline", **NOTE)
        async with serving(node, world.port):
            second = await world.client.ask("signOffline", **NOTE)
            await until(lambda: second in asked)
        assert asked == [first] * 3 + [second]
        await world.back(first, second)
        assert (await world.client.ask("state"))["offline"] == []
