"""Sealing and acknowledging (protocols.md section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evaluation.core import decide as evaluation_decide
from evaluation.core.sealing import context
from evaluation.errors import (
    AlreadyDone,
    AlreadySealed,
    CopiedSeal,
    NoSuchRound,
    NoSuchSeal,
    NotSafe,
    NotWitnessed,
    SealRefused,
    SeenTooOld,
    StaleSeal,
    TooEarly,
    WrongDefinition,
    WrongHolders,
)
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Draft
from evidence.core.envelope import sheet_commitment
from evidence.errors import Malformed
from sessions.errors import WrongRole
from tests.sessions.drive import FINANCE, HOLDERS, MEMBERS, SHOWN, ZHONGSHAN, ZHUHAI, Drive
from tests.sessions.rounds import SHEETS, ack, copy_of, seal, seal_all


@pytest.fixture(scope="module")
def ready() -> Drive:
    return Drive().until("detailed-review")


@pytest.fixture
def drive(ready: Drive) -> Drive:
    """A fresh copy at the beginning of the detailed review."""
    return copy_of(ready)


def test_a_second_seal_names_the_one_that_it_replaces(drive: Drive) -> None:
    """protocols.md section 3, "amended before the freeze": the older one stays in the log and is never listed."""
    first = seal(drive)
    plaintext = drive.sheet("seat-1", SHEETS["seat-1"], salt=bytes(32))
    with pytest.raises(AlreadySealed):
        drive.seal("seat-1", plaintext)
    with pytest.raises(StaleSeal):
        drive.seal("seat-1", plaintext, replaces=b64u(sha256(b"another")))
    with pytest.raises(Malformed):
        drive.seal("seat-1", plaintext, replaces=1)
    second = drive.seal("seat-1", plaintext, replaces=b64u(first.id))[0].act
    assert second is not None
    assert drive.round.current["seat-1"] == second.id
    assert set(drive.round.seals) == {first.id, second.id}
    with pytest.raises(StaleSeal):
        drive.seal("seat-1", drive.sheet("seat-1", SHEETS["seat-1"], salt=b"\x01" * 32), replaces=b64u(first.id))


def test_the_first_seal_replaces_nothing(drive: Drive) -> None:
    with pytest.raises(StaleSeal):
        seal(drive, replaces=b64u(sha256(b"nothing")))


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (NoSuchRound, {"round": 2}),
        (NoSuchRound, {"round": 0}),
        (Malformed, {"round": "1"}),
        (Malformed, {"round": True}),
        (WrongDefinition, {"definition": b64u(sha256(b"another"))}),
        (Malformed, {"definition": "x"}),
        (SealRefused, {"part": [1, 2]}),
        (SealRefused, {"part": [True, True]}),
        (SealRefused, {"part": []}),
        (Malformed, {"extra": 1}),
        (Malformed, {"envelope": {}}),
        (Malformed, {"envelope": []}),
    ],
)
def test_a_seal_for_something_else_is_refused(drive: Drive, error: type[Exception], more: dict[str, Any]) -> None:
    with pytest.raises(error):
        seal(drive, **more)
    assert drive.round.current == {}


def refit(change: Callable[[Object], object]) -> Callable[[Drive], Object]:
    """The envelope that seat-1 would send, changed."""

    def make(drive: Drive) -> Object:
        trial = Drive(state=drive.state, entries=drive.entries, tree=drive.tree)
        trial.execute = lambda command: []  # type: ignore[method-assign]
        trial.checked = False
        plaintext = drive.sheet("seat-1", SHEETS["seat-1"])
        trial.take = lambda act: []  # type: ignore[method-assign]
        trial.seal("seat-1", plaintext)
        envelope: Object = next(iter(trial.sealed.values())).envelope.json
        change(envelope)
        return envelope

    return make


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (WrongHolders, lambda e: e.update(set=b64u(sha256(b"other holders")))),
        (WrongHolders, lambda e: e.update(k=1, feldman=e["feldman"][:1])),
        (WrongHolders, lambda e: e["shares"].pop()),
        (SealRefused, lambda e: e.update(purpose="ballot")),
        (Malformed, lambda e: e.update(suite=2)),
        (Malformed, lambda e: e.pop("ct")),
        (Malformed, lambda e: e["ct"].update(size=4113)),
        (Malformed, lambda e: e["shares"].__setitem__(0, "AA")),
    ],
)
def test_an_envelope_to_others_or_out_of_form_is_refused(
    drive: Drive, error: type[Exception], change: Callable[[Object], object]
) -> None:
    """Issue 2: `set` is that of the frozen holders."""
    with pytest.raises(error):
        seal(drive, envelope=refit(change)(drive))


def test_another_seats_ciphertext_is_refused(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    """protocols.md section 3, "copy a sheet"; c and the ciphertext are each nobody's twice, over all rounds."""
    act = seal(drive, "seat-2")
    stolen = act.body["envelope"]
    with pytest.raises(CopiedSeal):
        seal(drive, envelope=stolen)
    own = refit(lambda e: e.update(ct=stolen["ct"]))(drive)
    with pytest.raises(CopiedSeal):
        seal(drive, envelope=own)
    # The control switched off: the copy would stand in the log.
    monkeypatch.setitem(evaluation_decide.ACTS, "sheet.seal", lambda _, a: (Draft("SheetSealed", {}, a),))
    seal(drive, envelope=stolen)
    assert set(drive.round.current) == {"seat-1", "seat-2"}


