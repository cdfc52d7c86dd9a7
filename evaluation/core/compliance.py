"""The compliance review: every member finds for every bidder and item, the majority decides (87号令 61).

Under packs that say so a fail names the article's ground and the page that shows it, as a motion to reject does
(87号令 63, 实施条例 51); earlier packs wanted words only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evaluation.core.tender import Scoring
from evaluation.errors import FindingsRefused
from evidence.core.canonical import JSON, unb64u
from evidence.errors import Malformed

PASS = "pass"  # noqa: S105 (a finding, not a secret)
FAIL = "fail"
# A reason is a sentence or two; it stands in the log for good.
MAX_REASON = 500


class Finding(NamedTuple):
    """What one member found for one bidder and item; a fail has its reason, and from the packs on that want them the
    ground, and the page of a document where the tender has any."""

    bidder: str
    item: str
    passed: bool
    reason: str | None = None
    ground: str | None = None
    document: bytes | None = None
    page: int | None = None


def parse(value: JSON, scoring: Scoring, pages: Mapping[bytes, int] | None = None) -> tuple[Finding, ...]:
    """[[bidder, item, "pass", null] or [bidder, item, "fail", reason, ground, document, page]...]: each bidder and item
    once, in order. `pages` are the documents that may be cited, with their numbers of pages: the tender's by default.

    A fail ends with its reason under packs that do not ask for more.
    """
    asked = [(bidder, item) for bidder, _ in scoring.bidders for item in scoring.compliance]
    if not isinstance(value, list) or len(value) != len(asked):
        raise FindingsRefused(f"{len(asked)} findings are asked for")
    pages = dict(scoring.documents) if pages is None else pages
    findings: list[Finding] = []
    for row, (bidder, item) in zip(value, asked, strict=True):
        if not isinstance(row, list) or len(row) < 4 or row[:2] != [bidder, item] or row[2] not in (PASS, FAIL):
            raise FindingsRefused(f"the finding for {bidder}, {item} is missing, out of order or out of form")
        passed, reason, more = row[2] == PASS, row[3], row[4:]
        if passed and (reason is not None or more):
            raise FindingsRefused("a pass needs no reason")
        if passed:
            findings.append(Finding(bidder, item, passed=True))
            continue
        if not isinstance(reason, str) or not 1 <= len(reason.strip()) <= len(reason) <= MAX_REASON:
            raise FindingsRefused(f"a fail needs a reason of at most {MAX_REASON} characters")
        findings.append(Finding(bidder, item, False, reason, *_evidence(more, scoring, pages)))
    return tuple(findings)


def _evidence(
    more: Sequence[JSON], scoring: Scoring, pages: Mapping[bytes, int]
) -> tuple[str, bytes | None, int | None] | tuple[()]:
    """Ground, document and page of a fail; nothing under a pack that asks for none. A tender without any document has
    no page to show."""
    rules = None if scoring.terms is None else scoring.terms.rules
    if rules is None or not rules.evidenced:
        if more:
            raise FindingsRefused("under this rule pack a fail has a reason and nothing else")
        return ()
    if len(more) != 3:
        raise FindingsRefused(f"a fail names ground, document and page ({rules.source('rejection')})")
    ground, document, page = more
    if not isinstance(ground, str) or ground not in rules.rejection_grounds:
        raise FindingsRefused(f"a ground is one of {', '.join(rules.rejection_grounds)} ({rules.source('rejection')})")
    if not scoring.documents and document is None and page is None:
        return ground, None, None
    try:
        name = unb64u(document, 32) if isinstance(document, str) else b""
    except Malformed as error:
        raise FindingsRefused("a document is named by its hash") from error
    if type(page) is not int or not 1 <= page <= pages.get(name, 0):
        raise FindingsRefused("no such document, or no such page in it")
    return ground, name, page


def conclude(
    votes: Mapping[str, Sequence[Finding]], scoring: Scoring
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Valid bidders, and [bidder, item] of each rejection: an item fails by more than half of the votes.

    A bid that the law itself makes invalid (above the ceiling, a correction not confirmed) is rejected whatever is
    voted, with that ground in the place of an item.
    """
    against: dict[tuple[str, str], int] = {}
    for findings in votes.values():
        for found in findings:
            pair = found.bidder, found.item
            against[pair] = against.get(pair, 0) + (not found.passed)
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
