"""Working days: a calendar is data with a hash, and every deadline is computed on it.

The day from which a time runs is not counted; the time is over at the end of its last day in the calendar's own time.
A time in plain days whose last day is no working day ends on the next one (Civil Code, articles 201 and 203).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from evaluation.core.rules import china_days_1
from evaluation.errors import UnknownCalendar
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, sha256, unb64u
from evidence.errors import Malformed

WORKING_DAYS, DAYS = "working-days", "days"
UNITS = (WORKING_DAYS, DAYS)
_SATURDAY = 5
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A last day; `exact` is false where the calendar knows no notice for one of the days that were counted."""

    day: date
    exact: bool

    @property
    def json(self) -> Object:
        """Text and mark."""
        return {"due": self.day.isoformat(), "exact": self.exact}


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar's bytes, their hash, and what stands in them."""

    sha256: bytes
    value: Object
    off: frozenset[date]
    on: frozenset[date]

    @property
    def json(self) -> Object:
        """How a log names it."""
        return {"id": self.value["id"], "version": self.value["version"], "sha256": b64u(self.sha256)}

    def covers(self, day: date) -> bool:
        """Whether the year's notice is in this calendar."""
        return str(day.year) in self.value["years"]

    def working(self, day: date) -> bool:
        """Whether people are at work on this day."""
        if day in self.on:
            return True
        if day in self.off or (not self.covers(day) and day.strftime("%m-%d") in self.value["fixed"]):
            return False
        return day.weekday() < _SATURDAY

    def after(self, start: date, count: int, unit: str = WORKING_DAYS) -> Due:
        """The last day of a time of `count` that runs from `start`."""
        day, exact = start, True
        if unit == DAYS:
            day += timedelta(days=count)
            while not self.working(day):
                exact = exact and self.covers(day)
                day += _ONE
            return Due(day, exact and self.covers(day))
        while count:
            day += _ONE
            exact = exact and self.covers(day)
            count -= self.working(day)
        return Due(day, exact)

    def before(self, end: date, count: int) -> Due:
        """The first day that is at most `count` working days before `end`."""
        day, exact = end, True
        while count:
            day -= _ONE
            exact = exact and self.covers(day)
            count -= self.working(day)
        return Due(day, exact)

    def day_of(self, moment: str) -> date:
        """The day on which an entry's time, `2026-11-21T16:00:00.000Z`, falls where the calendar holds."""
        zone = timezone(timedelta(hours=self.value["offset_hours"]))
        return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(zone).date()


def make(value: Object) -> Calendar:
    """A calendar of its data; ValueError where a day is none, or off and on at once."""
    off: set[date] = set()
    on: set[date] = set()
    for year, notice in value["years"].items():
        for first, last in notice["off"]:
            day, end = date.fromisoformat(first), date.fromisoformat(last)
            if not first.startswith(year) or end < day:
                raise ValueError(f"{first} to {last} are no days of {year}")
            while day <= end:
                off.add(day)
                day += _ONE
        on |= {date.fromisoformat(text) for text in notice["on"]}
    if off & on or any(day.weekday() < _SATURDAY for day in on):
        raise ValueError("a day is off and on, or a working day is made up on a working day")
    data = encode(value)
    return Calendar(sha256(data), decode_object(data), frozenset(off), frozenset(on))


CALENDARS: dict[tuple[str, str], Calendar] = {
    (found.value["id"], found.value["version"]): found for found in (make(china_days_1.CALENDAR),)
}
"""Every calendar that this engine holds; a new notice is a new version beside the old."""
NEWEST = next(reversed(CALENDARS.values()))


def find(value: JSON) -> Calendar:
    """The calendar that `{"id","version","sha256"}` names, or UnknownCalendar."""
    named = members(value, {"id": str, "version": str, "sha256": str})
    found = CALENDARS.get((named["id"], named["version"]))
    if found is None or found.sha256 != unb64u(named["sha256"], 32):
        raise UnknownCalendar(f"no calendar {named['id'][:40]!r} {named['version'][:10]!r} of this hash")
    return found


def read(text: JSON) -> date:
    """A day, `2026-11-21`; ValueError for anything else."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a day is 2026-11-21")
    return date.fromisoformat(text)


def moment(value: str) -> datetime:
    """A time as acts write it, with its zone; Malformed otherwise."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise Malformed("a time is written 2026-11-21T09:00:00.000Z") from error
    if found.tzinfo is None:
        raise Malformed("a time names its zone")
    return found
