"""Two centres working together: framework agreements and invitations, folded from their acts (docs/protocol.md 10.1).

Pure. An agreement is `draft`, then `in-force` with both signatures, then `ended`. An invitation is `offered`, then
`accepted`, `named`, `convened`; or `declined`, `withdrawn`, `lapsed`. Both sides speak in acts of their identity keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from evidence.core import act as acts
from evidence.core.act import NO_ACT, NOTHING_SEEN, Act
from evidence.core.canonical import Object, unb64u
from sessions.core.naming import Ids, Invited, Named
from sessions.errors import ActFork, ActGap, ActRepeated, SeenUnknown, UnknownKey, WrongLog, WrongSeat

DRAFT, IN_FORCE, ENDED = "draft", "in-force", "ended"
OFFERED, ACCEPTED, NAMED, CONVENED = "offered", "accepted", "named", "convened"
DECLINED, WITHDRAWN, LAPSED = "declined", "withdrawn", "lapsed"
UNANSWERED = frozenset({OFFERED, ACCEPTED, NAMED})
"""What an agreement's end takes with it, and what its host may still withdraw."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A key's acts under one agreement."""

    ctr: int = 0
    last: bytes = NO_ACT
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """`offer` is the act that drafted it; `version` the newest act that concerns it."""

    id: str
    host: str
    partner: str
    terms: bytes
    until: str
    offer: bytes
    version: bytes
    signed: tuple[str, ...] = ()
    ended: bool = False
    chains: Mapping[str, Chain] = field(default_factory=dict)
    acts: tuple[int, ...] = ()
    """Where its acts stand in the centre log."""

    @property
    def state(self) -> str:
        if self.ended:
            return ENDED
        return IN_FORCE if len(self.signed) == 2 else DRAFT

    @property
    def aud(self) -> str:
        """What acts under it are addressed to."""
        return audience(self.host, self.id)


@dataclass(frozen=True, slots=True)
class Invitation:
    """One venue of one meeting; `origin` and `ids` once it is convened."""

    id: str
    agreement: str
    host: str
    partner: str
    offer: Invited
    version: bytes
    state: str = OFFERED
    named: Named | None = None
    origin: str = ""
    ids: Ids = field(default_factory=Ids)


@dataclass(frozen=True, slots=True)
class Partnership:
    """Everything between one host and its partners. `acts`: act id -> index in the centre log."""

    host: str
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    invitations: Mapping[str, Invitation] = field(default_factory=dict)
    acts: Mapping[bytes, int] = field(default_factory=dict)

    def agreement(self, tenant: str, name: str) -> Agreement | None:
        """The agreement, where `tenant` is a party of it."""
        found = self.agreements.get(name)
        return found if found is not None and tenant in (found.host, found.partner) else None

    def invitation(self, tenant: str, name: str) -> Invitation | None:
        """The invitation, where `tenant` is a party of it."""
        found = self.invitations.get(name)
        return found if found is not None and tenant in (found.host, found.partner) else None


def audience(host: str, agreement: str) -> str:
    """`aud` of every act under this agreement."""
    return f"{host}/agreements/{agreement}"


def agreement_of(act: Act) -> str:
    """The agreement that the act is addressed to."""
    return act.aud.rpartition("/")[2]


def check(
    state: Partnership,
    act: Act,
    *,
    identities: Mapping[str, Object],
    root_at: Callable[[int], bytes | None],
) -> None:
    """Raise what is wrong with the act before its rule is asked, in the order of docs/protocol.md section 3.

    (1) `sub` is the host or the agreement's partner, and the act holds under the identity key pinned for it.
    (2) `aud` is an agreement of this host.
    (3) The id is new.
    (4) `ctr` and `prev` continue the key's chain under this agreement.
    (5) `seen` is a root of the centre log, not older than before.
    """
    # (1)
    name = agreement_of(act)
    agreement = state.agreements.get(name)
    parties = {state.host} if agreement is None else {agreement.host, agreement.partner}
    if act.sub not in parties:
        raise WrongSeat("the act is not by a party of this agreement")
    if act.sub not in identities or acts.thumbprint(identities[act.sub]) != act.kid:
        raise UnknownKey("the act names another key than the identity pinned for its centre")
    acts.verify(act, identities[act.sub])
    # (2)
    if act.aud != audience(state.host, name):
        raise WrongLog("the act is for another agreement")
    # (3)
    if act.id in state.acts:
        raise ActRepeated(state.acts[act.id])
    # (4)
    chain = agreement.chains.get(act.kid, Chain()) if agreement is not None else Chain()
    if act.ctr > chain.ctr + 1:
        raise ActGap(f"ctr {act.ctr} after {chain.ctr}")
    if act.ctr <= chain.ctr or act.prev != chain.last:
        raise ActFork(f"another act has ctr {act.ctr}, or `prev` is not the key's last act")
    # (5)
    size, root = act.seen
    known = NOTHING_SEEN[1] if size == 0 else root_at(size)
    if known != root or size < chain.seen:
        raise SeenUnknown("`seen` is not a root of the centre log, or older than before")


def evolve(state: Partnership, act: Act, n: int) -> Partnership:
    """The state after an act that was allowed and stands at `n` of the centre log."""
    name = agreement_of(act)
    agreement = state.agreements.get(name) or _drafted(state, act)
    invitations = dict(state.invitations)
    match act.act:
        case "agreement.sign":
            agreement = replace(agreement, signed=(*agreement.signed, act.sub), version=act.id)
        case "agreement.end":
            agreement = replace(agreement, ended=True, version=act.id)
            invitations |= {
                found.id: replace(found, state=LAPSED, version=act.id)
                for found in state.invitations.values()
                if found.agreement == name and found.state in UNANSWERED
            }
        case "invitation.offer":
            offer = Invited.read(act.body)
            invitations[offer.id] = Invitation(offer.id, name, agreement.host, agreement.partner, offer, act.id)
        case "venue.name":
            named = Named.read(act.body, act.sd)
            _change(invitations, act, state=NAMED, named=named)
        case "venue.convene":
            _change(invitations, act, state=CONVENED, origin=act.body["origin"], ids=Ids.read(act.body))
        case "invitation.accept":
            _change(invitations, act, state=ACCEPTED)
        case "invitation.decline":
            _change(invitations, act, state=DECLINED)
        case "invitation.withdraw":
            _change(invitations, act, state=WITHDRAWN)
    chains = {**agreement.chains, act.kid: Chain(act.ctr, act.id, act.seen[0])}
    agreement = replace(agreement, chains=chains, acts=(*agreement.acts, n))
    return Partnership(state.host, {**state.agreements, name: agreement}, invitations, {**state.acts, act.id: n})


def _drafted(state: Partnership, act: Act) -> Agreement:
    return Agreement(
        id=agreement_of(act),
        host=state.host,
        partner=act.body["partner"],
        terms=unb64u(act.body["terms"], 32),
        until=act.body["until"],
        offer=act.id,
        version=act.id,
    )


def _change(invitations: dict[str, Invitation], act: Act, **changed: object) -> None:
    name = act.body["invitation"]
    invitations[name] = replace(invitations[name], version=act.id, **changed)  # type: ignore[arg-type]
