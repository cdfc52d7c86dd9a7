"""What a tender says about time: when the evaluation starts, on which calendar, and how long its record is kept.

The hashes stand in the definition, and so in the log before anything is drawn: a verifier computes the same days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evaluation.core import days, timetable
from evaluation.core.days import Calendar, Due
from evaluation.core.timetable import Timetable
from evaluation.errors import TermsRefused
from evidence.core.canonical import JSON, Object, members
from evidence.errors import Malformed

# Beyond a hundred years an archive is one for good, and no date of deletion is needed.
MOST_YEARS = 100
YEARS = "/definition/terms/plan/retain_years"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Plan:
    """`starts` is the planned start, `2026-11-23T01:00:00Z`; `retain_years` what the tender wants beyond the law."""

    starts: str | None
    timetable: Timetable
    calendar: Calendar
    retain_years: int | None

    @property
    def json(self) -> Object:
        """As the definition says it, and `terms` of `scoring` again."""
        return {
            "starts": self.starts,
            "timetable": self.timetable.json,
            "calendar": self.calendar.json,
            "retain_years": self.retain_years,
        }

    @property
    def earliest_draw(self) -> Due | None:
        """The first day on which experts may be drawn (财库〔2016〕198号 14), where the law says one."""
        count = self.timetable.draw_days
        if count is None or self.starts is None:
            return None
        return self.calendar.before(self.calendar.day_of(self.starts), count)


def parse(value: JSON) -> Plan:
    """Read it strictly; Malformed, UnknownTimetable or UnknownCalendar."""
    found = members(value, {"starts": object, "timetable": dict, "calendar": dict, "retain_years": object})
    starts, years = found["starts"], found["retain_years"]
    if starts is not None:
        try:
            if not isinstance(starts, str) or datetime.strptime(starts, _TIME).strftime(_TIME) != starts:  # noqa: DTZ007
                raise Malformed("a start is 2026-11-23T01:00:00Z")
        except ValueError as error:
            raise Malformed("a start is 2026-11-23T01:00:00Z") from error
    if years is not None and (type(years) is not int or not 1 <= years <= MOST_YEARS):
        raise Malformed(f"retain_years is 1 to {MOST_YEARS}, or null")
    return Plan(starts, timetable.find(found["timetable"]), days.find(found["calendar"]), years)


def check(plan: Plan, regime: str) -> None:
    """Hold it against the regime; the refusal cites the article."""
    rules = plan.timetable.value
    if rules["regime"] != regime:
        raise TermsRefused("the timetable is another regime's", "/definition/terms/plan/timetable")
    least = plan.timetable.retention_years
    if plan.retain_years is not None and plan.retain_years < least:
        raise TermsRefused(f"everything is kept for at least {least} years ({rules['retention']['source']})", YEARS)
