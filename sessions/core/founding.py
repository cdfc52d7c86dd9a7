"""Founding and check-in: holders, definition, vouching, keys, credentials, witnesses (docs/protocol.md 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import committee, tender
from evaluation.core.state import Evaluation, Holders
from evaluation.errors import RulePackMismatch
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import b64u, members, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import KEY_BYTES, holder_set
from sessions.core import roster
from sessions.core.commands import FixDefinition, FreezeHolders, IssueCredential, NoteWitnessed
from sessions.core.state import (
    OPERATOR,
    Credential,
    Definition,
    Founding,
    HoldersFrozen,
    Key,
    Offer,
    Proceeding,
)
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    FoundingRefused,
    MemberMismatch,
    NotBound,
    NotFounded,
    ObjectMismatch,
    PinsMismatch,
    WrongRole,
)

# An offer's key is checked to be a point by the parties that seal to it; its form is checked here.
_UNCOMPRESSED = 4


def founding(state: Proceeding) -> Founding:
    """The founding facts, or NotFounded."""
    if state.founding is None:
        raise NotFounded("nothing comes before proceeding.found")
    return state.founding


def found(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.found`: entry 0, and only entry 0."""
    if state.founding is not None:
        raise AlreadyFixed("the proceeding is founded")
    roster.parse(act)
    return (Draft("ProceedingFounded", {}, act),)


def fix_definition(state: Proceeding, command: FixDefinition) -> tuple[Draft, ...]:
    """`definition.fix`: scoring is derived here and by every verifier again."""
    body = members(command.act.body, {"sha256": str, "size": int})
    if (unb64u(body["sha256"], 32), body["size"]) != (sha256(command.document), len(command.document)):
        raise ObjectMismatch("the document is not the one that the act names")
    if state.definition is not None:
        raise AlreadyFixed("the definition is fixed")
    definition = tender.parse(command.document)
    if definition.origin != state.origin or {p.seat for p in definition.members} != {s.id for s in state.members}:
        raise MemberMismatch("the definition names another log or other members than the roster")
    if founding(state).rule_pack != (*definition.pack.key, definition.pack.sha256):
        raise RulePackMismatch("the definition follows another rule pack than the founding names")
    if (asked := definition.terms) is not None:
        roles = roster.committee_of(founding(state).seats)
        pack = definition.pack
        committee.check(roles, least=asked.members, experts=pack.experts, source=pack.source("committee"))
    return (Draft("DefinitionFixed", {"scoring": definition.scoring.json}, command.act),)


