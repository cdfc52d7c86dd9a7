"""The check page of a sheet, and what the device keeps of its seals (protocols.md 3, S1, S2 and "The seat keeps")."""

from __future__ import annotations

import pytest

from evidence.core.canonical import Object, b64u, sha256
from tests.crypto.test_seat import OTHERS, SEAT, refused, running, to_sheets
from tests.device.server import problem, until
from tests.sessions.node_play import DEFINITION, SCORING
from tests.sessions.node_world import CITIES

pytestmark = pytest.mark.asyncio


def named_definition(document: bytes = DEFINITION) -> Object:
    """The definition as a page has read it; `hash` is that of the octets."""
    bidders = [{"id": bidder, "name": f"投标人 {bidder}"} for bidder, _ in SCORING.bidders]
    leaves = [{"id": leaf, "name": f"评分项 {leaf}", "max": "99.00"} for leaf, _ in SCORING.criteria]
    tree = [{"id": "technical", "name": "技术", "children": leaves}]
    return {"hash": b64u(sha256(document)), "bidders": bidders, "criteria": tree}


async def test_the_check_page_shows_what_is_read_back_from_the_plaintext() -> None:
    """protocols.md 3, S2: names of the proven definition, maxima of the proven scoring, points as P has them."""
    async with running() as world:
        await to_sheets(world)
        valid = ["bidder-3", "bidder-1"]
        typed = {"plan": "１２.5", "team": "7"}
        asked = {"definition": named_definition(), "number": 1, "valid": valid, "points": typed}
        shown = await world.client.ask("checkedSheet", **asked)
        assert shown["bidders"] == [
            {"id": bidder, "name": f"投标人 {bidder}", "total": "19.50"} for bidder in sorted(valid)
        ]
        assert shown["rows"] == [
            {"id": "plan", "name": "评分项 plan", "max": "50.00", "points": ["12.50", "12.50"]},
            {"id": "team", "name": "评分项 team", "max": "30.00", "points": ["7.00", "7.00"]},
        ]
        assert [row["points"] for row in shown["scores"]] == ["12.50", "7.00"] * 2
        assert shown["asked"] == 4


@pytest.mark.parametrize("lie", ["names swapped", "a name is missing"])
async def test_the_check_page_takes_no_names_on_the_servers_word(lie: str) -> None:
    """The server names another definition, whose octets have the hash that it says: the log fixed another one."""
    async with running() as world:
        await to_sheets(world)
        told = named_definition(b'{"another":"definition"}') if lie == "names swapped" else named_definition()
        if lie == "a name is missing":
            told["bidders"] = told["bidders"][:1]
        valid = [bidder for bidder, _ in SCORING.bidders]
        asked = {"definition": told, "number": 1, "valid": valid, "points": {"plan": "1", "team": "2"}}
        assert await refused(world.client.ask("checkedSheet", **asked)) == "definition-differs"
        await world.client.ask("checkedSheet", **(asked | {"definition": named_definition()}))


async def test_a_refused_seal_takes_nothing_of_the_accepted_one() -> None:
    """The sheet in the log is the one that its author can seal again, and open where its holders are lost."""
    async with running() as world:
        game, client = world.game, world.client
        sheet = await to_sheets(world)
        first = await client.ask("sealSheet", **sheet("12.50"))
        world.server.failures = [lambda: problem(409, "paused")]
        assert await refused(client.ask("sealSheet", **sheet("1.00"))) == "paused"
        await world.sit()
        assert (await client.ask("sealSheet", **sheet("12.50")))["act"] == first["act"]
        for name in OTHERS:
            game.seal(name)
        await until(lambda: not game.round.unsafe(2))
        freeze = game.freeze()
        game.confirm(freeze, SEAT)
        await client.ask("perform", act="freeze.ok", body={"freeze": b64u(freeze)})
        game.approve(freeze)
        game.witness()
        lost: Object = {"purpose": "sheet", "round": 1, "holders": sorted(CITIES[1:]), "reason": "节点损毁"}
        game.by("supervisor-1", "holders.miss", lost)
        await client.ask("openOwn", number=1)
        assert list(game.round.plaintexts) == [bytes.fromhex(first["act"])]


async def test_another_seal_does_not_overtake_the_one_whose_answer_did_not_come() -> None:
    """It was decided first, so that the new one replaces it and is not refused as stale."""
    async with running() as world:
        game, client = world.game, world.client
        sheet = await to_sheets(world)
        await client.ask("patience", ms=0)
        world.server.failures = [lambda: problem(503, "not-ready")]
        assert await refused(client.ask("sealSheet", **sheet("2.00"))) == "server-silent"
        await client.ask("patience", ms=5000)
        second = await client.ask("sealSheet", **sheet("3.00"))
        assert game.round.current[SEAT].hex() == second["act"]
        assert len(game.round.seals) == 2
