"""What a regime demands after the evaluation, and when: data with a hash like a rule pack, and typed what is asked.

Timetables stand beside the rule packs because a proceeding's log is closed when they begin: the centre log names the
one that holds for a proceeding, with the calendar, when it records the proceeding's final root.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.core.days import UNITS
from evaluation.core.rules import after_bidding_1, after_international_1, after_procurement_1
from evaluation.errors import UnknownTimetable
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, sha256, unb64u

CLOSED = "closed"
"""The milestone that every proceeding has: its last entry."""


@dataclass(frozen=True, slots=True)
class Clock:
    """From one milestone (or another clock's end) to the next; `to` is None for a time that others have, and `holds`
    the milestone that is not reached while that time lasts."""

    name: str
    start: str
    to: str | None
    count: int
    unit: str
    source: str
    mark: str
    holds: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A query, objection or complaint: who records it, during which clock it comes, and what it holds up."""

    name: str
    by: str
    during: str | None
    answer: int
    unit: str
    holds: str | None
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Timetable:
    """One regime's, with its bytes' hash."""

    sha256: bytes
    value: Object
    clocks: tuple[Clock, ...]
    kinds: dict[str, Kind]

    @property
    def key(self) -> tuple[str, str]:
        """Id and version."""
        return self.value["id"], self.value["version"]

    @property
    def json(self) -> Object:
        """How a log names it."""
        return {"id": self.value["id"], "version": self.value["version"], "sha256": b64u(self.sha256)}

    @property
    def milestones(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(self.value["milestones"])

    @property
    def retention_years(self) -> int:
        """How long everything is kept, recordings included, at least."""
        return int(self.value["retention"]["years"])

    @property
    def draw_days(self) -> int | None:
        """How many working days before the start experts may be drawn at the earliest, where the law says so."""
        found = self.value["draw"]
        return None if found is None else int(found["working_days"])

    def points(self, breaches: tuple[str, ...], answers: tuple[bool, ...]) -> int:
        """The credit points that a rating takes away."""
        items = self.value["rating"]["items"]
        taken = sum(items["breaches"][name] for name in breaches)
        taken += items["question_points"] * sum(not given for given in answers)
        return min(int(taken), int(items["most_points"]))


def make(value: Object) -> Timetable:
    """A timetable of its data; ValueError where a clock or a case hangs in the air."""
    clocks = tuple(
        Clock(c["clock"], c["from"], c["to"], c["count"], c["unit"], c["source"], c["mark"], c.get("holds"))
        for c in value["clocks"]
    )
    known = {CLOSED, *value["milestones"]}
    for clock in clocks:
        if clock.start not in known or (clock.to is not None and clock.to not in value["milestones"]):
            raise ValueError(f"the clock {clock.name} runs from or to nothing")
        if clock.holds is not None and (clock.to is not None or clock.holds not in value["milestones"]):
            raise ValueError(f"the clock {clock.name} holds up nothing")
        if clock.unit not in UNITS or clock.count < 1:
            raise ValueError(f"the clock {clock.name} counts nothing")
        if clock.to is None:
            known.add(clock.name)
    kinds = {name: Kind(name=name, **found) for name, found in value["cases"].items()}
    for kind in kinds.values():
        if kind.during is not None and kind.during not in known:
            raise ValueError(f"a {kind.name} comes during nothing")
        if kind.holds is not None and kind.holds not in value["milestones"]:
            raise ValueError(f"a {kind.name} holds up nothing")
    data = encode(value)
    return Timetable(sha256(data), decode_object(data), clocks, kinds)


TIMETABLES: dict[tuple[str, str], Timetable] = {
    found.key: found
    for found in (
        make(after_procurement_1.TIMETABLE),
        make(after_bidding_1.TIMETABLE),
        make(after_international_1.TIMETABLE),
    )
}
"""Every timetable that this engine holds; its bytes never change."""


def newest(regime: str) -> Timetable:
    """The newest one of a regime."""
    return [found for found in TIMETABLES.values() if found.value["regime"] == regime][-1]


def find(value: JSON) -> Timetable:
    """The timetable that `{"id","version","sha256"}` names, or UnknownTimetable."""
    named = members(value, {"id": str, "version": str, "sha256": str})
    found = TIMETABLES.get((named["id"], named["version"]))
    if found is None or found.sha256 != unb64u(named["sha256"], 32):
        raise UnknownTimetable(f"no timetable {named['id'][:40]!r} {named['version'][:10]!r} of this hash")
    return found