def offer(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`holder.offer`: one key for each holder and proceeding."""
    pk = unb64u(members(act.body, {"pk": str})["pk"], KEY_BYTES)
    if pk[0] != _UNCOMPRESSED:
        raise FoundingRefused("a holder's key is an uncompressed point")
    if act.sub in state.offers:
        raise AlreadyFixed("the holder has offered")
    if any(other.pk == pk for other in state.offers.values()):
        raise FoundingRefused("another holder has this key")
    return (Draft("HolderOffered", {}, act),)


def freeze_holders(state: Proceeding, command: FreezeHolders) -> tuple[Draft, ...]:
    """All holders of the founding, in its order."""
    if state.holders_frozen is not None:
        raise AlreadyFixed("the holders are frozen")
    if set(state.offers) != set(state.holders) or not state.offers:
        raise CommandRefused("not every holder has offered")
    offers = [state.offers[domain] for domain in state.holders]
    body = {
        "version": 1,
        "k": state.holder_k,
        "offers": [b64u(made.leaf) for made in offers],
        "set": b64u(holder_set([made.pk for made in offers])),
    }
    return (Draft("HoldersFrozen", body),)


def vouch(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.vouch`: by the seat's own centre, whose officers saw the person; one key for each seat."""
    body = members(act.body, {"seat": str, "thumbprint": str, "cose": object})
    unb64u(body["thumbprint"], 32)
    if body["cose"] is not None:
        raise FoundingRefused("passkeys come later")
    if state.seat(body["seat"]).centre != act.sub:
        raise WrongRole("a centre vouches for its own seats")
    if body["seat"] in state.vouches:
        raise AlreadyFixed("the seat is vouched for")
    if body["thumbprint"] in state.keys or body["thumbprint"] in state.vouches.values():
        raise FoundingRefused("the key is another's")
    return (Draft("SeatVouched", {}, act),)


def bind(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.bind`: the first act of a seat's key, under the policy and trust of the founding."""
    body = members(act.body, {"jwk": dict, "policy": str, "trust": str, "client": object})
    if body["client"] is not None:
        unb64u(body["client"], 32)
    pinned = founding(state)
    if (unb64u(body["policy"], 32), unb64u(body["trust"], 32)) != (pinned.policy, pinned.trust):
        raise PinsMismatch("the seat pinned another policy or trust than the founding")
    if act.sub in state.seat_key:
        raise AlreadyFixed("the seat is bound")
    return (Draft("SeatBound", {}, act),)


def issue(state: Proceeding, command: IssueCredential) -> tuple[Draft, ...]:
    """A cloud key for a member whose seat is bound; no certificate serves two."""
    seat = state.seat(command.seat)
    if not seat.member or seat.id in state.evaluation.recused:
        raise CommandRefused("only the committee signs the report")
    if seat.id not in state.seat_key:
        raise NotBound("the seat has no key yet")
    if seat.id in state.credentials:
        raise AlreadyFixed("the credential is issued")
    for other in state.credentials.values():
        if other.credential == command.credential or other.certificate == command.certificate:
            raise CommandRefused("the credential is another's")
    body = {"seat": seat.id, "credential": command.credential, "certificate": b64u(command.certificate)}
    return (Draft("CredentialIssued", body),)


def witness(state: Proceeding, command: NoteWitnessed) -> tuple[Draft, ...]:
    """A larger checkpoint than before has its quorum. Its root is held against the tree by every verifier."""
    if not state.witnessed < command.size <= state.size:
        raise CommandRefused(f"size {command.size} is not between {state.witnessed} and {state.size}")
    body = {"size": command.size, "root": b64u(command.root), "note": b64u(command.note)}
    return (Draft("Witnessed", body),)


def on_founded(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    made = roster.parse(act)
    keys = {
        kid: Key(kid=kid, jwk=jwk, owner=domain)
        for domain, jwk in made.identities.items()
        for kid in (thumbprint(jwk),)
    }
    evaluation = Evaluation(
        origin=entry.origin,
        members=roster.committee_of(made.seats),
        holders=made.holders,
        holder_k=made.holder_k,
    )
    operators = (seat for seat in made.seats.values() if seat.role == OPERATOR and made.venues[seat.venue].main)
    presenter = next(operators).id
    return replace(state, origin=entry.origin, founding=made, keys=keys, evaluation=evaluation, presenter=presenter)


def on_definition(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, definition=Definition(entry.n, unb64u(act.body["sha256"], 32), act.body["size"]))


def on_offer(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    made = Offer(entry.n, entry.leaf, unb64u(act.body["pk"], KEY_BYTES))
    return replace(state, offers={**state.offers, act.sub: made})


def on_holders(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"version": int, "k": int, "offers": list, "set": str})
    frozen = HoldersFrozen(
        n=entry.n,
        version=body["version"],
        offers=tuple(unb64u(leaf, 32) for leaf in body["offers"]),
        set=unb64u(body["set"], 32),
        keys=tuple(state.offers[domain].pk for domain in state.holders),
    )
    holders = Holders(n=entry.n, set=frozen.set, keys=frozen.keys)
    return replace(state, holders_frozen=frozen, evaluation=replace(state.evaluation, holder_set=holders))


def on_vouched(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    seat = act.body["seat"]
    checks = {name: found for name, found in state.checks.items() if name != seat}
    return replace(state, checks=checks, vouches={**state.vouches, seat: act.body["thumbprint"]})


def on_bound(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    key = Key(kid=act.kid, jwk=act.body["jwk"], owner=act.sub)
    return replace(state, keys={**state.keys, key.kid: key}, seat_key={**state.seat_key, act.sub: key.kid})


def on_credential(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"seat": str, "credential": str, "certificate": str})
    made = Credential(body["credential"], unb64u(body["certificate"], 32))
    return replace(state, credentials={**state.credentials, body["seat"]: made})


def on_witnessed(state: Proceeding, entry: Entry) -> Proceeding:
    return replace(state, witnessed=members(entry.body, {"size": int, "root": str, "note": str})["size"])


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "proceeding.found": found,
    "holder.offer": offer,
    "seat.vouch": vouch,
    "seat.bind": bind,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "ProceedingFounded": on_founded,
    "DefinitionFixed": on_definition,
    "HolderOffered": on_offer,
    "SeatVouched": on_vouched,
    "SeatBound": on_bound,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "HoldersFrozen": on_holders,
    "CredentialIssued": on_credential,
    "Witnessed": on_witnessed,
}
