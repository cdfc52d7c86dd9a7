"""The acts of incidents, with every member of their bodies turned into something else, sent by everybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidence.core.canonical import b64u
from evidence.core.entry import Entry
from sessions.core import venue_journal
from sessions.core.commands import FreezeHolders, LoseRecording, RegainRecording
from sessions.core.permission import allowed
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from tests.sessions.cut_off import back
from tests.sessions.drive import MAIN, MEMBERS, ZHUHAI, Drive
from tests.sessions.test_holder_cases import LOST, ORDER, offer, orphaned, reseal
from tests.sessions.test_hostile_acts import INCIDENTS, SEEDS, changed, command, outcome, places
from tests.sessions.test_night import OF_VENUE, fallen, seal, unseal
from tests.sessions.test_reopening import approval, request, signed

ACTORS = ("seat-1", "seat-3", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2", MAIN, ZHUHAI)
Step = tuple[Proceeding, Entry]


def steps_of(drive: Drive) -> dict[str, Step]:
    found: dict[str, Step] = {}
    state = EMPTY
    for entry in drive.entries:
        if entry.act is not None and entry.act.act in INCIDENTS:
            found[entry.act.act] = (state, entry)
        state = evolve(state, entry)
    return found


@pytest.fixture(scope="module")
def steps() -> dict[str, Step]:
    """Each act of an incident, and the state before it."""
    renewed = orphaned()
    renewed.perform("supervisor-1", "round.renew", {"purpose": LOST["purpose"], "round": 1, "reason": "x"})
    for seat in MEMBERS:
        scores = {item: most for item, most in renewed.state.evaluation.asked()}  # noqa: C416
        renewed.seal(seat, renewed.sheet(seat, scores, seat.encode().ljust(32)))
    renewed.perform("supervisor-1", "holders.replace", ORDER)
    offer(renewed, MAIN)
    offer(renewed, ZHUHAI)
    renewed.execute(FreezeHolders())
    renewed.witness()
    reseal(renewed, "seat-1")
    night = fallen()
    for n in (1, 2, 3):
        seal(night, n)
        unseal(night, n)
    for seats in OF_VENUE.values():
        back(night, *seats)
    night.execute(LoseRecording("room-2"))
    night.perform("supervisor-1", "recording.waive", {"room": "room-2", "reason": "x"})
    night.execute(RegainRecording("room-2"))
    night.perform("operator-2", "incident.declare", {"venue": "venue-2", "kind": "power", "text": "x"})
    night.perform("supervisor-1", "venue.replace", {"venue": "venue-2", "by": "venue-3", "reason": "x"})
    night.perform(ZHUHAI, "venue.journal", venue_journal.body("venue-3", [bytes(32)], lost=1, returned=2))
    made = signed()
    asked = made.perform("seat-1", "reopening.ask", request(made))[0].act
    assert asked is not None
    made.perform("supervisor-1", "reopening.approve", approval(b64u(asked.id)))
    return {**steps_of(renewed), **steps_of(night), **steps_of(made)}


def test_every_mutation_of_every_body_is_taken_or_refused_with_a_code(steps: dict[str, Step]) -> None:
    assert set(steps) == INCIDENTS
    refused = 0
    for state, entry in steps.values():
        act = entry.act
        assert act is not None
        for path in places(act.body):
            for seed in SEEDS:
                refused += outcome(state, command(act, changed(act.body, path, seed))) != "taken"
        assert outcome(state, command(act, {})) != "taken"
        assert outcome(state, command(act, {**act.body, "extra": 1})) != "taken"
    assert refused > 200


def test_no_act_of_another_role_or_time_is_taken(steps: dict[str, Step]) -> None:
    taken = 0
    for state, _ in steps.values():
        for _, entry in steps.values():
            act = entry.act
            assert act is not None
            for actor in ACTORS:
                if outcome(state, command(replace(act, sub=actor), act.body)) == "taken":
                    taken += 1
                    venue = act.body["venue"] if act.act == "incident.declare" else None
                    assert allowed(state, actor, act.act, venue=venue)
    assert taken
