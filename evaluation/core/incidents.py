"""How long an incident may last, and when the day ends: figures of the tender, or of its rule pack where it has none.

Provinces differ (two and four hours in one text, a cut-off at nine or at ten in the evening in others), so a tender may
state its own figures with their source; the pack's stand where it does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence.core.canonical import JSON, Object, members
from evidence.errors import Malformed

RECORDER_S = 10
"""Without a recorder the session does not go on for longer (checklist of the domain study, rule 28)."""
LEAST_S, MOST_S = 600, 86_400
"""A clock of less than ten minutes would end evaluations over a router that restarts; after a day nobody waits."""
LEAST_RECORDER_S, MOST_RECORDER_S = 2, 60
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MAX_SOURCE = 200


@dataclass(frozen=True, slots=True)
class Incidents:
    """Seconds before an incident is overdue, before the start and during; seconds without a recorder; the day's end
    and beginning as China's time, `21:00` and `07:00`, or None where evaluations go on through the night."""

    before_start: int
    during: int
    recorder: int = RECORDER_S
    cut_off: str | None = None
    opens: str | None = None
    source: str = ""

    @property
    def json(self) -> Object:
        """`incidents` of the terms."""
        return {
            "before_start": self.before_start,
            "during": self.during,
            "recorder": self.recorder,
            "cut_off": self.cut_off,
            "opens": self.opens,
            "source": self.source,
        }


def parse(value: JSON) -> Incidents:
    """Read `incidents` strictly."""
    found = members(
        value,
        {
            **dict.fromkeys(("before_start", "during", "recorder"), int),
            **dict.fromkeys(("cut_off", "opens"), object),
            "source": str,
        },
    )
    if not all(LEAST_S <= found[name] <= MOST_S for name in ("before_start", "during")):
        raise Malformed(f"an incident lasts {LEAST_S} to {MOST_S} seconds before people decide")
    if not LEAST_RECORDER_S <= found["recorder"] <= MOST_RECORDER_S:
        raise Malformed(f"a recorder may be down for {LEAST_RECORDER_S} to {MOST_RECORDER_S} seconds")
    times = [found["cut_off"], found["opens"]]
    if times != [None, None] and not all(isinstance(each, str) and _TIME.fullmatch(each) for each in times):
        raise Malformed("cut_off and opens are times like 21:00, or both null")
    if times[0] is not None and times[0] == times[1]:
        raise Malformed("the night has a length")
    if not 1 <= len(found["source"].strip()) <= len(found["source"]) <= _MAX_SOURCE:
        raise Malformed("the figures name the text that they come from")
    return Incidents(**found)
