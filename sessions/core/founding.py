"""Founding and check-in: holders, definition, vouching, keys, credentials, witnesses (docs/protocol.md 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from evaluation.core import committee, tender
from evaluation.core.state import Evaluation, Holders
from evaluation.errors import RoundFrozen, RulePackMismatch
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64u, members, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import KEY_BYTES, holder_set
from evidence.errors import Malformed
from sessions.core import cut_off, drawing, roster
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
    Seat,
    Succession,
    Venue,
)
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    FoundingRefused,
    MemberMismatch,
    NotBound,
    NotFounded,
    NotReady,
    ObjectMismatch,
    PinsMismatch,
    SeatIsOpen,
    WrongRole,
)

# An offer's key is checked to be a point by the parties that seal to it; its form is checked here.
_UNCOMPRESSED = 4
MAX_REASON = 500
"""A reason is a sentence or two; it stands in the log for good."""


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
    sitting = {seat.id for seat in state.members if not state.is_open(seat)}
    if definition.origin != state.origin or {p.seat for p in definition.members} != sitting:
        raise MemberMismatch("the definition names another log or other members than the roster")
    if founding(state).rule_pack != (*definition.pack.key, definition.pack.sha256):
        raise RulePackMismatch("the definition follows another rule pack than the founding names")
    if (asked := definition.terms) is not None:
        roles = roster.committee_of(founding(state).seats)
        pack = definition.pack
        committee.check(roles, least=asked.members, experts=pack.experts, source=pack.source("committee"))
    fixed: Object = {"scoring": definition.scoring.json}
    if people := [[person.seat, person.digest] for person in definition.members if person.digest is not None]:
        fixed["people"] = people
    if definition.notes is not None:
        fixed["notes"] = b64u(definition.notes)
    return (Draft("DefinitionFixed", fixed, command.act),)


def offer(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`holder.offer`: one key for each holder and proceeding; a successor's is its own."""
    pk = unb64u(members(act.body, {"pk": str})["pk"], KEY_BYTES)
    if pk[0] != _UNCOMPRESSED:
        raise FoundingRefused("a holder's key is an uncompressed point")
    if act.sub in state.offers and act.sub not in state.successors:
        raise AlreadyFixed("the holder has offered")
    if any(other.pk == pk for other in state.offers.values()):
        raise FoundingRefused("another holder has this key")
    return (Draft("HolderOffered", {}, act),)


def freeze_holders(state: Proceeding, command: FreezeHolders) -> tuple[Draft, ...]:
    """All holders of the founding, in its order; with successors in the places of those who are lost."""
    if state.holders_frozen is not None and state.succession is None:
        raise AlreadyFixed("the holders are frozen")
    domains = _ordered(state)
    if not set(domains) <= set(state.offers) or not state.offers or state.successors:
        raise CommandRefused("not every holder has offered")
    offers = [state.offers[domain] for domain in domains]
    body = {
        "version": 1 if state.holders_frozen is None else state.holders_frozen.version + 1,
        "k": state.holder_k,
        "offers": [b64u(made.leaf) for made in offers],
        "set": b64u(holder_set([made.pk for made in offers])),
    }
    return (Draft("HoldersFrozen", body),)


