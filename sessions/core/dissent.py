"""Dissent at signing, and who is deemed to agree (实施条例 53, 87号令 61, 12号令 43).

A member who does not agree says why, under its own key, beside its signature or instead of it. Who neither signs nor
says why until the time that it was given is deemed to agree, and the chair records that in writing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from evaluation.core.days import moment
from evidence.core.act import Act
from evidence.core.canonical import Object, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core import signing_off
from sessions.core.state import SUPERVISOR, Proceeding
from sessions.errors import AlreadySigned, CommandRefused, NotReady, SigningTurn, WrongDocument, WrongRole

# A statement of dissent is a page at most; it stands in the log for good.
MAX_REASON = 4000
# Whoever is to lose the right to object by silence has time to read the report first.
LEAST, MOST = timedelta(minutes=10), timedelta(days=3)


def dissent(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`report.dissent`: once, over the frozen report, with the reasons."""
    body = members(act.body, {"document": str, "reason": str})
    _reason(body)
    frozen = signing_off.report(state)
    if unb64u(body["document"], 32) != frozen.document:
        raise WrongDocument("not the frozen report")
    if act.sub in state.ending.dissents:
        raise AlreadySigned("the seat has dissented")
    if act.sub in state.ending.deemed:
        raise CommandRefused("the time has run out: the seat is deemed to agree")
    return (Draft("ReportDissented", {}, act),)


def call(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`signing.call`: the chair, or for the chair the supervisor, sets a seat its time to sign or to say why not."""
    body = members(act.body, {"seat": str, "until": str})
    _leads(state, act, body)
    if body["seat"] in state.ending.calls:
        raise CommandRefused("the seat has its time")
    if not LEAST <= moment(body["until"]) - datetime.fromisoformat(at) <= MOST:
        raise CommandRefused("from 10 minutes to 3 days")
    return (Draft("SigningCalled", {}, act),)


def deem(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`member.deem`: the time of the seat has run out without signature or reasons.

    (1) By the chair, or for the chair by the supervisor, in writing.
    (2) The seat was called, and its time is over.
    (3) Its signature is neither made nor under way, and it has not dissented.
    """
    body = members(act.body, {"seat": str, "reason": str})
    # (1)
    _leads(state, act, body)
    _reason(body)
    # (2)
    until = state.ending.calls.get(body["seat"])
    if until is None or datetime.fromisoformat(at) <= moment(until):
        raise NotReady("the seat was not called, or its time runs")
    # (3)
    pending = signing_off.report(state).pending
    if pending is not None and pending.seat == body["seat"]:
        raise SigningTurn("the signature is under way")
    return (Draft("MemberDeemedAgreed", {}, act),)


def _leads(state: Proceeding, act: Act, body: Object) -> None:
    """The chair speaks of any other member, the supervisor of the chair alone."""
    signing_off.report(state)
    chair = state.evaluation.chair
    supervises = state.seat(act.sub).role == SUPERVISOR
    if (body["seat"] == chair) != supervises or (not supervises and act.sub != chair):
        raise WrongRole("the chair, and the supervisor for the chair")
    if body["seat"] not in signing_off.unsigned(state):
        raise AlreadySigned("the seat is no member, or has signed or dissented")


def _reason(body: Object) -> None:
    if not body["reason"].strip() or len(body["reason"]) > MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters")


def on_dissented(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    ending = state.ending
    return replace(state, ending=replace(ending, dissents={**ending.dissents, act.sub: act.body["reason"]}))


def on_called(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    ending = state.ending
    return replace(state, ending=replace(ending, calls={**ending.calls, act.body["seat"]: act.body["until"]}))


def on_deemed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, ending=replace(state.ending, deemed=state.ending.deemed | {act.body["seat"]}))


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"report.dissent": dissent}
TIMED: dict[str, Callable[[Proceeding, Act, str], tuple[Draft, ...]]] = {"signing.call": call, "member.deem": deem}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "ReportDissented": on_dissented,
    "SigningCalled": on_called,
    "MemberDeemedAgreed": on_deemed,
}
