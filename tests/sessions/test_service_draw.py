"""A tied election in the real service: the lot is drawn by the nodes, through kills and false reveals."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from evaluation.core import conflicts
from evaluation.core import draw as rules
from evaluation.core.stages import COMPLIANCE_REVIEW, DECLARATIONS
from evaluation.draw_errors import DrawRefused
from evidence.adapters import envelope_p256
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.envelope import ORDER
from evidence.ports import Envelopes
from sessions import draw_secrets
from sessions.adapters.nodes_memory import MemoryHolder
from sessions.core.draws import Draw
from sessions.core.night import CHINA
from sessions.core.state import CLOSED
from sessions.service import ProceedingKeeper
from sessions.service_errors import NodeUnavailable, ObjectNotThere
from sessions.verify import verify
from signing.adapters.pades_validation import validate_report
from tests.sessions.divided import Divided
from tests.sessions.draws import CANDIDATES, POOL, ROWS, SALTS
from tests.sessions.drive import CODES, FINANCE, ZHUHAI
from tests.sessions.service_kills import KillingLedger, lives
from tests.sessions.service_people import People
from tests.sessions.service_world import World, audit, tender, types, until

DRAW = ("DrawOpened", "DrawContributed", "DrawFrozen", "DrawRevealed", "DrawResolved")


def judged(world: World, keeper: ProceedingKeeper, data: bytes) -> tuple[str, list[str]]:
    policy = world.folder / "policy"
    policy.mkdir(exist_ok=True)
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    verdict = verify(io.BytesIO(data), policy, validate=validate_report, envelopes=envelope_p256)
    return verdict.outcome, [step.code for step in verdict.steps if step.code]


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_lot_survives_a_kill_at_every_one_of_its_appends(tmp_path: Path, after: bool) -> None:
    """protocols.md 4 and "main server dies at any point": the draw is neither lost, nor doubled, nor drawn anew."""
    world = World(tmp_path)
    ledger = KillingLedger(world.ledger, after=after)
    everybody: list[People] = []
    logs: list[ProceedingKeeper] = []

    async def life() -> None:
        proceedings = world.process(ledger)
        await proceedings.start()
        names = proceedings.ids or (await proceedings.create(tender()),)
        await until(lambda: proceedings.ready)
        keeper = proceedings.get(names[0])
        people = everybody[0] if everybody else Divided(world, names[0])
        everybody[:] = [people]
        people.connect(keeper)
        for seat in tuple(people.unanswered):
            await people.send(keeper, seat)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        logs[:] = [keeper]
        await proceedings.stop()

    await lives(ledger.killed, life)
    keeper = logs[0]
    assert set(ledger.kills) >= set(DRAW)
    found = types(keeper.entries)
    assert [found.count(name) for name in DRAW] == [1, 3, 1, 3, 1]
    assert found.count("ChairUndecided") == found.count("ChairDrawn") == 1
    (drawn,) = keeper.state.drawing.draws
    assert drawn.named[0] is not None
    assert keeper.state.evaluation.chair == drawn.named[0][0] in ("seat-1", "seat-2")
    await audit(world, keeper)
    assert judged(world, keeper, keeper.evidence_path().read_bytes()) == ("valid", [])


@dataclass
class Liar:
    """A node that reveals another secret than it committed to, or none at all."""

    honest: MemoryHolder
    silent: bool

    def __getattr__(self, name: str) -> object:
        return getattr(self.honest, name)

    async def reveal(self, origin: str, freeze: bytes) -> str:
        if self.silent:
            raise NodeUnavailable("silent")
        s = int.from_bytes(sha256(b"a false secret"), "big") % ORDER
        body = {"freeze": b64u(freeze), "s": b64u(s.to_bytes(32, "big"))}
        return await self.honest._answer(origin, "draw.reveal", freeze, body)


@pytest.mark.asyncio
async def test_a_false_reveal_does_not_stop_the_lot(tmp_path: Path) -> None:
    """s·G is not A_0: the server says that the reveal is missing, and the holders' shares give the true secret."""
    world = World(tmp_path)
    world.holders[ZHUHAI] = Liar(world.holders[ZHUHAI], False)  # type: ignore[assignment]
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper, people = proceedings.get(name), Divided(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == COMPLIANCE_REVIEW)
        (drawn,) = keeper.state.drawing.draws
        assert drawn.missed == (ZHUHAI,)
        assert len(drawn.releases) >= drawn.k
        draw_secrets.check(keeper.state, envelope_p256)
        await audit(world, keeper)


