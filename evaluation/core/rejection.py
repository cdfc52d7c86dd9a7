"""Rejecting a bid: the article's ground, words, and the page that shows it; and what too few valid bids mean.

实施条例 51 and 87号令 63 name the grounds (each pack holds its own). Below the pack's number of valid
bids, government procurement fails (政府采购法 36); under the bidding law the committee finds whether competition is
lacking (12号令 27).
"""

from __future__ import annotations

from evaluation.core import clarification, compliance
from evaluation.core.state import Evaluation
from evaluation.core.terms import UNCONFIRMED
from evaluation.step_errors import RejectionRefused
from evidence.core.canonical import JSON, Object, members
from evidence.core.entry import Draft

UNEXPLAINED = "abnormally-low-price-unexplained"
FAILS, VOTE = "fails", "vote"


def check(state: Evaluation, value: JSON) -> Object:
    """The members of a motion to reject, held against the pack and the definition."""
    body = members(value, {**dict.fromkeys(("bidder", "ground", "text", "document"), str), "page": int})
    bidders = [bidder for bidder, _ in state.fixed.scoring.bidders] if state.fixed else []
    standing = bidders if state.valid is None else state.standing
    if body["bidder"] not in standing or body["bidder"] in state.steps.rejected:
        raise RejectionRefused("no such bidder, or its bid is rejected already")
    if body["ground"] not in state.rules.rejection_grounds:
        raise RejectionRefused(f"a ground is one of {', '.join(state.rules.rejection_grounds)}")
    check_asked(state, body["bidder"], body["ground"])
    clarification.text(body["text"])
    clarification.evidence(state, body, advice=True)
    return body


def check_asked(state: Evaluation, bidder: str, ground: str | None) -> None:
    """RejectionRefused where a price is said to be unexplained, and nobody asked for an explanation (87号令 60), or a
    correction not confirmed, and nobody asked the bidder to confirm it (87号令 59)."""
    if ground == UNEXPLAINED and not clarification.explained(state, bidder):
        raise RejectionRefused("the bidder must have been asked to explain its price (order 87, article 60)")
    if ground == UNCONFIRMED and not clarification.unconfirmed(state, bidder):
        raise RejectionRefused(f"the bidder has not refused a correction ({state.rules.source('corrections')})")


def short(state: Evaluation, standing: tuple[str, ...]) -> int | None:
    """The number of competing bids where it lies below the pack's; None where there are enough."""
    if state.fixed is None:
        return None
    number = compliance.competing(standing, state.fixed.scoring)
    return number if number < state.rules.least_bidders else None


def lacking(state: Evaluation) -> int | None:
    """`short` of what stands, unless the committee found that these bids compete. Where none stands, there is no
    competition that anybody could find."""
    number = short(state, state.standing)
    return None if number and state.steps.competing else number


def failing(state: Evaluation, standing: tuple[str, ...]) -> tuple[Draft, ...]:
    """`EvaluationFailed`, where the law leaves nothing to decide. The first pack knew no such event."""
    number = short(state, standing)
    if number is None or state.rules.below_least != FAILS or state.steps.failed is not None:
        return ()
    return (Draft("EvaluationFailed", {"competing": number, "source": state.rules.source("compliance")}),)
