"""Who sits in an open seat, or takes the place of a member who left (87号令 48 and 49, 实施条例 46 to 48).

Nobody chooses. A drawn member is the first position of its stratum that was accepted and sits nowhere yet, and its seat
the first that is free; so the reserves of one draw decide refusals and replacements beforehand. The pool's custodian
states it, because nobody else knows who a leaf is; the person stands in a disclosure of the custodian's own act.
Where another authority drew (`ExternalDraw`), where the founding names an approval for designated members, and for the
buyer's own representative, the supervisor states it. A roster that was fixed says nothing of where its experts come
from: under packs that forbid designation its check-in waits for the statement (`undrawn`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import declarations, leaving
from evaluation.core import draw as rules
from evaluation.core.committee import BUYER, EXPERT
from evaluation.core.rules import shelf
from evaluation.core.rules.shelf import Pack
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, members, unb64u
from evidence.core.entry import Draft, Entry
from sessions.core.draws import Draw
from sessions.core.roster import DESIGNATED
from sessions.core.state import SUPERVISOR, Proceeding, Seat, Seated
from sessions.errors import DrawDiffers, NotReady, SeatingRefused, WrongRole

STAYS_SINCE = 3
"""The first engine under which a granted recusal does not change a committee that evaluates again."""
DRAWN, EXTERNAL, APPROVED, NAMED = "drawn", "external", "designated", "buyer"


def seat(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`member.seat`.

    (1) The place is free: an open seat, or that of a member who left, whose successor gets the next seat id.
    (2) The person comes from where the law says, for this place.
    (3) The person is named in one disclosure, whose digest is in the act and in no other.
    (4) A newcomer's part begins with the declarations.
    """
    body = members(act.body, {"seat": str, "replaces": object, "source": dict})
    if None in _public(state, rules.SEAT):
        raise NotReady("the seats are being drawn")
    # (1)
    place = _place(state, body)
    # (2)
    _source(state, act, place, body["source"])
    # (3)
    if len(act.sd) != 1 or act.sd[0] in state.people.values():
        raise SeatingRefused("a newcomer is named in one disclosure of its own")
    # (4)
    made = Draft("MemberSeated", {"role": place.role, "venue": place.venue, "centre": place.centre}, act)
    if body["replaces"] is None:
        return (made,)
    return made, *leaving.returns(leaving.seated(state.evaluation, body["seat"], place.role, body["replaces"]))


