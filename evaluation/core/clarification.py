"""Clarification: the committee asks in writing, the supervisor lets it out, the bidder answers with a signature.

实施条例 52, 12号令 19 and 87号令 51: only for what is unclear, inconsistent or obviously mistyped, and for a price
that looks too low; nothing unasked is taken. A key of the bidder is good for one question.

A price that the order of the law corrects is put to the bidder the same way, once (87号令 59, 12号令 19): the question
and the answer name the price, so that the committee and the bidder each signed it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from evaluation.core import points
from evaluation.core.days import moment
from evaluation.core.state import Evaluation
from evaluation.core.steps import ANSWERED, LAPSED, REFUSED, Question
from evaluation.errors import AlreadyDone, EventRefused
from evaluation.step_errors import (
    AnswerLate,
    NoSuchQuestion,
    NotChair,
    QuestionClosed,
    QuestionNotApproved,
    QuestionRefused,
    TimeRuns,
)
from evidence.core.act import Act, public_key, thumbprint
from evidence.core.canonical import JSON, Object, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed

UNCLEAR, INCONSISTENT, TYPING, LOW_PRICE = "unclear", "inconsistent", "arithmetic-or-typing", "abnormally-low-price"
CORRECTION = "price-correction"
KINDS = (UNCLEAR, INCONSISTENT, TYPING, LOW_PRICE, CORRECTION)
CHAIR, MAJORITY = "chair", "majority"
# A question, an answer or a ground is a page at most; it stands in the log for good.
MAX_TEXT = 4000
# 87号令 60 wants "a reasonable time"; a deadline that nobody can meet, or beyond the day's work, is none.
LEAST, MOST = timedelta(minutes=10), timedelta(hours=24)


def text(value: JSON) -> str:
    """A text that says something, or QuestionRefused."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise QuestionRefused(f"a text has 1 to {MAX_TEXT} characters")
    return value


def evidence(state: Evaluation, body: Object, *, advice: bool = False) -> None:
    """`document` and `page` name a page of the tender's documents, or Malformed. Inside the committee (`advice`) they
    may name a fact of the advice as well; nothing of it goes out to a bidder."""
    if not 1 <= body["page"] <= state.pages(advice=advice).get(unb64u(body["document"], 32), 0):
        raise Malformed("no such document, or no such page in it")


def check(state: Evaluation, value: JSON) -> Object:
    """The members of a question, held against the law and the definition."""
    body = members(value, {**dict.fromkeys(("bidder", "kind", "text", "document"), str), "page": int}, {"price": str})
    bidders = [bidder for bidder, _ in state.fixed.scoring.bidders] if state.fixed else []
    if body["bidder"] not in bidders or body["bidder"] in state.steps.rejected:
        raise QuestionRefused("no such bidder, or its bid is rejected")
    if body["kind"] not in KINDS:
        raise QuestionRefused(f"a question is about one of {', '.join(KINDS)}")
    if (body["kind"] == CORRECTION) != ("price" in body):
        raise QuestionRefused("a correction, and nothing else, names the price that the bidder is to confirm")
    if "price" in body:
        _check_correction(state, body["bidder"], body["price"])
    text(body["text"])
    evidence(state, body)
    return body


def _check_correction(state: Evaluation, bidder: str, price: str) -> None:
    """The price is the one that the order of the law gives, and the bidder was not asked yet."""
    proposed = state.proposed.get(bidder)
    if proposed is None:
        raise QuestionRefused(f"nothing is to be corrected in this bid ({state.rules.source('corrections')})")
    if price != (due := points.form(proposed.price)):
        raise QuestionRefused(f"the order of the law gives {due} ({state.rules.source('corrections')})")
    if any(each.closed != REFUSED for each in corrections(state, bidder)):
        raise AlreadyDone("the corrected price was put to the bidder")


