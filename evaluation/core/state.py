"""The evaluation as folded from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from evaluation.core import ballot, committee, points, sheet, stages
from evaluation.core.committee import Member
from evaluation.core.compliance import Finding
from evaluation.core.corrections import Corrected
from evaluation.core.incidents import Incidents
from evaluation.core.ranking import Ranking
from evaluation.core.rounds import BALLOT, SHEET, Round, Seal
from evaluation.core.rules import shelf
from evaluation.core.rules.shelf import Pack
from evaluation.core.sheet import Place, Sheet
from evaluation.core.steps import Steps
from evaluation.core.tally import Row
from evaluation.core.tender import Scoring
from evaluation.errors import NoSuchFreeze, NoSuchRound, NoSuchSeal


@lru_cache(maxsize=256)
def _parsed(plaintext: bytes, place: Place, asked: tuple[tuple[sheet.Item, Decimal], ...]) -> Sheet:
    """Opened sheets are looked at again with every view of the detailed review; they stand in the log in clear."""
    return sheet.parse(plaintext, place, asked)


@dataclass(frozen=True, slots=True)
class Holders:
    """A frozen holder set: the holders and their public keys, in the same order."""

    n: int
    set: bytes
    keys: tuple[bytes, ...]
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixed:
    """The definition in force."""

    n: int
    sha256: bytes
    scoring: Scoring


@dataclass(frozen=True, slots=True)
class Declaration:
    """A member's answer on recusal."""

    n: int
    recuse: bool
    grounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks that a member be recused; `granted` once the supervisor has decided."""

    id: bytes
    n: int
    seat: str
    ground: str
    granted: bool | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What comparing the documents showed: entry `n`, the advice's hash in the vault, how many facts it has."""

    n: int
    sha256: bytes
    facts: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Stage and facts of one evaluation. Indices (`n`) say which entry a fact comes from."""

    origin: str = ""
    members: tuple[Member, ...] = ()
    holders: tuple[str, ...] = ()
    holder_k: int = 0
    witnessed: int = 0
    holder_sets: tuple[Holders, ...] = ()
    fixed: Fixed | None = None
    stage: str = stages.CHECK_IN
    commitments: Mapping[str, int] = field(default_factory=dict)
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    recused: frozenset[str] = frozenset()
    rounds: tuple[Round, ...] = ()
    chair: str | None = None
    chair_undecided: bool = False
    chair_tied: tuple[str, ...] = ()
    drawn_chairs: int = 0
    votes: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    valid: tuple[str, ...] | None = None
    rejected: tuple[tuple[str, str], ...] = ()
    rows: tuple[Row, ...] = ()
    ranking: Ranking | None = None
    settled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coefficient: tuple[str, ...] = ()
    """The candidates of a drawn coefficient in the order of their draw; the first one holds."""
    steps: Steps = field(default_factory=Steps)
    successors: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    advice: Advice | None = None
    engine: int = 1
    """Which version of these rules the founding names: logs of an earlier one are decided again as they were."""

    @property
    def holder_set(self) -> Holders | None:
        """The holders in force: the newest set."""
        return self.holder_sets[-1] if self.holder_sets else None

    def set_of(self, sealed: bytes) -> Holders | None:
        """The set of this digest, which an envelope was sealed to; the one in force where there is none such."""
        return next((found for found in self.holder_sets if found.set == sealed), self.holder_set)

    def outdated(self, found: Round, seat: str) -> bool:
        """Whether the seat's current seal is to holders who have been replaced since."""
        current = found.current.get(seat)
        held = self.holder_set
        return current is not None and held is not None and found.seals[current].envelope.set != held.set

    def due_again(self, found: Round, seat: str) -> bool:
        """Whether the seat's current seal can never become safe as it was dealt: its holders were replaced, or one of
        them rejected it that is not faulty itself."""
        current = found.current.get(seat)
        if current is None:
            return False
        return self.outdated(found, seat) or bool(found.seals[current].rejects.keys() - found.faulty)

    def unsafe(self, found: Round) -> tuple[str, ...]:
        """Required seats without a safe seal to the holders in force; a frozen round keeps the holders that it had."""
        unsafe = found.unsafe(self.holder_k)
        if found.freeze is not None:
            return unsafe
        return tuple(seat for seat in found.required if seat in unsafe or self.outdated(found, seat))

    @property
    def committee(self) -> tuple[Member, ...]:
        """The members who have not left: `recused` holds everybody who did, on whatever ground."""
        return tuple(member for member in self.members if member.seat not in self.recused)

    @property
    def seats(self) -> tuple[str, ...]:
        """The seats of the committee."""
        return tuple(member.seat for member in self.committee)

    @property
    def rules(self) -> Pack:
        """The rule pack of the definition in force; the first one knew of no other."""
        asked = self.fixed.scoring.terms if self.fixed is not None else None
        return shelf.FIRST if asked is None else asked.rules

    @property
    def incidents(self) -> Incidents | None:
        """The tender's clocks of incidents, or its pack's; the first pack set none."""
        asked = self.fixed.scoring.terms if self.fixed is not None else None
        if asked is not None and asked.incidents is not None:
            return asked.incidents
        limits = self.rules.incident_limits
        return None if limits is None else Incidents(*limits)

    @property
    def least_members(self) -> int:
        """The smallest committee that this tender may have."""
        asked = self.fixed.scoring.terms if self.fixed is not None else None
        return self.rules.least_members if asked is None else asked.members

    @property
    def sealing_gate(self) -> int | None:
        """G1: the later of `HoldersFrozen` and `DefinitionFixed`."""
        if self.holder_set is None or self.fixed is None:
            return None
        return max(self.holder_set.n, self.fixed.n)

    @property
    def round(self) -> Round | None:
        """The newest round that a step back has not made void."""
        return next((found for found in reversed(self.rounds) if not found.void), None)

    def prices(self) -> dict[str, Decimal]:
        """The prices of the valid bids, in the definition's order."""
        if self.fixed is None or self.valid is None:
            return {}
        stated = {bidder: price for bidder, price in self.fixed.scoring.bidders if bidder in self.standing}
        return stated | {bidder: price for bidder, price in self.confirmed.items() if bidder in stated}

    @property
    def proposed(self) -> dict[str, Corrected]:
        """Corrections that the order of the law gives, by bidder; empty where the definition has settled them."""
        asked = self.fixed.scoring.terms if self.fixed is not None else None
        return {} if asked is None else {bid.id: bid.proposed for bid in asked.bids if bid.proposed is not None}

    @property
    def confirmed(self) -> dict[str, Decimal]:
        """The corrected prices that bidders have confirmed in their answers: they alone count."""
        return {each.bidder: points.parse(each.price) for each in self.steps.questions if each.price and each.confirmed}

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Bids that stand though their correction is not confirmed: nothing can be ranked with them."""
        return tuple(bidder for bidder in self.standing if bidder in self.proposed and bidder not in self.confirmed)

    def pages(self, *, advice: bool = False) -> dict[bytes, int]:
        """The documents of the tender with their numbers of pages; with the advice, whose facts are counted like pages,
        where the committee alone reads it."""
        pages = dict(self.fixed.scoring.documents) if self.fixed is not None else {}
        if advice and self.advice is not None:
            pages[self.advice.sha256] = self.advice.facts
        return pages

    @property
    def standing(self) -> tuple[str, ...]:
        """The bidders that passed the review and were not rejected since."""
        return tuple(bidder for bidder in self.valid or () if bidder not in self.steps.rejected)

    @property
    def lots(self) -> dict[str, tuple[str, ...]]:
        """Everything that lots have settled, as the outcome takes it."""
        return {**self.settled, **({"coefficient": self.coefficient} if self.coefficient else {})}

    @property
    def scored(self) -> tuple[str, ...]:
        """The bidders that sheets are about: who stood when the newest round of sheets was opened."""
        found = next((found for found in reversed(self.rounds) if found.purpose == SHEET and not found.void), None)
        return self.standing if found is None else found.bidders

    @property
    def vacant(self) -> tuple[str, ...]:
        """Seats whose members left and nobody took the place of, in the order of the roster."""
        left = (member.seat for member in self.members if member.seat in self.recused)
        return tuple(seat for seat in left if seat not in self.successors)

    def lawful(self) -> None:
        """CommitteeRefused where number or composition of those who are left breaks the law."""
        committee.check(self.committee, least=self.least_members, experts=self.rules.experts)

    def asked(self) -> tuple[tuple[sheet.Item, Decimal], ...]:
        """Every score that a sheet must hold, with its maximum."""
        return sheet.items(self.fixed.scoring, self.scored) if self.fixed else ()

    def find_round(self, purpose: str, number: int) -> Round:
        """The round, or NoSuchRound."""
        for found in self.rounds:
            if (found.purpose, found.number) == (purpose, number) and not found.void:
                return found
        raise NoSuchRound(f"no round {number} of purpose {purpose}")

    def find_seal(self, act: bytes) -> tuple[Round, Seal]:
        """The seal of this act id with its round, or NoSuchSeal."""
        for found in self.rounds:
            if act in found.seals:
                return found, found.seals[act]
        raise NoSuchSeal("the act is no seal of this proceeding")

    def find_freeze(self, leaf: bytes) -> Round:
        """The round that this leaf froze, or NoSuchFreeze."""
        for found in self.rounds:
            if found.freeze is not None and found.freeze.leaf == leaf:
                return found
        raise NoSuchFreeze("no freeze has this leaf hash")

    def place(self, seat: str, number: int) -> Place:
        """What a plaintext of this seat in this round must be bound to."""
        return Place(self.origin, seat, number, self.fixed.sha256 if self.fixed else b"")

    def read(self, found: Round, seat: str, plaintext: bytes) -> Sheet | str:
        """The sheet, or the choice of a ballot; SheetError where it cannot count."""
        place = self.place(seat, found.number)
        if found.purpose == BALLOT:
            return ballot.parse(plaintext, place, found.choices)
        return sheet.parse(plaintext, place, self.asked())

    def sheets(self) -> tuple[Sheet, ...]:
        """The opened sheets in the order of the freeze, with what their authors corrected since."""
        asked = self.asked()
        return tuple(
            self._corrected(_parsed(found.plaintexts[act], self.place(seat, found.number), asked))
            for found in self.rounds
            if found.purpose == SHEET and found.opened is not None and found.freeze is not None and not found.void
            for seat, act in found.freeze.sheets
            if act in found.plaintexts and act not in found.voided
        )

    def _corrected(self, read: Sheet) -> Sheet:
        made = {(each.bidder, each.criterion): each.score for each in self.steps.corrections if each.seat == read.seat}
        return Sheet(read.seat, {**read.scores, **made}) if made else read
