"""The draws of a proceeding as folded from its log (protocols.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evaluation.core.draw import Answers, Stratum, outcome
from evaluation.draw_errors import NoSuchDraw
from evidence.core.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Pool:
    """A custodian's frozen pool: entry `n` of this leaf hash."""

    n: int
    leaf: bytes
    custodian: str
    count: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Contribution:
    """A contributor's dealt secret. A late one stands in the log and counts for nothing."""

    id: bytes
    leaf: bytes
    author: str
    n: int
    envelope: Envelope
    late: bool
    acks: frozenset[str] = frozenset()
    rejects: Mapping[str, str] = field(default_factory=dict)

    def answered(self, holder: str) -> bool:
        """The holder has acknowledged or rejected it."""
        return holder in self.acks or holder in self.rejects


@dataclass(frozen=True, slots=True)
class DrawFreeze:
    """Which contributions count: their authors in ascending order."""

    leaf: bytes
    n: int
    listed: tuple[str, ...]
    absent: tuple[str, ...]


Given = tuple[tuple[int, int, str, str | None], ...]
"""(stratum, position, answer, evidence digest or None) in their order."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One attempt. `contributable` and `revealable` are the entries that showed the gates D1 and D2 reached."""

    name: str
    attempt: int
    n: int
    leaf: bytes
    strata: tuple[Stratum, ...]
    refs: tuple[tuple[str, ...] | None, ...]
    pool: Pool | None
    contributors: tuple[str, ...]
    minimum: int
    k: int
    enough: int
    commit_by: int
    reveal_within: int
    contributions: Mapping[str, Contribution] = field(default_factory=dict)
    contributable: int | None = None
    freeze: DrawFreeze | None = None
    revealable: int | None = None
    reveal_by: int = 0
    reveals: Mapping[str, bytes] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    missed_n: int | None = None
    releases: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    resolved: int | None = None
    seed: bytes = b""
    secrets: tuple[bytes, ...] = ()
    annulled: int | None = None
    answers: tuple[Answers, ...] = ()
    stated: tuple[bytes, Given] | None = None
    given: Given = ()
    """Every answer that counts, in its order, with its evidence."""

    def safe(self, author: str) -> bool:
        """The author's contribution is in time and acknowledged by a = 2f+1 holders."""
        found = self.contributions.get(author)
        return found is not None and not found.late and len(found.acks) >= self.enough

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Contributors without a safe contribution, in ascending order."""
        return tuple(sorted(author for author in self.contributors if not self.safe(author)))

    @property
    def hopeless(self) -> tuple[str, ...]:
        """Whose dealing so many holders rejected that it can never be safe."""
        holders = len(self.contributors)
        return tuple(
            author
            for author in self.unsafe
            if author in self.contributions and holders - len(self.contributions[author].rejects) < self.enough
        )

    @property
    def unrevealed(self) -> tuple[str, ...]:
        """Who is in the freeze and has not revealed."""
        return tuple(a for a in self.freeze.listed if a not in self.reveals) if self.freeze else ()

    @property
    def resolvable(self) -> bool:
        """Every secret is revealed, or k holders have released."""
        if self.freeze is None or self.resolved is not None:
            return False
        return len(self.releases) >= self.k or (not self.unrevealed and self.missed_n is None)

    @property
    def ranked(self) -> tuple[tuple[bytes, ...], ...]:
        """Per stratum its leaf hashes as drawn, reserves included; empty before the result."""
        return outcome(self.seed, self.strata) if self.resolved is not None else ()

    @property
    def named(self) -> tuple[tuple[str, ...] | None, ...]:
        """Per public stratum its references as drawn."""
        return names(self, self.ranked)

    @property
    def over(self) -> bool:
        """Nothing has to be computed any more: there is a result, or it was annulled before anything was frozen."""
        return self.resolved is not None or (self.annulled is not None and self.freeze is None)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Every pool and draw, in the order of the log; `external` maps labels to who else drew them, and `stated` are the
    seats that such a statement names."""

    draws: tuple[Draw, ...] = ()
    pools: Mapping[bytes, Pool] = field(default_factory=dict)
    external: Mapping[str, int] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()

    def opened(self, leaf: bytes) -> Draw:
        """The draw that this leaf opened, or NoSuchDraw."""
        for found in self.draws:
            if found.leaf == leaf:
                return found
        raise NoSuchDraw("no draw was opened with this leaf hash")

    def frozen(self, leaf: bytes) -> tuple[Draw, DrawFreeze]:
        """The draw that this leaf froze, or NoSuchDraw."""
        for found in self.draws:
            if found.freeze is not None and found.freeze.leaf == leaf:
                return found, found.freeze
        raise NoSuchDraw("no draw was frozen with this leaf hash")

    def contribution(self, act: bytes) -> tuple[Draw, Contribution]:
        """The contribution of this act id with its draw, or NoSuchDraw."""
        for found in self.draws:
            for made in found.contributions.values():
                if made.id == act:
                    return found, made
        raise NoSuchDraw("the act contributes to no draw")

    def live(self, name: str) -> Draw | None:
        """The attempt of this name that was not annulled."""
        return next((found for found in self.draws if found.name == name and found.annulled is None), None)


def names(found: Draw, ranked: tuple[tuple[bytes, ...], ...]) -> tuple[tuple[str, ...] | None, ...]:
    """The references of public strata in this order; None where only a custodian knows them."""
    return tuple(
        None if refs is None else tuple(dict(zip(each.leaves, refs, strict=True))[leaf] for leaf in order)
        for each, refs, order in zip(found.strata, found.refs, ranked, strict=False)
    )


def seconds(at: str) -> int:
    """An entry's time in whole seconds since the epoch."""
    return int(datetime.fromisoformat(at).timestamp())
