"""The keeper of a log: durable appends, checkpoints of committed rows, quorums, receipts (protocols.md section 2)."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.memory import MemoryLedger, MemoryWitness
from evidence.core.entry import Entry
from evidence.core.entry import parse as parse_entry
from evidence.core.note import COSIGNATURE_V1, Checkpoint, NoteSigner, read_checkpoint, sign
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import (
    EntriesLost,
    LostLease,
    NoQuorum,
    StaleSize,
    Unavailable,
    Untrusted,
    WitnessConflict,
    WitnessRefused,
)
from evidence.ports import StoredDisclosure
from evidence.service import LogKeeper
from evidence.witnessing import Pace
from tests.evidence.worlds import CENTRE, PROCEEDING, QUICK, WITHIN_S, ShakyWitness, World, ed25519, page

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def kept(world: World, **options: Any) -> AsyncIterator[LogKeeper]:
    keeper = await world.keeper(**options)
    try:
        yield keeper
    finally:
        await keeper.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 (what is waited for is a property, not an event)
            await asyncio.sleep(0.005)


async def test_an_entry_gets_a_receipt_that_its_holder_checks_alone() -> None:
    world = World()
    async with kept(world) as keeper:
        entries = await keeper.append([page(1), page(2)], expected_size=0)
        assert [e.n for e in entries] == [0, 1]
        assert entries[0].at == "2026-11-21T08:00:00.000Z"
        note = await keeper.quorum(2, WITHIN_S)
        assert world.policy.check_exactly(note, world.centre.vkey).size == 2
        for entry in entries:
            proof = keeper.receipt(entry.n)
            assert proof.check(entry.leaf, world.policy, world.centre.vkey).root == keeper.tree.root()
        with pytest.raises(Untrusted):
            keeper.receipt(0).check(entries[1].leaf, world.policy, world.centre.vkey)


async def test_no_receipt_before_the_quorum() -> None:
    world = World()
    world.witnesses[0].down = True
    async with kept(world) as keeper:
        await keeper.append([page()])
        with pytest.raises(NoQuorum):
            keeper.receipt(0)
        with pytest.raises(NoQuorum):
            await keeper.quorum(1, 0.2)
        world.witnesses[0].down = False
        await keeper.quorum(1, WITHIN_S)
        assert keeper.receipt(0)
        with pytest.raises(NoQuorum):
            keeper.receipt(1)
        with pytest.raises(StaleSize):
            await keeper.quorum(2, WITHIN_S)


async def test_three_of_four_suffice_while_one_is_down() -> None:
    world = World(count=4, quorum=3)
    world.witnesses[2].down = True
    async with kept(world) as keeper:
        for size in range(1, 6):
            await keeper.append([page(size)])
            await keeper.quorum(size, WITHIN_S)
        world.witnesses[3].down = True
        await keeper.append([page()])
        with pytest.raises(NoQuorum):
            await keeper.quorum(6, 0.2)
        world.witnesses[2].down = False
        await keeper.quorum(6, WITHIN_S)


async def test_all_witnesses_cosign_one_checkpoint_while_the_log_grows() -> None:
    """n = k = 3: a quorum needs the same size from all, however differently they answer."""
    world = World()

    class Slow(ShakyWitness):
        def __init__(self, inner: ShakyWitness, delay: float) -> None:
            super().__init__(inner.inner)
            self.delay = delay

        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            await asyncio.sleep(self.delay)
            return await super().add_checkpoint(request)

    slow = [Slow(w, delay) for w, delay in zip(world.witnesses, (0.0, 0.007, 0.031), strict=True)]
    async with kept(world, witnesses=slow) as keeper:
        seen: list[int] = []

        async def watch() -> None:
            async for signed in keeper.follow():
                seen.append(signed.size)

        watching = asyncio.create_task(watch())
        for size in range(1, 120):
            await keeper.append([page(size)])
            await asyncio.sleep(0.004)
        await keeper.quorum(keeper.size, WITHIN_S)
        await until(lambda: bool(seen) and seen[-1] == 119)
        watching.cancel()
        assert len(seen) >= 4
        assert seen == sorted(set(seen))


async def test_a_gate_does_not_wait_for_the_cadence() -> None:
    world = World()
    patient = Pace(batch=30, cadence=3600, lease=30)
    async with kept(world, pace=patient) as keeper:
        for size in (1, 2, 3):
            await keeper.append([page()])
            async with asyncio.timeout(WITHIN_S):
                await keeper.quorum(size, WITHIN_S)
        # Control: without a gate nothing was asked for within the same time.
        await keeper.append([page()])
        await asyncio.sleep(0.05)
        assert keeper.newest.size == 3
        assert {tuple(r.checkpoint.size for r in w.requests) for w in world.witnesses} == {(0, 1, 2, 3)}


async def test_one_request_at_a_time_per_witness_and_only_the_newest_checkpoint() -> None:
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1)])
        await keeper.quorum(1, WITHIN_S)
        for witness in world.witnesses:
            witness.down = True
        for size in range(2, 30):
            await keeper.append([page(size)])
        await until(lambda: keeper.newest.size == 29)
        await until(lambda: all(w.requests[-1:] and w.requests[-1].checkpoint.size == 29 for w in world.witnesses))
        for witness in world.witnesses:
            witness.down = False
        await keeper.quorum(29, WITHIN_S)
        assert len({r.checkpoint.size for w in world.witnesses for r in w.requests}) < 29


async def test_a_restarted_keeper_goes_on_with_the_same_log(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log'}"
    prepare(url)
    world = World()
    first = DatabaseLedger(url)
    async with kept(world, ledger=first) as keeper:
        await keeper.append([page(1)], [StoredDisclosure("d", "text", "case")])
        note = await keeper.quorum(1, WITHIN_S)
        root = keeper.tree.root()
    first.close()
    second = DatabaseLedger(url)
    async with kept(world, ledger=second) as keeper:
        assert keeper.tree.root() == root
        assert keeper.cosigned.note == note
        assert keeper.receipt(0)
        assert [e.body for e in await keeper.read()] == [{"page": 1}]
        # The new process does not know the witnesses' sizes; they tell it.
        await keeper.append([page(2)], expected_size=1)
        assert world.policy.check(await keeper.quorum(2, WITHIN_S), world.centre.vkey).size == 2
    second.close()


async def test_entries_committed_before_a_crash_are_signed_after_it() -> None:
    world = World()
    epoch = await world.ledger.lease(CENTRE, "web-1", 60)
    async with kept(World(), ledger=MemoryLedger()) as foreign:
        entries = await foreign.append([page(1), page(2)])
    await world.ledger.append(CENTRE, entries, expected_size=0, epoch=epoch)
    async with kept(world) as keeper:
        assert keeper.newest.size == 0
        await keeper.quorum(2, WITHIN_S)


async def test_a_process_that_lost_its_lease_appends_and_signs_nothing_more() -> None:
    world = World()
    async with kept(world) as old:
        await old.append([page(1)])
        await old.quorum(1, WITHIN_S)
        async with kept(world) as new:
            await new.append([page(2)])
            with pytest.raises(LostLease):
                await old.append([page(3)])
            async with asyncio.timeout(WITHIN_S):
                await old.ended()
            assert old.lost
            with pytest.raises(LostLease):
                await old.quorum(1, WITHIN_S)
            with pytest.raises(LostLease):
                await old.append([page(3)])
            await new.quorum(2, WITHIN_S)
            assert new.size == 2
            assert not new.lost
        assert old.newest.size == 1


async def test_a_lost_lease_is_noticed_without_an_append() -> None:
    world = World()
    async with kept(world, pace=dataclasses.replace(QUICK, lease=0.05)) as old, kept(world):
        async with asyncio.timeout(WITHIN_S):
            await old.ended()


async def test_entries_that_differ_from_what_was_signed_are_refused_at_start() -> None:
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1), page(2)])
        await keeper.quorum(2, WITHIN_S)
    changes: list[Callable[[list[Entry]], list[Entry]]] = [lambda entries: entries[:1], lambda entries: entries[::-1]]
    for change in changes:
        log = world.ledger._logs[CENTRE]  # type: ignore[attr-defined]
        kept_entries, log.entries = log.entries, change(log.entries)
        with pytest.raises(Untrusted):
            await world.keeper()
        log.entries = kept_entries
    # Control: with the entries back in place the same log opens.
    await (await world.keeper()).close()


async def test_a_log_key_under_another_name_is_refused() -> None:
    world = World()
    with pytest.raises(Untrusted):
        await LogKeeper.open(
            origin=PROCEEDING,
            owner="web-1",
            ledger=world.ledger,
            signer=world.centre,
            policy=world.policy,
            witnesses=[],
            clock=lambda: None,  # type: ignore[arg-type, return-value]
            entropy=bytes,
        )


async def filled(numbers: Sequence[int]) -> MemoryLedger:
    """A ledger with a log of its own making."""
    ledger = MemoryLedger()
    epoch = await ledger.lease(CENTRE, "web-1", 60)
    async with kept(World(), ledger=MemoryLedger()) as foreign:
        entries = await foreign.append([page(number) for number in numbers])
    await ledger.append(CENTRE, entries, expected_size=0, epoch=epoch)
    return ledger


async def test_a_fork_is_refused_and_stops_that_witness() -> None:
    """The operator rewrites the log in a fresh database: every witness that saw the first one refuses."""
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1), page(2)])
        await keeper.quorum(2, WITHIN_S)
    async with kept(world, ledger=await filled((7, 8, 9))) as rewritten:
        await until(lambda: len(rewritten.alarms) == 3)
        assert all(isinstance(alarm, WitnessRefused) for alarm in rewritten.alarms.values())
        with pytest.raises(NoQuorum):
            await rewritten.quorum(3, 0.1)
        asked = [len(w.requests) for w in world.witnesses]
        await rewritten.append([page(10)])
        await asyncio.sleep(0.1)
        assert [len(w.requests) for w in world.witnesses] == asked
    # Control: the log that they know goes on.
    async with kept(world) as keeper:
        await keeper.append([page(3)])
        await keeper.quorum(3, WITHIN_S)
        assert keeper.alarms == {}


async def test_a_log_that_lost_acknowledged_entries_takes_nothing_more() -> None:
    """protocols.md 6, "Main server lost": it goes on at or above the highest witnessed checkpoint only."""
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1), page(2), page(3)])
        await keeper.quorum(3, WITHIN_S)
    copy = MemoryLedger()
    async with kept(world, ledger=copy) as shorter:
        with pytest.raises(EntriesLost):
            await shorter.append([page(1)])
        await until(lambda: len(shorter.alarms) == 3)
        assert (shorter.ahead, await copy.size(CENTRE), await copy.checkpoints(CENTRE)) == (3, 0, [])
    # Control: with its entries back the same log takes the next one.
    async with kept(world) as keeper:
        await keeper.append([page(4)])
        assert keeper.ahead == 0


async def test_nothing_is_appended_before_the_witnesses_have_said_how_far_they_are() -> None:
    """An older copy of the database, started while the cities cannot be reached, must not go another way."""
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1), page(2), page(3)])
        await keeper.quorum(3, WITHIN_S)
    for witness in world.witnesses:
        witness.down = True
    copy = MemoryLedger()
    async with kept(world, ledger=copy, pace=dataclasses.replace(QUICK, hear=0.05)) as shorter:
        with pytest.raises(Unavailable, match="too few"):
            await shorter.append([page(7)])
        world.witnesses[2].down = False
        await until(lambda: shorter.ahead == 3)
        with pytest.raises(EntriesLost):
            await shorter.append([page(7)])
        assert await copy.size(CENTRE) == 0


async def test_one_witness_that_claims_to_have_seen_more_stops_nothing() -> None:
    """f = 1 of n = 4: the three others are a quorum. Of n = 3 any one can stop the log, by its silence as well."""

    class Boasting(ShakyWitness):
        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            raise WitnessConflict(10**9)

    for count, stopped in ((4, False), (3, True)):
        world = World(count=count, quorum=3)
        witnesses = [Boasting(world.witnesses[0].inner), *world.witnesses[1:]]
        async with kept(world, witnesses=witnesses) as keeper:
            await until(lambda: bool(keeper.alarms))
            if stopped:
                with pytest.raises(EntriesLost):
                    await keeper.append([page(1)])
                continue
            await keeper.append([page(1)])
            await keeper.quorum(1, WITHIN_S)


async def test_a_false_cosignature_is_an_alarm_and_never_stored() -> None:
    world = World(count=1, quorum=1)
    own = world.witnesses[0]
    signer = NoteSigner("stranger.example", COSIGNATURE_V1, ed25519())
    stranger = MemoryWitness(signer=signer, pin=world.policy, identity=world.identity.jwk, clock=lambda: world.time)

    class False_(ShakyWitness):
        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            if request.checkpoint.size:
                forged = Checkpoint(CENTRE, request.checkpoint.size, bytes(32))
                request = AddCheckpoint(0, (), sign(forged, world.centre))
            return await self.inner.add_checkpoint(request)

    class Foreign(ShakyWitness):
        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            return await stranger.add_checkpoint(request)

    for kind in (False_, Foreign):
        liar = kind(own.inner)
        async with kept(world, ledger=MemoryLedger(), witnesses=[liar]) as keeper:
            await keeper.append([page(1)])
            await until(lambda: bool(keeper.alarms))
            assert isinstance(keeper.alarms[liar.vkey.name], Untrusted)
            assert keeper.cosigned.size == 0


async def test_a_witness_with_a_hostile_size_cannot_keep_us_busy_or_wrong() -> None:
    world = World(count=4, quorum=3)
    async with kept(world) as keeper:
        await keeper.append([page(1), page(2)])
        await keeper.quorum(2, WITHIN_S)

    class Lying(ShakyWitness):
        async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
            self.requests.append(request)
            raise WitnessConflict(1 if request.old != 1 else 2)

    liar = Lying(world.witnesses[0].inner)
    async with kept(world, witnesses=[liar, *world.witnesses[1:]]) as keeper:
        await keeper.append([page(3)])
        await keeper.quorum(3, WITHIN_S)
        assert keeper.alarms == {}
        assert len(liar.requests) < 50


async def test_a_new_proceeding_is_introduced_to_witnesses_that_do_not_know_it() -> None:
    """Gate G0: witnesses admit a log when its opening lies in the witnessed centre log."""
    world = World()
    async with kept(world) as centre:
        (opened,) = await centre.append([world.opening()])
        await centre.quorum(1, WITHIN_S)
        introduction = AddLog(opened.data, bytes(centre.receipt(0)))
    async with kept(world, signer=world.log) as keeper:
        await keeper.append([page(1)])
        with pytest.raises(NoQuorum):
            await keeper.quorum(1, 0.1)
        keeper.introduce(introduction)
        await keeper.quorum(1, WITHIN_S)
        assert keeper.alarms == {}


async def test_only_what_the_caller_decided_upon_is_appended() -> None:
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(1)], expected_size=0)
        with pytest.raises(StaleSize):
            await keeper.append([page(2)], expected_size=0)
        results = await asyncio.gather(
            *(keeper.append([page(i)], expected_size=1) for i in range(5)), return_exceptions=True
        )
        assert sum(isinstance(r, tuple) for r in results) == 1
        assert sum(isinstance(r, StaleSize) for r in results) == 4
        assert keeper.size == 2


class DoubtfulLedger(MemoryLedger):
    """Loses the answer of an append that it did make, or makes none."""

    fail = False
    make = True

    async def append(self, origin: str, entries: Sequence[Entry], *args: Any, **options: Any) -> int:
        size = await super().append(origin, entries, *args, **options) if self.make or not self.fail else 0
        if self.fail:
            raise Unavailable("the answer was lost")
        return size


@pytest.mark.parametrize("made", [True, False])
async def test_after_a_lost_answer_the_caller_learns_what_happened(made: bool) -> None:
    world = World()
    ledger = DoubtfulLedger()
    async with kept(world, ledger=ledger) as keeper:
        ledger.fail, ledger.make = True, made
        with pytest.raises(Unavailable):
            await keeper.append([page(1)], expected_size=0)
        ledger.fail = False
        if made:
            with pytest.raises(StaleSize):
                await keeper.append([page(1)], expected_size=0)
            assert [e.body["page"] for e in await keeper.read(0)] == [1]
        else:
            assert len(await keeper.append([page(1)], expected_size=0)) == 1
        assert keeper.size == 1
        await keeper.quorum(1, WITHIN_S)


async def test_a_cancelled_caller_leaves_the_keeper_sound() -> None:
    world = World()
    async with kept(world) as keeper:
        task = asyncio.create_task(keeper.append([page(1)]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        entries = await keeper.append([page(2)])
        assert keeper.size == entries[0].n + 1 == len(await keeper.read())
        await keeper.quorum(keeper.size, WITHIN_S)


async def test_the_oldest_unwitnessed_act_is_known_for_the_alarm() -> None:
    world = World()
    async with kept(world) as keeper:
        await keeper.append([page(0)])
        await keeper.quorum(1, WITHIN_S)
        assert keeper.oldest_unwitnessed is None
        for witness in world.witnesses:
            witness.down = True
        await keeper.append([page(1)])
        world.time += 60
        await keeper.append([page(2)])
        oldest = keeper.oldest_unwitnessed
        assert oldest is not None
        assert oldest.timestamp() == world.time - 60
        for witness in world.witnesses:
            witness.down = False
        await keeper.quorum(3, WITHIN_S)
        assert keeper.oldest_unwitnessed is None


async def test_every_checkpoint_is_of_committed_rows() -> None:
    world = World()
    async with kept(world) as keeper:
        await asyncio.gather(*(keeper.append([page(i), page(i)]) for i in range(40)))
        await keeper.quorum(80, WITHIN_S)
        notes = await world.ledger.checkpoints(CENTRE)
        data = await world.ledger.entries(CENTRE, 0, 99)
        assert [parse_entry(d).n for d in data] == list(range(80))
        for note in notes:
            checkpoint, _ = read_checkpoint(note, world.centre.vkey)
            assert checkpoint.root == keeper.tree.root(checkpoint.size)
