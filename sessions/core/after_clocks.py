"""When something is due after an evaluation: every clock of the timetable, computed on the calendar that the log names.

A clock only says that a day is past. What follows from it is for the people whom the law names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from evaluation.core.days import Due
from evaluation.core.timetable import CLOSED, Clock, Kind
from evidence.core.canonical import Object
from sessions.core.aftermath import Aftermath, Case, Rating
from sessions.core.state import Proceeding


@dataclass(frozen=True, slots=True)
class Running:
    """A clock with what it is about, when it ends, and whether it is done."""

    clock: str
    subject: str
    due: Due | None
    done: date | None
    period: bool
    count: int
    unit: str
    source: str
    mark: str

    def json(self, today: date) -> Object:
        """As operators see it; `overdue` is a fact for people, not a verdict."""
        last = None if self.due is None else self.due.day
        late = last is not None and not self.period and (self.done or today) > last
        return {
            "clock": self.clock,
            "subject": self.subject,
            "due": None if last is None else last.isoformat(),
            "exact": self.due is not None and self.due.exact,
            "done": None if self.done is None else self.done.isoformat(),
            "over": self.period and last is not None and today > last,
            "overdue": late,
            "count": self.count,
            "unit": self.unit,
            "source": self.source,
            "mark": self.mark,
        }


def start_of(state: Aftermath, name: str) -> date | None:
    """When a milestone was reached, or a clock begins; None before."""
    if name == CLOSED:
        return state.opening.closed
    if name in state.milestones:
        return state.milestones[name].day
    clock = next((found for found in state.opening.timetable.clocks if found.name == name), None)
    return None if clock is None else _begin(state, clock)


def _begin(state: Aftermath, clock: Clock) -> date | None:
    """Where it runs from another clock, from that one's end."""
    before = next((found for found in state.opening.timetable.clocks if found.name == clock.start), None)
    if before is None:
        return start_of(state, clock.start)
    due = end(state, before)
    return None if due is None else due.day


def end(state: Aftermath, clock: Clock) -> Due | None:
    """When a clock ends; None before it begins."""
    begin = _begin(state, clock)
    return None if begin is None else state.opening.calendar.after(begin, clock.count, clock.unit)


def appeal_until(state: Aftermath, rating: Rating) -> Due:
    """The last day for an appeal."""
    rules = state.opening.timetable.value["rating"]["appeal"]
    return state.opening.calendar.after(rating.day, rules["count"], rules["unit"])


def late(state: Aftermath, case: Case) -> bool:
    """Whether a case came after its time; what that means is for people to say."""
    during = state.opening.timetable.kinds[case.kind].during
    clock = next((found for found in state.opening.timetable.clocks if found.name == during), None)
    due = None if clock is None else end(state, clock)
    return due is not None and case.day > due.day


def begun(state: Aftermath, kind: Kind) -> bool:
    """Whether the time for such a case has begun; one that comes after it is recorded all the same."""
    return kind.during is None or start_of(state, kind.during) is not None


def holding(state: Aftermath, milestone: str, day: date) -> Kind | Clock | None:
    """What holds a milestone of that day up: a case that waits for its answer, or a time that others have."""
    kinds = state.opening.timetable.kinds
    waiting = (kinds[case.kind] for case in state.cases.values() if case.answered is None)
    case = next((kind for kind in waiting if kind.holds == milestone), None)
    if case is not None:
        return case
    for clock in state.opening.timetable.clocks:
        if clock.holds == milestone:
            due = end(state, clock)
            if due is None or day <= due.day:
                return clock
    return None


def clocks(state: Aftermath, proceeding: Proceeding) -> tuple[Running, ...]:
    """Every clock after this proceeding, in the order of the timetable; cases and appeals as they come."""
    table, calendar = state.opening.timetable, state.opening.calendar
    found: list[Running] = []
    if not state.opening.aborted:
        for clock in table.clocks:
            reached = None if clock.to is None else state.milestones.get(clock.to)
            done = None if reached is None else reached.day
            found.append(
                Running(clock.name, "", end(state, clock), done, clock.to is None, *_terms(clock.count, clock))
            )
        for case in state.cases.values():
            kind = table.kinds[case.kind]
            due = calendar.after(case.day, kind.answer, kind.unit)
            found.append(Running(f"answer-{kind.name}", case.of, due, case.answered, False, *_terms(kind.answer, kind)))
    rules = table.value["rating"]
    due = calendar.after(state.opening.closed, rules["count"], rules["unit"])
    for member in proceeding.evaluation.members:
        if member.role in rules["of"] and member.seat in sat(proceeding):
            rating = state.ratings.get(member.seat)
            day = None if rating is None else rating.day
            found.append(Running("rating", member.seat, due, day, False, *_data(rules)))
            if rating is not None:
                found += _appeals(state, rating)
    rules = table.value["hand_over"]
    due = calendar.after(state.opening.closed, rules["count"], rules["unit"])
    for venue in proceeding.venues.values():
        if not venue.main:
            handed = state.handed(venue.id)
            day = None if handed is None else handed.day
            found.append(Running("hand-over", venue.id, due, day, False, *_data(rules)))
    return tuple(found)


def sat(proceeding: Proceeding) -> tuple[str, ...]:
    """Seats of the committee in which somebody sat, those who left included: leaving the post without leave, and not
    withdrawing in time, are breaches of theirs."""
    return tuple(seat.id for seat in proceeding.members if not proceeding.is_open(seat))


def _appeals(state: Aftermath, rating: Rating) -> list[Running]:
    rules = state.opening.timetable.value["rating"]["appeal"]
    until = Running("appeal", rating.seat, appeal_until(state, rating), None, True, *_data(rules))
    if rating.appeal is None:
        return [until]
    due = state.opening.calendar.after(rating.appeal[0], rules["decide"], rules["unit"])
    done = None if rating.decision is None else rating.decision[0]
    terms = (rules["decide"], rules["unit"], rules["source"], rules["mark"])
    return [until, Running("appeal-decision", rating.seat, due, done, False, *terms)]


def _terms(count: int, found: Clock | Kind) -> tuple[int, str, str, str]:
    return count, found.unit, found.source, found.mark


def _data(rules: Object) -> tuple[int, str, str, str]:
    return rules["count"], rules["unit"], rules["source"], rules["mark"]
