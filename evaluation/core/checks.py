"""After the opening: objective items that differ, sums far off the others', and who may correct what (87号令 64).

A result changes only for one of four reasons: a wrong sum, a score out of range, objective items that differ, a score
abnormally high or low. A sealed sheet states no sum and no score out of range can be opened, so here the first two
never hold, and a correction for them is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from evaluation.core import clarification, points
from evaluation.core.rounds import SHEET
from evaluation.core.state import Evaluation
from evaluation.core.steps import Correction
from evaluation.errors import EventRefused
from evaluation.step_errors import CorrectionRefused, ObjectiveDiffers
from evidence.core.act import Act
from evidence.core.canonical import Object, members
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed

SUM, RANGE, OBJECTIVE, ABNORMAL = "sum", "range", "objective", "abnormal"
REASONS = (SUM, RANGE, OBJECTIVE, ABNORMAL)


@dataclass(frozen=True, slots=True)
class Found:
    """Advice to the committee: (bidder, criterion) on which members differ, (seat, bidder) far off the others."""

    objective: tuple[tuple[str, str], ...] = ()
    abnormal: tuple[tuple[str, str], ...] = ()

    @property
    def json(self) -> Object:
        """Body of `ScoresChecked`."""
        return {"objective": [list(pair) for pair in self.objective], "abnormal": [list(p) for p in self.abnormal]}


def look(state: Evaluation) -> Found:
    """What the opened sheets show, with the corrections made so far; nothing where the terms name nothing."""
    terms = state.fixed.scoring.terms if state.fixed else None
    sheets = state.sheets() if terms is not None else ()
    if terms is None or not sheets:
        return Found()
    differing = tuple(
        (bidder, criterion)
        for bidder in state.scored
        for criterion in terms.objective
        if len({sheet.scores[bidder, criterion] for sheet in sheets}) > 1
    )
    limit = state.rules.abnormal
    if limit is None or len(sheets) < 2:
        return Found(differing)
    far: list[tuple[str, str]] = []
    for sheet in sheets:
        for bidder in state.scored:
            middle = _median([other.sum_of(bidder) for other in sheets if other is not sheet])
            if abs(Fraction(sheet.sum_of(bidder)) - middle) * 100 > middle * Fraction(limit):
                far.append((sheet.seat, bidder))
    return Found(differing, tuple(far))


def _median(sums: Sequence[Decimal]) -> Fraction:
    """The middle of the others' sums: unlike their mean, one outlier does not make outliers of the rest."""
    ordered = sorted(sums)
    return Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def checked(state: Evaluation) -> tuple[Draft, ...]:
    """`ScoresChecked`, in the append of the opening, under packs that look at the scores."""
    if state.fixed is None or state.fixed.scoring.terms is None:
        return ()
    return (Draft("ScoresChecked", look(state).json),)


def settled(state: Evaluation) -> None:
    """ObjectiveDiffers while members differ on an objective item: no total is made before."""
    if differing := look(state).objective:
        raise ObjectiveDiffers(f"{len(differing)} objective items differ")


def correct(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`score.correct`: a member corrects a score of its own opened sheet, for a legal reason that is found there."""
    body = members(act.body, dict.fromkeys(("bidder", "criterion", "score", "reason", "text"), str))
    clarification.text(body["text"])
    found = state.round
    if found is None or found.purpose != SHEET or found.opened is None:
        raise CorrectionRefused("nothing is opened: a sealed sheet is sealed again")
    read = next((sheet for sheet in state.sheets() if sheet.seat == act.sub), None)
    maximum = dict(state.asked()).get((body["bidder"], body["criterion"]))
    if read is None or maximum is None:
        raise CorrectionRefused("the sheet has no such score")
    try:
        score = points.parse(body["score"])
    except ValueError as error:
        raise Malformed("a score is a decimal with exactly two places") from error
    if score > maximum or score == read.scores[body["bidder"], body["criterion"]]:
        raise CorrectionRefused(f"another score of at most {maximum}")
    shown = look(state)
    holds = {
        OBJECTIVE: (body["bidder"], body["criterion"]) in shown.objective,
        ABNORMAL: (act.sub, body["bidder"]) in shown.abnormal,
    }
    if not holds.get(body["reason"], False):
        raise CorrectionRefused(f"{body['reason'][:20]!r} does not hold for this score")
    return (Draft("ScoreCorrected", {"from": points.form(read.scores[body["bidder"], body["criterion"]])}, act),)


def _corrected(state: Evaluation, entry: Entry) -> Evaluation:
    if entry.act is None:
        raise EventRefused("ScoreCorrected needs an act")
    body = entry.act.body
    score: Decimal = points.parse(body["score"])
    made = Correction(entry.n, entry.act.sub, body["bidder"], body["criterion"], score, body["reason"])
    return replace(state, steps=replace(state.steps, corrections=(*state.steps.corrections, made)))


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {"score.correct": correct}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "ScoresChecked": lambda state, entry: state,
    "ScoreCorrected": _corrected,
}
