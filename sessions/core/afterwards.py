"""The rules after an evaluation: who may state what, and when (docs/protocol.md 2.9). Pure, and decided again by
whoever holds the disclosed acts: `at` is the time of the entry in the centre log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from evaluation.core import days
from evidence.core.act import Act
from evidence.core.canonical import JSON, members, unb64u
from evidence.errors import Malformed
from sessions.after_errors import (
    AppealLate,
    CaseRefused,
    HandOverRefused,
    MilestoneOrder,
    MilestoneRefused,
    NoSuchCase,
    NotOwnJudge,
    RatingRefused,
)
from sessions.core.after_clocks import appeal_until, begun, holding, sat
from sessions.core.aftermath import Aftermath, Rating
from sessions.core.permission import AFTER, demand
from sessions.core.state import Proceeding
from sessions.errors import AlreadyFixed, UnknownAct

MAX_TEXT = 2000
MAX_NAME = 200
MAX_ITEMS = 200
KINDS_OF_ITEMS = ("paper", "electronic", "audio-video", "sealed", "other")


def decide(state: Aftermath, act: Act, proceeding: Proceeding, at: str) -> None:
    """Return, or raise why the act is not allowed; `aftermath.check` has checked whose it is and where it stands."""
    if act.act not in AFTER:
        raise UnknownAct(f"no act {act.act[:40]!r} after a proceeding")
    if act.sd:
        raise Malformed("an act after a proceeding discloses nothing by itself")
    venue = None
    if act.act == "hand-over.give":
        venue = proceeding.venue(members(act.body, {"venue": str, "items": list, "seals": list})["venue"]).id
    demand(proceeding, act.sub, act.act, venue=venue)
    _RULES[act.act](state, act, proceeding, state.opening.calendar.day_of(at))


# --- milestones and cases


def _milestone(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"milestone": str, "day": str, "text": str, "evidence": object})
    name, order = body["milestone"], state.opening.timetable.milestones
    _text(body["text"], least=0)
    _digest(body["evidence"])
    if name not in order or state.opening.aborted:
        raise MilestoneRefused("no such milestone, or nothing was found that could be published")
    if name in state.milestones:
        raise AlreadyFixed("the milestone is stated")
    day = _day(body["day"])
    before = [state.opening.closed]
    for earlier in order[: order.index(name)]:
        if earlier not in state.milestones:
            raise MilestoneOrder(f"{earlier} comes first")
        before.append(state.milestones[earlier].day)
    if not max(before) <= day <= today:
        raise MilestoneRefused("the day lies before the last milestone, or has not come")
    found = holding(state, name, day)
    if found is not None:
        raise MilestoneOrder(f"{found.name} is not over, or not answered ({found.source})")


def _open_case(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"kind": str, "of": str, "day": str, "text": str, "evidence": object})
    kind = state.opening.timetable.kinds.get(body["kind"])
    if kind is None or proceeding.seat(act.sub).role != kind.by:
        raise CaseRefused("no such case, or another office records it")
    _text(body["text"])
    _text(body["of"], most=MAX_NAME)
    _digest(body["evidence"])
    if not state.opening.closed <= _day(body["day"]) <= today:
        raise CaseRefused("the day lies before the end of the evaluation, or has not come")
    if not begun(state, kind):
        raise CaseRefused(f"the time for it has not begun ({kind.source})")


def _answer(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"case": str, "text": str, "evidence": object})
    _text(body["text"])
    _digest(body["evidence"])
    case = state.cases.get(unb64u(body["case"], 32))
    if case is None or case.answered is not None:
        raise NoSuchCase("no open case of this id")
    if proceeding.seat(act.sub).role != state.opening.timetable.kinds[case.kind].by:
        raise CaseRefused("another office answers")


# --- ratings


def _rate(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"seat": str, "breaches": list, "answers": list, "text": str})
    rules = state.opening.timetable.value["rating"]
    seat = proceeding.seat(body["seat"])
    if proceeding.seat(act.sub).role not in rules["by"]:
        raise RatingRefused(f"another office rates ({rules['source']})")
    if seat.role not in rules["of"] or seat.id not in sat(proceeding):
        raise RatingRefused("who sat in the committee as an expert is rated, to its end or not")
    if seat.id in state.ratings:
        raise AlreadyFixed("the expert is rated")
    _text(body["text"])
    items = rules["items"]
    if len(body["answers"]) != len(items["questions"]) or not all(type(given) is bool for given in body["answers"]):
        raise RatingRefused(f"{len(items['questions'])} questions are answered yes or no")
    names = []
    for breach in body["breaches"]:
        if not isinstance(breach, list) or len(breach) != 2 or breach[0] not in items["breaches"]:
            raise RatingRefused(f"no such breach ({items['breaches_source']})")
        names.append(breach[0])
        _text(breach[1])
    if len(set(names)) != len(names):
        raise RatingRefused("a breach stands twice")


def _appeal(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"rating": str, "reason": str})
    _text(body["reason"])
    rating = _rating(state, body["rating"])
    if rating.seat != act.sub:
        raise NoSuchCase("a member appeals against its own rating")
    if rating.appeal is not None:
        raise AlreadyFixed("the appeal is lodged")
    if today > appeal_until(state, rating).day:
        raise AppealLate("the time to appeal is over")


def _decide(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"rating": str, "uphold": bool, "points": object, "reason": str})
    _text(body["reason"])
    rating = _rating(state, body["rating"])
    if rating.appeal is None:
        raise NoSuchCase("nobody appealed against this rating")
    if rating.decision is not None:
        raise AlreadyFixed("the appeal is decided")
    if rating.by == act.sub:
        raise NotOwnJudge("who rated does not decide on the appeal")
    points = body["points"]
    if body["uphold"] != (points is None):
        raise RatingRefused("a rating that is not upheld gets other points")
    if points is not None and (type(points) is not int or not 0 <= points < max(1, rating.points)):
        raise RatingRefused("an appeal does not make it worse")


# --- hand-over


def _hand_over(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = act.body
    if proceeding.venue(body["venue"]).main:
        raise HandOverRefused("a secondary venue hands over to the main one")
    last = state.handed(body["venue"])
    if last is not None and not (last.taken is not None and last.missing is not None):
        raise AlreadyFixed("the venue has handed over")
    if not 1 <= len(body["items"]) <= MAX_ITEMS or len(body["seals"]) > MAX_ITEMS:
        raise HandOverRefused(f"1 to {MAX_ITEMS} items, and their seals")
    for item in body["items"]:
        if not isinstance(item, list) or len(item) != 4 or item[0] not in KINDS_OF_ITEMS:
            raise HandOverRefused("an item is [kind, what, how many, digest or null]")
        _text(item[1], most=MAX_NAME)
        _digest(item[3])
        if type(item[2]) is not int or not 1 <= item[2] <= 10**6:
            raise HandOverRefused("items are counted")
    for number in body["seals"]:
        _text(number, most=MAX_NAME)
    if len(set(body["seals"])) != len(body["seals"]):
        raise HandOverRefused("a seal's number stands twice")


def _take(state: Aftermath, act: Act, proceeding: Proceeding, today: date) -> None:
    body = members(act.body, {"hand_over": str, "missing": object})
    if body["missing"] is not None:
        _text(body["missing"])
    wanted = unb64u(body["hand_over"], 32)
    if not any(found.id == wanted and found.taken is None for found in state.hand_overs):
        raise NoSuchCase("nothing of this id waits to be taken over")


# --- small things


def _rating(state: Aftermath, text: str) -> Rating:
    found = state.rating(unb64u(text, 32))
    if found is None:
        raise NoSuchCase("no rating of this id")
    return found


def _day(text: str) -> date:
    try:
        return days.read(text)
    except ValueError as error:
        raise Malformed("a day is 2026-11-21") from error


def _text(text: JSON, *, least: int = 1, most: int = MAX_TEXT) -> None:
    if not isinstance(text, str) or not least <= len(text.strip()) <= len(text) <= most:
        raise Malformed(f"a text of {least} to {most} characters")


def _digest(value: JSON) -> None:
    if value is not None:
        if not isinstance(value, str):
            raise Malformed("evidence is a digest or null")
        unb64u(value, 32)


_RULES: Mapping[str, Callable[[Aftermath, Act, Proceeding, date], None]] = {
    "milestone.state": _milestone,
    "case.open": _open_case,
    "case.answer": _answer,
    "rating.give": _rate,
    "rating.appeal": _appeal,
    "rating.decide": _decide,
    "hand-over.give": _hand_over,
    "hand-over.take": _take,
}
