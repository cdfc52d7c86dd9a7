"""Commands that must yield nothing in a generated proceeding: by a wrong role or venue, at a wrong gate or stage."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

from evaluation.core.collusion import MAX_FACTS
from evaluation.errors import TooEarly, TooLate
from evidence.core.act import Act
from evidence.core.canonical import Object
from sessions.core import commands, cut_off
from sessions.core.commands import Command, Perform
from sessions.core.permission import ACTS
from sessions.core.proceeding import decide
from sessions.core.state import Proceeding
from sessions.errors import Aborted, Closed, NotPaused, Paused, WrongRole, WrongVenue
from tests.rules.generated import CODED, ROOT, Swift, kid
from tests.sessions.drive import MAIN, ZHUHAI
from tests.sessions.test_permission import ACTORS, expected

FORBIDDEN = (WrongRole, WrongVenue, Paused, NotPaused, Aborted, Closed, TooEarly, TooLate)
"""Why such a command is refused, whatever else may be wrong with it."""


@cache
def _allowed() -> dict[tuple[str, str], frozenset[str]]:
    """(gate, stage) -> "actor act" as the written matrix has it, which is not the table of the code."""
    found: dict[tuple[str, str], set[str]] = {}
    for role, (actor, _) in ACTORS.items():
        for gate, stage, name in expected(role):
            found.setdefault((gate, stage), set()).add(f"{actor} {name}")
    return {when: frozenset(names) for when, names in found.items()}


ACTING = ("seat-1", "seat-3", "seat-5", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2", MAIN, ZHUHAI)
ABOUT: dict[str, Object] = {
    "incident.declare": {"venue": "venue-2", "kind": "power", "text": "停电"},
    "seat.lose": {"seat": "seat-4", "reason": "设备被盗"},
    "identity.check": {"seat": "seat-4", "thumbprint": "x", "document": "passport", "note": None},
}
"""What an act is about decides who may make it: these are never performed, and are refused before more is read."""
_SPECIAL = frozenset({"definition.fix", "report.sign"})
_ALIKE = {"seat-5": "seat-1"}
_STATED: tuple[Command, ...] = (
    commands.FreezeHolders(),
    commands.RegainRecording("room-1"),
    commands.OpenRound("sheet", 1, ()),
    commands.OpenRound("ballot", 1, ()),
    commands.RecordSignature("seat-1", ROOT, ROOT, 1),
    commands.OpenLot("lot/chair"),
    commands.Due("venue-1"),
    commands.NoteClockJump(3),
    commands.NoteAdvice(ROOT, 1, MAX_FACTS + 1),
    commands.StartRecording(("room-9",), "engine-1"),
    commands.NoteWitnessed(0, ROOT, ROOT),
    commands.IssueCredential("seat-1", "credential-seat-1", ROOT),
)


def wrong_commands(chance: random.Random, often: float) -> Callable[[Swift], None]:
    """After an append, sometimes: an act by a role or in a stage that the matrix does not allow, or an idle fact.

    Anything but a refusal with a code breaks the test.
    """

    def send(drive: Swift) -> None:
        if chance.random() >= often:
            return
        state = drive.state
        if chance.random() < 0.2:
            _must_refuse(state, chance.choice(_STATED))
            return
        name = chance.choice(NAMES)
        actor = chance.choice(ACTING)
        if f"{_ALIKE.get(actor, actor)} {name}" in _allowed().get((state.gate, state.stage), frozenset()):
            return
        body = drive.bodies.get(name) or ABOUT.get(name, {})
        key = state.keys.get(kid(actor))
        # What a seat that is merging, or one whose key has ended, signs against the rules is kept as refused.
        kept = key is not None and (key.merge is not None or not key.live)
        # Its place in the chain is free: a second act at one place is another matter, and kept.
        ctr, seen = key.ctr + 1 if key is not None else 1, (len(drive.entries), ROOT)
        act = Act("", ROOT, kid(actor), name, drive.origin, actor, body, ctr, 0, ROOT, seen, ())
        _must_refuse(state, Perform(act), cut_off.WITH_ANY_ACT if kept else frozenset())

    return send


NAMES = tuple(sorted(set(ACTS) - _SPECIAL))


def _must_refuse(state: Proceeding, command: Command, kept: frozenset[str] = frozenset()) -> None:
    """An act is refused for who makes it, where, at which gate or stage, and not because its body is out of form."""
    try:
        drafts = decide(state, command, at="2026-11-21T08:00:00.000Z", entropy=b"")
    except CODED as error:
        if isinstance(command, Perform) and not isinstance(error, FORBIDDEN):
            raise AssertionError(f"{command} is refused as {error.code} alone") from error
        return
    if all(draft.type in kept and draft.body.get("result") != cut_off.ACCEPTED for draft in drafts):
        return
    raise AssertionError(f"{command} yields {[draft.type for draft in drafts]} in {state.stage}, {state.gate}")
