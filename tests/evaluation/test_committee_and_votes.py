"""Committee (87号令 47), chair (45) and compliance review (61)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evaluation.core import chair, committee, compliance
from evaluation.core.committee import BUYER, EXPERT, Member
from evaluation.core.tender import Scoring
from evaluation.errors import CommitteeRefused, FindingsRefused


def members(experts: int, buyers: int) -> list[Member]:
    roles = [EXPERT] * experts + [BUYER] * buyers
    return [Member(f"seat-{i}", role) for i, role in enumerate(roles, 1)]


@pytest.mark.parametrize(("experts", "buyers"), [(5, 0), (4, 1), (5, 2), (7, 0), (6, 3)])
def test_odd_at_least_five_two_thirds_experts(experts: int, buyers: int) -> None:
    """87号令 47."""
    committee.check(members(experts, buyers))


@pytest.mark.parametrize(("experts", "buyers"), [(3, 0), (2, 1), (6, 0), (3, 2), (4, 3), (5, 4), (0, 0), (0, 5)])
def test_other_committees_are_refused(experts: int, buyers: int) -> None:
    """87号令 47: even, too small, or too few experts."""
    with pytest.raises(CommitteeRefused):
        committee.check(members(experts, buyers))


def test_a_seat_counts_once_and_only_members_count() -> None:
    five = members(5, 0)
    with pytest.raises(CommitteeRefused):
        committee.check([*five[:4], five[0]])
    with pytest.raises(CommitteeRefused):
        committee.check([*five[:4], Member("operator-1", "operator")])


def test_the_buyers_representative_cannot_be_chair() -> None:
    """87号令 45."""
    assert chair.eligible(members(4, 1)) == ("seat-1", "seat-2", "seat-3", "seat-4")


def test_the_most_votes_elect_and_a_tie_elects_nobody() -> None:
    """Domain study 1.5: all votes equal."""
    assert chair.count(["a", "b", "a", "c", "b"], ["a", "b", "c"]).leaders == ("a", "b")
    assert chair.count(["a", "b", "a", "c", "b"], ["a", "b", "c"]).elected is None
    assert chair.count(["a", "b", "a", "c", "a"], ["a", "b", "c"]).elected == "a"
    assert chair.count(["b", "b", "a"], ["a", "b", "c"]).votes == (("a", 1), ("b", 2), ("c", 0))
    assert chair.count([], ["a", "b"]).leaders == ("a", "b")


SCORING = Scoring(
    regime="government-procurement",
    method="comprehensive-scoring",
    category="services",
    technical=Decimal("80.00"),
    price=Decimal("20.00"),
    bidders=(("b1", Decimal("1.00")), ("b2", Decimal("2.00")), ("b3", Decimal("3.00"))),
    criteria=(("x", Decimal("80.00")),),
    compliance=("licence", "letter"),
    documents=(),
)


def findings(*failed: tuple[str, str]) -> list[list[str | None]]:
    return [
        [bidder, item, "fail", "reason"] if (bidder, item) in failed else [bidder, item, "pass", None]
        for bidder, _ in SCORING.bidders
        for item in SCORING.compliance
    ]


def test_the_majority_rejects_and_a_minority_does_not() -> None:
    """87号令 61: majority of the members, item by item."""
    against = compliance.parse(findings(("b2", "letter")), SCORING)
    other = compliance.parse(findings(("b2", "licence")), SCORING)
    clean = compliance.parse(findings(), SCORING)
    votes = {"s1": against, "s2": against, "s3": against, "s4": clean, "s5": clean}
    assert compliance.conclude(votes, SCORING) == (("b1", "b3"), (("b2", "letter"),))
    votes["s3"] = other
    assert compliance.conclude(votes, SCORING) == (("b1", "b2", "b3"), ())


BAD_FINDINGS: list[object] = [
    [],
    findings()[:-1],
    [*findings(), findings()[0]],
    findings()[::-1],
    [["b1", "licence", "maybe", None], *findings()[1:]],
    [["b1", "licence", "pass", "because"], *findings()[1:]],
    [["b1", "licence", "fail", None], *findings()[1:]],
    [["b1", "licence", "fail", "  "], *findings()[1:]],
    [["b1", "licence", "fail", "x" * 501], *findings()[1:]],
    [["b9", "licence", "pass", None], *findings()[1:]],
    [["b1", "licence", "pass"], *findings()[1:]],
    ["b1", *findings()[1:]],
    [[["b1"], "licence", "pass", None], *findings()[1:]],
    None,
    "pass",
]


@pytest.mark.parametrize("value", BAD_FINDINGS)
def test_findings_other_than_those_asked_for_are_refused(value: object) -> None:
    with pytest.raises(FindingsRefused):
        compliance.parse(value, SCORING)
