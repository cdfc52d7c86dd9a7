"""What the meeting still owes before a stage may end; the evaluation's own part is its own."""

from __future__ import annotations

from collections.abc import Callable

from evaluation.core import stages
from sessions.core import seating, segments, signing_off
from sessions.core.state import AUDITOR, Proceeding
from sessions.errors import ExpertsUndrawn, NotReady


def check(state: Proceeding) -> None:
    """NotReady, naming what is missing."""
    if state.stage in _CHECKS:
        _CHECKS[state.stage](state)


def ready(state: Proceeding) -> bool:
    """Whether `check` would return."""
    try:
        check(state)
    except NotReady:
        return False
    return True


def recorded(state: Proceeding, room: str) -> bool:
    """A segment of sound and of picture of this room is in the log."""
    return {kind for found, kind, _ in state.tracks if found == room} >= segments.REQUIRED


def _check_in(state: Proceeding) -> None:
    if state.definition is None or state.holders_frozen is None:
        raise NotReady("definition or holders are not fixed")
    if undrawn := seating.undrawn(state):
        source = state.evaluation.rules.source("draw")
        raise ExpertsUndrawn(f"{', '.join(undrawn)}: no draw of these experts is stated ({source})")
    seating.venues(state)
    for seat in state.seats.values():
        awaited = seat.role != AUDITOR and seat.venue not in state.replaced and seat.id not in state.evaluation.recused
        if awaited and seat.id not in state.seat_key:
            raise NotReady(f"{seat.id} has not checked in")
    _credentials(state)
    for room in (room.id for room in state.rooms.values() if room.venue not in state.replaced):
        if room not in state.admitted or room not in state.recording:
            raise NotReady(f"{room} is not admitted, or not being recorded")
        if not recorded(state, room):
            raise NotReady(f"no recorded sound and picture of {room} yet")


def _detailed(state: Proceeding) -> None:
    """A reopened evaluation is recorded like the first one; its recordings may have ended with the last signature."""
    if state.superseded and (missing := sorted(set(state.admitted) - set(state.recording))):
        raise NotReady(f"{', '.join(missing)}: not being recorded again yet")


def _credentials(state: Proceeding) -> None:
    """Newcomers get theirs while the others wait in the declarations."""
    for seat in state.signers:
        if seat not in state.credentials:
            raise NotReady(f"{seat} has no credential yet")


def _report(state: Proceeding) -> None:
    signing_off.report(state)


def _signing(state: Proceeding) -> None:
    if missing := signing_off.unsigned(state):
        raise NotReady(f"{', '.join(missing)} have not signed")
    if not signing_off.report(state).signed:
        raise NotReady("a report that nobody signs proves nothing")


_CHECKS: dict[str, Callable[[Proceeding], None]] = {
    stages.CHECK_IN: _check_in,
    stages.DETAILED_REVIEW: _detailed,
    stages.DECLARATIONS: _credentials,
    stages.REPORT: _report,
    stages.SIGNING: _signing,
}
