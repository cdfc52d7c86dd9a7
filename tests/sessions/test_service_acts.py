"""Acts that are wrong, repeated, late or of the wrong person; objects, receipts, vouching (docs/protocol.md 3, 6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from evaluation.errors import TooEarly
from evidence.core.act import thumbprint
from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import EvidenceError, Malformed, ObjectMissing, Untrusted
from sessions.errors import ActFork, ActGap, AlreadyFixed, SeenUnknown, SessionError, WrongLog, WrongRole, WrongSeat
from sessions.objects import Objects
from sessions.service import ProceedingKeeper
from sessions.service_errors import NotArchived, NotWitnessedYet, ObjectNotThere
from tests.sessions import drive
from tests.sessions.service_people import People
from tests.sessions.service_world import DOCUMENT, World, tender, until

SHOWN = {"shown": b64u(sha256(b"shown"))}


@dataclass
class Declaring:
    """The declarations have begun."""

    world: World
    keeper: ProceedingKeeper
    people: People


@pytest_asyncio.fixture
async def now(tmp_path: Path) -> AsyncIterator[Declaring]:
    world = World(tmp_path)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        yield Declaring(world, keeper, people)


@pytest.mark.asyncio
async def test_a_repeated_act_gets_the_first_answer(now: Declaring) -> None:
    """protocols.md 1.3: the act id is the idempotency key; a malleated signature is the same act."""
    made = now.people.act(now.keeper, "seat-1", "commitment.sign", SHOWN)
    first, second = await asyncio.gather(now.keeper.perform(made.jws), now.keeper.perform(made.jws))
    assert (first.index, first.id, first.leaf) == (second.index, second.id, second.leaf)
    assert sorted([first.repeated, second.repeated]) == [False, True]
    assert first.leaf == now.keeper.entries[first.index].leaf


WRONG: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "another log": (WrongLog, {"aud": "hohhot.example/proceedings/" + "a" * 26}),
    "another seat's name": (WrongSeat, {"sub": "seat-2"}),
    "a ctr left out": (ActGap, {"ctr": 9}),
    "another chain": (ActFork, {"prev": bytes(32)}),
    "a root that never was": (SeenUnknown, {"seen": (3, bytes(32))}),
    "a size that is not yet": (SeenUnknown, {"seen": (100_000, bytes(32))}),
}


@pytest.mark.asyncio
async def test_an_act_that_breaks_its_chain_changes_nothing(now: Declaring) -> None:
    """docs/protocol.md section 3, each with its code; afterwards the right act is still taken."""
    size = now.keeper.state.size
    for name, (error, changed) in WRONG.items():
        made = now.people.act(now.keeper, "seat-1", "commitment.sign", SHOWN, **changed)
        with pytest.raises(error):
            await now.keeper.perform(made.jws)
        assert "CommitmentSigned" not in {e.type for e in now.keeper.entries[size:]}, name
    await now.keeper.perform(now.people.act(now.keeper, "seat-1", "commitment.sign", SHOWN).jws)


@pytest.mark.asyncio
async def test_a_signature_of_another_act_does_not_hold(now: Declaring) -> None:
    made = now.people.act(now.keeper, "seat-1", "commitment.sign", SHOWN).jws
    other = now.people.act(now.keeper, "seat-2", "commitment.sign", SHOWN).jws
    forged = made.rpartition(".")[0] + "." + other.rpartition(".")[2]
    with pytest.raises(Untrusted):
        await now.keeper.perform(forged)
    for garbage in ("", "a.b", made[:-1], made + "A", "e30.e30." + "A" * 86):
        with pytest.raises(Malformed):
            await now.keeper.perform(garbage)


@pytest.mark.asyncio
async def test_roles_and_stages_are_kept(now: Declaring) -> None:
    acts: dict[str, tuple[str, Object]] = {
        "operator-1": ("commitment.sign", SHOWN),
        "seat-1": ("stage.advance", {"from": "declarations", "to": "chair-election"}),
        "supervisor-1": ("recusal.declare", {"recuse": False, "grounds": [], **SHOWN}),
    }
    for seat, (name, body) in acts.items():
        with pytest.raises(WrongRole):
            await now.keeper.perform(now.people.act(now.keeper, seat, name, body).jws)
    early = now.people.act(now.keeper, "seat-1", "review.vote", {"findings": []})
    with pytest.raises(TooEarly):
        await now.keeper.perform(early.jws)


@pytest.mark.asyncio
async def test_a_seal_without_its_ciphertext_is_refused(now: Declaring, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the freeze nobody could supply it any more."""
    people, keeper = now.people, now.keeper
    await people.play(keeper, lambda state: state.stage == "chair-election")
    await people.play(keeper, lambda state: bool(state.evaluation.rounds))
    made = await people.seal(keeper, "seat-1")
    ct = dict(made.body["envelope"]["ct"])
    for missing in ({"sha256": b64u(bytes(32))}, {"size": ct["size"] + 4096}):
        envelope = made.body["envelope"] | {"ct": ct | missing}
        wrong = people.act(keeper, "seat-1", "ballot.seal", made.body | {"envelope": envelope})
        with pytest.raises(ObjectNotThere):
            await keeper.perform(wrong.jws)
    for body in ({}, made.body | {"envelope": None}, made.body | {"round": "1"}):
        with pytest.raises((EvidenceError, SessionError)):
            await keeper.perform(people.act(keeper, "seat-1", "ballot.seal", body).jws)
    with pytest.raises(WrongRole):
        await keeper.perform(people.act(keeper, "operator-1", "ballot.seal", made.body).jws)
    # With the control switched off the wrong seal would be taken, and its round could never be opened.
    monkeypatch.setattr(ProceedingKeeper, "_check_ciphertext", _nothing)
    ct = ct | {"sha256": b64u(bytes(32))}
    lost = people.act(keeper, "seat-1", "ballot.seal", made.body | {"envelope": made.body["envelope"] | {"ct": ct}})
    assert not (await keeper.perform(lost.jws)).repeated


