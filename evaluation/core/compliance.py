"""The compliance review: every member finds for every bidder and item, the majority decides (87号令 61)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.core.tender import Scoring
from evaluation.errors import FindingsRefused
from evidence.core.canonical import JSON

PASS = "pass"  # noqa: S105 (a finding, not a secret)
FAIL = "fail"
# A reason is a sentence or two; it stands in the log for good.
MAX_REASON = 500

Finding = tuple[str, str, bool, str | None]


def parse(value: JSON, scoring: Scoring) -> tuple[Finding, ...]:
    """[[bidder, item, "pass" or "fail", reason or null]...]: each bidder and item once, in order, reasons for fails."""
    asked = [(bidder, item) for bidder, _ in scoring.bidders for item in scoring.compliance]
    if not isinstance(value, list) or len(value) != len(asked):
        raise FindingsRefused(f"{len(asked)} findings are asked for")
    findings: list[Finding] = []
    for row, (bidder, item) in zip(value, asked, strict=True):
        if not isinstance(row, list) or len(row) != 4 or row[:2] != [bidder, item] or row[2] not in (PASS, FAIL):
            raise FindingsRefused(f"the finding for {bidder}, {item} is missing, out of order or out of form")
        passed, reason = row[2] == PASS, row[3]
        if passed and reason is not None:
            raise FindingsRefused("a pass needs no reason")
        if not passed and (not isinstance(reason, str) or not 1 <= len(reason.strip()) <= len(reason) <= MAX_REASON):
            raise FindingsRefused(f"a fail needs a reason of at most {MAX_REASON} characters")
        findings.append((bidder, item, passed, reason))
    return tuple(findings)


def conclude(
    votes: Mapping[str, Sequence[Finding]], scoring: Scoring
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Valid bidders, and [bidder, item] of each rejection: an item fails by more than half of the votes.

    A bid that the law itself makes invalid (above the ceiling, a correction not confirmed) is rejected whatever is
    voted, with that ground in the place of an item.
    """
    against: dict[tuple[str, str], int] = {}
    for findings in votes.values():
        for bidder, item, passed, _ in findings:
            against[bidder, item] = against.get((bidder, item), 0) + (not passed)
    rejected = tuple(pair for pair, number in against.items() if 2 * number > len(votes))
    if scoring.terms is not None:
        rejected += tuple((bid.id, bid.void) for bid in scoring.terms.bids if bid.void is not None)
    out = {bidder for bidder, _ in rejected}
    return tuple(bidder for bidder, _ in scoring.bidders if bidder not in out), rejected


def competing(valid: Sequence[str], scoring: Scoring) -> int:
    """How many bidders compete: those with one brand count as one where the terms know brands (87号令 31)."""
    if scoring.terms is None or not scoring.terms.same_brand:
        return len(valid)
    return len({bid.brand or (bid.id,) for bid in scoring.terms.bids if bid.id in valid})
