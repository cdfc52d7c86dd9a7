"""What follows an evaluation, folded from its acts: milestones, cases, ratings, hand-overs (docs/protocol.md 2.9).

Nothing follows `ProceedingClosed` in a proceeding's own log, so these acts stand in the centre log, each as a salted
digest, and the act itself is a disclosure for those whom it concerns (docs/adr/0005). They are signed by the seats'
keys of the closed proceeding, and `seen` is its final root: each act says which finished record it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from evaluation.core import days, timetable
from evaluation.core.days import Calendar
from evaluation.core.timetable import Timetable
from evidence.core.act import NO_ACT, Act, verify
from evidence.core.canonical import Object, members, unb64u
from sessions.core.state import Proceeding
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    SeatKeyEnded,
    SeatSuspended,
    SeenUnknown,
    UnknownKey,
    WrongLog,
    WrongSeat,
)

SUFFIX = "/after"
"""`aud` of these acts: the proceeding's origin, and this."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What `AfterOpened` of the centre log fixes for a proceeding, with its final size and root."""

    origin: str
    closed: date
    aborted: bool
    timetable: Timetable
    calendar: Calendar
    retain: date
    final: tuple[int, bytes]

    @staticmethod
    def parse(body: Object, final: Object) -> Opening:
        """Read the bodies of the acts in `AfterOpened` and `FinalRootRecorded`."""
        found = members(
            body, {"origin": str, "closed": str, "aborted": bool, "timetable": dict, "calendar": dict, "retain": str}
        )
        calendar = days.find(found["calendar"])
        return Opening(
            origin=found["origin"],
            closed=days.read(found["closed"]),
            aborted=found["aborted"],
            timetable=timetable.find(found["timetable"]),
            calendar=calendar,
            retain=days.read(found["retain"]),
            final=(final["size"], unb64u(final["root"], 32)),
        )


@dataclass(frozen=True, slots=True)
class Milestone:
    """A day that the buyer's side states, with what shows it."""

    n: int
    day: date
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A query, an objection or a complaint from outside, and its answer."""

    id: bytes
    n: int
    kind: str
    of: str
    day: date
    text: str
    evidence: str | None
    answered: date | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """One expert's, for this proceeding. `points` are those that stand after a decision."""

    id: bytes
    n: int
    by: str
    seat: str
    day: date
    breaches: tuple[tuple[str, str], ...]
    answers: tuple[bool, ...]
    text: str
    points: int
    appeal: tuple[date, str] | None = None
    decision: tuple[date, bool, str] | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """What a secondary venue hands over: (kind, what, how many, digest), and the numbers of the seals."""

    id: bytes
    n: int
    venue: str
    day: date
    items: tuple[tuple[str, str, int, str | None], ...]
    seals: tuple[str, ...]
    taken: date | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A seat key's acts after the proceeding."""

    ctr: int = 0
    last: bytes = NO_ACT


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The whole state of one proceeding after its end."""

    opening: Opening
    milestones: Mapping[str, Milestone] = field(default_factory=dict)
    cases: Mapping[bytes, Case] = field(default_factory=dict)
    ratings: Mapping[str, Rating] = field(default_factory=dict)
    hand_overs: tuple[HandOver, ...] = ()
    chains: Mapping[str, Chain] = field(default_factory=dict)
    acts: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def aud(self) -> str:
        """What these acts are addressed to."""
        return self.opening.origin + SUFFIX

    @property
    def retain(self) -> date:
        """Until when everything is kept: the years count from the last thing that happened in the procurement."""
        last = max(
            (self.opening.closed, *(m.day for m in self.milestones.values()), *_answered(self)),
            default=self.opening.closed,
        )
        return max(self.opening.retain, years_after(last, self.opening.timetable.retention_years))

    def rating(self, act_id: bytes) -> Rating | None:
        """The rating that this act gave."""
        return next((found for found in self.ratings.values() if found.id == act_id), None)

    def handed(self, venue: str) -> HandOver | None:
        """The newest hand-over of a venue."""
        return next((found for found in reversed(self.hand_overs) if found.venue == venue), None)


def _answered(state: Aftermath) -> list[date]:
    return [found.answered or found.day for found in state.cases.values()]


def years_after(day: date, years: int) -> date:
    """The same day so many years later; after 29 February the first of March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def check(state: Aftermath, act: Act, proceeding: Proceeding) -> None:
    """Raise what is wrong with the act before its rule is asked, in the order of docs/protocol.md section 3.

    (1) The key was bound to a seat of the closed proceeding and was alive at its end; the signature holds under it.
    (2) `aud` is what follows this proceeding.
    (3) `sub` is the key's seat.
    (4) The id is new.
    (5) `ctr` and `prev` continue the key's chain here; they begin anew after the proceeding.
    (6) `seen` is the final root.
    """
    # (1), (2), (3), (6)
    authenticate(state, act, proceeding)
    # (4)
    if act.id in state.acts:
        raise ActRepeated(state.acts[act.id])
    # (5)
    chain = state.chains.get(act.kid, Chain())
    if act.ctr > chain.ctr + 1:
        raise ActGap(f"ctr {act.ctr} after {chain.ctr}")
    if act.ctr <= chain.ctr or act.prev != chain.last:
        raise ActFork(f"another act has ctr {act.ctr}, or `prev` is not the key's last act")


