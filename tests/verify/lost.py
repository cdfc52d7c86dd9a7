"""A finished proceeding whose log went on under `/r2` (docs/protocol.md 11.2): for tests that alter and forge it.

The service and its people are real, ledger and nodes in memory: the ledger is cut back, and each node states what a
node's copy and record would show. After the continuation the proceeding is closed as it always is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evidence.adapters.memory import MemoryLedger
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from evidence.core.note import Note, with_lines
from sessions.adapters.nodes_memory import MemoryHolder, MemoryWitness
from sessions.core.continued import STATE
from sessions.core.state import CLOSED
from sessions.service import ProceedingKeeper
from tests.sessions import drive
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until
from tests.verify.finished import Finished, RememberingKeyring, collect, world_with

REASON = "数据库与各城市副本同时损坏"
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Lost(Finished):
    """`left` entries were left of the log that had been witnessed so far as `gone` reaches: entries and receipts."""

    left: int = 0
    gone: tuple[tuple[Entry, bytes], ...] = ()

    @property
    def former(self) -> str:
        """The log whose entries are gone."""
        return self.origin.removesuffix("/r2")


class Stating:
    """A node that kept no more than what is left, and its record of what it cosigned."""

    def __init__(self, holder: MemoryHolder, witness: MemoryWitness) -> None:
        self._holder = holder
        self._witness = witness

    async def state(self, origin: str, size: int, root: bytes) -> tuple[str, bytes]:
        known = self._witness._states[origin]
        body: Object = {
            "size": size,
            "root": b64u(root),
            "witnessed": {"size": known.size, "root": b64u(known.root)},
            "released": [],
        }
        made = acts.make(
            self._holder.signer,
            act=STATE,
            aud=origin,
            sub=self._holder.domain,
            body=body,
            ctr=1,
            iat=1,
            seen=(size, root),
        )
        line = self._witness._signer.line(Note.parse(known.note).text, time=known.time)
        return made.jws, with_lines(known.note, [line])

    def forget(self, origin: str, left: Sequence[Entry]) -> None:
        """Its chain goes on where the log has it, under the next origin; its key is the proceeding's."""
        holder, following = self._holder, f"{origin}/r2"
        stand = {entry.act.id for entry in left if entry.act is not None}
        holder._logs.pop(origin, None)
        holder._keys[following] = holder._keys[origin]
        holder._acts[following] = [act for act in holder._acts[origin] if act.id in stand]


def lose(folder: Path) -> Lost:
    """Play one whole proceeding that loses its end in the middle of scoring."""
    return asyncio.run(_lose(folder, RememberingKeyring()))


async def _lose(folder: Path, keyring: RememberingKeyring) -> Lost:
    world = world_with(folder, keyring)
    async with world.running() as process:
        people = People(world, await process.create(tender()))
        keeper = people.keeper(process)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "detailed-review" and state.evaluation.round is not None)
        origin = keeper.state.origin
        left = keeper.log.size
        made = await _sign(people, keeper)
        await until(lambda: keeper.log.cosigned.size == keeper.log.size)
        gone = [(entry, bytes(keeper.receipt(entry.n))) for entry in keeper.entries[left:]]
    forget(world, origin, left)
    async with world.running() as process:
        await until(lambda: process.ready)
        keeper = people.keeper(process)
        await until(lambda: keeper.log.ahead and keeper.log.newest.size == keeper.log.size)
        sealed = next((entry, proof) for entry, proof in gone if entry.act is not None and entry.act.sub == "seat-5")
        await keeper.proofs.take(sealed[0].data, sealed[1])
        await process.go_on(people.id, REASON)
        await until(lambda: people.id in process._keepers)
        keeper = people.keeper(process)
        people.connect(keeper)
        await keeper.perform(await confirm(world, keeper))
        await _resume(people, keeper, made)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: keyring.log_key(keeper.state.log) is None, 30)
        found = collect(world, keyring, keeper.state.log, keeper.evidence_path())
    given = {name: getattr(found, name) for name in Finished.__slots__}
    return Lost(**given, left=left, gone=tuple(gone))


async def _sign(people: People, keeper: ProceedingKeeper) -> dict[str, list[Act]]:
    """What is lost: two sheets, a question for help, and a piece of one room's recording."""
    for seat in ("seat-1", "seat-5"):
        people.unanswered[seat] = await people.seal(keeper, seat)
    made = {seat: [act] for seat, act in people.unanswered.items()}
    for seat in made:
        await people.send(keeper, seat)
    asked = people.act(keeper, "seat-5", "help.ask", {"kind": "device", "text": ""})
    made["seat-5"].append(asked)
    await keeper.perform(asked.jws)
    # It is stated, and then the media worker is told to forget it.
    people.world.worker.engine.cut("room-1")
    await until(lambda: keeper.entries[-1].type == "SegmentsClosed")
    return made


def forget(world: World, origin: str, size: int) -> None:
    """The database as an older copy has it; the nodes' copies are no longer."""
    ledger = world.ledger
    assert isinstance(ledger, MemoryLedger)
    log = ledger._logs[origin]
    ledger._logs[origin] = replace(
        log,
        entries=log.entries[:size],
        acts={act: n for act, n in log.acts.items() if n < size},
        checkpoints={n: note for n, note in log.checkpoints.items() if n <= size},
    )
    for holder, witness in zip(world.holders.values(), world.witnesses, strict=True):
        node = Stating(holder, witness)
        node.forget(origin, log.entries[:size])
        holder.state = node.state  # type: ignore[method-assign]


async def confirm(world: World, keeper: ProceedingKeeper) -> str:
    continued = keeper.state.continuations[-1].leaf
    holder = world.holders[drive.FINANCE]
    return await holder._answer(keeper.state.log, "log.confirm", b"", {"continued": b64u(continued)})


async def _resume(people: People, keeper: ProceedingKeeper, made: dict[str, list[Act]]) -> None:
    """All come back, and bring what they signed, byte for byte."""
    for seat in sorted(seat for venue in keeper.state.lost.values() for seat in venue.waiting):
        mine = made.get(seat, [])
        key = keeper.state.keys[keeper.state.seat_key[seat]]
        last = mine[-1] if mine else None
        body: Object = {
            "offline": [b64u(act.id) for act in mine],
            "ctr": last.ctr if last else key.ctr,
            "server_ctr": key.ctr,
        }
        chain = {"ctr": last.ctr + 1, "prev": last.id} if last else {}
        await keeper.perform(people.act(keeper, seat, "seat.resume", body, **chain).jws)
    for seat in ("seat-5", "seat-1"):
        for act in made[seat]:
            await keeper.perform(act.jws)
