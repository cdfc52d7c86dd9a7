"""What the committee's legal steps leave in the state: questions, motions, rejections, corrections, steps back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from evidence.core.canonical import Object

ANSWERED, REFUSED, LAPSED = "answered", "refused", "lapsed"


@dataclass(frozen=True, slots=True)
class Question:
    """A question to one bidder, known by the id of the act that put it. `until` once the supervisor let it out.

    `vouched` and `ended` are the entries in which the main centre named the bidder's key, and that closed the question.
    `price` is the corrected price that the bidder was asked to confirm, `confirmed` what it answered to that.
    """

    id: bytes
    n: int
    bidder: str
    kind: str
    until: str | None = None
    key: str | None = None
    vouched: int | None = None
    closed: str | None = None
    ended: int | None = None
    price: str | None = None
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True)
class Motion:
    """What a member put to the vote; `carried` once every member has voted."""

    id: bytes
    n: int
    kind: str
    body: Object
    votes: Mapping[str, bool] = field(default_factory=dict)
    carried: bool | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A score that its own author corrected for a legal reason."""

    n: int
    seat: str
    bidder: str
    criterion: str
    score: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Steps:
    """`rejected`: bidder -> index of its rejection. `back`: the step back that waits for the supervisor.

    `failed` is the index at which too few bids were left; `competing` says that the committee found competition in
    spite of their number.
    """

    questions: tuple[Question, ...] = ()
    motions: tuple[Motion, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    hurried: frozenset[str] = frozenset()
    extended: int | None = None
    back: tuple[bytes, str] | None = None
    failed: int | None = None
    competing: bool = False

    @property
    def open(self) -> tuple[str, ...]:
        """What must be settled before a stage ends, in words for engineers."""
        waiting = [f"question at {found.n}" for found in self.questions if found.closed is None]
        waiting += [f"motion at {found.n}" for found in self.motions if found.carried is None]
        return (*waiting, *(("step back",) if self.back is not None else ()))
