"""An aborted proceeding ends like any other: recorded, witnessed, its root recorded, its evidence file valid."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from evidence.adapters import envelope_p256
from evidence.core.act import Act
from evidence.core.canonical import encode
from evidence.errors import Malformed
from sessions.core import acts
from sessions.core.commands import EndRecording
from sessions.core.replay import Replay
from sessions.core.state import CLOSED, Proceeding
from sessions.core.view import view
from sessions.errors import Aborted, Closed, NotReady, WrongRole, WrongVenue
from sessions.service_errors import TenderRefused
from sessions.verify import verify
from signing.adapters.pades_validation import validate_report
from tests.sessions.drive import Drive, spread
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until
from tests.sessions.test_view import todo

REASON = {"reason": "恢复超过四小时"}
ROOMS = ("room-1", "room-2", "room-3")


def test_what_is_sealed_stays_sealed_and_the_log_is_closed() -> None:
    """领域 1.13: abort and seal with a new committee; nothing of the old log is lost."""
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.perform("supervisor-1", "proceeding.abort", REASON)
    with pytest.raises(NotReady):
        drive.perform("operator-1", "proceeding.seal", {})
    assert todo(drive, "operator-1") == []
    drive.execute(EndRecording(ROOMS))
    assert todo(drive, "operator-1") == ["proceeding.seal"]
    for wrong, error in (("seat-1", WrongRole), ("supervisor-1", WrongRole), ("operator-2", WrongVenue)):
        with pytest.raises(error):
            drive.perform(wrong, "proceeding.seal", {})
    with pytest.raises(Malformed):
        drive.perform("operator-1", "proceeding.seal", {"report": None})
    drive.perform("operator-1", "proceeding.seal", {})
    assert drive.state.gate == CLOSED
    assert drive.round.purpose == "sheet"
    assert (drive.round.opened, drive.round.plaintexts) == (None, {})
    with pytest.raises(Closed):
        drive.perform("operator-1", "proceeding.seal", {})
    document = encode(drive.definition)

    def check(state: Proceeding, act: Act) -> None:
        acts.check(state, act, root_at=drive.root_at)

    assert len(list(Replay(drive.entries, load=lambda _: document, check=check))) == len(drive.entries)


def test_only_an_aborted_proceeding_is_sealed_without_a_report() -> None:
    """Without the gate a live proceeding could be ended by its operator alone."""
    drive = Drive().until("declarations")
    with pytest.raises(Exception, match="not closed") as refused:
        drive.perform("operator-1", "proceeding.seal", {})
    assert getattr(refused.value, "code", "") == "too-early"


def test_an_abort_does_not_hide_a_result_that_is_fixed() -> None:
    """protocols.md section 3: from G2 on the result is fixed, and is opened even if the proceeding is aborted."""
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.to_opening()
    drive.perform("supervisor-1", "proceeding.abort", REASON)
    drive.execute(EndRecording(ROOMS))
    with pytest.raises(NotReady):
        drive.perform("operator-1", "proceeding.seal", {})
    for domain in drive.state.holders[:2]:
        drive.release(domain)
    drive.open()
    drive.perform("operator-1", "proceeding.seal", {})
    with pytest.raises(Closed):
        drive.perform("supervisor-1", "proceeding.abort", REASON)


@pytest.mark.asyncio
async def test_the_service_writes_the_evidence_of_an_aborted_proceeding(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        people = People(world, name)
        keeper = proceedings.get(name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        await keeper.perform(people.act(keeper, "supervisor-1", "proceeding.abort", REASON).jws)
        with pytest.raises(Aborted):
            await keeper.perform(people.act(keeper, "operator-1", "proceeding.pause", REASON).jws)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None, 30)
        data = keeper.evidence_path().read_bytes()
        # Another committee evaluates anew, in a proceeding that names this one by its final root.
        anew = await proceedings.create(tender() | {"follows": name})
        await until(lambda: proceedings.get(anew).state.founding is not None)
        founding = proceedings.get(anew).state.founding
        assert founding is not None
        assert founding.follows == (keeper.state.origin, keeper.log.size, keeper.log.tree.root())
        assert view(proceedings.get(anew).state, "auditor-1")["follows"] == keeper.state.origin
        for other in (anew, "k3" * 13, "x", ""):
            with pytest.raises(TenderRefused):
                await proceedings.create(tender() | {"follows": other})
        with pytest.raises(TenderRefused):
            await proceedings.create(tender() | {"follows": 7})
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    verdict = verify(io.BytesIO(data), policy, validate=validate_report, envelopes=envelope_p256)
    assert [step.detail for step in verdict.steps if step.code] == []
    assert verdict.outcome == "valid"
    assert "aborted" in verdict.flags
    assert (verdict.signers, verdict.ranking) == (0, [])
