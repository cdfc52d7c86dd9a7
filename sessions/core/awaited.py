"""Who is awaited for what, told to operators and the supervisor: nobody of them guesses why nothing goes on.

What an operator may do now stands in `sessions.core.todo`; here stands what others owe before there is anything to do,
in the order in which they can do it. Grounds, names and judgements are not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from evaluation.core import checks, leaving, legal_items, rejection, stages
from evaluation.core.outcome import LOT
from evaluation.core.rounds import BALLOT, SHEET, Round
from evaluation.core.state import Evaluation
from evaluation.errors import EvaluationError
from evidence.core.canonical import JSON
from sessions.core import confirming, continuing, drawing, night, readiness, seating, signing_off
from sessions.core.state import (
    ABORTED,
    AUDITOR,
    CLOSED,
    NIGHT,
    OPERATOR,
    ORDERED,
    OVERDUE,
    PAUSED,
    RECORDING_LOST,
    SUPERVISOR,
    VENUE_LOST,
    Proceeding,
)
from sessions.errors import DrawDiffers

Awaited = tuple[str, tuple[str, ...]]
"""Why, and of whom or of what: seats, rooms, venues, bidders, draws."""

COMMITTEE = frozenset(
    {
        "questions-approve",
        "questions-key",
        "questions-answer",
        "corrections",
        "motions",
        "back",
        "failed",
        "competition",
        "differing",
    }
)
"""What the committee asks and finds is not for the operators of secondary venues."""


def awaited(state: Proceeding, *, committee: bool) -> list[JSON]:
    """`[[why, [who…]]…]` for a seat that may (`committee`) know what the committee is about; empty where nothing but
    this server itself, or the next act of the main operator, is awaited."""
    found = _found(state)
    return [[why, list(who)] for why, who in found if committee or why not in COMMITTEE]


def causes(state: Proceeding, role: str) -> tuple[str, ...]:
    """Seats that come back only when somebody of this role has stated why acts of theirs are missing."""
    waiting = {seat for lost in state.lost.values() for seat in lost.waiting}
    return tuple(seat for seat, stated in sorted(state.causes.items()) if seat in waiting and role not in stated)


def _found(state: Proceeding) -> Iterable[Awaited]:
    if state.gate == CLOSED or state.founding is None:
        return ()
    if state.gate == ABORTED:
        return _some(("recordings", state.recording), ("draws", drawing.unresolved(state)))
    if not continuing.confirmed(state):
        return (("confirmation", ()),)
    if state.gate == PAUSED:
        return _paused(state)
    return chain(_whole(state), _STAGES.get(state.stage, _nothing)(state))


def _some(*found: tuple[str, Iterable[str]]) -> tuple[Awaited, ...]:
    """Those of which there is somebody."""
    return tuple((why, listed) for why, who in found if (listed := tuple(sorted(who))))


def _nothing(state: Proceeding) -> Iterable[Awaited]:
    return ()


def _paused(state: Proceeding) -> Iterable[Awaited]:
    of = {cause: [subject for each, subject in state.pauses if each == cause] for cause, _ in state.pauses}
    waiting = [seat for venue, lost in state.lost.items() if not night.closed(state, venue) for seat in lost.waiting]
    found: list[Awaited] = []
    if state.night is not None:
        venues = state.venues.keys() - state.night.opened
        found += _some(("night-seal", venues - state.night.sealed.keys()), ("night-open", venues))
    found += _some(
        ("cause-operator", causes(state, OPERATOR)),
        ("cause-supervisor", causes(state, SUPERVISOR)),
        ("unbound", (seat for seat in waiting if seat not in state.seat_key)),
        ("waiting", (seat for seat in waiting if seat in state.seat_key)),
        (RECORDING_LOST, of.get(RECORDING_LOST, ())),
        ("overdue", of.get(OVERDUE, ())),
    )
    return [*found, (ORDERED, ())] if ORDERED in of else found


def _whole(state: Proceeding) -> Iterable[Awaited]:
    """What holds every stage: an incomplete committee, and what the committee or the supervisor has not decided."""
    evaluation, steps = state.evaluation, state.evaluation.steps
    if state.stage in (stages.CHECK_IN, stages.SIGNING, stages.DONE):
        return _some(("unseated", (seat.id for seat in state.seats.values() if state.is_open(seat))))
    found = list(_some(("unseated", evaluation.vacant))) if not _lawful(evaluation) else []
    if any(each.granted is None and each.seat in evaluation.seats for each in evaluation.requests):
        found.append(("recusal", ()))
    if steps.failed is not None:
        return [*found, ("failed", ())]
    asked = [each for each in steps.questions if each.closed is None]
    moved = [each for each in steps.motions if each.carried is None]
    found += _some(
        ("questions-approve", {each.bidder for each in asked if each.until is None}),
        ("questions-key", {each.bidder for each in asked if each.until is not None and each.key is None}),
        ("questions-answer", {each.bidder for each in asked if each.key is not None}),
        ("motions", {seat for each in moved for seat in evaluation.seats if seat not in each.votes}),
    )
    return [*found, ("back", ())] if steps.back is not None else found


def _lawful(evaluation: Evaluation) -> bool:
    try:
        evaluation.lawful()
    except EvaluationError:
        return False
    return True


def _witness(state: Proceeding) -> Iterable[Awaited]:
    gate = state.evaluation.sealing_gate
    return () if gate is not None and state.witnessed > gate else (("witness", ()),)


def _credentials(state: Proceeding) -> tuple[str, Iterable[str]]:
    """A credential comes by itself once its seat is bound: who is not, is awaited first."""
    return "credentials", (seat for seat in state.signers if seat in state.seat_key and seat not in state.credentials)


def _check_in(state: Proceeding) -> Iterable[Awaited]:
    rooms = state.rooms.keys()
    recording = [room for room in state.recording if not readiness.recorded(state, room)]
    yield from _some(
        ("unbound", _unbound(state)),
        ("undrawn", seating.undrawn(state)),
        ("unadmitted", rooms - state.admitted.keys()),
        ("unrecorded", [room for room in state.admitted if room not in state.recording]),
        ("segments", recording),
    )
    try:
        seating.venues(state)
    except DrawDiffers:
        yield "venues-drawn", ()
    if state.definition is None:
        yield "definition", ()
    if state.holders_frozen is None:
        yield "holders", state.successors or tuple(each for each in state.holders if each not in state.offers)
    yield from _some(_credentials(state))
    if state.definition is not None and state.holders_frozen is not None:
        yield from _witness(state)


def _unbound(state: Proceeding) -> list[str]:
    return [
        seat.id
        for seat in state.seats.values()
        if seat.role != AUDITOR
        and seat.id not in state.seat_key
        and seat.id not in state.evaluation.recused
        and not state.is_open(seat)
    ]


def _declarations(state: Proceeding) -> Iterable[Awaited]:
    seats, evaluation = state.evaluation.seats, state.evaluation
    return _some(
        ("unbound", (seat for seat in seats if seat not in state.seat_key)),
        _credentials(state),
        ("uncommitted", (seat for seat in seats if seat not in evaluation.commitments)),
        ("undeclared", (seat for seat in seats if seat not in evaluation.declarations)),
    )


def _election(state: Proceeding) -> Iterable[Awaited]:
    evaluation = state.evaluation
    if evaluation.chair is not None:
        return ()
    if evaluation.chair_undecided:
        return (("lots", ()),)
    return _round(state, evaluation.round, BALLOT)


def _compliance(state: Proceeding) -> Iterable[Awaited]:
    evaluation = state.evaluation
    yield from _some(("unvoted", (seat for seat in evaluation.seats if seat not in evaluation.votes)))
    yield from _some(("corrections", evaluation.unconfirmed))
    yield from _competition(evaluation)


def _competition(evaluation: Evaluation) -> Iterable[Awaited]:
    """Fewer bids than the law wants: the committee moves that they compete all the same, or the evaluation fails."""
    if evaluation.valid is None or rejection.lacking(evaluation) is None:
        return
    moved = any(each.carried is None for each in evaluation.steps.motions)
    if evaluation.steps.failed is None and not moved:
        yield "competition", evaluation.seats


def _detailed(state: Proceeding) -> Iterable[Awaited]:
    evaluation, found = state.evaluation, state.evaluation.round
    if state.superseded:
        yield from _some(("unrecorded", state.admitted.keys() - state.recording.keys()))
    yield from _competition(evaluation)
    if found is None or found.purpose != SHEET or found.opened is None:
        yield from _round(state, found, SHEET)
        return
    unreadable = set(leaving.unreadable(evaluation))
    whose = {seat for each in evaluation.rounds if each.freeze for seat, act in each.freeze.sheets if act in unreadable}
    yield from _some(
        ("unreadable", whose),
        ("unscored", set(leaving.unscored(evaluation)) - whose),
        ("differing", {bidder for bidder, _ in checks.look(evaluation).objective}),
    )


def _round(state: Proceeding, found: Round | None, purpose: str) -> Iterable[Awaited]:
    """One round, from its first seal to its opening."""
    if found is None or found.purpose != purpose or found.opened is not None:
        return (("round", ()),)
    if found.freeze is None:
        unsafe = state.evaluation.unsafe(found)
        return _some(
            ("unsealed", (seat for seat in found.required if seat not in found.current)),
            ("unsafe", (seat for seat in unsafe if seat in found.current)),
        )
    if found.freeze.disputed:
        return _some(("disputed", found.freeze.disputed))
    if found.orphaned(len(state.evaluation.holders), state.evaluation.holder_k):
        return _some(("author", (seat for seat, act in found.freeze.sheets if act not in found.plaintexts)))
    silent = _some(("unconfirmed", found.unconfirmed))
    if found.agreed is not None:
        return (("unopened", tuple(sorted({*state.holders} - found.releases.keys() - found.missing))),)
    return (*silent, ("unapproved", ())) if purpose == SHEET else silent


def _tally(state: Proceeding) -> Iterable[Awaited]:
    ranking = state.evaluation.ranking
    drawn = ranking is not None and any(by == LOT for by, _, _ in ranking.undecided)
    return (("lots", ()),) if drawn else ()


def _report(state: Proceeding) -> Iterable[Awaited]:
    if state.report is not None:
        return ()
    return (("legal", ()),) if legal_items.unmet(state.evaluation) else (("report", ()),)


def _signing(state: Proceeding) -> Iterable[Awaited]:
    unsigned = signing_off.unsigned(state)
    report = state.report
    unranked: tuple[str, ...] = ()
    if confirming.demanded(state):
        unranked = tuple(seat for seat in unsigned if seat not in state.ending.rankings)
        yield from _some(("differed", confirming.differing(state)))
    pending = {report.pending.seat} if report is not None and report.pending is not None else set()
    yield from _some(
        _credentials(state),
        ("unranked", unranked),
        ("signature", pending),
        ("unsigned", {*unsigned} - pending),
    )
    if not unsigned and (report is None or not report.signed):
        yield "nobody", ()
    if state.reopening is not None:
        yield "reopening", ()


def _done(state: Proceeding) -> Iterable[Awaited]:
    yield from _some(
        ("unsigned", signing_off.unsigned(state)),
        ("recordings", state.recording),
        ("draws", drawing.unresolved(state)),
    )
    if state.reopening is not None:
        yield "reopening", ()


WHYS = frozenset(
    {
        *COMMITTEE,
        *("confirmation", "ordered", "waiting", "recording-lost", "overdue", "night-seal", "night-open"),
        *("cause-operator", "cause-supervisor", "unseated", "recusal", "recordings", "draws", "reopening"),
        *("unbound", "undrawn", "venues-drawn", "unadmitted", "unrecorded", "segments"),
        *("definition", "holders", "witness", "credentials"),
        *("uncommitted", "undeclared", "unvoted", "lots", "legal", "report"),
        *("round", "unsealed", "unsafe", "disputed", "author", "unconfirmed", "unapproved", "unopened"),
        *("unreadable", "unscored", "differed", "unranked", "signature", "unsigned", "nobody"),
    }
)
"""Every reason that is told: each has its words in the client."""

PAUSES = (VENUE_LOST, RECORDING_LOST, ORDERED, OVERDUE, NIGHT)
"""Every cause of a pause that a view tells."""

_STAGES: dict[str, Callable[[Proceeding], Iterable[Awaited]]] = {
    stages.CHECK_IN: _check_in,
    stages.DECLARATIONS: _declarations,
    stages.CHAIR_ELECTION: _election,
    stages.COMPLIANCE_REVIEW: _compliance,
    stages.DETAILED_REVIEW: _detailed,
    stages.TALLY: _tally,
    stages.REPORT: _report,
    stages.SIGNING: _signing,
    stages.DONE: _done,
}
