"""What the evaluation answers to acts and openings: events, or a refusal.

The caller has checked the act's signature and the actor's role, gate and stage; here stand the rules' own checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import (
    cases,
    checks,
    clarification,
    compliance,
    declarations,
    leaving,
    lots,
    motions,
    opening,
    rejection,
    returning,
    sealing,
    stages,
)
from evaluation.core.commands import Command, OpenRound
from evaluation.core.outcome import LOT
from evaluation.core.rounds import SHEET
from evaluation.core.state import Evaluation
from evaluation.errors import (
    AlreadyDone,
    ChairUndecided,
    EvaluationError,
    NotNextStage,
    SheetIsUnreadable,
    StageIncomplete,
    TooFewBidders,
)
from evaluation.step_errors import EvaluationFailed
from evidence.core.act import Act
from evidence.core.canonical import members
from evidence.core.entry import Draft


def decide(state: Evaluation, command: Command) -> tuple[Draft, ...]:
    """The events that follow from the command, or EvaluationError."""
    if isinstance(command, OpenRound):
        return opening.open_round(state, command)
    return ACTS[command.act](state, command)


def advance(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`stage.advance`: only to the next stage and when this one is complete."""
    asked = members(act.body, {"from": str, "to": str})
    if asked["from"] != state.stage or stages.following(state.stage) != asked["to"]:
        raise NotNextStage(f"{state.stage} is followed by {stages.following(state.stage)}")
    _whole(state)
    if state.stage in _COMPLETE:
        _COMPLETE[state.stage](state)
    first = Draft("StageAdvanced", {}, act)
    if asked["to"] == stages.CHAIR_ELECTION:
        return first, *leaving.election(state)
    if asked["to"] == stages.DETAILED_REVIEW:
        return first, *leaving.scoring(state)
    if asked["to"] == stages.TALLY:
        return first, *lots.tallied(state)
    return (first,)


def vote(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`review.vote`; the last member's vote concludes the review in the same append."""
    found = members(act.body, {"findings": list})
    findings = compliance.parse(found["findings"], sealing.fixed(state).scoring, state.pages(advice=True))
    if act.sub in state.votes:
        raise AlreadyDone("a member votes once")
    for finding in findings:
        rejection.check_asked(state, finding.bidder, finding.ground)
    voted = Draft("ReviewVoted", {}, act)
    return voted, *leaving.concluded(replace(state, votes={**state.votes, act.sub: findings}))


def _whole(state: Evaluation) -> None:
    """After check-in no stage ends while a place must be filled, or somebody's recusal is asked for."""
    if state.stage in (stages.CHECK_IN, stages.DECLARATIONS):
        return
    state.lawful()
    if waiting := [found.seat for found in state.requests if found.granted is None and found.seat in state.seats]:
        raise StageIncomplete(f"the supervisor decides on the recusal of {', '.join(waiting)}")


def _declared(state: Evaluation) -> None:
    for seat in state.seats:
        if seat not in state.commitments or seat not in state.declarations:
            raise StageIncomplete(f"{seat} has not signed and declared")
    state.lawful()


def _chosen(state: Evaluation) -> None:
    if state.chair_undecided:
        raise ChairUndecided("three rounds were tied, and the lot is not drawn yet")
    if state.chair is None:
        raise StageIncomplete("no chair was elected")


def _reviewed(state: Evaluation) -> None:
    if state.valid is None:
        raise StageIncomplete("not every member has voted")
    _unhindered(state)
    if waiting := state.unconfirmed:
        corrections = state.rules.source("corrections")
        raise StageIncomplete(f"corrected prices are not confirmed: {', '.join(waiting)} ({corrections})")
    if (number := rejection.lacking(state)) is not None:
        fewest, source = state.rules.least_bidders, state.rules.source("compliance")
        raise TooFewBidders(f"{number} valid bidders, at least {fewest} ({source})")


def _unhindered(state: Evaluation) -> None:
    """Nothing is failed, and nothing asked or moved is still open."""
    if state.steps.failed is not None:
        raise EvaluationFailed(f"too few valid bidders ({state.rules.source('compliance')})")
    if state.steps.open:
        raise StageIncomplete(f"still open: {', '.join(state.steps.open)}")


def _scored(state: Evaluation) -> None:
    found = state.round
    if found is None or found.purpose != SHEET or found.opened is None:
        raise StageIncomplete("the sheets are not opened")
    if unreadable := leaving.unreadable(state):
        raise SheetIsUnreadable(f"{len(unreadable)} sheets could not be read")
    if leaving.unscored(state):
        raise StageIncomplete("not every member has scored")
    _reviewed(state)
    checks.settled(state)


def _settled(state: Evaluation) -> None:
    if lots.awaited(state):
        raise StageIncomplete("lots are not drawn: the coefficient")
    if drawn := [matter for by, matter, _ in state.ranking.undecided if by == LOT] if state.ranking else []:
        raise StageIncomplete(f"lots are not drawn: {', '.join(drawn)}")


_COMPLETE: dict[str, Callable[[Evaluation], None]] = {
    stages.DECLARATIONS: _declared,
    stages.CHAIR_ELECTION: _chosen,
    stages.COMPLIANCE_REVIEW: _reviewed,
    stages.DETAILED_REVIEW: _scored,
    stages.TALLY: _settled,
}


def complete(state: Evaluation) -> bool:
    """Whether this stage lacks nothing that the evaluation itself knows of."""
    try:
        _whole(state)
        if state.stage in _COMPLETE:
            _COMPLETE[state.stage](state)
    except EvaluationError:
        return False
    return True


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "stage.advance": advance,
    "commitment.sign": declarations.commit,
    "recusal.declare": declarations.declare,
    "review.vote": vote,
    "ballot.seal": sealing.seal,
    "sheet.seal": sealing.seal,
    "sheet.reseal": sealing.reseal,
    "share.ack": sealing.acknowledge,
    "share.reject": sealing.reject,
    "round.freeze": sealing.freeze,
    "freeze.ok": opening.confirm,
    "freeze.dispute": opening.dispute,
    "opening.approve": opening.approve,
    "share.release": opening.release,
    **clarification.ACTS,
    **motions.ACTS,
    **returning.ACTS,
    **checks.ACTS,
    **cases.ACTS,
    **leaving.ACTS,
}
TIMED: dict[str, Callable[[Evaluation, Act, str], tuple[Draft, ...]]] = {**clarification.TIMED}
