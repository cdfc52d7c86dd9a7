"""Asking for help, and being answered (docs/protocol.md 2.2): who waits for whom stands in the log.

The clocks are a matter of the view: how long somebody has waited follows from the entry's time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.state import AUDITOR, OPERATOR, SUPERVISOR, HelpRequest, Proceeding, Seat
from sessions.errors import AlreadyFixed, UnknownHelp

KINDS = frozenset({"device", "document", "procedure", "other"})
YELLOW_S, RED_S = 60, 180
"""Issue 3, item 6: a request that waits longer than this is yellow, then red, on the boards of those who answer."""
_MAX_TEXT = 500
_SHOWN = 20
"""Answered requests that a view still shows; all of them stay in the log."""


def ask(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`help.ask`: one open request for each seat; a kind alone is enough, because who needs help may not find words."""
    body = members(act.body, {"kind": str, "text": str})
    if body["kind"] not in KINDS or len(body["text"]) > _MAX_TEXT:
        raise Malformed(f"a known kind, and at most {_MAX_TEXT} characters")
    if any(found.seat == act.sub and found.answer is None for found in state.helps):
        raise AlreadyFixed("the seat waits for help already")
    return (Draft("HelpAsked", {}, act),)


def answer(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`help.answer`: by an operator of the asker's venue or of the main one, once."""
    body = members(act.body, {"asked": str, "text": str})
    if not 1 <= len(body["text"].strip()) <= len(body["text"]) <= _MAX_TEXT:
        raise Malformed(f"an answer has 1 to {_MAX_TEXT} characters")
    if find(state, body["asked"]).answer is not None:
        raise AlreadyFixed("the request is answered")
    return (Draft("HelpAnswered", {}, act),)


def find(state: Proceeding, asked: str) -> HelpRequest:
    """The request of this act id, or UnknownHelp."""
    wanted = unb64u(asked, 32)
    for found in state.helps:
        if found.id == wanted:
            return found
    raise UnknownHelp("nobody asked for help with this act")


def shown(state: Proceeding, seat: Seat) -> Object:
    """What the seat sees: its own requests; those who answer or watch see all that concern them."""
    seen = [found for found in state.helps if _concerns(state, seat, found)]
    waiting = [found for found in seen if found.answer is None]
    answered = [found for found in seen if found.answer is not None][-_SHOWN:]
    requests = sorted((*waiting, *answered), key=lambda found: found.n)
    return {"yellow": YELLOW_S, "red": RED_S, "requests": [_json(found) for found in requests]}


def answerable(state: Proceeding, seat: Seat) -> bool:
    """Whether somebody waits for this seat's answer."""
    mine = seat.role == OPERATOR
    return mine and any(found.answer is None and _concerns(state, seat, found) for found in state.helps)


def on_asked(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    body = act.body
    asked = HelpRequest(act.id, entry.n, act.sub, body["kind"], body["text"], entry.at)
    return replace(state, helps=(*state.helps, asked))


def on_answered(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    answered = find(state, act.body["asked"])
    given = replace(answered, answer=act.body["text"], answered=entry.at, by=act.sub)
    return replace(state, helps=tuple(given if found is answered else found for found in state.helps))


def _concerns(state: Proceeding, seat: Seat, found: HelpRequest) -> bool:
    if seat.role in (SUPERVISOR, AUDITOR):
        return True
    if seat.role == OPERATOR:
        return state.in_main_venue(seat) or state.seat(found.seat).venue == seat.venue
    return found.seat == seat.id


def _json(found: HelpRequest) -> Object:
    return {
        "id": b64u(found.id),
        "n": found.n,
        "seat": found.seat,
        "kind": found.kind,
        "text": found.text,
        "at": found.at,
        "answer": found.answer,
        "answered": found.answered,
        "by": found.by,
    }


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"help.ask": ask, "help.answer": answer}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "HelpAsked": on_asked,
    "HelpAnswered": on_answered,
}
