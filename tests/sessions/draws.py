"""Draws of the driver: a tied election, and every step of a draw with real envelopes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.core import conflicts
from evaluation.core import draw as rules
from evidence.adapters import envelope_p256
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.core.entry import Entry
from evidence.core.envelope import Context
from sessions.core import acts, duties
from sessions.core.commands import FreezeDraw, MissReveals, NoteWitnessed, OpenLot, ResolveDraw
from sessions.core.drawing import bound
from sessions.core.draws import Draw
from sessions.core.replay import Replay
from sessions.core.state import Proceeding
from tests.sessions.drive import CODES, FINANCE, HOLDERS, MEMBERS, ZHONGSHAN, ZHUHAI, Drive, private_key

TIED = ("seat-1", "seat-2")


def tie(drive: Drive) -> Drive:
    """Three rounds of the first election without a majority."""
    return tie_between(drive.until("chair-election"), TIED, "seat-4", MEMBERS)


def tie_between(drive: Drive, tied: tuple[str, str], third: str, members: Sequence[str]) -> Drive:
    """Three rounds without a majority: five votes between two tie only where one cannot be read."""
    one, other = tied
    drive.vote(dict(zip(members, (one, one, other, other, third), strict=True)))
    for _ in (2, 3):
        for seat, choice in zip(members, (one, one, other, other, one), strict=True):
            drive.seal(seat, drive.ballot(seat, choice))
        drive.to_opening()
        for domain in HOLDERS:
            drive.release(domain)
        drive.open(broken={members[-1]: "sheet-unreadable"})
    return drive


@dataclass
class Drawn:
    """One draw on a drive. `secrets` and `made` are what the contributors keep."""

    drive: Drive
    opened: bytes = b""
    made: dict[str, envelope_p256.Sealed] = field(default_factory=dict)

    @property
    def draw(self) -> Draw:
        return self.drive.state.drawing.opened(self.opened)

    @property
    def freeze_leaf(self) -> bytes:
        freeze = self.draw.freeze
        assert freeze is not None
        return freeze.leaf

    def lot(self, label: str = "lot/chair") -> Drawn:
        """The chair's lot, or another, as the rules open it; D1 reached."""
        (entry,) = self.drive.execute(OpenLot(label))
        self.opened = entry.leaf
        self.drive.witness()
        return self

    def by_act(self, body: Object) -> Drawn:
        """A draw by the operator's act; D1 reached."""
        (entry,) = self.drive.perform("operator-1", "draw.open", body)
        self.opened = entry.leaf
        self.drive.witness()
        return self

    def context(self, domain: str) -> Context:
        return bound(self.drive.state, self.draw, domain)

    def deal(self, domain: str, tag: bytes = b"") -> envelope_p256.Sealed:
        counter = iter(range(1 << 20))
        context = self.context(domain)

        def entropy(n: int) -> bytes:
            return hashlib.shake_256(context.digest + tag + next(counter).to_bytes(4, "big")).digest(n)

        return self.made.setdefault(domain, envelope_p256.seal(context, None, entropy))

    def body(self, domain: str) -> Object:
        return {"opened": b64u(self.opened), "envelope": self.deal(domain).envelope.json}

    def contribute(self, *domains: str) -> Drawn:
        for domain in domains or HOLDERS:
            self.drive.perform(domain, "draw.contribute", self.body(domain))
        return self

    def acknowledge(self, *domains: str) -> Drawn:
        """Every holder answers what it is asked about contributions; `domains` limits who does."""
        for domain in domains or HOLDERS:
            for question in duties.queue(self.drive.state, domain):
                if isinstance(question, duties.AskAck):
                    body: Object = {"act": b64u(question.act), "index": HOLDERS.index(domain) + 1}
                    self.drive.perform(domain, "share.ack", body)
        return self

    def freeze(self) -> Drawn:
        """Frozen; D2 reached."""
        self.drive.execute(FreezeDraw(self.opened))
        self.drive.witness()
        return self

    def to_freeze(self) -> Drawn:
        return self.contribute().acknowledge().freeze()

    def reveal(self, *domains: str) -> Drawn:
        for domain in domains or HOLDERS:
            body: Object = {"freeze": b64u(self.freeze_leaf), "s": b64u(self.made[domain].secret)}
            self.drive.perform(domain, "draw.reveal", body)
        return self

    def wait(self, seconds: int = 60) -> Drawn:
        """Time goes by: heartbeats in the log, a second each (the driver's clock is the index)."""
        for _ in range(seconds):
            size = self.drive.state.size
            self.drive.execute(NoteWitnessed(size, self.drive.tree.root(), sha256(b"note%d" % size)))
        return self

    def miss(self, *domains: str) -> Drawn:
        self.drive.execute(MissReveals(self.freeze_leaf, tuple(sorted(domains))))
        return self

    def shares(self, domain: str) -> list[list[str]]:
        """This holder's shares of everybody who is missing, opened with its own key."""
        index, given = HOLDERS.index(domain) + 1, []
        for author in self.draw.missed:
            made = self.draw.contributions[author]
            y = envelope_p256.open_share(made.envelope, self.context(author), index, private_key(domain))
            given.append([b64u(made.id), b64u(y)])
        return given

    def release(self, *domains: str) -> Drawn:
        for domain in domains or HOLDERS:
            body: Object = {"freeze": b64u(self.freeze_leaf), "shares": self.shares(domain)}
            self.drive.perform(domain, "share.release", body)
        return self

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What the contributors dealt, in frozen order."""
        return tuple(self.made[domain].secret for domain in sorted(self.made))

    def resolve(self, secrets: Sequence[bytes] | None = None) -> list[Entry]:
        return self.drive.execute(ResolveDraw(self.freeze_leaf, tuple(secrets or self.secrets)))


def audited(drive: Drive) -> None:
    """Everything in the log was allowed: decided again."""
    document = encode(drive.definition)

    def check(state: Proceeding, act: Act) -> None:
        acts.check(state, act, root_at=drive.root_at)

    folded = Replay(drive.entries, load=lambda _: document, check=check)
    assert len(list(folded)) == len(drive.entries)
    assert folded.state == drive.state


def venue_draw(**changed: Any) -> Object:
    strata = [{"label": "venue", "quota": 2, "refs": [f"centre-{i}.example" for i in range(6)]}]
    body: Object = {"draw": "venues", "attempt": 1, "strata": strata, "pool": None, "partition": None, "filter": None}
    return body | changed


SALTS = [f"{i:032x}" for i in range(12)]
INTERESTS: dict[int, Object] = {
    10: {"employers": [[conflicts.blinded(SALTS[10], CODES[0]), "2024-01-01", None]]},
    11: {"kin": [conflicts.blinded(SALTS[11], CODES[1])]},
}
CANDIDATES: list[conflicts.Candidate] = [
    (salt, f"expert-{i}", {"speciality": "law" if i % 2 else "it"} | INTERESTS.get(i, {}))
    for i, salt in enumerate(SALTS)
]
POOL = [rules.pool_leaf(*candidate) for candidate in CANDIDATES]
OUT = {10: conflicts.EMPLOYED, 11: conflicts.KIN}
ROWS: list[conflicts.Row] = [(SALTS[i], i, i not in OUT, OUT.get(i, ""), "") for i in range(12)]
FILTER = conflicts.write(CODES, "2026-11-21", b64u(bytes(16)))
FACTS = conflicts.write_facts(FILTER, CANDIDATES, ROWS)
PARTITION = rules.root([rules.partition_leaf(*row) for row in ROWS])
LAW = sorted(leaf for i, leaf in enumerate(POOL[:10]) if i % 2)
IT = sorted(leaf for i, leaf in enumerate(POOL[:10]) if not i % 2)


def expert_draw(drive: Drive, **changed: Any) -> Object:
    (frozen,) = drive.perform(FINANCE, "pool.freeze", {"count": 12, "root": b64u(rules.pool_root(POOL))})
    body: Object = {
        "draw": "experts",
        "attempt": 1,
        "strata": [
            {"label": "expert/law", "quota": 2, "leaves": [b64u(leaf) for leaf in LAW]},
            {"label": "expert/it", "quota": 1, "leaves": [b64u(leaf) for leaf in IT]},
        ],
        "pool": b64u(frozen.leaf),
        "partition": b64u(PARTITION),
        "filter": b64u(sha256(FILTER)),
        "facts": b64u(sha256(FACTS)),
    }
    return body | changed


def every_act(drive: Drive) -> None:
    """A draw in which each act of draws happens: one contributor too late, one answer, annulled in the end."""
    drawn = Drawn(drive).by_act(expert_draw(drive)).contribute(FINANCE, ZHONGSHAN).acknowledge().wait()
    late: Object = {"opened": b64u(drawn.opened), "absent": [ZHUHAI], "reason": "x"}
    drive.perform("supervisor-1", "draw.freeze", late)
    drive.witness()
    drawn.reveal(FINANCE, ZHONGSHAN).contribute(ZHUHAI)
    drawn.resolve([drawn.made[domain].secret for domain in (FINANCE, ZHONGSHAN)])
    answers: Object = {"opened": b64u(drawn.opened), "answers": [[0, 0, "accepted", b64u(bytes(32))]]}
    stated = drive.perform(FINANCE, "draw.answer", answers)[0].act
    assert stated is not None
    drive.perform("supervisor-1", "draw.countersign", {"statement": b64u(stated.id)})
    ground: Object = {"opened": b64u(drawn.opened), "ground": "faulty-pool", "reason": "x"}
    drive.perform("supervisor-1", "draw.annul", ground)
    external: Object = {"label": "venue", "reference": "list 7", "evidence": b64u(bytes(32))}
    drive.perform("supervisor-1", "draw.external", external)
