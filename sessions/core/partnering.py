"""The rules of a partnership: who may do what, and when (docs/protocol.md 10.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.errors import Malformed
from sessions.core.naming import Ids, Invited, Named, check_named, read_names
from sessions.core.partnership import (
    ACCEPTED,
    CONVENED,
    ENDED,
    IN_FORCE,
    NAMED,
    OFFERED,
    UNANSWERED,
    Agreement,
    Invitation,
    Partnership,
    agreement_of,
)
from sessions.errors import UnknownAct, WrongRole
from sessions.partner_errors import AgreementState, InvitationState, NamingRefused, NotInForce, OfferRefused

# Ids are 26 characters of base32 (130 bits): nobody guesses one.
ID_CHARACTERS = 26
ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz234567")
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules have to know besides the acts."""

    partners: frozenset[str]
    """Centres of the pinned trust that are not the host."""
    witnesses: Mapping[str, str]
    """The pinned witness key of each centre that has one."""
    holders: frozenset[str]
    today: str
    opened: frozenset[str] = frozenset()
    """Origins that the centre log has opened."""
    names: str | None = None
    """The disclosure that came with a naming."""


def decide(state: Partnership, act: Act, facts: Facts) -> None:
    """Whether the act is allowed now; `partnership.check` has checked whose it is and where it stands."""
    rule = _RULES.get(act.act)
    if rule is None:
        raise UnknownAct(f"no act {act.act[:40]!r} of a partnership")
    by_host, by_partner, demand = rule
    host = act.sub == state.host
    if not (by_host if host else by_partner):
        raise WrongRole(f"{act.act} is not for {'the host' if host else 'the partner'}")
    demand(state, act, facts)


def _offer_agreement(state: Partnership, act: Act, facts: Facts) -> None:
    body = members(act.body, {"partner": str, "terms": str, "until": str})
    unb64u(body["terms"], 32)
    if agreement_of(act) in state.agreements or not is_id(agreement_of(act)):
        raise AgreementState("the agreement has an id of its own")
    if body["partner"] not in facts.partners:
        raise OfferRefused("the partner is a centre of the pinned trust, and not the host")
    if _date(body["until"]) < _date(facts.today):
        raise OfferRefused("an agreement ends in the future")


def _sign(state: Partnership, act: Act, facts: Facts) -> None:
    agreement = _agreement(state, act)
    if agreement.ended or act.sub in agreement.signed:
        raise AgreementState("signed already, or ended")
    if unb64u(members(act.body, {"offer": str})["offer"], 32) != agreement.offer:
        raise AgreementState("the signature is for another offer")


def _end(state: Partnership, act: Act, facts: Facts) -> None:
    _reason(act, "reason")
    if _agreement(state, act).state == ENDED:
        raise AgreementState("the agreement has ended")


def _offer_invitation(state: Partnership, act: Act, facts: Facts) -> None:
    agreement = _agreement(state, act)
    if agreement.state != IN_FORCE or agreement.until < facts.today:
        raise NotInForce("both centres have not signed, or the agreement is over")
    offer = Invited.read(act.body)
    if offer.id in state.invitations or not is_id(offer.id):
        raise InvitationState("the invitation has an id of its own")


def _withdraw(state: Partnership, act: Act, facts: Facts) -> None:
    _reason(act, "invitation", "reason")
    _invitation(state, act, *UNANSWERED)


def _accept(state: Partnership, act: Act, facts: Facts) -> None:
    members(act.body, {"invitation": str})
    _invitation(state, act, OFFERED)


def _decline(state: Partnership, act: Act, facts: Facts) -> None:
    _reason(act, "invitation", "reason")
    _invitation(state, act, OFFERED, ACCEPTED, NAMED)


def _name(state: Partnership, act: Act, facts: Facts) -> None:
    invitation = _invitation(state, act, ACCEPTED, NAMED)
    named = Named.read(act.body, act.sd)
    if facts.names is None:
        raise NamingRefused("the names come with the act")
    check_named(named, invitation.offer, read_names(facts.names))
    if named.witness != facts.witnesses.get(act.sub) or named.holder != (act.sub in facts.holders):
        raise NamingRefused("witness and holder are not what the pinned policy says of this centre")


def _convene(state: Partnership, act: Act, facts: Facts) -> None:
    invitation = _invitation(state, act, NAMED, CONVENED)
    if invitation.origin in facts.opened:
        raise InvitationState("the meeting is opened")
    body = members(act.body, {"invitation": str, "origin": str, "rooms": list, "seats": list})
    ids, named = Ids.read(body), invitation.named
    if named is None or tuple(ids.rooms) != named.rooms or tuple(ids.seats) != tuple(s.label for s in named.seats):
        raise InvitationState("other rooms or seats were named")


Demand = Callable[[Partnership, Act, Facts], None]
_RULES: Mapping[str, tuple[bool, bool, Demand]] = {
    # act: (by the host, by the partner, rule)
    "agreement.offer": (True, False, _offer_agreement),
    "agreement.sign": (True, True, _sign),
    "agreement.end": (True, True, _end),
    "invitation.offer": (True, False, _offer_invitation),
    "invitation.withdraw": (True, False, _withdraw),
    "invitation.accept": (False, True, _accept),
    "invitation.decline": (False, True, _decline),
    "venue.name": (False, True, _name),
    "venue.convene": (True, False, _convene),
}
EVENTS: Mapping[str, str] = {
    "agreement.offer": "agreement.offered",
    "agreement.sign": "agreement.signed",
    "agreement.end": "agreement.ended",
    "invitation.offer": "invitation.offered",
    "invitation.withdraw": "invitation.withdrawn",
    "invitation.accept": "invitation.accepted",
    "invitation.decline": "invitation.declined",
    "venue.name": "venue.named",
    "venue.convene": "venue.convened",
}
"""Act -> its event in feeds and webhooks."""


def is_id(text: str) -> bool:
    """Whether the text is an id of an agreement or an invitation."""
    return len(text) == ID_CHARACTERS and set(text) <= ALPHABET


def _agreement(state: Partnership, act: Act) -> Agreement:
    found = state.agreements.get(agreement_of(act))
    if found is None:
        raise AgreementState("the agreement was not offered")
    return found


def _invitation(state: Partnership, act: Act, *allowed: str) -> Invitation:
    found = state.invitations.get(str(act.body.get("invitation")))
    if found is None or found.agreement != agreement_of(act):
        raise InvitationState("no such invitation under this agreement")
    if found.state not in allowed:
        raise InvitationState(f"the invitation is {found.state}")
    return found


def _reason(act: Act, *names: str) -> None:
    body = members(act.body, dict.fromkeys(names, str))
    if not 0 < len(body["reason"]) <= MAX_REASON:
        raise Malformed("a reason is a short text")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OfferRefused("a date is YYYY-MM-DD") from error
