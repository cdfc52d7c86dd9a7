"""Every act of a whole proceeding, with every member of its body turned into something else, sent by everybody.

Issue 2, "Bad input": each gets a clear error with a stable code and loses nothing; nothing is an uncoded failure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evaluation.core import checks, clarification, leaving, motions, returning
from evaluation.errors import EvaluationError
from evidence.core.act import thumbprint
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from evidence.errors import EvidenceError
from sessions.core import dissent, questioning, seating
from sessions.core.commands import AuthoriseSignature, Command, FixDefinition, LoseVenue, Perform
from sessions.core.permission import ACTS, allowed
from sessions.core.proceeding import decide, evolve
from sessions.core.state import EMPTY, Proceeding
from sessions.errors import SessionError
from tests.sessions.cut_off import Away, back
from tests.sessions.draws import every_act
from tests.sessions.drive import DOCUMENT, HOLDERS, MAIN, ZHUHAI, Drive, signer_of, spread

LEGAL_STEPS = {
    name
    for table in (clarification, motions, returning, checks, leaving, questioning, dissent, seating)
    for name in {**table.ACTS, **getattr(table, "TIMED", {})}
} & set(ACTS) - {"recusal.declare"}
INCIDENTS = {
    "venue.replace",
    "holders.replace",
    "sheet.reseal",
    "round.renew",
    "reopening.ask",
    "reopening.approve",
    "incident.declare",
    "recording.waive",
    "venue.journal",
    "area.seal",
    "area.open",
}
"""Acts of incidents that have their own hostile tests (`test_hostile_incidents`)."""
CODED = (SessionError, EvaluationError, EvidenceError)
SEEDS: tuple[Any, ...] = (None, True, 0, -1, 2**53 - 1, "", "x", "seat-1", [], [[]], [None, 1], {}, {"x": []})


def eventful() -> Drive:
    """A proceeding in which every act happens that does not end it early."""
    drive = Drive()
    drive.found()
    drive.bind("operator-1")
    seen: Object = {"seat": "seat-1", "thumbprint": thumbprint(signer_of("seat-1").jwk), "document": "passport"}
    drive.perform("operator-1", "identity.check", seen | {"note": "x"})
    drive.fix()
    drive.freeze_holders()
    drive.bind_all()
    drive.record()
    drive.witness()
    drive.advance()
    drive.perform("operator-1", "page.show", {"document": b64u(DOCUMENT), "page": 1})
    drive.perform("operator-1", "presenter.hand-over", {"to": "seat-1"})
    (asked,) = drive.perform("seat-1", "help.ask", {"kind": "other", "text": "x"})
    assert asked.act is not None
    drive.perform("operator-1", "help.answer", {"asked": b64u(asked.act.id), "text": "x"})
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    drive.perform("supervisor-1", "proceeding.resume", {"reason": "x"})
    drive.execute(LoseVenue("venue-3", 3))
    for seat in ("seat-5", "operator-3", "room-3"):
        ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
        drive.perform(seat, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})
    every_incident(drive)
    every_act(drive)
    drive.until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    rejected = drive.round.current["seat-1"]
    drive.perform(ZHUHAI, "share.reject", {"act": b64u(rejected), "index": 2, "code": "untrusted"})
    again = drive.sheet("seat-1", spread()["seat-1"], salt=bytes(32))
    drive.seal("seat-1", again, replaces=b64u(rejected))
    missing: Object = {"purpose": "sheet", "round": 1, "holders": [ZHUHAI], "reason": "x"}
    drive.perform("supervisor-1", "holders.miss", missing)
    drive.acknowledge()
    drive.freeze()
    freeze = drive.round.freeze
    assert freeze is not None
    drive.perform("seat-2", "freeze.dispute", {"freeze": b64u(freeze.leaf)})
    drive.confirm()
    drive.approve()
    drive.witness()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open({"seat-2": "sheet-unreadable"})
    broken = drive.round.current["seat-2"]
    own: Object = {"act": b64u(broken), "p": b64u(drive.sealed[broken].plaintext)}
    drive.perform("seat-2", "sheet.author_open", own)
    drive.advance()
    drive.until("done")
    drive.close()
    return drive


def every_incident(drive: Drive) -> None:
    """Two devices with one key, one of them lost, and a venue that goes on without the seat."""
    drive.execute(LoseVenue("venue-2", 3))
    away, twin = Away(drive, "operator-2"), Away(drive, "operator-2")
    note, other = away.note(), twin.note("x")
    away.note()
    away.resume([note])
    drive.take(note)
    drive.take(other)
    drive.perform("supervisor-1", "seat.reinstate", {"seat": "operator-2", "reason": "x"})
    drive.perform("operator-1", "seat.lose", {"seat": "operator-2", "reason": "x"})
    drive.perform("supervisor-1", "seat.release", {"seat": "operator-2", "reason": "x"})
    back(drive, "seat-4", "room-2")
    drive.perform("seat-4", "incident.note", {"seat": "operator-2", "text": "x"})


@pytest.fixture(scope="module")
def steps() -> list[tuple[Proceeding, Entry]]:
    """Each entry with an act, and the state before it: one of each act."""
    drive = eventful()
    found: dict[str, tuple[Proceeding, Entry]] = {}
    state = EMPTY
    for entry in drive.entries:
        if entry.act is not None:
            found[entry.act.act] = (state, entry)
        state = evolve(state, entry)
    return list(found.values())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value; of a list only the first two, for speed."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for i in range(min(2, len(value))):
            yield from places(value[i], (*path, i))


def changed(body: Object, path: tuple[Any, ...], seed: Any) -> Object:
    result = copy.deepcopy(body)
    at: Any = result
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = seed
    return result


def command(act: Any, body: Object) -> Command:
    """The command of the same act with another body; the signature was checked before, so it does not matter here."""
    other = replace(act, body=body)
    if act.act == "definition.fix":
        return FixDefinition(other, b"{}")
    if act.act == "report.sign":
        return AuthoriseSignature(other, bytes(32))
    return Perform(other)


def outcome(state: Proceeding, asked: Command) -> str:
    """`taken`, or the code; anything but a coded error breaks the test. The act has a free place in its chain: a second
    one at its place is another matter (`test_cloned_key`)."""
    if (act := getattr(asked, "act", None)) is not None and act.kid in state.keys:
        asked = replace(asked, act=replace(act, ctr=state.keys[act.kid].ctr + 1))
    try:
        decide(state, asked, at="2026-11-21T08:00:00.000Z", entropy=bytes(32))
    except CODED as error:
        return error.code
    return "taken"


def test_every_mutation_of_every_body_is_taken_or_refused_with_a_code(
    steps: list[tuple[Proceeding, Entry]],
) -> None:
    refused = 0
    for state, entry in steps:
        act = entry.act
        assert act is not None
        for path in places(act.body):
            for seed in SEEDS:
                refused += outcome(state, command(act, changed(act.body, path, seed))) != "taken"
        assert outcome(state, command(act, {})) != "taken"
        assert outcome(state, command(act, {**act.body, "extra": 1})) != "taken"
    assert refused > 1000


def test_no_act_of_another_role_or_time_is_taken(steps: list[tuple[Proceeding, Entry]]) -> None:
    """Every act, sent by every role at every step of the proceeding: taken only where the table allows it."""
    actors = ("seat-1", "seat-3", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2", MAIN, ZHUHAI)
    names = [entry.act.act for _, entry in steps if entry.act is not None]
    # Ends, overdue incidents and continuations stand in logs of their own; the committee's legal steps in theirs.
    ends = {"proceeding.abort", "proceeding.seal", "incident.decide", "log.continue", "log.confirm"}
    elsewhere = ends | LEGAL_STEPS | INCIDENTS
    assert set(names) == set(ACTS) - elsewhere
    taken = 0
    for state, _ in steps[1:]:
        for _, entry in steps:
            act = entry.act
            assert act is not None
            for actor in actors:
                asked = command(replace(act, sub=actor), act.body)
                if outcome(state, asked) == "taken":
                    taken += 1
                    venue = state.rooms[act.body["room"]].venue if act.act == "room.admit" else None
                    if act.act in ("seat.lose", "identity.check"):
                        venue = state.seats[act.body["seat"]].venue
                    if act.act == "help.answer":
                        venue = state.seats["seat-1"].venue
                    assert allowed(state, actor, act.act, venue=venue)
    assert taken