def ask(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`clarification.ask`: by the chair, where the pack does not want the committee's vote."""
    check(state, act.body)
    if state.rules.clarification_by != CHAIR:
        raise QuestionRefused(f"the committee votes on questions ({state.rules.clarification_source})")
    if act.sub != state.chair:
        raise NotChair("the chair puts the committee's questions")
    return (Draft("ClarificationAsked", {}, act),)


def approve(state: Evaluation, act: Act, at: str) -> tuple[Draft, ...]:
    """`clarification.approve`: the supervisor lets it out, with the time until which it may be answered."""
    body = members(act.body, {"question": str, "until": str})
    found = _open(state, body["question"])
    if found.until is not None:
        raise AlreadyDone("the question is out")
    now, until = datetime.fromisoformat(at), moment(body["until"])
    if not LEAST <= until - now <= MOST:
        raise TimeRuns("an answer has from 10 minutes to 24 hours")
    return (Draft("ClarificationApproved", {}, act),)


def refuse(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`clarification.refuse`: it leads, hints or goes beyond the bid; the supervisor says why."""
    body = members(act.body, {"question": str, "reason": str})
    text(body["reason"])
    if _open(state, body["question"]).until is not None:
        raise AlreadyDone("the question is out")
    return (Draft("ClarificationRefused", {}, act),)


def vouch(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`bidder.vouch`: the main centre names the key with which the bidder answers this one question."""
    body = members(act.body, {"question": str, "jwk": dict})
    found = _open(state, body["question"])
    if found.until is None:
        raise QuestionNotApproved("the supervisor has not let it out")
    if found.key is not None:
        raise AlreadyDone("the bidder has a key for this question")
    public_key(body["jwk"])
    return (Draft("BidderVouched", {"bidder": found.bidder}, act),)


def answer(state: Evaluation, act: Act, at: str) -> tuple[Draft, ...]:
    """`clarification.answer`: once, in time, by the key of this question. To a correction the bidder says the `price`
    that it confirms, or null."""
    body = members(act.body, {"question": str, "text": str}, {"price": object})
    found = find(state, body["question"])
    if found.key != act.kid or found.bidder != act.sub:
        raise NoSuchQuestion("this key was not asked that")
    _open(state, body["question"])
    text(body["text"])
    if ("price" in body) != (found.price is not None) or body.get("price") not in (None, found.price):
        raise QuestionRefused("to a correction, and to nothing else, the answer is its price or null")
    if found.until is None or moment(found.until) < datetime.fromisoformat(at):
        raise AnswerLate(f"the answer was due until {found.until}")
    return (Draft("ClarificationAnswered", {}, act),)


def lapse(state: Evaluation, act: Act, at: str) -> tuple[Draft, ...]:
    """`clarification.lapse`: the chair records that no answer came in time."""
    found = _open(state, members(act.body, {"question": str})["question"])
    if act.sub != state.chair:
        raise NotChair("the chair records it")
    if found.until is None or datetime.fromisoformat(at) <= moment(found.until):
        raise TimeRuns("the time for the answer has not run out")
    return (Draft("ClarificationLapsed", {}, act),)


def explained(state: Evaluation, bidder: str) -> bool:
    """Whether the bidder was asked about its low price, and the question is closed by an answer or its lack."""
    return any(
        found.bidder == bidder and found.kind == LOW_PRICE and found.closed in (ANSWERED, LAPSED)
        for found in state.steps.questions
    )


def unconfirmed(state: Evaluation, bidder: str) -> bool:
    """Whether a corrected price was put to the bidder, and the bidder did not confirm it in time."""
    return any(found.closed in (ANSWERED, LAPSED) and not found.confirmed for found in corrections(state, bidder))


def corrections(state: Evaluation, bidder: str) -> tuple[Question, ...]:
    """The questions that put a corrected price to the bidder: only what the supervisor held back is asked again."""
    return tuple(found for found in state.steps.questions if (found.bidder, found.kind) == (bidder, CORRECTION))


def find(state: Evaluation, name: JSON) -> Question:
    """The question of this id, or NoSuchQuestion."""
    wanted = unb64u(name, 32)
    for found in state.steps.questions:
        if found.id == wanted:
            return found
    raise NoSuchQuestion("nobody asked that")


def _open(state: Evaluation, name: JSON) -> Question:
    found = find(state, name)
    if found.closed is not None:
        raise QuestionClosed(f"the question is {found.closed}")
    return found


def put(state: Evaluation, id: bytes, n: int, body: Object) -> Evaluation:
    """The question stands, asked by the chair or carried by the committee."""
    made = Question(id, n, body["bidder"], body["kind"], price=body.get("price"))
    return replace(state, steps=replace(state.steps, questions=(*state.steps.questions, made)))


def _asked(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    return put(state, act.id, entry.n, act.body)


def _changed(state: Evaluation, entry: Entry, **more: str | int | bool) -> Evaluation:
    found = find(state, _act(entry).body["question"])
    made = replace(found, **more)  # type: ignore[arg-type]
    questions = tuple(made if each is found else each for each in state.steps.questions)
    return replace(state, steps=replace(state.steps, questions=questions))


def _closed(state: Evaluation, entry: Entry, how: str) -> Evaluation:
    return _changed(state, entry, closed=how, ended=entry.n)


def _answered(state: Evaluation, entry: Entry) -> Evaluation:
    state = _closed(state, entry, ANSWERED)
    body = _act(entry).body
    return _changed(state, entry, confirmed=body["price"] is not None) if "price" in body else state


def _vouched(state: Evaluation, entry: Entry) -> Evaluation:
    return _changed(state, entry, key=thumbprint(_act(entry).body["jwk"]), vouched=entry.n)


def _act(entry: Entry) -> Act:
    if entry.act is None:
        raise EventRefused(f"{entry.type} needs an act")
    return entry.act


EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "ClarificationAsked": _asked,
    "ClarificationApproved": lambda state, entry: _changed(state, entry, until=_act(entry).body["until"]),
    "ClarificationRefused": lambda state, entry: _closed(state, entry, REFUSED),
    "BidderVouched": _vouched,
    "ClarificationAnswered": _answered,
    "ClarificationLapsed": lambda state, entry: _closed(state, entry, LAPSED),
}
ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "clarification.ask": ask,
    "clarification.refuse": refuse,
    "bidder.vouch": vouch,
}
TIMED: dict[str, Callable[[Evaluation, Act, str], tuple[Draft, ...]]] = {
    "clarification.approve": approve,
    "clarification.answer": answer,
    "clarification.lapse": lapse,
}
