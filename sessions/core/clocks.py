"""How long an incident may last before people decide (2 h before the start, 4 h during; the pack says).

Before the start the time counts from the planned one, where the tender names it and it is still to come (Lijiang's
rules, article 20: what fails before is waited for, and two hours after that time people decide).

The server only states that the time is over, and the proceeding stays paused. Then the supervisor either lets it
continue, with seats released or replaced, or aborts it. No clock runs across a jump of the server's own clock: it
starts anew there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from evaluation.core import stages
from evidence.core.act import Act
from evidence.core.canonical import members
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.commands import Due, NoteClockJump
from sessions.core.draws import seconds
from sessions.core.state import OVERDUE, RECORDING_LOST, VENUE_LOST, Pause, Proceeding
from sessions.errors import CommandRefused, NotOverdue

LEAST_JUMP_MS = 1000
"""A clock that is disciplined is slewed by far less between two looks; a second is a step."""
PLANNED_SINCE = 3
"""The first engine that counts from the planned start; the others count from the incident."""
_TIMED = (VENUE_LOST, RECORDING_LOST)
_MAX_REASON = 500


def deadlines(state: Proceeding) -> dict[str, int]:
    """Venue or room -> when its incident is overdue, in seconds since the epoch; overdue ones wait for no clock, and at
    night none runs."""
    rules = state.evaluation.incidents
    if rules is None or state.night is not None:
        return {}
    early = state.stage == stages.CHECK_IN
    limit, start = (rules.before_start, planned(state)) if early else (rules.during, 0)
    return {
        subject: max(start, state.since[cause, subject]) + limit
        for cause, subject in sorted(state.pauses)
        if cause in _TIMED and (OVERDUE, subject) not in state.pauses
    }


def planned(state: Proceeding) -> int:
    """The planned start in seconds since the epoch; 0 where the tender names none, or the engine looks at none."""
    terms = state.evaluation.fixed.scoring.terms if state.evaluation.fixed is not None else None
    plan = None if terms is None or state.evaluation.engine < PLANNED_SINCE else terms.plan
    return 0 if plan is None or plan.starts is None else seconds(plan.starts)


def next_deadline(state: Proceeding) -> int | None:
    """When the next incident is overdue."""
    return min(deadlines(state).values(), default=None)


def due(state: Proceeding, command: Due, at: str) -> tuple[Draft, ...]:
    """The incident lasts longer than the pack allows."""
    until = deadlines(state).get(command.subject)
    if until is None:
        raise CommandRefused("no clock runs for this venue or room")
    if seconds(at) < until:
        raise NotOverdue("the time is not over")
    return (Draft("IncidentOverdue", {"subject": command.subject, "until": _text(until)}),)


def jump(state: Proceeding, command: NoteClockJump) -> tuple[Draft, ...]:
    """The server's clock was set: what it measured until now measures nothing."""
    if abs(command.by_ms) < LEAST_JUMP_MS:
        raise CommandRefused("no jump")
    return (Draft("ClockJumped", {"by": command.by_ms}),)


def decide(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`incident.decide`: the supervisor lets the proceeding continue. The other decision is `proceeding.abort`."""
    body = members(act.body, {"subject": str, "reason": str})
    reason = body["reason"]
    if not 1 <= len(reason.strip()) <= len(reason) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")
    if (OVERDUE, body["subject"]) not in state.pauses:
        raise NotOverdue("no incident of this venue or room is overdue")
    return (Draft("IncidentDecided", {}, act),)


def on_overdue(state: Proceeding, entry: Entry) -> Proceeding:
    subject = members(entry.body, {"subject": str, "until": str})["subject"]
    return replace(state, pauses=state.pauses | {(OVERDUE, subject)})


def on_jump(state: Proceeding, entry: Entry) -> Proceeding:
    members(entry.body, {"by": int})
    return replace(state, since=dict.fromkeys(state.since, seconds(entry.at)))


def on_decided(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """What still lasts gets its whole time again."""
    subject = act.body["subject"]
    anew: dict[Pause, int] = {pause: seconds(entry.at) for pause in state.since if pause[1] == subject}
    return replace(state, pauses=state.pauses - {(OVERDUE, subject)}, since={**state.since, **anew})


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"incident.decide": decide}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"IncidentDecided": on_decided}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "IncidentOverdue": on_overdue,
    "ClockJumped": on_jump,
}
