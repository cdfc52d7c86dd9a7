"""Reopening a report that is made: the original committee, one of the four legal reasons, the supervisor's approval.

After the signature a result changes only by a re-evaluation of the same committee (87号令 64). The report that was made
stays what it is, with its signatures, and is marked; corrections follow as in any detailed review, and a new report is
made of the whole log and signed anew by everybody. Once the log is closed there is nothing to reopen: that takes
another proceeding, which names this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import checks, sealing
from evaluation.core.outcome import LOT, outcome
from evaluation.core.state import Evaluation
from evaluation.step_errors import ReopeningRefused
from evidence.core.act import Act
from evidence.core.canonical import b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core import signing_off
from sessions.core.state import Ending, Proceeding, Superseded
from sessions.errors import AlreadyFixed, SigningTurn, WrongDocument

MAX_REASON = 500
"""A reason is a sentence or two; it stands in the log for good."""


def ask(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`reopening.ask`: a member, or the main operator who was told of it, names the report and the legal reason."""
    body = members(act.body, {"document": str, "reason": str, "text": str})
    _text(body["text"])
    if unb64u(body["document"], 32) != signing_off.report(state).document:
        raise WrongDocument("not the report that was made")
    if state.reopening is not None:
        raise AlreadyFixed("a reopening waits for the supervisor")
    _check(state, body["reason"])
    return (Draft("ReopeningAsked", {}, act),)


def answer(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`reopening.approve`: the supervisor's word.

    (1) This very request waits.
    (2) Its reason still holds, no lot would be drawn twice, and no signature is under way.
    (3) The report is superseded, and the detailed review is open again.
    """
    body = members(act.body, {"asked": str, "approve": bool, "reason": str})
    _text(body["reason"])
    # (1)
    if state.reopening is None or state.reopening[0] != unb64u(body["asked"], 32):
        raise ReopeningRefused("no such request waits")
    answered = Draft("ReopeningAnswered", {}, act)
    if not body["approve"]:
        return (answered,)
    # (2)
    _check(state, state.reopening[1])
    made = signing_off.report(state)
    if made.pending is not None:
        raise SigningTurn(f"the signature of {made.pending.seat} is under way")
    # (3)
    superseded = {
        "reason": state.reopening[1],
        "document": b64u(made.document),
        "revision": b64u(made.revision),
        "signed": list(made.signed),
    }
    return answered, Draft("EvaluationReopened", superseded)


def _check(state: Proceeding, reason: str) -> None:
    evaluation = state.evaluation
    if reason not in checks.REASONS:
        raise ReopeningRefused(f"a report is reopened for {', '.join(checks.REASONS)}")
    if not _HOLDS[reason](evaluation):
        raise ReopeningRefused(f"{reason} does not hold in the opened sheets")
    lots = evaluation.ranking is not None and any(by == LOT for by, _, _ in evaluation.ranking.undecided)
    if evaluation.settled or lots:
        raise ReopeningRefused("a lot was drawn between equal bidders, and nothing is drawn twice")


def _wrong_sum(state: Evaluation) -> bool:
    found = outcome(sealing.fixed(state).scoring, state.standing, state.sheets(), state.lots, state.confirmed)
    return found.rows != state.rows


def _out_of_range(state: Evaluation) -> bool:
    most = dict(state.asked())
    return any(not 0 <= score <= most[item] for sheet in state.sheets() for item, score in sheet.scores.items())


_HOLDS: dict[str, Callable[[Evaluation], bool]] = {
    checks.SUM: _wrong_sum,
    checks.RANGE: _out_of_range,
    checks.OBJECTIVE: lambda state: bool(checks.look(state).objective),
    checks.ABNORMAL: lambda state: bool(checks.look(state).abnormal),
}
"""Sums are the program's and scores out of range are never opened, so the first two reasons hold in no log of ours."""


def _text(text: str) -> None:
    if not 1 <= len(text.strip()) <= len(text) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters")


def on_asked(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, reopening=(act.id, act.body["reason"]))


def on_answered(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, reopening=None)


def on_reopened(state: Proceeding, entry: Entry) -> Proceeding:
    """What the committee found stands, and so do its opened sheets; its tally, ranking and report are made anew."""
    old = Superseded(entry.n, signing_off.report(state), state.ending)
    return replace(state, report=None, ending=Ending(), superseded=(*state.superseded, old))


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "reopening.ask": ask,
    "reopening.approve": answer,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "ReopeningAsked": on_asked,
    "ReopeningAnswered": on_answered,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"EvaluationReopened": on_reopened}
