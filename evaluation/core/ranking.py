"""The ranking: total descending, price ascending, then equal rank (87号令 57)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evaluation.core.tally import Row

# 87号令 58 and 实施条例 43 speak of ranked candidates; at most three is the practice's bound (招标投标法实施条例 53).
MAX_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every valid bidder with its rank, best first, and who is recommended.

    Version 2 adds: whether candidates are ranked at all (in 评定分离 they are not, and `places` is empty), who is left
    out and why, and which equal bidders somebody else has to settle: (by whom, what about, bidders).
    """

    places: tuple[tuple[str, int], ...]
    candidates: tuple[str, ...]
    version: int = 1
    ranked: bool = True
    excluded: tuple[tuple[str, str], ...] = ()
    undecided: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


def rank(rows: Sequence[Row], prices: Mapping[str, Decimal]) -> Ranking:
    """Equal total and equal price share a rank, and the next rank is skipped (1, 1, 3)."""

    def merit(row: Row) -> tuple[Decimal, Decimal]:
        return (-row.total, prices[row.bidder])

    ordered = sorted(rows, key=lambda row: (*merit(row), row.bidder))
    places: list[tuple[str, int]] = []
    for position, row in enumerate(ordered, 1):
        equal = position > 1 and merit(ordered[position - 2]) == merit(row)
        places.append((row.bidder, places[-1][1] if equal else position))
    return Ranking(tuple(places), candidates(places))


def candidates(places: Sequence[tuple[str, int]], most: int = MAX_CANDIDATES) -> tuple[str, ...]:
    """The first three, or as many as the tender says. Bidders of equal rank stand or fall together, except that the
    first rank is never empty."""
    chosen: list[str] = []
    for rank_ in sorted({rank for _, rank in places}):
        group = [bidder for bidder, rank in places if rank == rank_]
        if chosen and len(chosen) + len(group) > most:
            break
        chosen += group
    return tuple(chosen)
