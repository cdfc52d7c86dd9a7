"""The demo's tenders are lawful, and the first one's sheets average to the published points."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from evaluation.core.committee import Member, check
from evaluation.core.tender import parse
from evidence.core.canonical import encode
from web.demo.tender import BUYER_SEAT, CODE_ALPHABET, MEMBERS, TV1_PRICES, TV1_TECHNICAL, case


def _leaves(node: dict[str, Any]) -> list[tuple[str, Decimal]]:
    if not node["children"]:
        return [(node["id"], Decimal(node["max"]))]
    return [leaf for child in node["children"] for leaf in _leaves(child)]


def test_the_award_notice_is_reproduced_by_five_different_sheets() -> None:
    """TV1: weights 80/20, four prices, and technical averages of exactly 49.50, 56.00, 49.00 and 75.00."""
    tender = case(None)
    assert tender.definition["weights"] == {"technical": "80.00", "price": "20.00"}
    assert [bidder["price"] for bidder in tender.definition["bidders"]] == list(TV1_PRICES)
    for bidder, published in zip(tender.definition["bidders"], TV1_TECHNICAL, strict=True):
        sums = [sum(tender.plans[seat].sheet[bidder["id"]].values()) for seat in MEMBERS]
        assert Decimal(sum(sums)) / 5 == Decimal(published)
        assert len(set(sums)) > 1
    assert not any(plan.failed for plan in tender.plans.values())


@pytest.mark.parametrize("seed", [None, *range(60)])
def test_every_tender_is_in_order(seed: int | None) -> None:
    """Leaves add up to the technical weight, each score lies in its range, and the code's check digit holds (TV4)."""
    tender = case(seed)
    assert tender == case(seed)
    definition = tender.definition
    parse(encode(definition | {"documents": [], "origin": "hohhot.example/proceedings/a", "salt": "A" * 43, "v": 1}))
    check([Member(seat["id"], seat["role"]) for seat in tender.seats if seat["id"] in MEMBERS])
    leaves = dict(leaf for node in definition["criteria"] for leaf in _leaves(node))
    assert sum(leaves.values()) == Decimal(definition["weights"]["technical"])
    for plan in tender.plans.values():
        assert plan.chair != BUYER_SEAT
        assert list(plan.sheet) == [bidder["id"] for bidder in definition["bidders"]]
        for points in plan.sheet.values():
            assert points.keys() == leaves.keys()
            assert all(0 <= points[leaf] <= most for leaf, most in leaves.items())
    for bidder in definition["bidders"]:
        values = [CODE_ALPHABET.index(sign) for sign in bidder["code"]]
        assert len(values) == 18
        assert (31 - sum(value * pow(3, i, 31) for i, value in enumerate(values[:17])) % 31) % 31 == values[17]
        assert Decimal(bidder["price"]) > 0
    assert len({bidder["code"] for bidder in definition["bidders"]}) == len(definition["bidders"])


def test_seeds_differ_and_some_reject_a_bidder() -> None:
    cases = [case(seed) for seed in range(60)]
    assert len({str(tender.definition) for tender in cases}) == 60
    rejected = [tender for tender in cases if any(plan.failed for plan in tender.plans.values())]
    assert 5 <= len(rejected) <= 30
