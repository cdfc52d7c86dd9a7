"""A whole proceeding in memory: real keys, real acts, the real fold; envelopes light unless a test asks for real ones.

`play()` gives the entries of a finished proceeding. `Drive` goes step by step: each step is a method named by what
happens, and `perform` / `execute` take any act or command in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from evaluation.core import ballot, sheet
from evaluation.core.results import ranking_digest
from evaluation.core.rounds import Round
from evaluation.core.sealing import context
from evaluation.core.stages import following
from evidence.adapters import envelope_p256
from evidence.core import act as acts_form
from evidence.core import entry as entry_form
from evidence.core.act import NO_ACT, Act, thumbprint
from evidence.core.canonical import JSON, Object, b64u, encode, sha256
from evidence.core.entry import Entry
from evidence.core.envelope import sheet_commitment
from evidence.core.merkle import Tree
from sessions.core import acts, duties, seating
from sessions.core.commands import (
    AuthoriseSignature,
    CloseSegments,
    Command,
    EndRecording,
    FixDefinition,
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
from sessions.core.state import EMPTY, Key, Proceeding
from tests.sessions.example import (
    CODES,
    DOCUMENT,
    FINANCE,
    HOLDERS,
    MAIN,
    MEMBERS,
    ORIGIN,
    POLICY,
    ROOMS,
    SEATS,
    SHOWN,
    TRUST,
    TV1_PRICES,
    TV1_TECHNICAL,
    VENUES,
    ZHONGSHAN,
    ZHUHAI,
    Scores,
    Sealed,
    Sealer,
    definition,
    founding,
    light,
    private_key,
    real,
    segment,
    signer_of,
    spread,
)

__all__ = [
    "CODES",
    "DOCUMENT",
    "FINANCE",
    "HOLDERS",
    "MAIN",
    "MEMBERS",
    "ORIGIN",
    "POLICY",
    "ROOMS",
    "SEATS",
    "SHOWN",
    "TRUST",
    "TV1_PRICES",
    "TV1_TECHNICAL",
    "VENUES",
    "ZHONGSHAN",
    "ZHUHAI",
    "Drive",
    "Scores",
    "Sealed",
    "Sealer",
    "definition",
    "founding",
    "light",
    "play",
    "private_key",
    "real",
    "segment",
    "signer_of",
    "spread",
]


@dataclass
class Drive:
    """The main server, all seats and all nodes in one object."""

    definition: Object = field(default_factory=definition)
    origin: str = ORIGIN
    sealer: Sealer = light
    state: Proceeding = EMPTY
    entries: list[Entry] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)
    sealed: dict[bytes, Sealed] = field(default_factory=dict)
    checked: bool = True

    # --- the mechanics

    def execute(self, command: Command) -> list[Entry]:
        """Decide, append, fold."""
        n = len(self.entries)
        at = f"2026-11-21T08:{n // 60 % 60:02}:{n % 60:02}.000Z"
        drafts = decide(self.state, command, at=at, entropy=bytes(32))
        return self.append(drafts, at)

    def append(self, drafts: Sequence[entry_form.Draft], at: str = "2026-11-21T09:00:00.000Z") -> list[Entry]:
        """Append without deciding: how a log looks whose server does what it likes."""
        made = []
        for draft in drafts:
            n = len(self.entries)
            entry = entry_form.write(draft, n=n, origin=self.origin, at=at, salt=sha256(b"salt%d" % n)[:16])
            self.state = evolve(self.state, entry)
            self.entries.append(entry)
            self.tree.append(entry.leaf)
            made.append(entry)
        return made

    def root_at(self, size: int) -> bytes | None:
        return self.tree.root(size) if size <= len(self.tree) else None

    def act(self, owner: str, name: str, body: Object, **more: object) -> Act:
        """The next act of this owner's key, having seen the newest entry; `more` overrides what `make` takes."""
        signer = signer_of(owner)
        key = self.state.keys.get(thumbprint(signer.jwk)) or Key(thumbprint(signer.jwk), signer.jwk, owner)
        size = len(self.tree)
        given: dict[str, object] = {
            "aud": self.origin,
            "sub": owner,
            "ctr": key.ctr + 1,
            "prev": key.last if key.ctr else NO_ACT,
            "seen": (size, self.tree.root()),
            "iat": 1_795_248_000 + size,
            **more,
        }
        return acts_form.make(signer, act=name, body=body, **given)  # type: ignore[arg-type]

    def check(self, act: Act) -> None:
        acts.check(self.state, act, root_at=self.root_at)

    def take(self, act: Act) -> list[Entry]:
        """Check an act and perform it."""
        if self.checked:
            self.check(act)
        return self.execute(Perform(act))

    def perform(self, owner: str, name: str, body: Object) -> list[Entry]:
        return self.take(self.act(owner, name, body))

    def witness(self) -> list[Entry]:
        """A quorum for everything so far."""
        size = len(self.tree)
        return self.execute(NoteWitnessed(size, self.tree.root(), sha256(b"note%d" % size)))

    @property
    def round(self) -> Round:
        found = self.state.evaluation.round
        assert found is not None
        return found

    # --- check-in

    def found(self) -> None:
        names = (MAIN, ZHONGSHAN, ZHUHAI, FINANCE)
        body = founding({name: signer_of(name).jwk for name in names})
        named = self.definition.get("rule_pack", body["rule_pack"])
        self.perform(MAIN, "proceeding.found", body | {"rule_pack": named})

    def fix(self) -> None:
        document = encode(self.definition)
        body: Object = {"sha256": b64u(sha256(document)), "size": len(document)}
        act = self.act(MAIN, "definition.fix", body)
        self.check(act)
        self.execute(FixDefinition(act, document))

    def freeze_holders(self) -> None:
        for domain in HOLDERS:
            pk = envelope_p256.public_bytes(private_key(domain))
            self.perform(domain, "holder.offer", {"pk": b64u(pk)})
        self.execute(FreezeHolders())

    def bind(self, seat: str) -> None:
        jwk = signer_of(seat).jwk
        body: Object = {"seat": seat, "thumbprint": thumbprint(jwk), "cose": None}
        self.perform(self.state.seat(seat).centre, "seat.vouch", body)
        self.perform(seat, "seat.bind", {"jwk": jwk, "policy": b64u(POLICY), "trust": b64u(TRUST), "client": None})

    def bind_all(self) -> None:
        for seat in self.state.seats:
            if seat not in self.state.seat_key:
                self.bind(seat)
        for seat in MEMBERS:
            self.execute(IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))

    def record(self) -> None:
        """Admit, record, and close a first segment of each track."""
        for n in (1, 2, 3):
            self.perform(f"operator-{n}", "room.admit", {"room": f"room-{n}"})
        self.execute(StartRecording(("room-1", "room-2", "room-3"), "engine-1"))
        for n in (1, 2, 3):
            self.segments(n, 0)

    def segments(self, n: int, number: int, take: int = 1) -> None:
        closed = tuple(segment(f"room-{n}", kind, number, take) for kind in ("mic", "camera"))
        self.execute(CloseSegments(f"venue-{n}", closed))

    def state_the_draw(self) -> list[Entry]:
        """Where the rules ask how the experts of the roster came here: another authority drew them."""
        body: Object = {"label": "expert/all", "reference": "省专家库 抽取单 17", "evidence": b64u(sha256(b"list"))}
        body |= {"seats": list(seating.undrawn(self.state))} if seating.by_seat(self.state) else {}
        return self.perform("supervisor-1", "draw.external", body)

    def check_in(self) -> None:
        self.found()
        self.fix()
        self.freeze_holders()
        self.bind_all()
        if seating.undrawn(self.state):
            self.state_the_draw()
        self.record()
        self.witness()

    # --- evaluation

    def advance(self) -> list[Entry]:
        return self.perform(
            "operator-1", "stage.advance", {"from": self.state.stage, "to": following(self.state.stage)}
        )

    def declare(self, seats: Sequence[str] = MEMBERS) -> None:
        for seat in seats:
            self.perform(seat, "commitment.sign", {"shown": SHOWN})
            self.perform(seat, "recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN})

    def seal(self, seat: str, plaintext: bytes, **more: object) -> list[Entry]:
        """Seal these bytes in the current round; `more` overrides members of the act's body."""
        found = self.round
        bound = context(self.state.evaluation, found.purpose, seat, found.number, sheet_commitment(plaintext))
        made = self.sealer(bound, plaintext)
        fixed = self.state.evaluation.fixed
        assert fixed is not None
        body: Object = {
            "envelope": made.envelope.json,
            "definition": b64u(fixed.sha256),
            "round": found.number,
            "part": [1, 1],
            "replaces": None,
            **more,
        }
        act = self.act(seat, f"{found.purpose}.seal", body)
        self.sealed[act.id] = made
        return self.take(act)

    def ballot(self, seat: str, choice: str) -> bytes:
        place = self.state.evaluation.place(seat, self.round.number)
        return ballot.build(place, choice, self.round.choices, sha256(f"{seat}{self.round.number}".encode()))

    def sheet(self, seat: str, scores: Mapping[tuple[str, str], Decimal], salt: bytes | None = None) -> bytes:
        evaluation = self.state.evaluation
        place = evaluation.place(seat, self.round.number)
        asked = evaluation.asked()
        given = {item: scores[item] for item, _ in asked}
        return sheet.build(place, given, asked, salt or sha256(b"salt of " + seat.encode()))

    def acknowledge(self) -> None:
        """Every holder answers everything that it is asked."""
        for domain in HOLDERS:
            for question in duties.queue(self.state, domain):
                assert isinstance(question, duties.AskAck)
                body: Object = {"act": b64u(question.act), "index": HOLDERS.index(domain) + 1}
                self.perform(domain, "share.ack", body)

    def freeze(self) -> None:
        self.perform("operator-1", "round.freeze", {"purpose": self.round.purpose, "round": self.round.number})

    def confirm(self, seats: Sequence[str] | None = None) -> None:
        assert self.round.freeze is not None
        for seat in self.round.required if seats is None else seats:
            self.perform(seat, "freeze.ok", {"freeze": b64u(self.round.freeze.leaf)})

    def approve(self, silent: Sequence[str] = ()) -> None:
        assert self.round.freeze is not None
        body: Object = {"freeze": b64u(self.round.freeze.leaf), "silent": list(silent)}
        self.perform("supervisor-1", "opening.approve", body)

    def release(self, domain: str) -> None:
        found = self.round
        assert found.freeze is not None
        index = HOLDERS.index(domain)
        shares = [[b64u(act), b64u(self.sealed[act].shares[index])] for act in found.listed]
        self.perform(domain, "share.release", {"freeze": b64u(found.freeze.leaf), "shares": shares})

    def open(self, broken: Mapping[str, str] | None = None) -> list[Entry]:
        """Open the current round; `broken` seats get their failure code instead of their plaintext."""
        found = self.round
        assert found.freeze is not None
        plaintexts = tuple(
            (act, (broken or {}).get(seat, self.sealed[act].plaintext)) for seat, act in found.freeze.sheets
        )
        return self.execute(OpenRound(found.purpose, found.number, plaintexts))

    def to_opening(self) -> None:
        """From sealed to releasable."""
        self.acknowledge()
        self.freeze()
        self.confirm()
        if self.round.purpose == "sheet":
            self.approve()
        self.witness()

    def vote(self, votes: Mapping[str, str]) -> list[Entry]:
        """One round of the election."""
        for seat, choice in votes.items():
            self.seal(seat, self.ballot(seat, choice))
        self.to_opening()
        for domain in HOLDERS:
            self.release(domain)
        return self.open()

    def elect(self, chair: str = "seat-1") -> None:
        self.vote(dict.fromkeys(MEMBERS, chair))

    def review(self, failed: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> None:
        """Every member votes; `failed` names what a seat finds wanting."""
        for seat in MEMBERS:
            self.perform(seat, "review.vote", {"findings": self.findings((failed or {}).get(seat, ()))})

    def findings(self, failed: Sequence[tuple[str, str]] = ()) -> list[list[JSON]]:
        fixed = self.state.evaluation.fixed
        assert fixed is not None
        return [
            self.fail(bidder, item) if (bidder, item) in failed else [bidder, item, "pass", None]
            for bidder, _ in fixed.scoring.bidders
            for item in fixed.scoring.compliance
        ]

    def fail(self, bidder: str, item: str, reason: str = "未响应") -> list[JSON]:
        """A finding against a bid in the form that its rule pack wants: with ground and page where it asks for them."""
        evaluation = self.state.evaluation
        assert evaluation.fixed is not None
        if not evaluation.rules.evidenced:
            return [bidder, item, "fail", reason]
        cited = [[b64u(name), pages] for name, pages in evaluation.fixed.scoring.documents[:1]] or [[None, None]]
        return [bidder, item, "fail", reason, evaluation.rules.rejection_grounds[0], *cited[0]]

    def score(self, sheets: Scores | None = None) -> list[Entry]:
        for seat, scores in (sheets or spread()).items():
            self.seal(seat, self.sheet(seat, scores))
        self.to_opening()
        for domain in HOLDERS:
            self.release(domain)
        return self.open()

    # --- report

    def freeze_report(self) -> None:
        ranking = self.state.evaluation.ranking
        assert ranking is not None
        self.execute(FreezeReport(sha256(b"report"), 1000, sha256(b"content"), ranking_digest(ranking)))

    def authorise(self, seat: str) -> Act:
        report = self.state.report
        assert report is not None
        body: Object = {
            "credential": f"credential-{seat}",
            "hashes": [b64u(sha256(b"dtbs" + seat.encode()))],
            "document": b64u(report.document),
        }
        act = self.act(seat, "report.sign", body)
        self.check(act)
        self.execute(AuthoriseSignature(act, sha256(b"prepared" + seat.encode())))
        return act

    def sign(self, seat: str) -> None:
        act = self.authorise(seat)
        size = 2000 + len(self.state.report.signatures if self.state.report else ())
        self.execute(RecordSignature(seat, act.id, sha256(b"signed" + seat.encode()), size))

    def rank(self, seat: str, digest: bytes | None = None) -> list[Entry]:
        """The seat's own device ranks the log: as the report says, unless `digest` is given."""
        report = self.state.report
        assert report is not None
        body: Object = {"ranking": b64u(digest or report.ranking), "document": b64u(report.document)}
        return self.perform(seat, "ranking.confirm", body)

    def rank_all(self) -> None:
        for seat in self.state.signers:
            if seat not in self.state.ending.rankings:
                self.rank(seat)

    def sign_all(self) -> None:
        for seat in MEMBERS:
            self.sign(seat)

    def close(self) -> None:
        self.execute(EndRecording(tuple(self.state.recording)))
        report = self.state.report
        assert report is not None
        self.perform("operator-1", "proceeding.close", {"report": b64u(report.revision)})

    # --- the whole

    def until(self, stage: str, sheets: Scores | None = None) -> Drive:
        """Play until this stage begins; that of signing begins with every signer's own ranking."""
        steps: dict[str, Callable[[], object]] = {
            "check-in": self.check_in,
            "declarations": self.declare,
            "chair-election": self.elect,
            "compliance-review": self.review,
            "detailed-review": lambda: self.score(sheets),
            "tally": lambda: None,
            "report": self.freeze_report,
            "signing": self.sign_all,
        }
        while self.state.stage != stage:
            steps[self.state.stage]()
            self.advance()
            if self.state.stage == "signing":
                self.rank_all()
        return self


def play(*, sealer: Sealer = light, sheets: Scores | None = None, tender: Object | None = None) -> list[Entry]:
    """The entries of a whole proceeding, closed."""
    drive = Drive(sealer=sealer, definition=tender or definition())
    drive.until("done", sheets)
    drive.close()
    return drive.entries
