"""Which lots the evaluation itself needs, and what follows from them (protocols.md 4(6): every legal lot is one draw).

A rule that ends in a lot names it here: `due` says that it is wanted, `settle` what it decided, `reversible` until when
it can still be annulled. Everything else about draws is `sessions.core.drawing`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.core import stages
from evaluation.core.state import Evaluation
from evidence.core.canonical import b64u
from evidence.core.entry import Draft, Entry

CHAIR = "lot/chair"
RESERVED = frozenset({CHAIR})
"""Labels that nobody opens by an act: the evaluation's own state opens them."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot that is due: its label, who stands in it, how many are drawn."""

    label: str
    refs: tuple[str, ...]
    quota: int = 1


def due(state: Evaluation) -> tuple[Lot, ...]:
    """After three tied rounds the lot decides between the tied (domain study 1.5)."""
    if state.chair_undecided and state.stage == stages.CHAIR_ELECTION:
        return (Lot(CHAIR, state.chair_tied),)
    return ()


def settle(state: Evaluation, label: str, ranked: Sequence[str], freeze: bytes) -> tuple[Draft, ...]:
    """What a resolved lot decides, in the same append."""
    if label == CHAIR and state.chair_undecided:
        return (Draft("ChairDrawn", {"seat": ranked[0], "freeze": b64u(freeze)}),)
    return ()


def reversible(state: Evaluation, label: str) -> bool:
    """Whether nothing rests on the lot yet."""
    return label != CHAIR or state.stage == stages.CHAIR_ELECTION


def on_chair_drawn(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, chair=entry.body["seat"], chair_undecided=False)


def on_annulled(state: Evaluation, entry: Entry) -> Evaluation:
    """The chair's lot is annulled: the tie stands again."""
    if entry.body["draw"] == CHAIR and state.chair_tied:
        return replace(state, chair=None, chair_undecided=True)
    return state