def replace_holders(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`holders.replace`: holders that are lost for good get successors (protocols.md section 3, the table of cases).

    (1) Holders in force, each once, in order, with a reason.
    (2) In the place of each its own centre with another node, or the main centre, which may hold once.
    (3) Nothing is under way that only the present holders can bring to its end: a frozen round, an open draw.
    """
    body = members(act.body, {"lost": list, "by": list, "reason": str})
    if not 1 <= len(body["reason"].strip()) <= len(body["reason"]) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters")
    if state.holders_frozen is None or state.successors:
        raise NotReady("holders are being frozen")
    # (1)
    lost, by = body["lost"], body["by"]
    if any(not isinstance(name, str) for name in (*lost, *by)) or len(lost) != len(by):
        raise Malformed("a successor for each holder that is lost")
    if not lost or lost != sorted(set(lost)) or not set(lost) <= set(state.holders):
        raise CommandRefused("holders of this proceeding are named, each once, in order")
    # (2)
    for old, new in zip(lost, by, strict=True):
        if new != old and (new != state.main or state.main in state.holders or by.count(new) > 1):
            raise CommandRefused("a holder is succeeded by its own centre or, once, by the main one")
    # (3)
    if any(found.freeze is not None and found.opened is None and not found.void for found in state.evaluation.rounds):
        raise RoundFrozen("a round is frozen and not opened")
    if open_draws := drawing.unresolved(state):
        raise NotReady(f"{', '.join(open_draws)}: drawn without a result")
    return (Draft("HoldersReplaced", {}, act),)


def _ordered(state: Proceeding) -> tuple[str, ...]:
    """The holders in their order, successors in the places of whom they succeed."""
    by = state.succession.by if state.succession is not None else {}
    return tuple(by.get(domain, domain) for domain in state.holders)


def vouch(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.vouch`: by the seat's own centre, whose officers saw the person; one key for each seat."""
    body = members(act.body, {"seat": str, "thumbprint": str, "cose": object})
    unb64u(body["thumbprint"], 32)
    if body["cose"] is not None:
        raise FoundingRefused("passkeys come later")
    if state.seat(body["seat"]).centre != act.sub:
        raise WrongRole("a centre vouches for its own seats")
    if state.is_open(state.seat(body["seat"])):
        raise SeatIsOpen("nobody was drawn for this seat yet")
    if body["seat"] in state.vouches:
        raise AlreadyFixed("the seat is vouched for")
    if body["thumbprint"] in state.keys or body["thumbprint"] in state.vouches.values():
        raise FoundingRefused("the key is another's")
    return (Draft("SeatVouched", {}, act),)


def bind(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.bind`: the first act of a seat's key, under the policy and trust of the founding. A venue that could not
    connect is connected with it."""
    body = members(act.body, {"jwk": dict, "policy": str, "trust": str, "client": object})
    if body["client"] is not None:
        unb64u(body["client"], 32)
    pinned = founding(state)
    if (unb64u(body["policy"], 32), unb64u(body["trust"], 32)) != (pinned.policy, pinned.trust):
        raise PinsMismatch("the seat pinned another policy or trust than the founding")
    if act.sub in state.seat_key:
        raise AlreadyFixed("the seat is bound")
    return Draft("SeatBound", {}, act), *cut_off.connected(state, act)


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


def first_presenter(seats: Iterable[Seat], venues: Mapping[str, Venue]) -> str:
    """Who presents as long as nobody else was named: the first operator of the main venue."""
    return next(seat.id for seat in seats if seat.role == OPERATOR and venues[seat.venue].main)


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
        engine=int(made.engine),
    )
    presenter = first_presenter(made.seats.values(), made.venues)
    return replace(state, origin=entry.origin, founding=made, keys=keys, evaluation=evaluation, presenter=presenter)


def on_definition(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    people = {str(seat): str(digest) for seat, digest in entry.body.get("people", ())}
    fixed = Definition(entry.n, unb64u(act.body["sha256"], 32), act.body["size"])
    notes = unb64u(entry.body["notes"], 32) if "notes" in entry.body else None
    return replace(state, definition=fixed, people={**state.people, **people}, notes=notes)


def on_offer(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    made = Offer(entry.n, entry.leaf, unb64u(act.body["pk"], KEY_BYTES))
    return replace(state, offers={**state.offers, act.sub: made})


def on_replaced(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, succession=Succession(entry.n, dict(zip(act.body["lost"], act.body["by"], strict=True))))


def on_holders(state: Proceeding, entry: Entry) -> Proceeding:
    """Who was missing or faulty among the holders before is not among these."""
    domains = _ordered(state)
    body = members(entry.body, {"version": int, "k": int, "offers": list, "set": str})
    frozen = HoldersFrozen(
        n=entry.n,
        version=body["version"],
        offers=tuple(unb64u(leaf, 32) for leaf in body["offers"]),
        set=unb64u(body["set"], 32),
        keys=tuple(state.offers[domain].pk for domain in domains),
    )
    holders = Holders(n=entry.n, set=frozen.set, keys=frozen.keys, domains=domains)
    evaluation = replace(
        state.evaluation,
        holders=domains,
        holder_sets=(*state.evaluation.holder_sets, holders),
        rounds=tuple(
            found if found.freeze is not None else replace(found, missing=frozenset(), faulty=frozenset())
            for found in state.evaluation.rounds
        ),
    )
    return replace(state, holders_frozen=frozen, succession=None, evaluation=evaluation)


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
    "holders.replace": replace_holders,
    "seat.vouch": vouch,
    "seat.bind": bind,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "ProceedingFounded": on_founded,
    "DefinitionFixed": on_definition,
    "HolderOffered": on_offer,
    "HoldersReplaced": on_replaced,
    "SeatVouched": on_vouched,
    "SeatBound": on_bound,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "HoldersFrozen": on_holders,
    "CredentialIssued": on_credential,
    "Witnessed": on_witnessed,
}
