"""Which lots the evaluation itself needs, and what follows from them (protocols.md 4(6): every legal lot is one draw).

A rule that ends in a lot names it here: `due` says that it is wanted, `settle` what it decided, `reversible` until when
it can still be annulled. Everything else about draws is `sessions.core.drawing`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.core import stages
from evaluation.core.outcome import COEFFICIENT, LOT, Outcome, outcome
from evaluation.core.state import Evaluation
from evaluation.errors import EventRefused
from evidence.core.canonical import b64u
from evidence.core.entry import Draft, Entry

CHAIR = "lot/chair"
"""The first lot for the chair; where a chair who was drawn leaves, the next election's is `lot/chair-2`, and so on."""
TIE, BRAND_TIE = "lot/place-", "lot/brand-"
"""Equal bidders, where the tender's terms end in a lot: for a place, and for who stands for a brand (87号令 31)."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot that is due: its label, who stands in it, how many are drawn."""

    label: str
    refs: tuple[str, ...]
    quota: int = 1


def reserved(label: str) -> bool:
    """Whether nobody opens this label by an act: the evaluation's own state opens it."""
    return of_chair(label) or label.startswith((TIE, BRAND_TIE))


def of_chair(label: str) -> bool:
    """Whether the lot is between members, for the chair."""
    return label == CHAIR or label.startswith(f"{CHAIR}-")


def awaited(state: Evaluation) -> tuple[str, ...]:
    """The candidates of the coefficient that the tender leaves to a draw, as long as it is not drawn."""
    return () if state.coefficient else _candidates(state)


def tallied(state: Evaluation) -> tuple[Draft, ...]:
    """`ScoresTallied` and `RankingFixed`; nothing while the coefficient has to be drawn."""
    if awaited(state):
        return ()
    found = _outcome(state)
    return Draft("ScoresTallied", found.tallied), Draft("RankingFixed", found.ranked)


def _chair(state: Evaluation) -> str:
    """The label of this election's lot: nobody draws again under the label that an earlier chair was drawn by."""
    return f"{CHAIR}-{state.drawn_chairs + 1}" if state.drawn_chairs else CHAIR


def due(state: Evaluation) -> tuple[Lot, ...]:
    """After three tied rounds the lot decides between the tied (domain study 1.5), after the tally between equals.

    A coefficient that the tender leaves to the draw comes first: before it no price has its points. Who stands for a
    brand is drawn before any place: it decides who can be equal at all.
    """
    if state.chair_undecided and state.stage == stages.CHAIR_ELECTION:
        return (Lot(_chair(state), state.chair_tied),)
    if state.stage != stages.TALLY:
        return ()
    if drops := awaited(state):
        return (Lot(COEFFICIENT, drops),)
    if state.ranking is None:
        return ()
    ties = [Lot(f"lot/{matter}", bidders) for by, matter, bidders in state.ranking.undecided if by == LOT]
    return tuple([lot for lot in ties if lot.label.startswith(BRAND_TIE)] or ties)


def settle(state: Evaluation, label: str, ranked: Sequence[str], freeze: bytes) -> tuple[Draft, ...]:
    """What a resolved lot decides, in the same append."""
    if label == _chair(state) and state.chair_undecided:
        return (Draft("ChairDrawn", {"seat": ranked[0], "freeze": b64u(freeze)}),)
    if label == COEFFICIENT and any(lot.label == label for lot in due(state)):
        drawn = Draft("CoefficientDrawn", {"order": list(ranked), "freeze": b64u(freeze)})
        return drawn, *tallied(replace(state, coefficient=tuple(ranked)))
    if any(lot.label == label for lot in due(state)):
        matter = label.partition("/")[2]
        drawn = Draft("TieDrawn", {"matter": matter, "order": list(ranked), "freeze": b64u(freeze)})
        after = replace(state, settled={**state.settled, matter: tuple(ranked)})
        return drawn, Draft("RankingFixed", _outcome(after).ranked)
    return ()


def reversible(state: Evaluation, label: str) -> bool:
    """Whether nothing rests on the lot yet."""
    if of_chair(label):
        return label == _chair(state) and state.stage == stages.CHAIR_ELECTION
    if label == COEFFICIENT and _candidates(state):
        return state.stage == stages.TALLY and not state.settled
    if not reserved(label):
        return True
    rests = label.startswith(BRAND_TIE) and any(f"lot/{matter}".startswith(TIE) for matter in state.settled)
    return state.stage == stages.TALLY and not rests


def on_chair_drawn(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, chair=entry.body["seat"], chair_undecided=False)


def on_annulled(state: Evaluation, entry: Entry) -> Evaluation:
    """The lot is annulled: the tie stands again, and without its coefficient nothing is tallied."""
    if entry.body["draw"] == _chair(state) and state.chair_tied:
        return replace(state, chair=None, chair_undecided=True)
    if entry.body["draw"] == COEFFICIENT and state.coefficient:
        return replace(state, coefficient=(), rows=(), ranking=None)
    matter = str(entry.body["draw"]).partition("/")[2]
    if reserved(entry.body["draw"]) and matter in state.settled:
        settled = {name: order for name, order in state.settled.items() if name != matter}
        without = replace(state, settled=settled)
        return replace(without, ranking=_outcome(without).ranking)
    return state


def on_tie_drawn(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, settled={**state.settled, entry.body["matter"]: tuple(entry.body["order"])})


def on_coefficient_drawn(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, coefficient=tuple(entry.body["order"]))


def _candidates(state: Evaluation) -> tuple[str, ...]:
    terms = state.fixed.scoring.terms if state.fixed is not None else None
    return () if terms is None else terms.candidates_of_drop


def _outcome(state: Evaluation) -> Outcome:
    """The outcome with what the lots have settled; the sheets are the opened ones as before."""
    if state.fixed is None:
        raise EventRefused("a lot between bidders before any definition")
    return outcome(state.fixed.scoring, state.standing, state.sheets(), state.lots, state.confirmed)
