"""A log goes on under another origin because acknowledged entries are gone everywhere (docs/protocol.md 11.2).

`log.continue` says what is left, what is missing and what is still known of it. Before anything else is taken, another
centre than the main one confirms it. Then all venues count as lost: every seat comes back as after a cut-off, and its
acts of the missing range are merged as what they are, acts that this log never got (`sessions.core.cut_off`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.origins import following
from evidence.errors import Malformed
from sessions.continuing_errors import ContinuationRefused, NotConfirmed, NothingLost, TooLate, TooSoon
from sessions.core import cut_off
from sessions.core.commands import NoteLeaves
from sessions.core.continued import (
    CONFIRMED,
    CONTINUED,
    KNOWN,
    Continuation,
    Continuing,
    Statement,
    demand_held,
    rows,
)
from sessions.core.draws import seconds
from sessions.core.state import AUDITOR, VENUE_LOST, LostVenue, Proceeding

_MAX_REASON = 500


def go_on(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`log.continue`, the first entry of the new log's own.

    (1) The log has its definition; the act is for the next origin, and was made on exactly what is left.
    (2) The statements are of this log's cities, and fit what is said (`continued.demand_held`).
    (3) No node has released shares for a freeze that is not left: what it opened is beyond what is left.
    """
    body = Continuing.parse(act.body)
    # (1)
    if state.definition is None:
        raise ContinuationRefused("without its definition nothing is left to go on with: found it anew")
    left = body.left
    if act.aud != following(state.log) or left.origin != state.log:
        raise ContinuationRefused("the log is continued by the next origin of its proceeding")
    if (left.size, left.root) != act.seen or left.size != state.size:
        raise ContinuationRefused("the act was not made on exactly what is left")
    _text(body.reason)
    # (2)
    found = [Statement.parse(jws, state.identities, state.log) for jws in body.held]
    demand_held(found, body.absent, left, frozenset(state.identities) - {state.main})
    # (3)
    left_of = {found.freeze.leaf for found in state.evaluation.rounds if found.freeze and found.agreed is not None}
    left_of |= {found.freeze.leaf for found in state.drawing.draws if found.freeze}
    if any(freeze not in left_of for each in found for freeze in each.released):
        raise TooLate("a holder released for a freeze that is gone, or whose approval is")
    return (Draft(CONTINUED, {}, act),)


def confirm(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`log.confirm`: another centre than the main one, which has a seat here, has looked at what is missing."""
    leaf = unb64u(members(act.body, {"continued": str})["continued"], 32)
    found = _newest(state)
    if found.confirmed:
        raise ContinuationRefused("the continuation is confirmed")
    if leaf != found.leaf:
        raise ContinuationRefused("another continuation is confirmed than stands here")
    if act.sub == state.main or all(seat.centre != act.sub for seat in state.seats.values()):
        raise ContinuationRefused("another centre than the main one, with a seat here, confirms")
    return (Draft(CONFIRMED, {}, act),)


def note(state: Proceeding, command: NoteLeaves) -> tuple[Draft, ...]:
    """Leaves of the missing range that somebody proved after the continuation."""
    found = _newest(state)
    leaves = rows([leaf.json for leaf in command.leaves], found.left)
    if not leaves or any(leaf.n in found.known for leaf in leaves):
        raise NothingLost("the leaf is known")
    return (Draft(KNOWN, {"known": [leaf.json for leaf in leaves]}),)


def demand_confirmed(state: Proceeding) -> None:
    """NotConfirmed while another centre still looks at what is missing."""
    if not confirmed(state):
        raise NotConfirmed("another centre has not confirmed that the log goes on")


def confirmed(state: Proceeding) -> bool:
    """Whether nobody still looks at what is missing."""
    return not state.continuations or bool(state.continuations[-1].confirmed)


def demand_turn(state: Proceeding, act: Act) -> None:
    """TooSoon where an act of another seat is proven to come before this one, and that seat still brings its acts."""
    place = known_place(state, act.id)
    if place is None:
        return
    for leaf in state.continuations[-1].known.values():
        if leaf.act is None or leaf.act in state.acts or leaf.n >= place or leaf.sub in (None, act.sub):
            continue
        if leaf.sub in state.seat_key and cut_off.is_waiting(state, leaf.sub):
            raise TooSoon(f"the act of entry {leaf.n} comes first")


def known_place(state: Proceeding, act: bytes) -> int | None:
    """Where an act stood in what is missing; None where nobody proved it."""
    return state.continuations[-1].place(act) if state.continuations else None


def on_continued(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """Keys in the middle of a merge end: what they merged last is gone, and its order with it."""
    body = Continuing.parse(act.body)
    made = Continuation(entry.n, entry.origin, body.left, entry.leaf, body.root, body.reason).adding(body.known)
    merging = [name for name, kid in state.seat_key.items() if state.keys[kid].merge is not None]
    for name in merging:
        state = cut_off.end_key(state, name)
    return replace(state, continuations=(*state.continuations, made))


def on_confirmed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """All are cut off. Whoever sits in no venue waits with the main one; auditors sign nothing that could be gone."""
    newest = replace(state.continuations[-1], confirmed=act.sub)
    lost = dict(state.lost)
    for venue in state.venues.values():
        waiting = state.waiting(venue.id)
        if venue.main:
            waiting |= {name for name in state.waiting("") if state.seat(name).role != AUDITOR}
        if waiting:
            lost[venue.id] = LostVenue(newest.left.size, waiting)
    causes = {(VENUE_LOST, venue) for venue in lost}
    return replace(
        state,
        continuations=(*state.continuations[:-1], newest),
        lost=lost,
        pauses=state.pauses | causes,
        since={**state.since, **dict.fromkeys(causes, seconds(entry.at))},
    )


def on_known(state: Proceeding, entry: Entry) -> Proceeding:
    newest = state.continuations[-1]
    newest = newest.adding(rows(entry.body["known"], newest.left))
    return replace(state, continuations=(*state.continuations[:-1], newest))


def _newest(state: Proceeding) -> Continuation:
    if not state.continuations:
        raise NothingLost("the log was not continued")
    return state.continuations[-1]


def _text(text: str) -> None:
    if not 1 <= len(text.strip()) <= len(text) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"log.continue": go_on, "log.confirm": confirm}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    CONTINUED: on_continued,
    CONFIRMED: on_confirmed,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {KNOWN: on_known}