def test_a_seal_follows_the_sight_of_holders_and_definition(drive: Drive) -> None:
    """G1: the act's `seen` lies beyond `HoldersFrozen` and `DefinitionFixed`."""
    gate = drive.state.evaluation.sealing_gate
    assert gate is not None
    trial = Drive(state=drive.state, entries=drive.entries, tree=drive.tree, checked=False)
    made = drive.sealer
    plaintext = drive.sheet("seat-1", SHEETS["seat-1"])
    bound = context(drive.state.evaluation, "sheet", "seat-1", 1, sheet_commitment(plaintext))
    fixed = drive.state.evaluation.fixed
    assert fixed is not None
    body: Object = {
        "envelope": made(bound, plaintext).envelope.json,
        "definition": b64u(fixed.sha256),
        "round": 1,
        "part": [1, 1],
        "replaces": None,
    }
    with pytest.raises(SeenTooOld):
        trial.take(trial.act("seat-1", "sheet.seal", body, seen=(gate, drive.tree.root(gate))))
    assert trial.take(trial.act("seat-1", "sheet.seal", body, seen=(gate + 1, drive.tree.root(gate + 1))))


def test_no_round_opens_before_its_gate_is_witnessed() -> None:
    """G1 fails closed."""
    drive = Drive()
    drive.found()
    drive.fix()
    drive.freeze_holders()
    drive.bind_all()
    drive.record()
    drive.advance()
    drive.declare()
    with pytest.raises(NotWitnessed):
        drive.advance()
    drive.witness()
    drive.advance()
    assert drive.round.purpose == "ballot"


def test_wrong_people_and_wrong_stages(drive: Drive) -> None:
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "sheet.seal", {})
    with pytest.raises(WrongRole):
        drive.perform("seat-1", "round.freeze", {"purpose": "sheet", "round": 1})
    with pytest.raises(WrongRole):
        drive.perform("supervisor-1", "freeze.ok", {"freeze": SHOWN})
    early = Drive().until("chair-election")
    with pytest.raises(TooEarly):
        early.perform("seat-1", "sheet.seal", {})


def test_a_holder_answers_each_seal_once_under_its_own_index(drive: Drive) -> None:
    act = seal(drive)
    with pytest.raises(Malformed):
        drive.perform(ZHUHAI, "share.ack", ack(act.id, 1))
    with pytest.raises(NoSuchSeal):
        drive.perform(ZHUHAI, "share.ack", ack(sha256(b"no seal"), 2))
    drive.perform(ZHUHAI, "share.ack", ack(act.id, 2))
    with pytest.raises(AlreadyDone):
        drive.perform(ZHUHAI, "share.ack", ack(act.id, 2))
    with pytest.raises(AlreadyDone):
        drive.perform(ZHUHAI, "share.reject", ack(act.id, 2) | {"code": "bad-dealing"})
    with pytest.raises(WrongRole):
        drive.perform("hohhot.example", "share.ack", ack(act.id, 1))


@pytest.mark.parametrize("code", ["", "Bad Dealing", "x" * 65, "坏", "a\nb"])
def test_a_rejection_says_why_in_one_word(drive: Drive, code: str) -> None:
    act = seal(drive)
    with pytest.raises(Malformed):
        drive.perform(ZHUHAI, "share.reject", ack(act.id, 2) | {"code": code})


def test_a_sheet_is_safe_with_one_more_ack_than_opens_it(drive: Drive) -> None:
    """docs/protocol.md 2.3: k+1; a round freezes only when every required seal is safe."""
    seal_all(drive)
    for domain in HOLDERS:
        for seat in MEMBERS[:-1]:
            drive.perform(domain, "share.ack", ack(drive.round.current[seat], HOLDERS.index(domain) + 1))
    last = drive.round.current["seat-5"]
    drive.perform(ZHONGSHAN, "share.ack", ack(last, 1))
    drive.perform(ZHUHAI, "share.ack", ack(last, 2))
    with pytest.raises(NotSafe, match="seat-5"):
        drive.freeze()
    drive.perform(FINANCE, "share.reject", ack(last, 3) | {"code": "untrusted"})
    with pytest.raises(NotSafe):
        drive.freeze()
    again = drive.sheet("seat-5", SHEETS["seat-5"], salt=b"\x02" * 32)
    drive.seal("seat-5", again, replaces=b64u(last))
    drive.acknowledge()
    drive.freeze()


def test_a_replaced_seal_may_still_be_acknowledged(drive: Drive) -> None:
    """A holder's acts are appended in the order it made them."""
    first = seal(drive)
    drive.seal("seat-1", drive.sheet("seat-1", SHEETS["seat-1"], salt=bytes(32)), replaces=b64u(first.id))
    drive.perform(ZHUHAI, "share.ack", ack(first.id, 2))
    assert not drive.round.safe("seat-1", 2)
