"""A process that dies while a log is opened anew: `tongping continue` is typed again (docs/protocol.md 11.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.core.canonical import b64u
from evidence.errors import Unavailable
from sessions.continuing_errors import NothingLost
from sessions.service import ProceedingKeeper, Proceedings
from sessions.successor import Successor
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until
from tests.verify.finished import RememberingKeyring, world_with
from tests.verify.lost import REASON, confirm, forget

pytestmark = pytest.mark.asyncio
HERE = frozenset({"seat-1", "seat-5"})


async def lost(world: World) -> tuple[People, int]:
    """Two requests for help are gone; so many entries are left."""
    async with world.running() as process:
        people = People(world, await process.create(tender()))
        keeper = people.keeper(process)
        people.absent = set(keeper.state.seats) - HERE
        await people.play(keeper, lambda state: state.seat_key.keys() >= HERE)
        await until(lambda: keeper.log.cosigned.size == keeper.log.size and keeper.state.witnessed)
        left, origin = keeper.log.size, keeper.state.origin
        for seat in sorted(HERE):
            await keeper.perform(people.act(keeper, seat, "help.ask", {"kind": "device", "text": ""}).jws)
        await keeper.log.quorum(keeper.log.size, 10)
    forget(world, origin, left)
    return people, left


async def shown(people: People, process: Proceedings) -> ProceedingKeeper:
    await until(lambda: people.id in process._keepers)
    keeper = people.keeper(process)
    await until(lambda: keeper.log.newest.size == keeper.log.size)
    return keeper


@pytest.mark.parametrize("step", ["_carry", "_go_on"])
async def test_each_step_is_safe_to_repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """It dies once the next log is opened, or once its witnesses have ended the former one and say only that."""
    world = world_with(tmp_path, RememberingKeyring())
    people, left = await lost(world)

    async def die(*given: object) -> None:
        raise Unavailable("killed")

    async with world.running() as process:
        keeper = await shown(people, process)
        await until(lambda: keeper.log.ahead)
        with monkeypatch.context() as killed:
            killed.setattr(Successor, step, die)
            with pytest.raises(Unavailable):
                await process.go_on(people.id, REASON)
    async with world.running() as process:
        keeper = await shown(people, process)
        assert (keeper.state.log, keeper.log.size) == (keeper.state.origin, left)
        ended = [witness._states[keeper.state.origin].successor for witness in world.witnesses]
        assert ended == [f"{keeper.state.origin}/r2" if step == "_go_on" else ""] * len(ended)
        done = await process.go_on(people.id, REASON)
        assert done["origin"] == f"{keeper.state.origin}/r2"
        keeper = await shown(people, process)
        assert [entry.type for entry in keeper.entries[left:]] == ["LogContinued"]
        await keeper.perform(await confirm(world, keeper))
        assert keeper.state.continuations[-1].confirmed
        with pytest.raises(NothingLost):
            await process.go_on(people.id, REASON)
        said = keeper.entries[left].act
        assert said is not None
        assert said.body["continues"]["root"] == b64u(keeper.log.tree.root(left))
