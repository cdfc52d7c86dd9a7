"""The evaluation committee (87号令 47, 招标投标法 37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.errors import CommitteeRefused

EXPERT = "expert"
BUYER = "buyer-representative"
MEMBER_ROLES = frozenset({EXPERT, BUYER})
# 87号令 47: an odd number, five or more.
SMALLEST = 5


@dataclass(frozen=True, slots=True)
class Member:
    """One vote of the committee: who sits at `seat`, as expert or as the buyer's representative."""

    seat: str
    role: str

    @property
    def may_chair(self) -> bool:
        """The buyer's representative may not be chair (87号令 45)."""
        return self.role == EXPERT


def check(
    members: Sequence[Member],
    *,
    least: int = SMALLEST,
    experts: tuple[int, int] = (2, 3),
    source: str = "order 87, article 47",
) -> None:
    """CommitteeRefused where number or composition breaks 87号令 47, or what the pack's `source` says."""
    n = len(members)
    found = sum(member.role == EXPERT for member in members)
    if len({member.seat for member in members}) != n or any(member.role not in MEMBER_ROLES for member in members):
        raise CommitteeRefused("a seat stands twice, or has no part in a committee")
    if n < least or n % 2 == 0:
        raise CommitteeRefused(f"{n} members: an odd number of at least {least} is demanded ({source})")
    if found * experts[1] < experts[0] * n:
        raise CommitteeRefused(f"{found} experts of {n}: {experts[0]} of {experts[1]} are demanded ({source})")
