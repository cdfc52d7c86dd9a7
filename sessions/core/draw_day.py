"""From which day on experts may be drawn: two working days before the start in government procurement, and no limit
for a remote evaluation (财库〔2016〕198号 14)."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.core import timetable
from evaluation.core.draw import EXPERT, kind
from evaluation.draw_errors import DrawRefused
from sessions.core.state import Proceeding


def check(state: Proceeding, labels: Iterable[str], at: str) -> None:
    """DrawRefused before that day; also where the tender did not say when it starts, since nobody could check then."""
    if remote(state) or not any(kind(label) == EXPERT for label in labels):
        return
    terms = None if state.evaluation.fixed is None else state.evaluation.fixed.scoring.terms
    if terms is None:
        return
    table = timetable.newest(terms.rules.regime) if terms.plan is None else terms.plan.timetable
    if table.draw_days is None:
        return
    source = table.value["draw"]["source"]
    earliest = None if terms.plan is None else terms.plan.earliest_draw
    if terms.plan is None or earliest is None:
        raise DrawRefused(f"the tender does not say when it starts ({source})")
    if terms.plan.calendar.day_of(at) < earliest.day:
        raise DrawRefused(f"experts are drawn from {earliest.day} on ({source})")


def remote(state: Proceeding) -> bool:
    """Whether the committee sits in more than one venue."""
    return any(not venue.main for venue in state.venues.values())
