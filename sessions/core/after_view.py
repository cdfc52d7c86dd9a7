"""What a seat sees after its proceeding: clocks and acts, each as far as they concern it (docs/protocol.md 2.9)."""

from __future__ import annotations

from datetime import date

from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64, b64u, unb64u
from sessions.core.after_clocks import Running, begun, clocks, holding, late
from sessions.core.aftermath import Aftermath, Case, Chain, HandOver, Rating
from sessions.core.state import AUDITOR, OPERATOR, SUPERVISOR, Proceeding, Seat


def view(state: Aftermath, proceeding: Proceeding, seat_id: str, today: date) -> Object:
    """The after-view of this seat; `chain` is what its next act has to say."""
    seat = proceeding.seat(seat_id)
    table = state.opening.timetable
    watches = _watches(proceeding, seat)
    shown: Object = {
        "origin": state.opening.origin,
        "today": today.isoformat(),
        "closed": state.opening.closed.isoformat(),
        "aborted": state.opening.aborted,
        "timetable": table.json,
        "calendar": state.opening.calendar.json,
        "retain": state.retain.isoformat(),
        "rating": table.value["rating"],
        "chain": _chain(state, proceeding, seat),
        "milestones": [
            {"milestone": name, "day": found.day.isoformat(), "evidence": found.evidence, "n": found.n}
            for name, found in state.milestones.items()
        ]
        if watches
        else [],
        "next": None,
        "held": None,
        "clocks": [
            found.json(today) for found in clocks(state, proceeding) if watches or _own(proceeding, seat, found)
        ],
        "cases": [_case(state, found) for found in state.cases.values()] if watches else [],
        "ratings": [_rating(found) for found in state.ratings.values() if watches or found.seat == seat.id],
        "hand_overs": [_hand_over(found) for found in state.hand_overs if watches or _at(seat, found.venue)],
    }
    if watches:
        shown |= _next(state, today)
        # Each kind of case is recorded and answered by one office.
        own = [kind for _, kind in sorted(table.kinds.items()) if kind.by == seat.role]
        shown["kinds"] = [kind.name for kind in own]
        shown["opens"] = [kind.name for kind in own if begun(state, kind)]
    return shown


def _next(state: Aftermath, today: date) -> Object:
    """The next milestone, and the case or the time by others that holds it up today; none where nothing was found."""
    order = () if state.opening.aborted else state.opening.timetable.milestones
    name = next((each for each in order if each not in state.milestones), None)
    found = None if name is None else holding(state, name, today)
    return {"next": name, "held": None if found is None else found.name}


def sees(state: Aftermath, proceeding: Proceeding, seat_id: str, act: Act) -> bool:
    """Whether the seat may hold this act with its disclosure."""
    seat = proceeding.seat(seat_id)
    if _watches(proceeding, seat) or act.sub == seat.id:
        return True
    body = act.body
    match act.act:
        case "rating.give":
            return bool(body["seat"] == seat.id)
        case "rating.decide":
            rating = state.rating(unb64u(body["rating"], 32))
            return rating is not None and rating.seat == seat.id
        case "hand-over.give":
            return _at(seat, body["venue"])
        case "hand-over.take":
            wanted = unb64u(body["hand_over"], 32)
            return any(found.id == wanted and _at(seat, found.venue) for found in state.hand_overs)
    return False


def _watches(proceeding: Proceeding, seat: Seat) -> bool:
    if seat.role == OPERATOR:
        return proceeding.in_main_venue(seat)
    return seat.role in (SUPERVISOR, AUDITOR)


def _at(seat: Seat, venue: str) -> bool:
    return seat.role == OPERATOR and seat.venue == venue


def _own(proceeding: Proceeding, seat: Seat, found: Running) -> bool:
    return found.subject == seat.id or (found.clock == "hand-over" and _at(seat, found.subject))


def _chain(state: Aftermath, proceeding: Proceeding, seat: Seat) -> Object | None:
    key = proceeding.keys.get(proceeding.seat_key.get(seat.id, ""))
    if key is None or not key.live or key.suspended:
        return None
    chain = state.chains.get(thumbprint(key.jwk), Chain())
    size, root = state.opening.final
    return {"aud": state.aud, "ctr": chain.ctr + 1, "prev": b64u(chain.last), "seen": [size, b64(root)]}


def _case(state: Aftermath, found: Case) -> Object:
    return {
        "id": b64u(found.id),
        "kind": found.kind,
        "of": found.of,
        "day": found.day.isoformat(),
        "text": found.text,
        "evidence": found.evidence,
        "late": late(state, found),
        "answered": None if found.answered is None else found.answered.isoformat(),
        "answer": found.answer,
        "n": found.n,
    }


def _rating(found: Rating) -> Object:
    return {
        "id": b64u(found.id),
        "seat": found.seat,
        "by": found.by,
        "day": found.day.isoformat(),
        "breaches": [list(pair) for pair in found.breaches],
        "answers": list(found.answers),
        "text": found.text,
        "points": found.points,
        "appeal": None if found.appeal is None else {"day": found.appeal[0].isoformat(), "reason": found.appeal[1]},
        "decision": None
        if found.decision is None
        else {"day": found.decision[0].isoformat(), "upheld": found.decision[1], "reason": found.decision[2]},
        "n": found.n,
    }


def _hand_over(found: HandOver) -> Object:
    return {
        "id": b64u(found.id),
        "venue": found.venue,
        "day": found.day.isoformat(),
        "items": [list(item) for item in found.items],
        "seals": list(found.seals),
        "taken": None if found.taken is None else found.taken.isoformat(),
        "missing": found.missing,
        "n": found.n,
    }
