"""What the law wants to stand in the report, and does not yet: listed with its article, and nobody signs before.

The stages let nothing of this be left out; here it is looked at again from the state alone, as the last thing before
the report is frozen and before each signature.
"""

from __future__ import annotations

from collections.abc import Callable

from evaluation.core import checks, committee
from evaluation.core.outcome import LOT
from evaluation.core.rounds import SHEET
from evaluation.core.state import Evaluation
from evaluation.errors import EvaluationError


def unmet(state: Evaluation) -> tuple[tuple[str, str], ...]:
    """(item, article) of each that is missing, in the order of the evaluation."""
    return tuple((name, state.rules.source(section)) for name, section, holds in _ITEMS if not holds(state))


def _composed(state: Evaluation) -> bool:
    try:
        committee.check(state.committee, least=state.least_members, experts=state.rules.experts)
    except EvaluationError:
        return False
    return True


def _reviewed(state: Evaluation) -> bool:
    return state.valid is not None and set(state.seats) <= set(state.votes)


def _scored(state: Evaluation) -> bool:
    found = state.round
    opened = found is not None and found.purpose == SHEET and found.opened is not None
    return opened and {sheet.seat for sheet in state.sheets()} >= set(state.seats)


def _ranked(state: Evaluation) -> bool:
    return state.ranking is not None and not any(by == LOT for by, _, _ in state.ranking.undecided)


def _published(state: Evaluation) -> bool:
    terms = state.fixed.scoring.terms if state.fixed else None
    return not state.rules.publication or (terms is not None and terms.opened is not None)


_ITEMS: tuple[tuple[str, str, Callable[[Evaluation], bool]], ...] = (
    ("committee", "committee", _composed),
    ("commitments", "recusal", lambda state: set(state.seats) <= set(state.commitments)),
    ("recusal", "recusal", lambda state: set(state.seats) <= set(state.declarations)),
    ("chair", "chair", lambda state: state.chair in state.seats),
    ("review", "compliance", _reviewed),
    ("competition", "compliance", lambda state: state.steps.failed is None),
    ("open-questions-and-motions", "compliance", lambda state: not state.steps.open),
    ("price-corrections", "corrections", lambda state: not state.unconfirmed),
    ("scores", "report", _scored),
    ("objective-items", "report", lambda state: not checks.look(state).objective),
    ("ranking", "report", _ranked),
    ("publication", "report", _published),
)
