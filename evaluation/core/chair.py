"""The election of the chair: secret, equal votes, the buyer's representative not eligible (87号令 45).

The practice's endless loop of 2:2:1 ties (domain study 1.5) is bounded by the pack's `tied_rounds`; then a lot decides
(`evaluation.core.lots`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.core.committee import Member


@dataclass(frozen=True, slots=True)
class Count:
    """Votes of one round in the order of its choices; `leaders` share the highest number."""

    votes: tuple[tuple[str, int], ...]
    leaders: tuple[str, ...]

    @property
    def elected(self) -> str | None:
        """The one leader, if there is one."""
        return self.leaders[0] if len(self.leaders) == 1 else None


def eligible(members: Sequence[Member], *, buyer: bool = False) -> tuple[str, ...]:
    """Who may be chosen in the first round; later rounds are between the tied. `buyer`: the law lets the buyer's
    representative be chair (12号令 9)."""
    return tuple(member.seat for member in members if buyer or member.may_chair)


def count(ballots: Sequence[str], choices: Sequence[str]) -> Count:
    """All votes weigh the same. Without any readable vote everybody is tied."""
    votes = tuple((choice, sum(ballot == choice for ballot in ballots)) for choice in choices)
    most = max(number for _, number in votes)
    return Count(votes, tuple(choice for choice, number in votes if number == most))
