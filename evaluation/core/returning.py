"""Stepping back with the supervisor's approval, and more time when more than a third of the members ask (实施条例 48).

Nothing is deleted: what was done since the stage stays in the log, and `StageReturned` says that it is void.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import clarification, leaving, lots, stages
from evaluation.core.outcome import LOT
from evaluation.core.rounds import SCORES, SHEET
from evaluation.core.sealing import round_opened
from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, EventRefused
from evaluation.step_errors import EvaluationFailed, ReportMade, ReturnRefused
from evidence.core.act import Act
from evidence.core.canonical import b64u, members, unb64u
from evidence.core.entry import Draft, Entry

TARGETS = (stages.COMPLIANCE_REVIEW, stages.DETAILED_REVIEW)


def ask(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`stage.back`: the main operator asks on the committee's behalf, with the reason."""
    body = members(act.body, {"from": str, "to": str, "reason": str})
    _check(state, body["to"])
    if body["from"] != state.stage:
        raise ReturnRefused(f"the stage is {state.stage}")
    clarification.text(body["reason"])
    if state.steps.back is not None:
        raise AlreadyDone("a step back waits for the supervisor")
    return (Draft("StepBackAsked", {}, act),)


def approve(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`stage.back-approve`: the stage is as it was at its beginning; sheets are made anew."""
    body = members(act.body, {"asked": str, "approve": bool, "reason": str})
    clarification.text(body["reason"])
    if state.steps.back is None or state.steps.back[0] != unb64u(body["asked"], 32):
        raise ReturnRefused("no such step back waits")
    if not body["approve"]:
        return (Draft("StepBackAnswered", {}, act),)
    to = state.steps.back[1]
    _check(state, to)
    void = [[found.purpose, found.number] for found in state.rounds if found.purpose == SHEET and not found.void]
    answered = Draft("StepBackAnswered", {}, act)
    returned = Draft("StageReturned", {"from": state.stage, "to": to, "void": void, "asked": b64u(state.steps.back[0])})
    if to == stages.COMPLIANCE_REVIEW:
        return answered, returned
    return answered, returned, round_opened(state, SHEET, SCORES, leaving.next_number(state), None)


def hurry(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`extension.ask`: with more than a third of the members the time is extended, and the buyer cannot refuse."""
    clarification.text(members(act.body, {"reason": str})["reason"])
    if act.sub in state.steps.hurried:
        raise AlreadyDone("a member asks once")
    asked = Draft("ExtensionAsked", {}, act)
    hurried = state.steps.hurried | {act.sub}
    if state.steps.extended is not None or 3 * len(hurried) <= len(state.seats):
        return (asked,)
    return asked, Draft("TimeExtended", {"asked": sorted(hurried), "members": len(state.seats)})


def _check(state: Evaluation, to: str) -> None:
    """There is a way back to `to`, and nothing is lost or drawn by it.

    (1) Only before the report, and only to a review.
    (2) No round waits between its freeze and its opening: what people agreed to open is opened.
    (3) No lot was called for: nothing is drawn twice for free.
    """
    if state.steps.failed is not None:
        raise EvaluationFailed("too few valid bids: nothing follows")
    # (1)
    if stages.STAGES.index(state.stage) >= stages.STAGES.index(stages.REPORT):
        raise ReportMade("the report is made")
    if to not in TARGETS or stages.STAGES.index(to) >= stages.STAGES.index(state.stage):
        raise ReturnRefused(f"from {state.stage} there is no way back to {to[:40]!r}")
    # (2)
    found = state.round
    if found is not None and found.freeze is not None and found.opened is None:
        raise ReturnRefused("the round is frozen and not opened")
    # (3)
    drawing = state.ranking is not None and any(by == LOT for by, _, _ in state.ranking.undecided)
    drawing = drawing or (state.stage == stages.TALLY and bool(lots.awaited(state)))
    if state.settled or drawing:
        raise ReturnRefused("a lot was called for")


def _asked(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    return replace(state, steps=replace(state.steps, back=(act.id, act.body["to"])))


def _answered(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, steps=replace(state.steps, back=None))


def _returned(state: Evaluation, entry: Entry) -> Evaluation:
    """What the later stages found is void; questions, motions and rejections of the committee stand as decided.

    For a newcomer the others' votes and sheets stand, too: the stages are gone through again for what is missing.
    """
    rounds = leaving.voided(state.rounds, entry.body["void"])
    state = replace(state, stage=entry.body["to"], rounds=rounds, rows=(), ranking=None)
    if entry.body["to"] == stages.DECLARATIONS:
        return replace(state, valid=None, rejected=(), steps=replace(state.steps, competing=False))
    state = replace(state, steps=replace(state.steps, corrections=()))
    if entry.body["to"] == stages.COMPLIANCE_REVIEW:
        steps = replace(state.steps, competing=False)
        return replace(state, votes={}, valid=None, rejected=(), steps=steps)
    return state


def _reopened(state: Evaluation, entry: Entry) -> Evaluation:
    """Tally and ranking are made again; the opened sheets and their corrections are what they are."""
    return replace(state, stage=stages.DETAILED_REVIEW, rows=(), ranking=None)


def _hurried(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, steps=replace(state.steps, hurried=state.steps.hurried | {_act(entry).sub}))


def _extended(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, steps=replace(state.steps, extended=entry.n))


def _act(entry: Entry) -> Act:
    if entry.act is None:
        raise EventRefused(f"{entry.type} needs an act")
    return entry.act


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "stage.back": ask,
    "stage.back-approve": approve,
    "extension.ask": hurry,
}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "StepBackAsked": _asked,
    "StepBackAnswered": _answered,
    "StageReturned": _returned,
    "EvaluationReopened": _reopened,
    "ExtensionAsked": _hurried,
    "TimeExtended": _extended,
}
