"""Who may do what, and when: the one table (role x relation to the venue x stage x gate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evaluation.core import stages
from evaluation.core.committee import BUYER, EXPERT
from evaluation.core.stages import (
    CHAIR_ELECTION,
    CHECK_IN,
    COMPLIANCE_REVIEW,
    DECLARATIONS,
    DETAILED_REVIEW,
    DONE,
    SIGNING,
    STAGES,
    TALLY,
    span,
)
from evaluation.errors import EvaluationError, TooEarly
from sessions.core.state import (
    ABORTED,
    AUDITOR,
    CLOSED,
    OPEN,
    OPERATOR,
    PAUSED,
    ROLES,
    ROOM,
    SUPERVISOR,
    Proceeding,
)
from sessions.errors import Aborted, Closed, NotPaused, Paused, SessionError, UnknownAct, WrongRole, WrongVenue

CENTRE = "centre"
MAIN_CENTRE = "main-centre"
HOLDER = "holder"
NODE = "node"
BIDDER = "bidder"
ADMINISTRATOR = "administrator"
GUEST = "guest"
"""A centre with a venue in another centre's proceeding."""


class Relation(StrEnum):
    """Where an operator or a room device must sit, seen from the venue that it is about. Nobody else is bound."""

    ANY = "any"
    OWN = "own"
    MAIN = "main"
    OWN_OR_MAIN = "own-or-main"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: all four must hold."""

    roles: frozenset[str]
    relation: Relation
    stages: frozenset[str]
    gates: frozenset[str]


_MEMBERS = frozenset({EXPERT, BUYER})
_PEOPLE = _MEMBERS | {OPERATOR, SUPERVISOR, AUDITOR}
_MEETING = _MEMBERS | {OPERATOR}
_ALWAYS = frozenset(STAGES)
_OPEN = frozenset({OPEN})
_LIVE = frozenset({OPEN, PAUSED})
_CLOSED = frozenset({CLOSED})
_ANY_GATE = frozenset({OPEN, PAUSED, ABORTED, CLOSED})
# A holder's acts are appended in the order it made them; refusing one in a pause would break its chain for good.
_HOLDER_GATES = frozenset({OPEN, PAUSED, ABORTED})


def _rule(
    *roles: str,
    relation: Relation = Relation.ANY,
    when: frozenset[str] = _ALWAYS,
    gates: frozenset[str] = _OPEN,
) -> Rule:
    return Rule(frozenset(roles), relation, when, gates)


ACTS: Mapping[str, Rule] = {
    # founding
    "proceeding.found": _rule(MAIN_CENTRE, when=frozenset({CHECK_IN})),
    "definition.fix": _rule(MAIN_CENTRE, when=frozenset({CHECK_IN}), gates=_LIVE),
    "holder.offer": _rule(HOLDER, gates=_LIVE),
    "holders.replace": _rule(SUPERVISOR, gates=_LIVE),
    "seat.vouch": _rule(CENTRE, gates=_LIVE),
    "seat.bind": _rule(*ROLES, gates=_LIVE),
    "identity.check": _rule(OPERATOR, relation=Relation.OWN, gates=_LIVE),
    # meeting
    "room.admit": _rule(OPERATOR, relation=Relation.OWN_OR_MAIN, gates=_LIVE),
    "member.seat": _rule(CENTRE, SUPERVISOR, when=span(CHECK_IN, TALLY)),
    "member.remove": _rule(SUPERVISOR, when=span(CHECK_IN, TALLY), gates=_LIVE),
    "recusal.request": _rule(*_MEETING, SUPERVISOR, when=span(CHECK_IN, TALLY), gates=_LIVE),
    "recusal.decide": _rule(SUPERVISOR, when=span(CHECK_IN, TALLY), gates=_LIVE),
    "page.show": _rule(*_MEETING, when=span(DECLARATIONS, SIGNING)),
    "presenter.hand-over": _rule(*_MEETING),
    "help.ask": _rule(*_MEMBERS, ROOM, gates=_LIVE),
    "help.answer": _rule(OPERATOR, relation=Relation.OWN_OR_MAIN, gates=_LIVE),
    "proceeding.pause": _rule(OPERATOR, SUPERVISOR, relation=Relation.MAIN, gates=_LIVE),
    "proceeding.resume": _rule(OPERATOR, SUPERVISOR, relation=Relation.MAIN, gates=frozenset({PAUSED})),
    "proceeding.abort": _rule(SUPERVISOR, gates=_LIVE),
    "proceeding.seal": _rule(OPERATOR, relation=Relation.MAIN, gates=frozenset({ABORTED})),
    "seat.resume": _rule(*ROLES, gates=frozenset({PAUSED})),
    "seat.lose": _rule(OPERATOR, relation=Relation.OWN_OR_MAIN, gates=_LIVE),
    "seat.reinstate": _rule(SUPERVISOR, gates=_LIVE),
    "seat.release": _rule(SUPERVISOR, gates=frozenset({PAUSED})),
    "venue.replace": _rule(SUPERVISOR, gates=frozenset({PAUSED})),
    "incident.decide": _rule(SUPERVISOR, gates=frozenset({PAUSED})),
    "incident.declare": _rule(OPERATOR, SUPERVISOR, relation=Relation.OWN_OR_MAIN, gates=_LIVE),
    "recording.waive": _rule(SUPERVISOR, gates=frozenset({PAUSED})),
    "area.seal": _rule(OPERATOR, gates=frozenset({PAUSED})),
    "area.open": _rule(OPERATOR, gates=frozenset({PAUSED})),
    "incident.note": _rule(*_MEETING, SUPERVISOR, gates=_LIVE),
    "venue.journal": _rule(CENTRE, gates=_HOLDER_GATES),
    # evaluation
    "stage.advance": _rule(OPERATOR, relation=Relation.MAIN, when=_ALWAYS - {DONE}),
    "commitment.sign": _rule(*_MEMBERS, when=frozenset({DECLARATIONS})),
    "recusal.declare": _rule(*_MEMBERS, when=span(DECLARATIONS, TALLY)),
    "ballot.seal": _rule(*_MEMBERS, when=frozenset({CHAIR_ELECTION})),
    "sheet.seal": _rule(*_MEMBERS, when=frozenset({DETAILED_REVIEW})),
    "sheet.reseal": _rule(*_MEMBERS, when=frozenset({DETAILED_REVIEW})),
    "share.ack": _rule(HOLDER, gates=_HOLDER_GATES),
    "share.reject": _rule(HOLDER, gates=_HOLDER_GATES),
    "round.freeze": _rule(OPERATOR, relation=Relation.MAIN, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "freeze.ok": _rule(*_MEMBERS, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "freeze.dispute": _rule(*_MEMBERS, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "holders.miss": _rule(SUPERVISOR, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "sheet.author_open": _rule(*_MEMBERS, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "round.renew": _rule(SUPERVISOR, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW})),
    "opening.approve": _rule(SUPERVISOR, when=frozenset({DETAILED_REVIEW})),
    "share.release": _rule(HOLDER, gates=_HOLDER_GATES),
    "review.vote": _rule(*_MEMBERS, when=frozenset({COMPLIANCE_REVIEW})),
    "motion.open": _rule(*_MEMBERS, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "motion.vote": _rule(*_MEMBERS, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "clarification.ask": _rule(*_MEMBERS, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "clarification.approve": _rule(SUPERVISOR, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "clarification.refuse": _rule(SUPERVISOR, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "bidder.vouch": _rule(MAIN_CENTRE, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW), gates=_LIVE),
    "clarification.answer": _rule(BIDDER, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW), gates=_LIVE),
    "clarification.lapse": _rule(*_MEMBERS, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "stage.back": _rule(OPERATOR, relation=Relation.MAIN, when=span(COMPLIANCE_REVIEW, DONE)),
    "stage.back-approve": _rule(SUPERVISOR, when=span(COMPLIANCE_REVIEW, DONE)),
    "extension.ask": _rule(*_MEMBERS, when=span(COMPLIANCE_REVIEW, DETAILED_REVIEW)),
    "score.correct": _rule(*_MEMBERS, when=frozenset({DETAILED_REVIEW})),
    "ranking.confirm": _rule(*_MEMBERS, when=frozenset({SIGNING})),
    "report.sign": _rule(*_MEMBERS, when=frozenset({SIGNING})),
    "report.dissent": _rule(*_MEMBERS, when=frozenset({SIGNING})),
    "signing.call": _rule(*_MEMBERS, SUPERVISOR, when=frozenset({SIGNING})),
    "member.deem": _rule(*_MEMBERS, SUPERVISOR, when=frozenset({SIGNING})),
    "reopening.ask": _rule(*_MEMBERS, OPERATOR, relation=Relation.MAIN, when=span(SIGNING, DONE)),
    "reopening.approve": _rule(SUPERVISOR, when=span(SIGNING, DONE)),
    "log.continue": _rule(MAIN_CENTRE, gates=_LIVE),
    "log.confirm": _rule(CENTRE, gates=_LIVE),
    "proceeding.close": _rule(OPERATOR, relation=Relation.MAIN, when=frozenset({DONE})),
    # draws
    "pool.freeze": _rule(CENTRE, gates=_LIVE),
    "draw.open": _rule(OPERATOR, relation=Relation.MAIN, when=_ALWAYS - {DONE}),
    "draw.contribute": _rule(HOLDER, gates=_HOLDER_GATES),
    "draw.freeze": _rule(SUPERVISOR, gates=_LIVE),
    "draw.reveal": _rule(HOLDER, gates=_HOLDER_GATES),
    "draw.annul": _rule(SUPERVISOR, gates=_LIVE),
    "draw.answer": _rule(CENTRE, gates=_LIVE),
    "draw.countersign": _rule(SUPERVISOR, gates=_LIVE),
    "draw.external": _rule(SUPERVISOR, gates=_LIVE),
}

AFTER: Mapping[str, Rule] = {
    # what follows a closed proceeding; its timetable says further who does what (`sessions.core.afterwards`)
    "milestone.state": _rule(OPERATOR, relation=Relation.MAIN, gates=_CLOSED),
    "case.open": _rule(OPERATOR, SUPERVISOR, relation=Relation.MAIN, gates=_CLOSED),
    "case.answer": _rule(OPERATOR, SUPERVISOR, relation=Relation.MAIN, gates=_CLOSED),
    "rating.give": _rule(OPERATOR, SUPERVISOR, relation=Relation.MAIN, gates=_CLOSED),
    "rating.appeal": _rule(*_MEMBERS, gates=_CLOSED),
    "rating.decide": _rule(SUPERVISOR, gates=_CLOSED),
    "hand-over.give": _rule(OPERATOR, relation=Relation.OWN, gates=_CLOSED),
    "hand-over.take": _rule(OPERATOR, relation=Relation.MAIN, gates=_CLOSED),
}

DOORS: Mapping[str, Rule] = {
    "view": _rule(*ROLES, gates=_ANY_GATE),
    "socket": _rule(*ROLES, gates=_ANY_GATE),
    "watch": _rule(*_PEOPLE, ROOM, gates=_HOLDER_GATES),
    "device-check": _rule(*ROLES, gates=_LIVE),
    "publish": _rule(ROOM, relation=Relation.OWN, gates=_LIVE),
    "facts.put": _rule(OPERATOR, relation=Relation.MAIN, when=_ALWAYS - {DONE}),
    "objects.put": _rule(*_MEMBERS, when=frozenset({CHAIR_ELECTION, DETAILED_REVIEW}), gates=_LIVE),
    "advice.get": _rule(*_MEMBERS, SUPERVISOR, AUDITOR, when=span(COMPLIANCE_REVIEW, DONE), gates=_ANY_GATE),
    "names": _rule(*_PEOPLE, gates=_ANY_GATE),
    "objects.get": _rule(*_PEOPLE, NODE, gates=_ANY_GATE),
    "pages.get": _rule(*_PEOPLE, ROOM, when=span(DECLARATIONS, DONE), gates=_ANY_GATE),
    "pointer": _rule(*_MEETING, when=span(DECLARATIONS, SIGNING)),
    "screen": _rule(*_MEETING, when=span(DECLARATIONS, SIGNING)),
    "attention": _rule(*_MEMBERS, gates=_LIVE),
    "devices": _rule(ROOM, relation=Relation.OWN, gates=_LIVE),
    "viewing": _rule(*_PEOPLE, ROOM, when=span(DECLARATIONS, DONE), gates=_LIVE),
    "views.read": _rule(SUPERVISOR, AUDITOR, gates=_ANY_GATE),
    "log.read": _rule(*ROLES, NODE, gates=_ANY_GATE),
    "receipts.get": _rule(*ROLES, NODE, gates=_ANY_GATE),
    "vouch": _rule(ADMINISTRATOR, gates=_LIVE),
    "bidders.name": _rule(OPERATOR, relation=Relation.MAIN, gates=_LIVE),
    "keys.announce": _rule(*ROLES, gates=_LIVE),
    "keys.see": _rule(OPERATOR, NODE, ADMINISTRATOR, gates=_LIVE),
    "vouches.bring": _rule(NODE, gates=_LIVE),
    "journals.bring": _rule(NODE, gates=_HOLDER_GATES),
    "confirmations.bring": _rule(NODE, gates=_LIVE),
    "proofs.bring": _rule(*ROLES, gates=_LIVE),
    "log.order": _rule(ADMINISTRATOR, gates=_LIVE),
    "report.prepare": _rule(*_MEMBERS, when=frozenset({SIGNING})),
    "after": _rule(*_PEOPLE, gates=_CLOSED),
    "retention.purge": _rule(ADMINISTRATOR, gates=_CLOSED),
    "workbook.get": _rule(OPERATOR, SUPERVISOR, AUDITOR, relation=Relation.MAIN, gates=_ANY_GATE),
    "evidence.get": _rule(*_PEOPLE, gates=frozenset({CLOSED, ABORTED})),
    "listen": _rule(SUPERVISOR, AUDITOR, gates=_HOLDER_GATES),
    "recordings.get": _rule(SUPERVISOR, AUDITOR, gates=_ANY_GATE),
    "timeline.get": _rule(SUPERVISOR, AUDITOR, gates=_ANY_GATE),
    "audit.search": _rule(AUDITOR, gates=_ANY_GATE),
    "verification.run": _rule(SUPERVISOR, AUDITOR, gates=frozenset({CLOSED, ABORTED})),
    "partner.sessions.read": _rule(GUEST, gates=_ANY_GATE),
    "partner.events.read": _rule(GUEST, gates=_ANY_GATE),
    "partner.seats.vouch": _rule(GUEST, gates=_LIVE),
    "partner.results.read": _rule(GUEST, gates=frozenset({CLOSED})),
    "partner.evidence.read": _rule(GUEST, gates=frozenset({CLOSED, ABORTED})),
    "create": _rule(ADMINISTRATOR, gates=_ANY_GATE),
    "summary": _rule(ADMINISTRATOR, gates=_ANY_GATE),
    "partners.host": _rule(ADMINISTRATOR, gates=_ANY_GATE),
    "links.issue": _rule(ADMINISTRATOR, gates=_ANY_GATE),
}

ACROSS_PROCEEDINGS = (
    "partner.agreements.read",
    "partner.agreements.sign",
    "partner.agreements.end",
    "partner.invitations.read",
    "partner.invitations.answer",
    "partner.venues.name",
    "partner.webhooks.read",
    "partner.webhooks.write",
)
"""What a partner does between proceedings: a party of the agreement may, and for everybody else there is none."""

TABLE: Mapping[str, Rule] = {**ACTS, **AFTER, **DOORS}
OF_THE_LEFT = frozenset({"after", "rating.appeal"})
"""A member who left is rated like the others once all is closed, reads its own rating, and may appeal."""
_BOUND_TO_VENUES = frozenset({OPERATOR, ROOM})


def roles_of(state: Proceeding, actor: str) -> frozenset[str]:
    """The roles of a seat id, a centre's domain, an asked bidder, or one of the names `administrator` and `node`.

    A recused member has none left. Before the founding every centre is the main centre of its own proceeding.
    """
    if actor in (ADMINISTRATOR, NODE):
        return frozenset({actor})
    if actor in state.seats:
        return frozenset() if actor in state.evaluation.recused else frozenset({state.seats[actor].role})
    if state.founding is None:
        return frozenset({MAIN_CENTRE})
    if any(found.bidder == actor and found.key is not None for found in state.evaluation.steps.questions):
        return frozenset({BIDDER})
    if actor not in state.identities:
        return frozenset()
    roles = {CENTRE, NODE}
    if actor == state.main:
        roles.add(MAIN_CENTRE)
    if actor in state.holders or actor in state.successors:
        roles.add(HOLDER)
    if actor != state.main and any(venue.centre == actor for venue in state.venues.values()):
        roles.add(GUEST)
    return frozenset(roles)


def _role_left(state: Proceeding, actor: str, permission: str) -> frozenset[str]:
    seat = state.seats.get(actor)
    return frozenset({seat.role}) if seat is not None and permission in OF_THE_LEFT else frozenset()


def relation(state: Proceeding, actor: str, venue: str | None) -> frozenset[Relation]:
    """Which relations hold between the actor and the venue (None: no venue is concerned)."""
    held = {Relation.ANY}
    seat = state.seats.get(actor)
    if seat is None or seat.role not in _BOUND_TO_VENUES:
        return frozenset(Relation)
    if state.in_main_venue(seat):
        held |= {Relation.MAIN, Relation.OWN_OR_MAIN}
    if venue is None or seat.venue == venue:
        held |= {Relation.OWN, Relation.OWN_OR_MAIN}
    return frozenset(held)


def demand(state: Proceeding, actor: str, permission: str, *, venue: str | None = None) -> None:
    """Return, or raise what is missing: role, then relation, then gate, then stage."""
    if permission not in TABLE:
        raise UnknownAct(f"no act or permission {permission[:40]!r}")
    rule = TABLE[permission]
    if not rule.roles & (roles_of(state, actor) or _role_left(state, actor, permission)):
        raise WrongRole(f"{permission} is not for {actor[:40]!r}")
    if rule.relation not in relation(state, actor, venue):
        raise WrongVenue(f"{permission} is not for {actor[:40]!r} in another venue")
    _check_gate(state.gate, rule.gates)
    stages.check(state.stage, rule.stages)


def allowed(state: Proceeding, actor: str, permission: str, *, venue: str | None = None) -> bool:
    """Whether `demand` would return. `actor` as in `roles_of`; without a proceeding pass `EMPTY`."""
    try:
        demand(state, actor, permission, venue=venue)
    except (SessionError, EvaluationError):
        return False
    return True


def _check_gate(gate: str, gates: frozenset[str]) -> None:
    if gate in gates:
        return
    if gate == CLOSED:
        raise Closed("the proceeding is closed")
    if gate == ABORTED:
        raise Aborted("the proceeding was aborted")
    if gate == PAUSED:
        raise Paused("the proceeding is paused")
    if PAUSED in gates:
        raise NotPaused("the proceeding is not paused")
    raise TooEarly("the proceeding is not closed")
