"""From a tender to a proceeding that can be held, in steps that are safe to repeat (protocols.md section 2).

(1) The definition keeps the law; roster and pins can found a proceeding.
(2) Files, definition and plan lie in the vault, the log's key lies sealed.
(3) `ProceedingOpened` in the centre log, with the plan's hash and the members' names as disclosures. From here on it
    exists: whoever finds it without its next step goes on.
(4) The centre log's quorum has cosigned it (gate G0). Witnesses are shown the receipt when they ask for the log.
(5) `proceeding.found` as entry 0, with the title and the members' names as disclosures.
(6) `definition.fix`.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.core import tender as tender_form
from evaluation.core.rules.shelf import Pack
from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.disclosure import SALT_BYTES
from evidence.core.entry import Entry, write
from evidence.core.witness import AddLog
from evidence.ports import Ledger, Vault
from sessions import tender as tenders
from sessions.centre import Centre
from sessions.core import city_names, commands
from sessions.core.proceeding import decide, evolve
from sessions.core.state import EMPTY
from sessions.docket import Docket, Private
from sessions.ports import Entropy, Keyring
from sessions.service_errors import TenderRefused
from sessions.tender import FindStaged, Plan, Tender
from sessions.trust import Pins

# docs/protocol.md section 1: 26 characters of base32, of a-z and 2-7: 130 bits that nobody can guess.
ID_CHARACTERS = 26
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_DEFINITION_SALT = 32
# The engine's version in `proceeding.found`; a fold of another version would say so.
ENGINE = "3"
# The time of entries that are only tried.
_NEVER = "1970-01-01T00:00:00.000Z"
# How long one attempt waits for the centre log's quorum; the next one goes on where this one stopped.
QUORUM_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """Opens proceedings and brings them to life. `holders` are the domains of the agreement's share holders."""

    domain: str
    pins: Pins
    holders: tuple[str, ...]
    centre: Centre
    ledger: Ledger
    vault: Vault
    keyring: Keyring
    entropy: Entropy

    def read(self, tender: Object, *, name: str | None = None, staged: FindStaged = tenders.nothing_staged) -> Tender:
        """Step (1): the rules are asked on an empty log before anything is opened, for an opening stays for good."""
        origin = f"{self.domain}/proceedings/{name or self._id()}"
        read = tenders.read(
            tender, origin=origin, salt=self.entropy(_DEFINITION_SALT), entropy=self.entropy, staged=staged
        )
        signer, origin = self.keyring.identity, read.plan.origin
        pack = tender_form.parse(read.definition).pack
        body = self._body(read.plan, pack, {"index": 0, "leaf": b64u(bytes(32)), "origin": self.centre.log.origin})
        found = acts.make(signer, act="proceeding.found", aud=origin, sub=self.domain, body=body, ctr=1, iat=0)
        (draft,) = decide(EMPTY, commands.Perform(found), at=_NEVER, entropy=b"")
        state = evolve(EMPTY, write(draft, n=0, origin=origin, at=_NEVER, salt=bytes(SALT_BYTES)))
        body = {"sha256": b64u(read.plan.definition), "size": read.plan.size}
        fix = acts.make(
            signer, act="definition.fix", aud=origin, sub=self.domain, body=body, ctr=2, iat=0, prev=found.id
        )
        decide(state, commands.FixDefinition(fix, read.definition), at=_NEVER, entropy=b"")
        return read

    async def open(self, tender: Tender) -> Entry:
        """Steps (2) and (3)."""
        plan = tender.plan
        # (2)
        for data in (*tender.files, tender.definition):
            await self.vault.put(data)
        for path in tender.staged:
            await self.vault.put_file(path)
        stored = await self.vault.put(plan.to_json())
        key = self.keyring.create(plan.origin)
        # (3)
        value = {"definition": b64u(plan.definition), "plan": b64u(bytes.fromhex(stored))}
        shown = disclosure.make("tender", value, self.entropy(SALT_BYTES))
        people = disclosure.make("people", list(plan.people), self.entropy(SALT_BYTES))
        told = (Private(shown, "case"), Private(people, "person"))
        return await self.centre.open(plan.origin, str(key.vkey), plan.kind, *told)

    async def introduction(self, opened: Entry) -> AddLog:
        """Step (4)."""
        proof = await self.centre.witnessed(opened, QUORUM_SECONDS)
        return AddLog(opened.data, bytes(proof))

    async def found(self, docket: Docket, opened: Entry) -> None:
        """Steps (5) and (6), as far as they are missing."""
        if docket.state.definition is not None:
            return
        plan = await self._plan(opened)
        # (5)
        if docket.state.founding is None:
            pack = tender_form.parse(await self.vault.get(plan.definition.hex())).pack
            opening = {"index": opened.n, "leaf": b64u(opened.leaf), "origin": opened.origin}
            await docket.perform_own(
                self.keyring.identity,
                act="proceeding.found",
                sub=self.domain,
                body=self._body(plan, pack, opening),
                command=_perform,
                private=await self._disclosures(plan),
            )
        # (6)
        document = await self.vault.get(plan.definition.hex())

        async def fix(act: Act) -> commands.Command:
            return commands.FixDefinition(act, document)

        body = {"sha256": b64u(plan.definition), "size": plan.size}
        await docket.perform_own(self.keyring.identity, act="definition.fix", sub=self.domain, body=body, command=fix)

    async def _plan(self, opened: Entry) -> Plan:
        digests = opened.act.sd if opened.act is not None else ()
        stored = await self.ledger.disclosures(opened.origin, digests)
        told = {shown.name: shown.value for shown in (disclosure.parse(found.text) for found in stored.values())}
        plan = await self.vault.get(unb64u(told["tender"]["plan"], 32).hex())
        return Plan.from_json(plan, told.get("people", ()))

    def _body(self, plan: Plan, pack: Pack, opening: Object) -> Object:
        special: Object = {} if plan.special is None else {"special": plan.special}
        names = city_names.to_json(self.pins.trust.names)
        return special | {
            "engine": ENGINE,
            "holder_k": self.pins.trust.holder_k,
            "holders": list(self.holders),
            "identities": dict(self.pins.trust.identities),
            "opening": opening,
            "policy": b64u(self.pins.policy_hash),
            "rooms": plan.rooms,
            "rule_pack": pack.json,
            "seats": plan.seats,
            "trust": b64u(self.pins.trust_hash),
            "venues": plan.venues,
            **({"names": names} if names else {}),
            **({} if plan.follows is None else {"follows": self._earlier(plan.follows)}),
        }

    def _earlier(self, origin: str) -> Object:
        """The final root of an earlier proceeding, from the centre's own log: it is closed, and its root witnessed."""
        found = self.centre.finals.get(origin)
        if found is None or found.act is None:
            raise TenderRefused("the proceeding that this one is to follow is not closed, or not of this centre")
        return {name: found.act.body[name] for name in ("origin", "root", "size")}

    async def _disclosures(self, plan: Plan) -> tuple[Private, ...]:
        """The title, and each member of the definition: with the digest that stands there already."""
        return (
            Private(disclosure.make("title", plan.title, self.entropy(SALT_BYTES)), "case"),
            *(Private(disclosure.parse(text), "person") for text in plan.people),
        )

    def _id(self) -> str:
        return proceeding_id(self.entropy(ID_CHARACTERS))


def proceeding_id(secret: bytes) -> str:
    """The last part of an origin, from as many random bytes."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in secret[:ID_CHARACTERS])


async def _perform(act: Act) -> commands.Command:
    return commands.Perform(act)
