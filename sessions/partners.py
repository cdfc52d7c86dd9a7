"""Agreements and invitations between this host and its partners: acts taken, kept and given back (docs/protocol.md 10).

Each act is one entry of the centre log that holds its salted digest; the act is a disclosure in the same append. The
state is the fold of those acts, and this is the only writer of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.core import intake
from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import Act, Signer
from evidence.core.canonical import Object, b64u
from evidence.core.disclosure import SALT_BYTES
from evidence.core.entry import Entry
from evidence.core.merkle import EMPTY_ROOT
from evidence.errors import Malformed, NoQuorum, Untrusted
from evidence.ports import Ledger, Vault
from sessions.centre import Centre
from sessions.core import partnering, partnership
from sessions.core.convening import Guest, assemble
from sessions.core.naming import Ids, read_names
from sessions.core.partnering import Facts
from sessions.core.partnership import CONVENED, NAMED, Agreement, Chain, Invitation, Partnership
from sessions.core.tenancy import FeedEvent
from sessions.core.webhooks import Notice
from sessions.docket import Private
from sessions.errors import ActRepeated
from sessions.partner_errors import NamingRefused, StaleVersion
from sessions.ports import Clock, Entropy
from sessions.service_errors import TenderRefused
from sessions.trust import Pins

ACT = "partnership"
"""The disclosure that holds an act of a partnership."""
ANY_VERSION = "*"
# Decide and append go a second round only where an unanswered append was found committed.
_ATTEMPTS = 3
# A framework agreement of a hundred pages of text.
MAX_TERMS = 512 * 1024


@dataclass(frozen=True, slots=True)
class Deed:
    """An act of an agreement with its place in the centre log: what a party keeps as evidence."""

    entry: Entry
    disclosure: str
    act: Act


class Partners:
    """The partnerships of one host. `load` once after the centre log is loaded."""

    def __init__(
        self,
        *,
        pins: Pins,
        centre: Centre,
        ledger: Ledger,
        vault: Vault,
        identity: Signer,
        holders: frozenset[str],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self.host = pins.trust.main
        self.state = Partnership(self.host)
        self._pins = pins
        self._centre = centre
        self._ledger = ledger
        self._vault = vault
        self._identity = identity
        self._holders = holders
        self._clock = clock
        self._entropy = entropy
        self._deeds: dict[int, Deed] = {}
        self._events: dict[str, list[FeedEvent]] = {}
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Fold what is committed, also by an append that was not answered."""
        missing = {d: entry for d, entry in self._centre.partnership.items() if entry.n not in self._deeds}
        if not missing:
            return
        found = await self._ledger.disclosures(self._centre.log.origin, list(missing))
        for digest, entry in missing.items():
            if digest not in found:
                raise Untrusted(f"the act of entry {entry.n} of the centre log is missing")
            self._take(entry, found[digest].text)

    # -- reading -------------------------------------------------------------------------------------------------

    def agreements(self, tenant: str) -> list[Agreement]:
        """Those that the tenant is a party of, in the order of their offers."""
        return [found for found in self.state.agreements.values() if tenant in (found.host, found.partner)]

    def invitations(self, tenant: str) -> list[Invitation]:
        """Those that the tenant is a party of, in the order of their offers."""
        return [found for found in self.state.invitations.values() if tenant in (found.host, found.partner)]

    def convened(self, tenant: str, proceeding: str) -> Invitation | None:
        """The tenant's invitation that this proceeding was opened with."""
        return next((i for i in self.invitations(tenant) if i.origin.rpartition("/")[2] == proceeding), None)

    def events(self, tenant: str) -> Sequence[FeedEvent]:
        """Every event of the tenant's partnerships."""
        return self._events.get(tenant, ())

    def deeds(self, agreement: Agreement) -> list[Deed]:
        """The agreement's acts, in the order of the log."""
        return [self._deeds[n] for n in agreement.acts]

    def receipt(self, deed: Deed) -> str | None:
        """The tlog-proof of the entry, None until a quorum has cosigned it."""
        try:
            return bytes(self._centre.log.receipt(deed.entry.n)).decode()
        except NoQuorum:
            return None

    def chain(self, agreement: Agreement, party: str) -> Object:
        """What the next act of this party has to say: `aud`, `ctr`, `prev`."""
        kid = acts.thumbprint(self._pins.trust.identities[party])
        chain = agreement.chains.get(kid, Chain())
        return {"aud": agreement.aud, "ctr": chain.ctr + 1, "prev": b64u(chain.last)}

    async def terms(self, agreement: Agreement) -> bytes:
        """The text that both centres sign."""
        return await self._vault.get(agreement.terms.hex())

    async def names(self, invitation: Invitation) -> dict[str, tuple[str, str]]:
        """Label -> (name, organisation) of a named venue."""
        digest = "" if invitation.named is None else invitation.named.names
        stored = await self._ledger.disclosures(self._centre.log.origin, [digest])
        if digest not in stored:
            raise NamingRefused("the venue has no names, or they were erased")
        return read_names(stored[digest].text)

    # -- acting --------------------------------------------------------------------------------------------------

    async def perform(
        self, jws: str, *, by: str, kinds: frozenset[str], subject: str, version: str, disclosures: Sequence[str] = ()
    ) -> int:
        """Take a partner's act; the same act again gets the first answer. Returns its index in the centre log.

        (1) It parses, it is one of the `kinds` that the door is for, and it is about the door's `subject`.
        (2) Its signer is the tenant `by`, and docs/protocol.md section 3 holds up to `seen`.
        (3) The resource still has the version that the caller read.
        (4) The rules of the partnership allow it.
        (5) Entry, act and names are one append.
        """
        act = acts.parse(jws)  # (1)
        if act.act not in kinds or subject not in (partnership.agreement_of(act), act.body.get("invitation")):
            raise Malformed("the act is not one of this door, or about something else")
        if act.sub != by:
            raise Untrusted("the act is another centre's")
        names = self._names(act, disclosures)
        return await self._alone(lambda: self._append(act, lambda: self._demand_version(subject, version), names))

    async def act(self, agreement: str, act: str, body: Object, *, version: str = ANY_VERSION) -> int:
        """An act of the host's own identity key, at its place in the key's chain."""

        async def alone() -> int:
            await self.load()
            found = self.state.agreements.get(agreement)
            kid = acts.thumbprint(self._identity.jwk)
            chain = Chain() if found is None else found.chains.get(kid, Chain())
            signed = self._centre.log.newest.size
            made = acts.make(
                self._identity,
                act=act,
                aud=partnership.audience(self.host, agreement),
                sub=self.host,
                body=body,
                ctr=chain.ctr + 1,
                iat=int(self._clock().timestamp()),
                prev=chain.last,
                seen=(signed, self._root(signed) or EMPTY_ROOT),
            )
            return await self._append(made, lambda: None, None)

        return await self._alone(alone)

    async def offer(self, partner: str, *, terms: bytes, until: str) -> str:
        """A draft agreement, signed by nobody yet; its id."""
        if not 0 < len(terms) <= MAX_TERMS:
            raise Malformed("terms are a text of a hundred pages at most")
        stored = await self._vault.put(terms)
        name = self._id()
        body: Object = {"partner": partner, "terms": b64u(bytes.fromhex(stored)), "until": until}
        await self.act(name, "agreement.offer", body)
        return name

    async def sign(self, agreement: Agreement) -> int:
        """The host's signature."""
        return await self.act(agreement.id, "agreement.sign", {"offer": b64u(agreement.offer)})

    async def invite(self, agreement: Agreement, offer: Object) -> str:
        """An invitation under an agreement in force; its id."""
        name = self._id()
        await self.act(agreement.id, "invitation.offer", {**offer, "invitation": name})
        return name

    async def assemble(self, tender: Object) -> tuple[Object, dict[str, Ids]]:
        """The tender with the venues of its `invitations` in it, and which ids they got; ImportRefused names the place
        of what no tender has."""
        intake.tender(tender)
        wanted = tender.get("invitations", [])
        guests = []
        try:
            for name in wanted:
                invitation = self.state.invitations[name]
                if invitation.named is None or invitation.state not in (NAMED, CONVENED):
                    raise TenderRefused(f"invitation {name[:40]!r} is {invitation.state}, no venue is named")
                names, offer = await self.names(invitation), invitation.offer
                guests.append(Guest(name, offer.venue, invitation.partner, invitation.named, names))
            if len(set(wanted)) != len(wanted):
                raise TenderRefused("an invitation stands twice")
            return assemble(tender, guests)
        except (KeyError, TypeError, AttributeError) as error:
            raise TenderRefused(f"the tender and its invitations do not fit: {error}") from error

    async def convene(self, origin: str, given: Mapping[str, Ids]) -> None:
        """`venue.convene` for each, before the proceeding is opened: who was invited learns of nothing else."""
        for name, ids in given.items():
            body: Object = {"invitation": name, "origin": origin, **ids.to_json()}
            await self.act(self.state.invitations[name].agreement, "venue.convene", body)

    # -- inside --------------------------------------------------------------------------------------------------

    def _names(self, act: Act, disclosures: Sequence[str]) -> str | None:
        found = {disclosure.digest(text): text for text in disclosures if text.isascii()}
        if len(found) != len(disclosures) or tuple(sorted(found)) != act.sd:
            raise Malformed("the disclosures are not those of the act")
        return next(iter(found.values()), None)

    def _demand_version(self, subject: str, version: str) -> None:
        stand = self.state.agreements.get(subject) or self.state.invitations.get(subject)
        if stand is None or version not in (ANY_VERSION, b64u(stand.version)):
            raise StaleVersion("it has changed since it was read")

    async def _alone(self, work: Callable[[], Awaitable[int]]) -> int:
        async def locked() -> int:
            async with self._writing:
                return await work()

        # To its end even if the caller goes away: else a committed entry could miss in the state.
        return await asyncio.shield(asyncio.ensure_future(locked()))

    async def _append(self, act: Act, demand: Callable[[], None], names: str | None) -> int:
        shown = disclosure.make(ACT, {"act": act.jws}, self._entropy(SALT_BYTES))
        others = [] if names is None else [Private(disclosure.parse(names), "person")]
        for _ in range(_ATTEMPTS):
            await self.load()
            try:
                identities = self._pins.trust.identities
                partnership.check(self.state, act, identities=identities, root_at=self._root)  # (2)
            except ActRepeated as repeated:
                return repeated.index
            demand()  # (3)
            partnering.decide(self.state, act, self._facts(names))  # (4)
            told = self._told(act)
            entry = await self._centre.note_partnership(Private(shown, "case"), *others, told=told)  # (5)
            if entry is not None:
                self._take(entry, shown.text)
                return entry.n
        raise Malformed("the centre log grows behind its owner's back")

    def _told(self, act: Act) -> Callable[[int], bytes]:
        agreement = self.state.agreements.get(partnership.agreement_of(act))
        partner = act.body["partner"] if agreement is None else agreement.partner
        return lambda index: Notice(index, partnering.EVENTS[act.act], (partner,)).encode()

    def _take(self, entry: Entry, text: str) -> None:
        value = disclosure.parse(text).value
        if not isinstance(value, dict) or not isinstance(value.get("act"), str):
            raise Malformed("a disclosure of a partnership holds an act")
        act = acts.parse(value["act"])
        self.state = partnership.evolve(self.state, act, entry.n)
        self._deeds[entry.n] = Deed(entry, text, act)
        agreement = self.state.agreements[partnership.agreement_of(act)]
        subject = act.body.get("invitation", agreement.id)
        for tenant in (agreement.partner, agreement.host):
            events = self._events.setdefault(tenant, [])
            events.append(
                FeedEvent(
                    sequence=len(events),
                    log=entry.origin,
                    index=entry.n,
                    leaf=b64u(entry.leaf),
                    type=partnering.EVENTS[act.act],
                    time=entry.at,
                    subject=subject,
                )
            )

    def _facts(self, names: str | None) -> Facts:
        trust = self._pins.trust
        return Facts(
            partners=frozenset(trust.centres) - {self.host},
            witnesses={key.name.partition("/")[0]: str(key) for key in self._pins.policy.witnesses},
            holders=self._holders,
            today=self._clock().date().isoformat(),
            opened=frozenset(self._centre.openings),
            names=names,
        )

    def _root(self, size: int) -> bytes | None:
        tree = self._centre.log.tree
        return tree.root(size) if 0 <= size <= len(tree) else None

    def _id(self) -> str:
        alphabet = sorted(partnering.ALPHABET)
        return "".join(alphabet[b % len(alphabet)] for b in self._entropy(partnering.ID_CHARACTERS))