async def _nothing(*_: object) -> None:
    return None


@pytest.mark.asyncio
async def test_an_object_is_shown_to_whom_the_log_gives_it(now: Declaring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault is everybody's: what no entry of this proceeding cites does not exist for its seats."""
    people, keeper = now.people, now.keeper
    foreign = await now.world.vault.put(b"of another proceeding")
    with pytest.raises(ObjectMissing):
        await keeper.get_object(foreign, "seat-1")
    assert await keeper.get_object(sha256(DOCUMENT).hex(), "seat-1") == DOCUMENT
    await people.play(keeper, lambda state: any(r.current for r in state.evaluation.rounds))
    seal = next(iter(keeper.state.evaluation.rounds[0].seals.values()))
    assert seal.envelope.ct_sha256 is not None
    name = seal.envelope.ct_sha256.hex()
    other = next(seat for seat in drive.MEMBERS if seat != seal.seat)
    with pytest.raises(ObjectMissing):
        await keeper.get_object(name, other)
    assert await keeper.get_object(name, seal.seat) == await keeper.get_object(name, None)
    # With the control switched off the foreign object would be handed out.
    monkeypatch.setattr(Objects, "check", lambda *_, **__: None)
    assert await keeper.get_object(foreign, "seat-1") == b"of another proceeding"


@pytest.mark.asyncio
async def test_receipts_come_with_the_quorum(now: Declaring) -> None:
    keeper = now.keeper
    await until(lambda: keeper.log.cosigned.size > 0)
    proof = keeper.receipt(0)
    key = now.world.keyring.log_key(keeper.state.origin)
    assert key is not None
    proof.check(keeper.entries[0].leaf, now.world.pins.policy, key.vkey)
    with pytest.raises(NotWitnessedYet):
        keeper.receipt(keeper.state.size)
    with pytest.raises(NotArchived):
        keeper.evidence_path()


@pytest.mark.asyncio
async def test_the_main_centre_vouches_once_and_for_its_own_seats_only(tmp_path: Path) -> None:
    """protocols.md 1.6: without the seat's own centre nobody can enrol a key as an expert."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        kid = thumbprint(drive.signer_of("seat-1").jwk)
        assert await keeper.vouch("seat-1", kid) == await keeper.vouch("seat-1", kid)
        with pytest.raises(AlreadyFixed):
            await keeper.vouch("seat-1", thumbprint(drive.signer_of("seat-2").jwk))
        with pytest.raises(WrongRole):
            await keeper.vouch("seat-5", thumbprint(drive.signer_of("seat-5").jwk))


@pytest.mark.asyncio
async def test_a_nodes_vouch_may_come_before_its_earlier_act(tmp_path: Path) -> None:
    """A node counts its acts as it makes them; they reach us by its operator and by our own questions."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        holder, origin = world.holders[drive.ZHUHAI], keeper.state.origin
        await until(lambda: keeper.state.holders_frozen)
        one = await holder.vouch(origin, "seat-5", thumbprint(drive.signer_of("seat-5").jwk))
        two = await holder.vouch(origin, "room-3", thumbprint(drive.signer_of("room-3").jwk))
        later = asyncio.create_task(keeper.perform(two))
        await asyncio.sleep(0)
        earlier = await keeper.perform(one)
        assert (await later).index > earlier.index
        three = await holder.vouch(origin, "operator-3", thumbprint(drive.signer_of("operator-3").jwk))
        await keeper.perform(three)
