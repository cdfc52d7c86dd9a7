"""Motions: what needs the committee's judgement is put to the vote, and the majority decides (87号令 61).

All members vote once, each vote against with its reason; the last vote decides, in the same append as what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import clarification, rejection
from evaluation.core.state import Evaluation
from evaluation.core.steps import Motion
from evaluation.errors import AlreadyDone, CommitteeRefused, EventRefused
from evaluation.step_errors import MotionDecided, MotionRefused, NoSuchMotion
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, b64u, members, unb64u
from evidence.core.entry import Draft, Entry

QUESTION, REJECTION, NO_COMPETITION, OBJECTION = "clarification", "rejection", "no-competition", "objection"
MATTERS = "contract-matters"
"""What is to be settled before the contract is signed (12号令 42, item 9): the report says it, or that nobody did."""


def put(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`motion.open`: any member; one motion of the same content at a time."""
    body = members(act.body, {"kind": str, "about": dict})
    if body["kind"] not in _CHECKS:
        raise MotionRefused(f"a motion is one of {', '.join(_CHECKS)}")
    if state.steps.failed is not None:
        raise MotionRefused("the evaluation has failed")
    _CHECKS[body["kind"]](state, body["about"])
    if any(found.carried is None and found.body == body["about"] for found in state.steps.motions):
        raise AlreadyDone("the same motion is open")
    return (Draft("MotionOpened", {}, act),)


def vote(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`motion.vote`: once, and against only with a reason; the last vote decides by more than half."""
    body = members(act.body, {"motion": str, "for": bool, "reason": object})
    found = find(state, body["motion"])
    if found.carried is not None:
        raise MotionDecided("the motion is decided")
    if act.sub in found.votes:
        raise AlreadyDone("a member votes once")
    if body["reason"] is not None or not body["for"]:
        clarification.text(body["reason"])
    voted = Draft("MotionVoted", {}, act)
    return voted, *decided(state, replace(found, votes={**found.votes, act.sub: body["for"]}))


def decided(state: Evaluation, found: Motion) -> tuple[Draft, ...]:
    """What follows once every member has voted, and the committee is one that may decide."""
    votes = found.votes
    if found.carried is not None or not set(state.seats) <= set(votes):
        return ()
    try:
        state.lawful()
    except CommitteeRefused:
        return ()
    counted = [votes[seat] for seat in state.seats]
    carried = 2 * sum(counted) > len(counted)
    body = {"motion": b64u(found.id), "carried": carried, "for": sum(counted), "members": len(counted)}
    follows = _follows(state, found) if carried else ()
    return Draft("MotionDecided", body), *follows


def _follows(state: Evaluation, found: Motion) -> tuple[Draft, ...]:
    if found.kind == NO_COMPETITION:
        number = rejection.short(state, state.standing) or 0
        return (Draft("EvaluationFailed", {"competing": number, "source": state.rules.source("compliance")}),)
    if found.kind != REJECTION or found.body["bidder"] in state.steps.rejected:
        return ()
    bidder = found.body["bidder"]
    rejected = Draft("BidRejected", {"bidder": bidder, "ground": found.body["ground"], "motion": b64u(found.id)})
    left = tuple(name for name in state.standing if name != bidder)
    return (rejected, *(rejection.failing(state, left) if state.valid is not None else ()))


def find(state: Evaluation, name: JSON) -> Motion:
    """The motion of this id, or NoSuchMotion."""
    wanted = unb64u(name, 32)
    for found in state.steps.motions:
        if found.id == wanted:
            return found
    raise NoSuchMotion("no motion of this id")


def _question(state: Evaluation, about: Object) -> None:
    clarification.check(state, about)
    if state.rules.clarification_by != clarification.MAJORITY:
        raise MotionRefused("the chair asks under this pack")


def _rejection(state: Evaluation, about: Object) -> None:
    rejection.check(state, about)


def _competition(state: Evaluation, about: Object) -> None:
    clarification.text(members(about, {"text": str})["text"])
    if state.rules.below_least != rejection.VOTE or state.valid is None:
        raise MotionRefused("the pack leaves nothing to decide, or not now")
    if rejection.lacking(state) is None:
        raise MotionRefused("there are bids enough, or the committee found that they compete")


def _words(state: Evaluation, about: Object) -> None:
    clarification.text(members(about, {"text": str})["text"])


_CHECKS: dict[str, Callable[[Evaluation, Object], None]] = {
    QUESTION: _question,
    REJECTION: _rejection,
    NO_COMPETITION: _competition,
    OBJECTION: _words,
    MATTERS: _words,
}


def _opened(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    made = Motion(act.id, entry.n, act.body["kind"], act.body["about"])
    return replace(state, steps=replace(state.steps, motions=(*state.steps.motions, made)))


def _voted(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found = find(state, act.body["motion"])
    return _with(state, found, replace(found, votes={**found.votes, act.sub: act.body["for"]}))


def _decided(state: Evaluation, entry: Entry) -> Evaluation:
    found = find(state, entry.body["motion"])
    carried = entry.body["carried"]
    state = _with(state, found, replace(found, carried=carried))
    if found.kind == QUESTION and carried:
        return clarification.put(state, found.id, entry.n, found.body)
    if found.kind == NO_COMPETITION and not carried:
        return replace(state, steps=replace(state.steps, competing=True))
    return state


def _rejected(state: Evaluation, entry: Entry) -> Evaluation:
    # Bids may now be fewer than when the committee found competition, so it must look again.
    rejected = {**state.steps.rejected, entry.body["bidder"]: entry.n}
    return replace(state, steps=replace(state.steps, rejected=rejected, competing=False))


def _failed(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, steps=replace(state.steps, failed=entry.n))


def _with(state: Evaluation, old: Motion, new: Motion) -> Evaluation:
    motions = tuple(new if each is old else each for each in state.steps.motions)
    return replace(state, steps=replace(state.steps, motions=motions))


def _act(entry: Entry) -> Act:
    if entry.act is None:
        raise EventRefused(f"{entry.type} needs an act")
    return entry.act


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {"motion.open": put, "motion.vote": vote}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "MotionOpened": _opened,
    "MotionVoted": _voted,
    "MotionDecided": _decided,
    "BidRejected": _rejected,
    "EvaluationFailed": _failed,
}