def remove(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`member.remove`; a seat that is cut off is released first, so that nothing of it is merged later."""
    name = act.body.get("seat")
    if any(name in lost.waiting for lost in state.lost.values()):
        raise NotReady("the seat is cut off: it is released first")
    _original(state)
    return leaving.remove(state.evaluation, act)


def settle(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`recusal.decide`, with the same care."""
    asked = leaving.find(state.evaluation, act.body.get("request")).seat
    if act.body.get("recuse") is True and any(asked in lost.waiting for lost in state.lost.values()):
        raise NotReady("the seat is cut off: it is released first")
    if act.body.get("recuse") is True and state.evaluation.engine >= STAYS_SINCE:
        _original(state)
    return leaving.settle(state.evaluation, act)


def declare(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`recusal.declare`; one that was signed without the network counts from its place in the merge."""
    if act.body.get("recuse") is True:
        _original(state)
    return declarations.declare(state.evaluation, act)


def _original(state: Proceeding) -> None:
    """A member who leaves, and a newcomer who may not know the report, would be another committee."""
    if state.superseded:
        raise NotReady("a reopened evaluation is the original committee's (order 87, article 64)")


def free(state: Proceeding, stratum: str) -> tuple[str, ...]:
    """Places of this stratum that are free, in the order in which they are filled: that of a draw of seats, if any."""
    opened = tuple(seat.id for seat in state.seats.values() if seat.stratum == stratum and state.is_open(seat))
    if places := _public(state, rules.SEAT):
        order = places[0] if places[0] is not None else ()
        opened = tuple(sorted(opened, key=lambda name: order.index(name) if name in order else len(order)))
    vacant = tuple(name for name in state.evaluation.vacant if state.seat(name).stratum == stratum)
    return opened + vacant


def check_seats(state: Proceeding, refs: tuple[str, ...] | None) -> None:
    """A draw of seats puts the open ones in the order in which they are filled, and nothing else."""
    opened = {seat.id for seat in state.seats.values() if state.is_open(seat)}
    if binding(state) and (refs is None or set(refs) != opened or not opened):
        raise SeatingRefused("a draw of seats is between all the seats that are open")


def venues(state: Proceeding) -> None:
    """DrawDiffers where venues are being drawn, or were drawn and others are founded: the result binds the roster."""
    secondary = {venue.centre for venue in state.venues.values() if not venue.main}
    for order in _public(state, rules.VENUE):
        if order is None:
            raise DrawDiffers("the venues are being drawn")
        if set(order) != secondary:
            raise DrawDiffers(f"drawn were {', '.join(order)}: with other venues the proceeding is founded anew")


def _public(state: Proceeding, label: str) -> list[tuple[str, ...] | None]:
    """What was drawn under this label where results bind: of seats the whole order, else who is drawn; None before the
    result. A draw that was annulled, or whose pack binds nobody, drew nothing."""
    if not binding(state):
        return []
    return [
        None if found.resolved is None else (found.named[i] or ())[: None if label == rules.SEAT else each.quota]
        for found in state.drawing.draws
        if found.annulled is None
        for i, each in enumerate(found.strata)
        if each.label == label
    ]


def next_position(state: Proceeding, found: Draw, which: int) -> int | None:
    """The first position that was accepted and whose candidate sat nowhere, in this stratum or by any other draw."""
    if not found.answers:
        return None
    sitting = {each.position for each in state.seated.values() if (each.opened, each.stratum) == (found.leaf, which)}
    taken = _leaves(state) if binding(state) else frozenset()
    return next(
        (
            position
            for position in sorted(rules.accepted(found.answers[which]))
            if position not in sitting and found.ranked[which][position] not in taken
        ),
        None,
    )


def sits(state: Proceeding, found: Draw) -> tuple[str, ...]:
    """Seats whose members this draw put there, and who have not left."""
    left = state.evaluation.recused
    return tuple(seat for seat, made in state.seated.items() if made.opened == found.leaf and seat not in left)


def _leaves(state: Proceeding) -> frozenset[bytes]:
    """The leaf hashes of everybody whom a draw seated: nobody sits twice, and nobody who left comes again."""
    drawn = [made for made in state.seated.values() if made.kind == DRAWN]
    return frozenset(state.drawing.opened(each.opened).ranked[each.stratum][each.position] for each in drawn)


def exhausted(state: Proceeding, stratum: str) -> bool:
    """Whether every reserve of the stratum has answered and a place is still free: then a new committee is needed."""
    for found in state.drawing.draws:
        for which, each in enumerate(found.strata):
            if each.label == stratum and found.resolved is not None and found.annulled is None:
                asked = len(rules.standing(found.answers[which])) if found.answers else 0
                none = next_position(state, found, which) is None
                return bool(free(state, stratum)) and none and asked >= len(found.ranked[which])
    return False


def binding(state: Proceeding) -> bool:
    """Whether the founding's pack lets nobody sit undrawn; logs under older packs are read as they were decided."""
    found = pack(state)
    return found is not None and found.experts_drawn


def pack(state: Proceeding) -> Pack | None:
    """The founding's."""
    return None if state.founding is None else shelf.PACKS[state.founding.rule_pack[:2]]


def by_seat(state: Proceeding) -> bool:
    """Whether a statement that another system drew names the seats that it filled."""
    found = pack(state)
    return found is not None and found.drawn_by_seat


def check_stated(state: Proceeding, seats: list[JSON]) -> None:
    """SeatingRefused unless these are seats that wait for such a statement; one of them at least, while any does."""
    waiting = undrawn(state)
    if any(seat not in waiting for seat in seats) or len(set(map(str, seats))) != len(seats) or (waiting and not seats):
        raise SeatingRefused(
            f"the statement names seats of experts who were drawn so: {', '.join(waiting) or 'none waits'}"
        )


def undrawn(state: Proceeding) -> tuple[str, ...]:
    """Experts of a roster that was fixed, as long as the supervisor has stated no draw that they come from.

    Nobody designates (实施条例 46, 87号令 48): an expert is drawn here, or by another authority's system, or sits with
    the approval of the founding. Whoever comes by `member.seat` said so there; a fixed roster says it by the statement.
    """
    whole = not by_seat(state) and any(rules.kind(label) == rules.EXPERT for label in state.drawing.external)
    if not binding(state) or whole:
        return ()
    return tuple(
        seat.id
        for seat in state.seats.values()
        if seat.role == EXPERT
        and not seat.stratum
        and seat.id not in state.seated
        and seat.id not in state.drawing.stated
        and seat.id not in state.evaluation.recused
    )


def check_quotas(state: Proceeding, strata: list[rules.Stratum]) -> None:
    """A draw of experts fills exactly the open seats of its labels, where the founding has any."""
    wanted: dict[str, int] = {}
    for seat in state.seats.values():
        if seat.stratum and seat.stratum != DESIGNATED:
            wanted[seat.stratum] = wanted.get(seat.stratum, 0) + 1
    for each in strata:
        if wanted and rules.kind(each.label) == rules.EXPERT and wanted.get(each.label) != each.quota:
            raise SeatingRefused(f"{each.label}: {wanted.get(each.label, 0)} seats are open")


def _place(state: Proceeding, body: Object) -> Seat:
    """The seat as it will be."""
    replaced = body["replaces"]
    if replaced is None:
        found = state.seat(body["seat"])
        if not state.is_open(found):
            raise SeatingRefused("the seat is not open")
        return found
    if replaced not in state.evaluation.vacant:
        raise SeatingRefused("the place is not free")
    number = 1 + max(int(name.rpartition("-")[2]) for name, each in state.seats.items() if each.member)
    if body["seat"] != f"seat-{number}":
        raise SeatingRefused(f"the next seat is seat-{number}")
    return replace(state.seat(str(replaced)), id=body["seat"])


def _source(state: Proceeding, act: Act, place: Seat, source: Object) -> None:
    kind = source.get("kind")
    if kind == DRAWN:
        _drawn(state, act, place, source)
        return
    if state.seats.get(act.sub) is None or state.seat(act.sub).role != SUPERVISOR:
        raise WrongRole("whom no draw of this log names, the supervisor states")
    match kind:
        case _ if kind == EXTERNAL:
            label = members(source, {"kind": str, "label": str})["label"]
            right = place.role == EXPERT and label in state.drawing.external and place.stratum in ("", label)
        case _ if kind == APPROVED:
            document = unb64u(members(source, {"kind": str, "document": str})["document"], 32)
            right = place.stratum == DESIGNATED and state.founding is not None and document == state.founding.special
        case _ if kind == NAMED:
            unb64u(members(source, {"kind": str, "document": str})["document"], 32)
            right = place.role == BUYER
        case _:
            right = False
    if not right:
        raise SeatingRefused("nobody comes to this place in this way")


def _drawn(state: Proceeding, act: Act, place: Seat, source: Object) -> None:
    body = members(source, {"kind": str, "opened": str, "stratum": int, "position": int})
    found = state.drawing.opened(unb64u(body["opened"], 32))
    if found.pool is None or act.sub != found.pool.custodian:
        raise WrongRole("only the pool's custodian knows who was drawn")
    if found.annulled is not None or not 0 <= body["stratum"] < len(found.strata):
        raise SeatingRefused("the draw is annulled, or has no such stratum")
    label = found.strata[body["stratum"]].label
    # A roster that was fixed has no strata: whoever takes a place of it comes from any draw of experts.
    if place.role != EXPERT or place.stratum not in ("", label):
        raise SeatingRefused("the place is another stratum's")
    if body["position"] != next_position(state, found, body["stratum"]):
        raise SeatingRefused("not the first accepted position that sits nowhere")
    replaced = act.body["replaces"]
    if (place.id if replaced is None else replaced) != free(state, place.stratum)[0]:
        raise SeatingRefused("another place of the stratum is filled first")


def on_seated(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    body, given = act.body, members(entry.body, {"role": str, "venue": str, "centre": str})
    source = body["source"]
    made = Seated(
        n=entry.n,
        kind=source["kind"],
        person=act.sd[0],
        opened=unb64u(source["opened"], 32) if source["kind"] == DRAWN else b"",
        stratum=source.get("stratum", 0),
        position=source.get("position", 0),
    )
    state = replace(
        state,
        seated={**state.seated, body["seat"]: made},
        people={**state.people, body["seat"]: act.sd[0]},
    )
    if state.founding is None or body["replaces"] is None:
        return state
    stratum = state.seat(body["replaces"]).stratum
    newcomer = Seat(body["seat"], given["role"], given["venue"], given["centre"], stratum)
    return replace(state, founding=replace(state.founding, seats={**state.seats, newcomer.id: newcomer}))


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "member.seat": seat,
    "member.remove": remove,
    "recusal.decide": settle,
    "recusal.declare": declare,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"MemberSeated": on_seated}
