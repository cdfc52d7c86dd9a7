"""The night: at the cut-off time the evaluation pauses by itself, areas are sealed, and in the morning all come back.

(The domain study, rule 31: networks are cut at 21:00 or 22:00 by provincial rules.) For the log every venue is lost for
the night: so in the morning each seat resumes like after any loss, proves that it saw this very log, and its person is
there again under its own key. Before that each venue's operator breaks the seals that were put on in the evening, and
says whether they were whole; where they were not, the supervisor decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from evaluation.core import stages
from evidence.core.act import Act
from evidence.core.canonical import members
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.commands import BeginNight
from sessions.core.draws import seconds
from sessions.core.state import NIGHT, OVERDUE, VENUE_LOST, Night, Proceeding
from sessions.errors import AlreadyFixed, CommandRefused, NotNight, NotOverdue, WrongVenue

CHINA = timezone(timedelta(hours=8))
"""The one legal time of all venues (国务院 1949: 北京时间); a tender's times are read in it."""
_MAX_SEALS, _MAX_NUMBER, _MAX_NOTE = 50, 40, 500
_WORKING = stages.span(stages.DECLARATIONS, stages.SIGNING)


def cut_off(state: Proceeding) -> int | None:
    """When the next night begins, in seconds since the epoch; None where there is none."""
    rules = state.evaluation.incidents
    if rules is None or rules.cut_off is None or state.day is None or state.night is not None:
        return None
    return _next(state.day, rules.cut_off) if state.stage in _WORKING else None


def begin(state: Proceeding, command: BeginNight, at: str) -> tuple[Draft, ...]:
    """The cut-off time has come: everything pauses, and every venue that is not lost already is lost for the night."""
    until = cut_off(state)
    rules = state.evaluation.incidents
    if until is None or rules is None or rules.opens is None:
        raise CommandRefused("no night is to begin")
    if seconds(at) < until:
        raise NotOverdue("the cut-off time has not come")
    drafts = [
        Draft("NightBegan", {"cut_off": _text(until), "opens": _text(_next(until, rules.opens))}),
        Draft("ProceedingPaused", {"cause": NIGHT}),
    ]
    for venue in state.venues:
        if venue not in state.lost and venue not in state.replaced and state.waiting(venue):
            drafts.append(Draft("VenueLost", {"venue": venue, "size": state.size}))
            drafts.append(Draft("ProceedingPaused", {"cause": VENUE_LOST, "venue": venue}))
    return tuple(drafts)


def seal(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`area.seal`: the operator of the venue closes its area and names the numbers of the seals."""
    body = members(act.body, {"venue": str, "seals": list, "note": str})
    found = _night(state)
    venue = _own(state, act, body["venue"])
    if venue in found.sealed:
        raise AlreadyFixed("the area is sealed")
    if not body["seals"]:
        raise Malformed("a sealed area has seals")
    _numbers(body["seals"])
    _note(body["note"])
    return (Draft("AreaSealed", {}, act),)


def unseal(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`area.open`: in the morning the operator of the venue breaks the seals.

    (1) Not before the time.
    (2) Whole are the seals only if they are those of the evening; else the supervisor decides (`incident.decide`).
    (3) With the last area the night is over; then seats resume.
    """
    body = members(act.body, {"venue": str, "seals": list, "intact": bool, "note": str})
    found = _night(state)
    venue = _own(state, act, body["venue"])
    if venue in found.opened:
        raise AlreadyFixed("the area is open")
    _numbers(body["seals"])
    _note(body["note"])
    # (1)
    if seconds(at) < found.opens:
        raise NotOverdue("the morning has not come")
    # (2)
    whole = body["intact"] and found.sealed.get(venue) == tuple(body["seals"])
    made = [Draft("AreaOpened", {"whole": whole}, act)]
    # (3)
    if found.opened | {venue} >= state.venues.keys() - state.replaced.keys():
        made.append(Draft("NightEnded", {}))
    return tuple(made)


def closed(state: Proceeding, venue: str) -> bool:
    """Whether the venue's area is closed for the night: nobody resumes there."""
    return state.night is not None and venue not in state.night.opened


def on_began(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"cut_off": str, "opens": str})
    return replace(state, night=Night(entry.n, seconds(body["opens"])))


def on_sealed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = _night(state)
    sealed = {**found.sealed, act.body["venue"]: tuple(act.body["seals"])}
    return replace(state, night=replace(found, sealed=sealed))


def on_opened(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """Broken or strange seals hold the proceeding like an overdue incident, until the supervisor has decided."""
    found, venue = _night(state), act.body["venue"]
    whole = members(entry.body, {"whole": bool})["whole"]
    pauses = state.pauses if whole else state.pauses | {(OVERDUE, venue)}
    return replace(state, night=replace(found, opened=found.opened | {venue}), pauses=pauses)


def on_ended(state: Proceeding, entry: Entry) -> Proceeding:
    """A new day; clocks of what is still lost begin with it."""
    now = seconds(entry.at)
    return replace(
        state,
        night=None,
        day=now,
        pauses=state.pauses - {(NIGHT, "")},
        since=dict.fromkeys(state.since, now),
    )


def _night(state: Proceeding) -> Night:
    if state.night is None:
        raise NotNight("it is not night")
    return state.night


def _own(state: Proceeding, act: Act, venue: str) -> str:
    """An operator speaks of the area where it stands."""
    if state.seat(act.sub).venue != state.venue(venue).id:
        raise WrongVenue("the operator of this venue seals and opens its area")
    return venue


def _numbers(seals: list[object]) -> None:
    if len(seals) > _MAX_SEALS or len(set(map(str, seals))) != len(seals):
        raise Malformed(f"at most {_MAX_SEALS} seals, each once")
    for number in seals:
        if not isinstance(number, str) or not 1 <= len(number.strip()) <= len(number) <= _MAX_NUMBER:
            raise Malformed(f"a seal's number has 1 to {_MAX_NUMBER} characters")


def _note(text: str) -> None:
    if len(text) > _MAX_NOTE:
        raise Malformed(f"a note has at most {_MAX_NOTE} characters")


def _next(after: int, clock: str) -> int:
    """The first time after this second at which China's clocks show `clock`."""
    local = datetime.fromtimestamp(after, CHINA)
    hour, minute = (int(part) for part in clock.split(":"))
    found = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return int((found if found > local else found + timedelta(days=1)).timestamp())


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"area.seal": seal}
TIMED: dict[str, Callable[[Proceeding, Act, str], tuple[Draft, ...]]] = {"area.open": unseal}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "AreaSealed": on_sealed,
    "AreaOpened": on_opened,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"NightBegan": on_began, "NightEnded": on_ended}