def authenticate(state: Aftermath, act: Act, proceeding: Proceeding) -> None:
    """Steps (1), (2), (3) and (6) of `check`: whose act it is, and about which record; not where it stands."""
    # (1)
    key = proceeding.keys.get(act.kid)
    if key is None or key.owner not in proceeding.seats:
        raise UnknownKey("no seat of this proceeding has that key")
    if not key.live:
        raise SeatKeyEnded("the key was replaced")
    if key.suspended:
        raise SeatSuspended("two devices had this key")
    verify(act, key.jwk)
    # (2)
    if act.aud != state.aud:
        raise WrongLog(f"the act is for {act.aud[:80]!r}")
    # (3)
    if act.sub != key.owner:
        raise WrongSeat(f"the key is not that of {act.sub[:40]!r}")
    # (6)
    if act.seen != state.opening.final:
        raise SeenUnknown("`seen` is the final root of the proceeding")


def evolve(state: Aftermath, act: Act, n: int, at: str) -> Aftermath:
    """The state after the act at entry `n` of the centre log."""
    day = state.opening.calendar.day_of(at)
    state = _FOLDS[act.act](state, act, n, day)
    chains = {**state.chains, act.kid: Chain(act.ctr, act.id)}
    return replace(state, chains=chains, acts={**state.acts, act.id: n})


def _milestone(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    body = act.body
    made = Milestone(n, days.read(body["day"]), body["evidence"])
    return replace(state, milestones={**state.milestones, body["milestone"]: made})


def _case(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    body = act.body
    made = Case(act.id, n, body["kind"], body["of"], days.read(body["day"]), body["text"], body["evidence"])
    return replace(state, cases={**state.cases, act.id: made})


def _answer(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    case = state.cases[unb64u(act.body["case"], 32)]
    made = replace(case, answered=day, answer=act.body["text"])
    return replace(state, cases={**state.cases, case.id: made})


def _rate(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    body = act.body
    breaches = tuple((name, reason) for name, reason in body["breaches"])
    answers = tuple(body["answers"])
    points = state.opening.timetable.points(tuple(name for name, _ in breaches), answers)
    made = Rating(act.id, n, act.sub, body["seat"], day, breaches, answers, body["text"], points)
    return replace(state, ratings={**state.ratings, made.seat: made})


def _appeal(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    made = replace(state.ratings[act.sub], appeal=(day, act.body["reason"]))
    return replace(state, ratings={**state.ratings, act.sub: made})


def _decide(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    body = act.body
    rating = next(found for found in state.ratings.values() if found.id == unb64u(body["rating"], 32))
    points = rating.points if body["uphold"] else body["points"]
    made = replace(rating, decision=(day, body["uphold"], body["reason"]), points=points)
    return replace(state, ratings={**state.ratings, rating.seat: made})


def _hand_over(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    body = act.body
    items = tuple((kind, what, count, digest) for kind, what, count, digest in body["items"])
    made = HandOver(act.id, n, body["venue"], day, items, tuple(body["seals"]))
    return replace(state, hand_overs=(*state.hand_overs, made))


def _take(state: Aftermath, act: Act, n: int, day: date) -> Aftermath:
    wanted = unb64u(act.body["hand_over"], 32)
    taken = tuple(
        replace(found, taken=day, missing=act.body["missing"]) if found.id == wanted else found
        for found in state.hand_overs
    )
    return replace(state, hand_overs=taken)


_FOLDS: Mapping[str, Callable[[Aftermath, Act, int, date], Aftermath]] = {
    "milestone.state": _milestone,
    "case.open": _case,
    "case.answer": _answer,
    "rating.give": _rate,
    "rating.appeal": _appeal,
    "rating.decide": _decide,
    "hand-over.give": _hand_over,
    "hand-over.take": _take,
}
