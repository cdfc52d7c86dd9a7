"""A proceeding in the middle of scoring loses its last entries everywhere, goes on under `/r2`, and is closed.

protocols.md section 6 ("Main server lost"), docs/protocol.md 11.2. The whole service on SQLite, real nodes behind their
doors, whose copies are cut back; one seat kept its receipts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from evidence.adapters import envelope_p256
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u
from evidence.core.entry import parse
from evidence.errors import EntriesLost, Untrusted
from sessions.continuing_errors import NothingLost
from sessions.core.view import view
from sessions.service import ProceedingKeeper
from sessions.verify import verify
from signing.adapters.pades_validation import validate_report
from tests.sessions import drive
from tests.sessions.real_nodes import RealWorld
from tests.sessions.service_people import People
from tests.sessions.service_world import audit, tender, until

pytestmark = [pytest.mark.asyncio, pytest.mark.long]
# Real nodes replay and flush; a busy machine does so slowly.
PATIENCE_S = 300.0
REASON = "机房起火，数据库与各城市副本同时受损"


class Lost:
    """The world after the loss: what each seat's device still holds of what is missing."""

    def __init__(self, world: RealWorld, people: People) -> None:
        self.world = world
        self.people = people
        self.made: dict[str, list[Act]] = {}
        self.entries: dict[int, bytes] = {}
        self.proofs: dict[int, bytes] = {}
        self.origin = ""
        self.left = self.witnessed = 0

    @property
    def proceeding(self) -> str:
        return self.people.id


@pytest_asyncio.fixture
async def lost(tmp_path: Path) -> AsyncIterator[Lost]:
    world = RealWorld(tmp_path)
    process = world.process()
    await process.start()
    world.shown.process = process
    people = People(world, await process.create(tender()))
    keeper = people.keeper(process)
    people.connect(keeper)
    await people.play(
        keeper, lambda state: state.stage == "detailed-review" and state.evaluation.round is not None, PATIENCE_S
    )
    found = Lost(world, people)
    found.origin = keeper.state.origin
    found.left = size = world.backup(found.origin)
    # What comes now is lost: two sheets, the chair's question for help, and its answer.
    for seat in ("seat-1", "seat-5"):
        people.unanswered[seat] = await people.seal(keeper, seat)
        await people.send(keeper, seat)
    asked = await keeper.perform(people.act(keeper, "seat-5", "help.ask", {"kind": "device", "text": ""}).jws)
    answer = {"asked": b64u(asked.id), "text": "来了"}
    await keeper.perform(people.act(keeper, "operator-3", "help.answer", answer).jws)
    await keeper.log.quorum(keeper.log.size, 10.0)
    await world.follow(found.origin)
    for entry in keeper.entries[size : keeper.log.cosigned.size]:
        found.entries[entry.n] = entry.data
        found.proofs[entry.n] = bytes(keeper.receipt(entry.n))
        if entry.act is not None and entry.act.sub in keeper.state.seats:
            found.made.setdefault(entry.act.sub, []).append(entry.act)
    await process.stop()
    world.shown.process = None
    found.witnessed = max(
        state.size for store in world.stores.values() if (state := store.witnessed(found.origin)) is not None
    )
    world.restore()
    for domain in drive.HOLDERS:
        world.forget(domain, found.origin, size)
    yield found
    await world.close()


async def resume(people: People, keeper: ProceedingKeeper, seat: str, mine: list[Act]) -> None:
    """`seat.resume` of a person who confirms all that the device holds."""
    key = keeper.state.keys[keeper.state.seat_key[seat]]
    last = mine[-1] if mine else None
    body: Object = {
        "offline": [b64u(act.id) for act in mine],
        "ctr": last.ctr if last else key.ctr,
        "server_ctr": key.ctr,
    }
    chain = {"ctr": last.ctr + 1, "prev": last.id} if last else {}
    await keeper.perform(people.act(keeper, seat, "seat.resume", body, **chain).jws)


