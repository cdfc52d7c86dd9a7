"""Signing the report: what the seat has proven of it under its own pins, and nothing on the server's word (gate G3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from evidence.core.canonical import b64u, decode_object, sha256, unb64u
from evidence.core.entry import Draft, Entry
from tests.crypto.test_seat import CHOICES, OTHERS, SEAT, Game, World, refused, running, too_few

pytestmark = pytest.mark.asyncio


async def to_opened(world: World) -> None:
    """Every sheet is opened; the browser's own says 12.50 for every item."""
    game, client = world.game, world.client
    await game.to_ballots()
    await client.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
    await game.elected()
    await game.reviewed()
    await game.scored("12.50")
    await game.opened()


def ranked_by_others(game: Game) -> str:
    """Every other signer has stated the report's ranking; the report, as the page shows it."""
    report = game.state.report
    assert report is not None
    for name in OTHERS:
        game.by(name, "ranking.confirm", {"ranking": b64u(report.ranking), "document": b64u(report.document)})
    return b64u(report.document)


@pytest.mark.parametrize("lie", [False, True])
async def test_the_report_is_signed_over_the_own_ranking_or_not_at_all(lie: bool) -> None:
    """Gate G3 and issue 4, item 8: own code ranks the log; what differs is shown and not signed."""
    async with running() as world:
        game, client = world.game, world.client
        await to_opened(world)
        assert await refused(client.ask("confirmRanking")) == "gate-closed"
        game.report(b"%PDF-report", lie=lie)
        shown = ranked_by_others(game)
        if lie:
            for _ in range(2):
                assert await refused(client.ask("confirmRanking")) == "ranking-differs"
            assert [entry.body["seat"] for entry in game.log.entries if entry.type == "RankingDiffered"] == [SEAT]
            assert await refused(client.ask("proveReport", shown=shown)) == "ranking-differs"
            body = {name: game.prepared()[name] for name in ("credential", "hashes", "document")}
            assert await refused(client.ask("perform", act="report.sign", body=body)) == "ranking-differs"
            return
        told = await client.ask("confirmRanking")
        assert game.state.report is not None
        assert told["mine"] == told["stated"] == b64u(game.state.report.ranking)
        assert await client.ask("confirmRanking") == told
        assert (await client.ask("proveReport", shown=shown))["document"] == game.state.report.document.hex()
        await client.ask("signReport")
        assert game.state.report.signed == (SEAT,)


Lie = Callable[[World], object]


def opened_of(game: Game, seat: str) -> tuple[Entry, bytes]:
    """The entry that opened the seat's sheet, and its plaintext."""
    found = [(entry, unb64u(entry.body["p"])) for entry in game.log.entries if entry.type == "SheetOpened"]
    return next((entry, sheet) for entry, sheet in found if decode_object(sheet)["seat"] == seat and b"items" in sheet)


def with_other_points(sheet: bytes) -> bytes:
    return re.sub(rb'"[0-9]+\.[0-9]{2}"', b'"0.50"', sheet)


def other_scores(world: World) -> None:
    """One sheet is shown otherwise than it stands in the log; what the seat would rank from it does not matter."""
    opened, sheet = opened_of(world.game, "seat-1")
    data = opened.data.replace(b64u(sheet).encode(), b64u(with_other_points(sheet)).encode())
    assert data != opened.data
    world.game.log.entries[opened.n] = replace(opened, data=data)


def held_back(world: World) -> None:
    """One sheet that the log opened is not shown to this seat: a ranking without it would be another one."""
    world.server.hidden.add(opened_of(world.game, "seat-1")[0].n)


def freeze_held_back(world: World) -> None:
    """Nor which sheets were opened."""
    world.server.hidden |= {entry.n for entry in world.game.log.entries if entry.type == "SheetsFrozen"}


def not_witnessed(world: World) -> None:
    """The frozen report has not the quorum."""
    too_few(world)


def other_preparation(world: World) -> None:
    """The signing service has prepared another document."""
    prepared = world.game.prepared() | {"document": b64u(sha256(b"another report"))}
    world.game.prepared = lambda seat=SEAT: prepared  # type: ignore[method-assign]


@pytest.mark.parametrize("lie", [None, other_scores, held_back, freeze_held_back, not_witnessed, other_preparation])
async def test_the_signing_page_does_not_take_the_servers_word(lie: Lie | None) -> None:
    """What the page does, in its order; without a lie it signs."""
    async with running() as world:
        game, client = world.game, world.client
        await to_opened(world)
        game.report(b"%PDF-report")
        shown = ranked_by_others(game)
        await client.ask("confirmRanking")
        await world.sit()
        if lie is not None:
            lie(world)

        async def sign() -> None:
            await client.ask("proveReport", shown=shown)
            await client.ask("signReport")

        if lie is None:
            other = b64u(sha256(b"another report"))
            assert await refused(client.ask("proveReport", shown=other)) == "record-untrusted"
            await sign()
        else:
            assert await refused(sign()) == "record-untrusted"
        assert (await world.state())["pending"] is None
        assert game.state.report is not None
        assert game.state.report.signed == ((SEAT,) if lie is None else ())


async def test_a_sheet_that_was_opened_otherwise_than_it_was_sealed_is_not_signed_away() -> None:
    """The log itself says that this seat gave other scores: every proof holds, and the own device knows better."""
    async with running() as world:
        game, client = world.game, world.client
        await to_opened(world)
        mine, sheet = opened_of(game, SEAT)
        game.report(b"%PDF-report")
        shown = ranked_by_others(game)
        game.log.append([Draft("SheetOpened", mine.body | {"p": b64u(with_other_points(sheet))})])
        assert await refused(client.ask("proveReport", shown=shown)) == "record-untrusted"
