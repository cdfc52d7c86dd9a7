"""A proceeding played step by step with real keys, real envelopes and real nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from evaluation.core import ballot, sheet
from evaluation.core.results import ranking_digest
from evaluation.core.rounds import BALLOT, Round
from evaluation.core.rules import government_procurement as rules
from evaluation.core.sealing import context
from evaluation.core.tender import Scoring
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import join_payload, sheet_commitment
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.core.acts import check
from sessions.core.commands import (
    AuthoriseSignature,
    CloseSegments,
    Command,
    FreezeHolders,
    FreezeReport,
    IssueCredential,
    NoteWitnessed,
    OpenRound,
    Perform,
    RecordSignature,
    StartRecording,
)
from sessions.core.proceeding import decide, evolve
from sessions.core.state import EMPTY, Proceeding
from sessions.node import CityNode
from sessions.node_keys import NodeKeys
from sessions.node_ports import LogSource, NodeStore
from sessions.opening import Listed, open_all
from tests.sessions.node_world import AT, CITIES, MAIN, NOW, Chain, Main, new_signer

ZHONGSHAN, ZHUHAI, FINANCE = CITIES
VENUES = (("venue-1", MAIN, "main"), ("venue-2", ZHONGSHAN, "secondary"), ("venue-3", ZHUHAI, "secondary"))
MEMBERS = (
    ("seat-1", "venue-1"),
    ("seat-2", "venue-1"),
    ("seat-3", "venue-1"),
    ("seat-4", "venue-2"),
    ("seat-5", "venue-3"),
)
CENTRE_OF = {venue: centre for venue, centre, _ in VENUES}
DEFINITION = b'{"a":"definition"}'
SCORING = Scoring(
    regime=rules.REGIME,
    method=rules.METHOD,
    category="services",
    technical=Decimal("80.00"),
    price=Decimal("20.00"),
    bidders=(("bidder-1", Decimal("100.00")), ("bidder-2", Decimal("110.00")), ("bidder-3", Decimal("120.00"))),
    criteria=(("plan", Decimal("50.00")), ("team", Decimal("30.00"))),
    compliance=("sealed",),
    documents=(),
)


def seats() -> list[Object]:
    """The roster."""
    members = [
        {"id": name, "role": "buyer-representative" if name == "seat-1" else "expert", "venue": venue}
        for name, venue in MEMBERS
    ]
    operators = [{"id": f"operator-{n}", "role": "operator", "venue": f"venue-{n}"} for n in (1, 2)]
    listed = [seat | {"centre": CENTRE_OF[seat["venue"]]} for seat in members + operators]
    return [*listed, {"id": "supervisor-1", "role": "supervisor", "venue": None, "centre": FINANCE}]


def make_node(
    main: Main,
    keys: NodeKeys,
    *,
    store: NodeStore | None = None,
    source: LogSource | None = None,
    clock: Callable[[], float] = lambda: float(NOW),
) -> CityNode:
    return CityNode(
        keys=keys,
        pins=main.pins,
        store=store if store is not None else MemoryNodeStore(),
        source=source if source is not None else main,
        envelopes=envelope_p256,
        clock=clock,
    )


class Play:
    """The main server's side. Nodes are asked as the server asks them; `nodes` may be replaced by test doubles."""

    def __init__(self, main: Main, nodes: Sequence[CityNode]) -> None:
        self.main = main
        self.log = main.log
        self.nodes = {node.domain: node for node in nodes}
        self.state: Proceeding = EMPTY
        self.centre = Chain(signer=main.identity, sub=MAIN, log=self.log)
        rooms = [f"room-{venue[-1]}" for venue, _, _ in VENUES]
        names = [*(seat["id"] for seat in seats()), *rooms]
        self.seats = {name: Chain(signer=new_signer(), sub=name, log=self.log) for name in names}
        self.sheets: dict[str, bytes] = {}
        for node in nodes:
            node.witness.add_log(main.add_log())

    # The server's one write path

    def perform(self, act: Act | str) -> list[Entry]:
        made = acts.parse(act) if isinstance(act, str) else act
        check(self.state, made, root_at=lambda size: self.log.tree.root(size))
        return self.command(Perform(made))

    def take(self, act: Act) -> list[Entry]:
        """What comes through the door for acts; a signature is made as soon as it is authorised."""
        if act.act != "report.sign":
            return self.perform(act)
        check(self.state, act, root_at=lambda size: self.log.tree.root(size))
        authorised = self.command(AuthoriseSignature(act, sha256(b"revision of " + act.sub.encode())))
        self.command(RecordSignature(act.sub, act.id, sha256(b"signed by " + act.sub.encode()), 1))
        return authorised

    def prepared(self, seat: str = "seat-3") -> Object:
        """What the signing desk prepares for a seat."""
        report = self.state.report
        assert report is not None
        return {
            "credential": self.state.credentials[seat].credential,
            "hashes": [b64u(sha256(b"to be signed by " + seat.encode()))],
            "document": b64u(report.document),
            "revision": b64u(sha256(b"revision of " + seat.encode())),
        }

    def report(self, document: bytes, *, lie: bool = False) -> None:
        """From opened sheets to the stage of signing; a lying server states a ranking that the log does not yield."""
        self.advance("tally")
        self.advance("report")
        ranking = self.state.evaluation.ranking
        assert ranking is not None
        self.main.put(document)
        frozen = FreezeReport(sha256(document), len(document), sha256(b"content"), ranking_digest(ranking))
        (draft,) = decide(self.state, frozen, at=AT, entropy=b"")
        other = {"ranking": b64u(sha256(b"another ranking"))} if lie else {}
        self.write([replace(draft, body=draft.body | other)])
        self.witness()
        self.advance("signing")

    def command(self, command: Command) -> list[Entry]:
        return self.write(decide(self.state, command, at=AT, entropy=b""))

    def write(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Append without deciding: what a dishonest server could do."""
        written = self.log.append(drafts)
        for entry in written:
            self.state = evolve(self.state, entry)
        return written

    def by(self, seat: str, name: str, body: Object) -> list[Entry]:
        return self.perform(self.seats[seat].act(name, body))

    def witness(self) -> None:
        size, root = self.log.seen()
        self.command(NoteWitnessed(size, root, self.main.put(self.main.quorum(self.log))))

    # Founding and check-in

    def founding(self, **changes: object) -> Object:
        main = self.main
        opened = main.opened
        body: Object = {
            "opening": {"origin": opened.origin, "index": opened.n, "leaf": b64u(opened.leaf)},
            "engine": "3",
            "rule_pack": {"id": rules.ID, "version": rules.VERSION, "sha256": b64u(rules.SHA256)},
            "policy": b64u(main.pins.policy_hash),
            "trust": b64u(main.pins.trust_hash),
            "identities": main.pins.trust.identities,
            "holders": list(CITIES),
            "holder_k": 2,
            "venues": [{"id": venue, "centre": centre, "kind": kind} for venue, centre, kind in VENUES],
            "rooms": [{"id": f"room-{venue[-1]}", "venue": venue} for venue, _, _ in VENUES],
            "seats": seats(),
        }
        return body | changes

    def found(self, **changes: object) -> None:
        """Entries 0 and 1."""
        self.perform(self.centre.act("proceeding.found", self.founding(**changes)))
        fixed = self.centre.act("definition.fix", {"sha256": b64u(sha256(DEFINITION)), "size": len(DEFINITION)})
        check(self.state, fixed, root_at=lambda size: self.log.tree.root(size))
        # As of today's definitions: the members' names are digests.
        people = [
            [seat.id, b64u(sha256(seat.id.encode()))] for seat in self.state.members if not self.state.is_open(seat)
        ]
        also = {"people": people, "notes": b64u(sha256(b"notes"))}
        self.write([Draft("DefinitionFixed", {"scoring": SCORING.json, **also}, fixed)])

    async def offers(self) -> None:
        for node in self.nodes.values():
            self.perform(await node.offer(self.log.origin))
        self.command(FreezeHolders())
        self.witness()

    async def bind(self, name: str) -> None:
        key = self.seats[name].signer.jwk
        await self.vouch(name, acts.thumbprint(key))
        policy, trust = self.main.pins.policy_hash, self.main.pins.trust_hash
        self.by(name, "seat.bind", {"jwk": key, "policy": b64u(policy), "trust": b64u(trust), "client": None})

    async def vouch(self, name: str, thumbprint: str) -> None:
        """The seat's own centre vouches for it."""
        centre = self.state.seats[name].centre
        if centre == MAIN:
            self.perform(self.centre.act("seat.vouch", {"seat": name, "thumbprint": thumbprint, "cose": None}))
        else:
            self.perform(await self.nodes[centre].vouch(self.log.origin, name, thumbprint))

    async def check_in(self) -> None:
        """Up to `declarations`; the nodes vouch for the seats of their cities."""
        for name in self.seats:
            await self.bind(name)
        for name in self.state.rooms:
            self.by("operator-1", "room.admit", {"room": name})
        self.command(StartRecording(tuple(self.state.rooms), "engine-1"))
        for room in self.state.rooms.values():
            self.command(CloseSegments(room.venue, tuple(segment(room.id, kind) for kind in ("mic", "camera"))))
        for member in self.state.members:
            self.command(IssueCredential(member.id, f"c-{member.id}", sha256(member.id.encode())))
        self.advance("declarations")

    def advance(self, to: str) -> None:
        self.by("operator-1", "stage.advance", {"from": self.state.stage, "to": to})

    # Evaluation

    def declare(self) -> None:
        shown = b64u(sha256(b"text"))
        for member in self.state.members:
            self.by(member.id, "commitment.sign", {"shown": shown})
            self.by(member.id, "recusal.declare", {"recuse": False, "grounds": [], "shown": shown})
        self.advance("chair-election")

    def plaintext(self, seat: str) -> bytes:
        """P of this seat in the newest round."""
        found = self.round
        place = self.state.evaluation.place(seat, found.number)
        if found.purpose == BALLOT:
            return ballot.build(place, "seat-2", found.choices, os.urandom(32))
        asked = self.state.evaluation.asked()
        scores = {item: maximum - int(seat[-1]) for item, maximum in asked}
        return sheet.build(place, scores, asked, os.urandom(32))

    @property
    def round(self) -> Round:
        found = self.state.evaluation.round
        assert found is not None
        return found

    def seal_body(self, seat: str, *, tamper: Callable[[Object], Object] = lambda envelope: envelope) -> Object:
        """The body of a seal; its ciphertext lies in the vault."""
        found, plaintext = self.round, self.plaintext(seat)
        bound = context(self.state.evaluation, found.purpose, seat, found.number, sheet_commitment(plaintext))
        sealed = envelope_p256.seal(bound, join_payload(plaintext), os.urandom)
        assert sealed.ct is not None
        self.main.put(sealed.ct)
        return {
            "envelope": tamper(sealed.envelope.json),
            "definition": b64u(sha256(DEFINITION)),
            "round": found.number,
            "part": [1, 1],
            "replaces": None,
        }

    def seal(self, seat: str, body: Object | None = None) -> bytes:
        (entry,) = self.by(seat, f"{self.round.purpose}.seal", body or self.seal_body(seat))
        assert entry.act is not None
        return entry.act.id

    async def ack(self, act: bytes) -> None:
        for node in self.nodes.values():
            self.perform(await node.ack(self.log.origin, act))

    async def seal_all(self) -> None:
        for member in self.state.members:
            await self.ack(self.seal(member.id))

    def freeze(self) -> bytes:
        body = {"purpose": self.round.purpose, "round": self.round.number}
        return self.by("operator-1", "round.freeze", body)[0].leaf

    def confirm(self, freeze: bytes, *but: str) -> None:
        for seat in self.round.required:
            if seat not in but:
                self.by(seat, "freeze.ok", {"freeze": b64u(freeze)})

    def approve(self, freeze: bytes, *silent: str) -> None:
        self.by("supervisor-1", "opening.approve", {"freeze": b64u(freeze), "silent": list(silent)})

    async def release(self, freeze: bytes) -> None:
        for node in self.nodes.values():
            self.perform(await node.release(self.log.origin, freeze))

    def open(self) -> None:
        """Combine what was released."""
        state, found = self.state.evaluation, self.round
        listed = []
        for position, (seat, act) in enumerate(found.freeze.sheets if found.freeze else ()):
            envelope = found.seals[act].envelope
            shares = {state.holders.index(domain) + 1: given[position] for domain, given in found.releases.items()}
            bound = context(state, found.purpose, seat, found.number, envelope.c or b"")
            listed.append(Listed(act, envelope, bound, shares))
        opened = open_all(listed, self.main.objects.__getitem__, envelope_p256)
        self.command(OpenRound(found.purpose, found.number, opened))

    async def elect(self) -> None:
        """The whole chair election."""
        await self.seal_all()
        freeze = self.freeze()
        self.confirm(freeze)
        self.witness()
        await self.release(freeze)
        self.open()

    def review(self) -> None:
        self.advance("compliance-review")
        for member in self.state.members:
            findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
            self.by(member.id, "review.vote", {"findings": findings})
        self.advance("detailed-review")

    async def to_sheets(self) -> None:
        """Everything up to the open round of sheets."""
        self.found()
        await self.offers()
        await self.check_in()
        self.declare()
        await self.elect()
        self.review()


def segment(room: str, kind: str) -> Object:
    numbers = dict.fromkeys(("take", "number", "bytes", "t0", "t1", "duration", "packets", "lost"), 1)
    hashes = dict.fromkeys(("sha256", "init"), b64u(sha256(kind.encode())))
    return {"room": room, "kind": kind, "keyframe": True, "recovered": False, "gaps": []} | numbers | hashes


def shares(jws: str) -> dict[bytes, bytes]:
    """The shares of a `share.release`."""
    return {unb64u(act, 32): unb64u(y, 32) for act, y in acts.parse(jws).body["shares"]}
