"""A holder is lost for good and set up anew: real nodes, a real seat, real envelopes (protocols.md section 3)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from evidence.core.canonical import Object, b64u
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.core.commands import FreezeHolders
from sessions.node_errors import NodeStateBroken
from tests.device.server import problem, until
from tests.device.test_seat import CHOICES, World, running
from tests.sessions.node_play import SCORING, make_node
from tests.sessions.node_world import CITIES, PROCEEDING
from web.device import sealing
from web.device.errors import GateClosed, ServerRefused
from web.device.seat import Seat

pytestmark = pytest.mark.asyncio
OTHERS = ("seat-1", "seat-2", "seat-4", "seat-5")


async def to_sheets(world: World) -> None:
    game, seat = world.game, world.seat
    await game.to_ballots()
    await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
    for name in OTHERS:
        game.seal(name)
    await until(lambda: not game.round.unsafe(2))
    freeze = game.freeze()
    game.confirm(freeze, "seat-3")
    await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
    game.witness()
    await game.release(freeze)
    game.open()
    game.advance("compliance-review")
    findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
    await seat.perform("review.vote", {"findings": findings})
    for name in OTHERS:
        game.by(name, "review.vote", {"findings": findings})
    game.advance("detailed-review")


async def anew(world: World, domain: str) -> None:
    """The city sets up its node on another machine: the same identity, nothing else of the old one."""
    main, game = world.game.main, world.game
    keys = next(keys for keys in main.cities if keys.domain == domain)
    node = make_node(main, keys, store=MemoryNodeStore())
    node.witness.add_log(main.add_log())
    game.nodes[domain] = node


async def refused_anew(world: World) -> Seat:
    """Other scores are sealed, and refused: the sheet that was accepted is the one to deal anew or to open, after."""
    asked = world.game.state.evaluation.asked()
    world.server.failures = [lambda: problem(409, "paused")]
    with pytest.raises(ServerRefused):
        await world.seat.seal_sheet({item: Decimal("0.25") for item, _ in asked}, number=1, asked=asked)
    return await world.restart()


async def test_a_node_set_up_anew_holds_what_seats_deal_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await to_sheets(world)
        asked = game.state.evaluation.asked()
        scores = {item: maximum - Decimal("0.50") for item, maximum in asked}
        with pytest.raises(GateClosed):
            await seat.reseal_sheet(number=1, version=1)
        first = await seat.seal_sheet(scores, number=1, asked=asked)
        kept = sealing.Kept.parse(seat.device.kept("sheet-1") or b"")
        seat = await refused_anew(world)
        lost = CITIES[1]
        await anew(world, lost)
        # Without the supervisor's word the new node does not go on where the old one ended.
        with pytest.raises(NodeStateBroken):
            await game.nodes[lost].offer(PROCEEDING)
        order: Object = {"lost": [lost], "by": [lost], "reason": "节点损毁，已重新部署"}
        game.by("supervisor-1", "holders.replace", order)
        game.perform(await game.nodes[lost].offer(PROCEEDING))
        game.command(FreezeHolders())
        with pytest.raises(GateClosed):
            await seat.reseal_sheet(number=1, version=3)
        game.witness()
        again = await seat.reseal_sheet(number=1, version=2)
        assert again.act != first.act
        assert len(again.acks) >= 2
        dealt = sealing.Kept.parse(seat.device.kept("sheet-1") or b"")
        assert dealt.plaintext == kept.plaintext
        assert dealt.secret != kept.secret
        # After a restart the seat goes on with what it has.
        seat = await world.restart()
        for name in OTHERS:
            game.seal(name)
        await until(lambda: not game.state.evaluation.unsafe(game.round))
        freeze = game.freeze()
        game.confirm(freeze, "seat-3")
        await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
        game.approve(freeze)
        game.witness()
        await game.release(freeze)
        game.open()
        (mine,) = [sheet for sheet in game.state.evaluation.sheets() if sheet.seat == "seat-3"]
        assert dict(mine.scores) == scores


async def test_a_seat_opens_its_own_sheet_when_its_holders_are_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await to_sheets(world)
        asked = game.state.evaluation.asked()
        with pytest.raises(GateClosed):
            await seat.open_own("sheet", number=1)
        await seat.seal_sheet(dict(asked), number=1, asked=asked)
        seat = await refused_anew(world)
        for name in OTHERS:
            game.seal(name)
        await until(lambda: not game.round.unsafe(2))
        freeze = game.freeze()
        game.confirm(freeze, "seat-3")
        await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
        game.approve(freeze)
        game.witness()
        lost: Object = {"purpose": "sheet", "round": 1, "holders": sorted(CITIES[1:]), "reason": "节点损毁"}
        game.by("supervisor-1", "holders.miss", lost)
        seat = await world.restart()
        await seat.open_own("sheet", number=1)
        assert list(game.round.plaintexts) == [game.round.current["seat-3"]]
