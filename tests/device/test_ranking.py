"""The ranking of a seat that is a program: over what it has proven, and with no opened sheet held back (gate G3).

Issue 4, item 8: each signer's own device ranks the log. protocols.md 8, V3: the root is over every leaf.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evidence.core.canonical import b64u, decode_object, unb64u
from tests.device.server import until
from tests.device.test_seat import CHOICES, World, running
from tests.sessions.node_play import SCORING
from web.device import ranking
from web.device.errors import RecordUntrusted
from web.device.record import Record

pytestmark = pytest.mark.asyncio
OTHERS = ("seat-1", "seat-2", "seat-4", "seat-5")


async def to_report(world: World) -> None:
    """Every sheet is opened, and the report frozen; seat-3 is the device."""
    game, seat = world.game, world.seat
    await game.to_ballots()
    await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
    await opened(world)
    game.advance("compliance-review")
    findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
    await seat.perform("review.vote", {"findings": findings})
    for name in OTHERS:
        game.by(name, "review.vote", {"findings": findings})
    game.advance("detailed-review")
    asked = game.state.evaluation.asked()
    await seat.seal_sheet({item: maximum - Decimal("0.50") for item, maximum in asked}, number=1, asked=asked)
    await opened(world)
    game.report(b"%PDF-report")


async def opened(world: World) -> None:
    game = world.game
    for name in OTHERS:
        game.seal(name)
    await until(lambda: not game.round.unsafe(2))
    freeze = game.freeze()
    game.confirm(freeze, "seat-3")
    await world.seat.perform("freeze.ok", {"freeze": b64u(freeze)})
    if game.round.purpose == "sheet":
        game.approve(freeze)
    game.witness()
    await game.release(freeze)
    game.open()


def sheet_of(world: World, seat: str) -> int:
    """The entry that opened this seat's score sheet."""
    opened = [(entry.n, unb64u(entry.body["p"])) for entry in world.game.log.entries if entry.type == "SheetOpened"]
    return next(n for n, sheet in opened if b"items" in sheet and decode_object(sheet)["seat"] == seat)


def other_scores(world: World) -> None:
    """One sheet is shown otherwise than it stands in the log."""
    entry = world.game.log.entries[sheet_of(world, "seat-1")]
    sheet = unb64u(entry.body["p"])
    changed = re.sub(rb'"[0-9]+\.[0-9]{2}"', b'"0.50"', sheet)
    data = entry.data.replace(b64u(sheet).encode(), b64u(changed).encode())
    assert data != entry.data
    world.game.log.entries[entry.n] = replace(entry, data=data)


def sheet_held_back(world: World) -> None:
    """As if this seat might not see it."""
    world.server.hidden.add(sheet_of(world, "seat-1"))


def freeze_held_back(world: World) -> None:
    world.server.hidden |= {sheet_of(world, "seat-1")}
    world.server.hidden |= {entry.n for entry in world.game.log.entries if entry.type == "SheetsFrozen"}


@pytest.mark.parametrize("lie", [None, other_scores, sheet_held_back, freeze_held_back])
async def test_a_program_ranks_what_it_has_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: Callable[[World], None] | None
) -> None:
    """What does not hold is not ranked; with the two checks off, what was shown would be stated as the own ranking."""
    async with running(tmp_path) as world:
        await to_report(world)
        await world.restart()
        size = len(world.game.log.entries)
        if lie is None:
            answered = await world.seat.confirm_ranking()
            report = world.game.state.report
            assert report is not None
            assert answered.act.body["ranking"] == b64u(report.ranking)
            return
        lie(world)
        with pytest.raises(RecordUntrusted):
            await world.seat.confirm_ranking()
        assert len(world.game.log.entries) == size

        async def unproven(self: Record) -> object:
            return [entry async for entry in self.scan(0, self._device.seen[0])]

        monkeypatch.setattr(Record, "proven", unproven)
        monkeypatch.setattr(ranking, "demand_whole", lambda entries: None)
        await world.restart()
        assert (await world.seat.confirm_ranking()).act.act == "ranking.confirm"