async def test_a_proceeding_goes_on_without_what_is_gone_and_is_closed(lost: Lost, tmp_path: Path) -> None:
    world, people = lost.world, lost.people
    async with world.running() as process:
        world.shown.process = process
        await until(lambda: process.ready)
        keeper = people.keeper(process)
        await until(lambda: keeper.log.ahead)
        with pytest.raises(EntriesLost):
            await keeper.perform(people.act(keeper, "seat-2", "help.ask", {"kind": "device", "text": ""}).jws)
        # Seat 5 kept its receipts, and hands them in: its sheet's before, its question's only afterwards.
        mine = [act.id for act in lost.made["seat-5"]]
        sealed, asked = (next(n for n, data in lost.entries.items() if acts_of(data) == act) for act in mine)
        await keeper.proofs.take(lost.entries[sealed], lost.proofs[sealed])
        await hostile_proofs(keeper, lost, sealed)

        await until(lambda: keeper.log.newest.size == keeper.log.size)
        done = await process.go_on(lost.proceeding, REASON)
        assert done["origin"] == f"{lost.origin}/r2"
        assert done["continues"] is not None
        assert (done["continues"]["size"], done["continues"]["witnessed"]) == (lost.left, lost.witnessed)
        await until(lambda: lost.proceeding in process._keepers)
        keeper = people.keeper(process)
        people.connect(keeper)
        assert keeper.entries[lost.left].type == "LogContinued"
        # Nobody but another centre ends the wait, by its own operator.
        assert (await world.confirm("zhuhai.example", done["origin"], "another token")).status_code == 401
        agreed = await world.confirm("zhuhai.example", done["origin"])
        assert agreed.status_code == 200, agreed.text
        assert keeper.entries[lost.left + 1].type == "ContinuationConfirmed"
        assert view(keeper.state, "seat-2")["continued"]["known"] == 1
        # A second one under another key, or with another prefix, is admitted nowhere; the former log is ended.
        for domain, store in world.stores.items():
            assert (domain, store.witnessed(lost.origin).successor) == (domain, done["origin"])  # type: ignore[union-attr]

        await keeper.proofs.take(lost.entries[asked], lost.proofs[asked])
        assert keeper.entries[-1].type == "LeavesKnown"
        waiting = sorted(seat for venue in keeper.state.lost.values() for seat in venue.waiting)
        assert {"supervisor-1", "room-1", "seat-4"} <= set(waiting)
        for seat in waiting:
            await resume(people, keeper, seat, lost.made.get(seat, []))
        verdicts = {}
        for seat in ("seat-5", "seat-1", "operator-3"):
            for act in lost.made[seat]:
                performed = await keeper.perform(act.jws)
                entry = keeper.entries[performed.index]
                verdicts[seat, act.act] = entry.body["code"] if entry.type == "OfflineAct" else "accepted"
        assert verdicts == {
            ("seat-5", "sheet.seal"): "accepted",
            ("seat-5", "help.ask"): "accepted",
            ("seat-1", "sheet.seal"): "accepted",
            ("operator-3", "help.answer"): "not-offline",
        }
        # The answer was proven by nobody; a second time it is the first answer.
        assert (await keeper.perform(lost.made["operator-3"][0].jws)).repeated
        assert keeper.state.gate == "open"
        answer = {"asked": b64u(lost.made["seat-5"][-1].id), "text": "来了"}
        await keeper.perform(people.act(keeper, "operator-1", "help.answer", answer).jws)
        await people.play(keeper, lambda state: state.closed is not None, PATIENCE_S)
        await audit(world, keeper)
        await until(lambda: process._archive().path(lost.proceeding) is not None, PATIENCE_S)
        await check_file(process._archive().path(lost.proceeding), world, lost, tmp_path)
        world.shown.process = None
    # Whoever starts again takes up the log that goes on.
    async with world.running() as process:
        await until(lambda: process.ready)
        assert people.keeper(process).state.log == f"{lost.origin}/r2"


def acts_of(data: bytes) -> bytes | None:
    act = parse(data).act
    return None if act is None else act.id


async def hostile_proofs(keeper: ProceedingKeeper, lost: Lost, n: int) -> None:
    """An entry altered by an octet, another one's receipt, and one that stands here."""
    altered = lost.entries[n].replace(b'"at":"2026', b'"at":"2025')
    other = next(proof for m, proof in lost.proofs.items() if m != n)
    for data, proof in ((altered, lost.proofs[n]), (lost.entries[n], other)):
        with pytest.raises(Untrusted):
            await keeper.proofs.take(data, proof)
    standing = keeper.entries[1]
    with pytest.raises(NothingLost):
        await keeper.proofs.take(standing.data, bytes(keeper.receipt(1)))


async def check_file(path: Path | None, world: RealWorld, lost: Lost, folder: Path) -> None:
    """`tongping verify`."""
    assert path is not None
    policy = folder / "policy"
    policy.mkdir()
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    with path.open("rb") as file:
        verdict = verify(file, policy, validate=validate_report, envelopes=envelope_p256)
    assert (verdict.outcome, verdict.steps[-1].detail) == ("valid", ""), verdict.steps[-1]
    assert "continued" in verdict.flags
    (gone,) = verdict.continued
    missing = lost.witnessed - lost.left
    assert (gone.log, gone.missing, gone.known, gone.again) == (f"{lost.origin}/r2", missing, 2, 4)
