"""Every legal step of the committee with every member of its body turned into something else, sent by everybody."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from sessions.core.permission import allowed
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from tests.evaluation.packs import PROCUREMENT
from tests.sessions.drive import MAIN, MEMBERS, ZHUHAI, Drive, spread
from tests.sessions.newcomers import arrive, drawn, redo, remove, succeed
from tests.sessions.test_committee_steps import (
    BIDDERS,
    answer,
    asked,
    at,
    id_of,
    later,
    let_out,
    move,
    pass_time,
    rejection,
)
from tests.sessions.test_dissent import dissent
from tests.sessions.test_hostile_acts import LEGAL_STEPS, SEEDS, changed, command, outcome, places


def eventful() -> Drive:
    """One of each act."""
    leaf = at("detailed-review").state.evaluation.asked()[0][0][1]
    drive = at("compliance-review", PROCUREMENT, objective=[leaf])
    refused = asked(drive)
    drive.perform("supervisor-1", "clarification.refuse", {"question": refused, "reason": "x"})
    late, name = asked(drive, bidder=BIDDERS[1]), asked(drive)
    drive.perform("supervisor-1", "clarification.approve", {"question": late, "until": later(drive, 10)})
    let_out(drive, name)
    answer(drive, name)
    pass_time(drive, 11)
    drive.perform("seat-1", "clarification.lapse", {"question": late})
    move(drive, "rejection", rejection(BIDDERS[-1]), against=("seat-4",))
    drive.perform("seat-3", "extension.ask", {"reason": "x"})
    drive.until("detailed-review")
    body: Object = {"from": "detailed-review", "to": "compliance-review", "reason": "x"}
    name = id_of(drive.perform("operator-1", "stage.back", body))
    drive.perform("supervisor-1", "stage.back-approve", {"asked": name, "approve": True, "reason": "x"})
    drive.until("detailed-review")
    base = spread()["seat-1"]
    sheets = {seat: dict(base) for seat in MEMBERS}
    item = next(item for item, _ in drive.state.evaluation.asked() if item[1] == leaf)
    sheets["seat-2"][item] = base[item] - Decimal("1.00")
    drive.score(sheets)
    fix = {"bidder": item[0], "criterion": leaf, "score": f"{base[item]:.2f}", "reason": "objective", "text": "x"}
    drive.perform("seat-2", "score.correct", fix)
    drive.advance()
    drive.until("signing")
    drive.perform("seat-4", "report.dissent", dissent(drive))
    for seat in MEMBERS[:3]:
        drive.sign(seat)
    drive.perform("seat-1", "signing.call", {"seat": "seat-5", "until": later(drive, 10)})
    pass_time(drive, 11)
    drive.perform("seat-1", "member.deem", {"seat": "seat-5", "reason": "x"})
    drive.advance()
    return drive


def replacing() -> Drive:
    """One request refused, and a member who leaves and is replaced by the next of a draw."""
    drive = Drive().until("declarations")
    made = drawn(drive)
    drive.until("compliance-review")
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    (asked_,) = drive.perform(
        "operator-1", "recusal.request", {"seat": "seat-4", "from": "supplier", "ground": ground, "text": "x"}
    )
    assert asked_.act is not None
    body: Object = {"request": b64u(asked_.act.id), "recuse": False, "reason": "x"}
    drive.perform("supervisor-1", "recusal.decide", body)
    remove(drive, "seat-5")
    succeed(made, "seat-5")
    arrive(drive, "seat-6")
    redo(drive, "seat-6", "compliance-review")
    return drive


@pytest.fixture(scope="module")
def steps() -> list[tuple[Proceeding, Entry]]:
    """The first of each act, and the state before it."""
    found: dict[str, tuple[Proceeding, Entry]] = {}
    for drive in (eventful(), replacing()):
        state = EMPTY
        for entry in drive.entries:
            if entry.act is not None and entry.act.act in LEGAL_STEPS:
                found.setdefault(entry.act.act, (state, entry))
            state = evolve(state, entry)
    assert set(found) == LEGAL_STEPS
    return list(found.values())


def test_every_mutation_is_taken_or_refused_with_a_code(steps: list[tuple[Proceeding, Entry]]) -> None:
    refused = 0
    for state, entry in steps:
        act = entry.act
        assert act is not None
        for path in places(act.body):
            for seed in SEEDS:
                refused += outcome(state, command(act, changed(act.body, path, seed))) != "taken"
        assert outcome(state, command(act, {})) != "taken"
        assert outcome(state, command(act, {**act.body, "extra": 1})) != "taken"
    assert refused > 300


def test_no_step_of_another_role_or_time_is_taken(steps: list[tuple[Proceeding, Entry]]) -> None:
    actors = ("seat-1", "seat-3", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2", MAIN, ZHUHAI)
    taken = 0
    for state, _ in steps:
        for _, entry in steps:
            act = entry.act
            assert act is not None
            for actor in (*actors, BIDDERS[0]):
                if outcome(state, command(replace(act, sub=actor), act.body)) == "taken":
                    taken += 1
                    assert allowed(state, actor, act.act)
    assert taken
