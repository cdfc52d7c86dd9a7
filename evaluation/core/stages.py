"""The stages of an evaluation, in their only order (docs/protocol.md 2.3)."""

from __future__ import annotations

from evaluation.errors import TooEarly, TooLate

CHECK_IN = "check-in"
DECLARATIONS = "declarations"
CHAIR_ELECTION = "chair-election"
COMPLIANCE_REVIEW = "compliance-review"
DETAILED_REVIEW = "detailed-review"
TALLY = "tally"
REPORT = "report"
SIGNING = "signing"
DONE = "done"

STAGES: tuple[str, ...] = (
    CHECK_IN,
    DECLARATIONS,
    CHAIR_ELECTION,
    COMPLIANCE_REVIEW,
    DETAILED_REVIEW,
    TALLY,
    REPORT,
    SIGNING,
    DONE,
)


def following(stage: str) -> str | None:
    """The stage after this one; None after the last."""
    index = STAGES.index(stage) + 1
    return STAGES[index] if index < len(STAGES) else None


def span(first: str, last: str) -> frozenset[str]:
    """All stages from `first` to `last`."""
    return frozenset(STAGES[STAGES.index(first) : STAGES.index(last) + 1])


def check(stage: str, allowed: frozenset[str]) -> None:
    """TooEarly before the first allowed stage, TooLate otherwise outside."""
    if stage in allowed:
        return
    if STAGES.index(stage) < min(STAGES.index(name) for name in allowed):
        raise TooEarly(f"not in stage {stage}")
    raise TooLate(f"no longer in stage {stage}")