@pytest.mark.asyncio
async def test_a_silent_node_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """protocols.md 4(5): after the time to reveal, k holders replace the missing one."""
    # So long this test lasts: the others must have revealed by then, and no second of theirs is measured here.
    monkeypatch.setattr("sessions.core.drawing.WITHIN", 5)
    world = World(tmp_path)
    world.holders[FINANCE] = Liar(world.holders[FINANCE], True)  # type: ignore[assignment]
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper, people = proceedings.get(name), Divided(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: bool(state.drawing.draws and state.drawing.draws[0].resolved))
        (drawn,) = keeper.state.drawing.draws
        assert drawn.missed == (FINANCE,)
        assert keeper.state.evaluation.chair is not None
        draw_secrets.check(keeper.state, envelope_p256)
        await audit(world, keeper)


@pytest.mark.asyncio
async def test_a_server_and_a_node_that_agree_on_a_false_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V9: they could choose the result; s·G = A_0 convicts them, and it is this check alone that does."""

    def believed(found: Draw, author: str, secret: bytes, envelopes: Envelopes) -> bool:
        return True

    world = World(tmp_path)
    world.holders[ZHUHAI] = Liar(world.holders[ZHUHAI], False)  # type: ignore[assignment]
    with monkeypatch.context() as dishonest:
        dishonest.setattr(draw_secrets, "is_committed", believed)
        async with world.running() as proceedings:
            name = await proceedings.create(tender())
            keeper, people = proceedings.get(name), Divided(world, name)
            people.connect(keeper)
            await people.play(keeper, lambda state: state.gate == CLOSED)
            await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
            data = keeper.evidence_path().read_bytes()
        assert keeper.state.drawing.draws[0].missed == ()
        assert judged(world, keeper, data) == ("valid", [])
    assert judged(world, keeper, data) == ("invalid", ["untrusted"])


@pytest.mark.asyncio
async def test_the_service_opens_no_draw_of_experts_that_the_pools_facts_forbid(tmp_path: Path) -> None:
    """政府采购法实施条例 9: refused without a trace in the log; what is opened is found in the evidence file again."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper, people = proceedings.get(name), People(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == DECLARATIONS)
        pool: Object = {"count": 12, "root": b64u(rules.pool_root(POOL))}
        frozen = await keeper.perform(
            await world.holders[FINANCE]._answer(keeper.state.origin, "pool.freeze", b"pool", pool)
        )
        filter_ = conflicts.write(CODES, datetime.now(CHINA).date().isoformat(), b64u(bytes(16)))
        forbidden = [(salt, i, True, "", "") for i, salt in enumerate(SALTS)]

        async def open_with(rows: list[conflicts.Row], *, kept: bool) -> None:
            facts = conflicts.write_facts(filter_, CANDIDATES, rows)
            if kept:
                await keeper.put_object(facts)
            leaves = sorted(leaf for leaf, row in zip(POOL, rows, strict=True) if row[2])
            body: Object = {
                "draw": "experts",
                "attempt": 1,
                "strata": [{"label": "expert/all", "quota": 2, "leaves": [b64u(leaf) for leaf in leaves]}],
                "pool": b64u(keeper.entries[frozen.index].leaf),
                "partition": b64u(rules.root([rules.partition_leaf(*row) for row in rows])),
                "filter": b64u(sha256(filter_)),
                "facts": b64u(sha256(facts)),
            }
            await keeper.perform(people.act(keeper, "operator-1", "draw.open", body).jws)

        with pytest.raises(ObjectNotThere):
            await open_with(ROWS, kept=False)
        with pytest.raises(DrawRefused):
            await open_with(forbidden, kept=True)
        assert not keeper.state.drawing.draws
        await open_with(ROWS, kept=True)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        data = keeper.evidence_path().read_bytes()
    assert keeper.state.drawing.draws[0].resolved is not None
    assert judged(world, keeper, data) == ("valid", [])
