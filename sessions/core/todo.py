"""What a seat must do next: names of acts, in the order in which they are due."""

from __future__ import annotations

from evaluation.core import decide as evaluation_decide
from evaluation.core import stages
from evaluation.core.rounds import BALLOT, SHEET, Round
from evaluation.core.state import Evaluation
from evaluation.errors import EvaluationError
from sessions.core import (
    aborted,
    confirming,
    continuing,
    cut_off,
    help_requests,
    night,
    readiness,
    seating,
    signing_off,
)
from sessions.core.state import ABORTED, CLOSED, OPEN, OPERATOR, OVERDUE, SUPERVISOR, Proceeding, Seat

_MOTIONS = stages.span(stages.COMPLIANCE_REVIEW, stages.DETAILED_REVIEW)
_SEAL = {BALLOT: "ballot.seal", SHEET: "sheet.seal"}
_RESEAL = {BALLOT: "ballot.seal", SHEET: "sheet.reseal"}


def todo(state: Proceeding, seat: Seat) -> list[str]:
    """Only what would be taken now; what waits for others is not named."""
    if state.gate == ABORTED and seat.role == OPERATOR and state.in_main_venue(seat) and seat.id in state.seat_key:
        return ["proceeding.seal"] if aborted.ready(state) else []
    if state.gate in (ABORTED, CLOSED) or seat.id in state.evaluation.recused:
        return []
    if seat.id not in state.seat_key:
        return ["seat.bind"]
    if not continuing.confirmed(state):
        return []
    if state.night is not None and seat.role == OPERATOR:
        return [] if {seat.venue} & (state.night.sealed.keys() | state.night.opened) else ["area.seal"]
    if cut_off.is_waiting(state, seat.id):
        return [] if night.closed(state, cut_off.place(state, seat.id)) else ["seat.resume"]
    due = _admissions(state, seat) + (["help.answer"] if help_requests.answerable(state, seat) else [])
    if seat.role == SUPERVISOR and any(cause == OVERDUE for cause, _ in state.pauses):
        due.append("incident.decide")
    if state.gate != OPEN:
        return due
    if seat.role == OPERATOR and state.in_main_venue(seat):
        due += _leading(state)
    if seat.role == SUPERVISOR:
        due += _supervising(state)
    if seat.member:
        due += _deciding(state, seat)
    return due


def _admissions(state: Proceeding, seat: Seat) -> list[str]:
    waiting = (
        room.id in state.seat_key and room.id not in state.admitted
        for room in state.rooms.values()
        if room.venue == seat.venue
    )
    return ["room.admit"] if seat.role == OPERATOR and any(waiting) else []


def _leading(state: Proceeding) -> list[str]:
    """The main operator's part: freeze, advance, close."""
    found = state.evaluation.round
    if found is not None and found.freeze is None and not state.evaluation.unsafe(found):
        return ["round.freeze"] if _lawful(state) else []
    if state.stage == stages.DONE:
        waits = state.recording or state.reopening is not None or signing_off.unsigned(state)
        return [] if waits else ["proceeding.close"]
    ready = readiness.ready(state) and evaluation_decide.complete(state.evaluation) and _gate(state)
    return ["stage.advance"] if ready else []


def _lawful(state: Proceeding) -> bool:
    try:
        state.evaluation.lawful()
    except EvaluationError:
        return False
    return True


def _gate(state: Proceeding) -> bool:
    """The next stage opens a round only when G1 is witnessed."""
    gate = state.evaluation.sealing_gate
    return gate is not None and state.witnessed > gate


def _supervising(state: Proceeding) -> list[str]:
    """A draw waits for the supervisor where a dealing was rejected, or answers for their second signature."""
    steps = state.evaluation.steps
    strata = {seat.stratum for seat in state.seats.values() if seat.stratum}
    over = steps.failed is not None or any(seating.exhausted(state, stratum) for stratum in sorted(strata))
    due = ["proceeding.abort"] if over else []
    asked = any(each.granted is None and each.seat in state.signers for each in state.evaluation.requests)
    due += ["recusal.decide"] if asked else []
    due += ["draw.external"] if state.stage == stages.CHECK_IN and seating.undrawn(state) else []
    due += ["clarification.approve" for each in steps.questions if each.until is None and each.closed is None][:1]
    due += ["stage.back-approve"] if steps.back is not None else []
    due += ["reopening.approve"] if state.reopening is not None else []
    for drawn in state.drawing.draws:
        if drawn.freeze is None and drawn.annulled is None and drawn.hopeless and drawn.hopeless == drawn.unsafe:
            due.append("draw.freeze")
        if drawn.stated is not None:
            due.append("draw.countersign")
    found = state.evaluation.round
    if found is None or found.purpose != SHEET or found.freeze is None:
        return due
    return due if found.freeze.disputed or found.freeze.approved is not None else [*due, "opening.approve"]


def _deciding(state: Proceeding, seat: Seat) -> list[str]:
    evaluation = state.evaluation
    if state.stage == stages.DECLARATIONS:
        made = {"commitment.sign": evaluation.commitments, "recusal.declare": evaluation.declarations}
        return [act for act, done in made.items() if seat.id not in done]
    moved = any(each.carried is None and seat.id not in each.votes for each in evaluation.steps.motions)
    due = ["motion.vote"] if moved and state.stage in _MOTIONS else []
    if state.stage == stages.COMPLIANCE_REVIEW:
        return due if seat.id in evaluation.votes else [*due, "review.vote"]
    if state.stage == stages.SIGNING:
        report = state.report
        mine = report is not None and any(signature.seat == seat.id for signature in report.signatures)
        free = report is not None and report.pending is None
        mine = mine or seat.id not in signing_off.unsigned(state)
        if mine:
            return []
        if confirming.demanded(state) and seat.id not in state.ending.rankings:
            return ["ranking.confirm"]
        waits = confirming.demanded(state) and confirming.waited_for(state, seat.id)
        return ["report.sign"] if free and not waits and seat.id in state.credentials else []
    return due + (_secret(evaluation, evaluation.round, seat.id) if evaluation.round else [])


def _secret(evaluation: Evaluation, found: Round, seat: str) -> list[str]:
    if seat not in found.required:
        return []
    current = found.current.get(seat)
    if current in found.unreadable and found.purpose == SHEET:
        return ["sheet.author_open"]
    if found.opened is not None:
        return []
    if found.freeze is None:
        if current is None:
            return [_SEAL[found.purpose]]
        # What can never become safe, the device deals anew. A ballot is one choice, sealed anew by its member.
        return [_RESEAL[found.purpose]] if evaluation.due_again(found, seat) else []
    if found.orphaned(len(evaluation.holders), evaluation.holder_k) and current not in found.plaintexts:
        return ["sheet.author_open"]
    answered = found.freeze.confirmed | found.freeze.disputed
    return [] if seat in answered else ["freeze.ok"]
