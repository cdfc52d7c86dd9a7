"""The report is signed by one seat after the other, over bytes that were fixed before (docs/protocol.md 2.3 and 6)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from evidence.core.canonical import b64u, sha256, unb64u
from sessions.core.state import CLOSED
from sessions.errors import AlreadySigned, SigningTurn
from sessions.service import ProceedingKeeper
from sessions.service_errors import NothingToSign, StaleRevision
from signing.errors import ActFromTheFuture
from tests.sessions.drive import MEMBERS
from tests.sessions.service_people import People
from tests.sessions.service_world import TIMES, World, audit, tender, types, until


@dataclass
class Signing:
    """The report is frozen, nobody has signed."""

    world: World
    keeper: ProceedingKeeper
    people: People

    async def sign(self, seat: str) -> None:
        wanted = await self.keeper.prepare_signature(seat)
        body = {part: wanted[part] for part in ("credential", "hashes", "document")}
        await self.keeper.perform(self.people.act(self.keeper, seat, "report.sign", body).jws)
        await until(lambda: self.keeper.state.report and seat in self.keeper.state.report.signed)


async def to_signing(people: People, keeper: ProceedingKeeper) -> None:
    """The report is frozen and every signer has ranked the log; nobody has signed."""
    await people.play(keeper, lambda state: state.stage == "signing")
    for seat in MEMBERS:
        if seat not in keeper.state.ending.rankings:
            await people.do(keeper, seat, "ranking.confirm")


@pytest_asyncio.fixture
async def now(tmp_path: Path) -> AsyncIterator[Signing]:
    world = World(tmp_path)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await to_signing(people, keeper)
        yield Signing(world, keeper, people)


@pytest.mark.asyncio
async def test_one_seat_signs_at_a_time(now: Signing) -> None:
    """Each signature is an update over all before it: whoever prepares holds the turn."""
    keeper, people = now.keeper, now.people
    first = await keeper.prepare_signature("seat-1")
    assert first == await keeper.prepare_signature("seat-1")
    with pytest.raises(SigningTurn):
        await keeper.prepare_signature("seat-2")
    with pytest.raises(NothingToSign):
        await keeper.prepare_signature("operator-1")
    now.world.cloud.down = True
    body = {part: first[part] for part in ("credential", "hashes", "document")}
    await keeper.perform(people.act(keeper, "seat-1", "report.sign", body).jws)
    with pytest.raises(SigningTurn):
        await keeper.prepare_signature("seat-2")
    with pytest.raises(SigningTurn):
        await keeper.prepare_signature("seat-1")
    now.world.cloud.down = False
    await until(lambda: keeper.state.report is not None and keeper.state.report.signed == ("seat-1",))
    with pytest.raises(NothingToSign):
        await keeper.prepare_signature("seat-1")
    await now.sign("seat-2")
    assert len(now.world.cloud.signed) == 2


@pytest.mark.asyncio
async def test_a_hash_that_was_not_prepared_for_this_seat_is_not_signed(now: Signing) -> None:
    keeper, people = now.keeper, now.people
    wanted = await keeper.prepare_signature("seat-1")
    body = {part: wanted[part] for part in ("credential", "hashes", "document")}
    for hashes in ([b64u(sha256(b"other"))], [], [*wanted["hashes"]] * 2):
        made = people.act(keeper, "seat-1", "report.sign", body | {"hashes": hashes})
        with pytest.raises(Exception, match=r".") as caught:
            await keeper.perform(made.jws)
        assert caught.value.code in ("stale-revision", "malformed")  # type: ignore[attr-defined]
    own = keeper.state.credentials["seat-2"].credential
    with pytest.raises(StaleRevision):
        await keeper.perform(people.act(keeper, "seat-2", "report.sign", body | {"credential": own}).jws)
    await keeper.perform(people.act(keeper, "seat-1", "report.sign", body).jws)
    with pytest.raises(AlreadySigned):
        await keeper.perform(people.act(keeper, "seat-1", "report.sign", body).jws)


@pytest.mark.asyncio
async def test_an_act_that_claims_a_time_to_come_is_not_logged(now: Signing) -> None:
    """The signing service would refuse it until then, and nobody else could sign meanwhile."""
    keeper, people = now.keeper, now.people
    wanted = await keeper.prepare_signature("seat-1")
    body = {part: wanted[part] for part in ("credential", "hashes", "document")}
    late = int(time.time()) + 3600
    with pytest.raises(ActFromTheFuture):
        await keeper.perform(people.act(keeper, "seat-1", "report.sign", body, iat=late).jws)
    assert "SignatureAuthorised" not in types(keeper.entries)
    # The clock is right now, and the same place in the chain is free.
    await now.sign("seat-1")
    await now.sign("seat-2")


@pytest.mark.asyncio
async def test_a_revision_that_others_overtook_is_stale(tmp_path: Path) -> None:
    """Who lets the turn go by prepares again; nothing is ever signed over an older revision."""
    world = World(tmp_path, times=replace(TIMES, turn=0.0))
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await to_signing(people, keeper)
        now = Signing(world, keeper, people)
        slow = await keeper.prepare_signature("seat-1")
        await now.sign("seat-2")
        body = {part: slow[part] for part in ("credential", "hashes", "document")}
        with pytest.raises(StaleRevision):
            await keeper.perform(people.act(keeper, "seat-1", "report.sign", body).jws)
        await now.sign("seat-1")
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await audit(world, keeper)


@pytest.mark.asyncio
async def test_a_prepared_revision_survives_the_process(tmp_path: Path) -> None:
    """The act may be signed before the process dies and arrive after it: the hash still finds its bytes."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await to_signing(people, keeper)
        wanted = await keeper.prepare_signature("seat-1")
        body = {part: wanted[part] for part in ("credential", "hashes", "document")}
        made = people.act(keeper, "seat-1", "report.sign", body)
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await keeper.perform(made.jws)
        await until(lambda: "ReportSigned" in types(keeper.entries))


@pytest.mark.asyncio
async def test_every_revision_is_the_beginning_of_the_next(now: Signing) -> None:
    """PAdES: incremental updates; the last revision holds all others, the frozen report first."""
    await now.people.play(now.keeper, lambda state: state.gate == CLOSED)
    report = now.keeper.state.report
    assert report is not None
    assert set(report.signed) == set(MEMBERS)
    revisions = [await now.world.vault.get(report.document.hex())]
    for signature in report.signatures:
        assert signature.document is not None
        data = await now.keeper.get_object(signature.document.hex(), "auditor-1")
        assert data.startswith(revisions[-1])
        revisions.append(data)
    certificates = {e.body["certificate"] for e in now.keeper.entries if e.type == "CredentialIssued"}
    assert len(certificates) == 5
    assert all([await now.world.vault.has(unb64u(certificate).hex()) for certificate in certificates])
