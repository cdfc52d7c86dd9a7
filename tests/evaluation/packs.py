"""Definitions of version 2 for the tests, one for each method."""

from __future__ import annotations

from typing import Any

from evaluation.core import tender
from evaluation.core.rules import shelf
from evidence.core.canonical import encode
from tests.sessions.example import definition

PROCUREMENT = shelf.PACKS["cn-government-procurement", "2"]
BIDDING = shelf.PACKS["cn-bidding-law", "1"]
NEW_PROCUREMENT = shelf.PACKS["cn-government-procurement", "4"]
NEW_BIDDING = shelf.PACKS["cn-bidding-law", "3"]
ABROAD = shelf.PACKS["international", "1"]
ANSWERED_PROCUREMENT = shelf.PACKS["cn-government-procurement", "5"]
ANSWERED_BIDDING = shelf.PACKS["cn-bidding-law", "4"]
ANSWERED_ABROAD = shelf.PACKS["international", "2"]
"""From these on bidders answer for a corrected price themselves."""

PUBLICATION: dict[str, Any] = {
    "media": ["中国政府采购网", "内蒙古自治区公共资源交易网"],
    "opened": "2026-11-20T01:30:00Z",
    "place": "呼和浩特市公共资源交易中心开标一室",
}
DEVIATION: dict[str, Any] = {
    "kind": "deviation",
    "base": "mean",
    "trim_from": None,
    "ceiling": None,
    "share": "0.00",
    "drop": "0.00",
    "above": [[None, "1.00"]],
    "below": [[None, "0.50"]],
}
_PRICE: dict[str, dict[str, Any]] = {
    "comprehensive-scoring": {"kind": "lowest"},
    "lowest-evaluated-price": {"kind": "order"},
    "reviewed-lowest-price": {"kind": "order"},
    "comprehensive-evaluation": DEVIATION,
    "reasonable-low-price": DEVIATION,
    "coefficients": {"kind": "coefficients"},
    "quality-and-cost": {"kind": "quality-cost", "least": "60.00"},
}
_WEIGHTS = {
    "lowest-evaluated-price": ("0.00", "0.00"),
    "reviewed-lowest-price": ("0.00", "0.00"),
    "reasonable-low-price": ("0.00", "100.00"),
    "coefficients": ("30.00", "70.00"),
}


def second(
    pack: shelf.Pack = PROCUREMENT, method: str = "comprehensive-scoring", *, prices: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """A services tender under this pack and method."""
    technical, price = _WEIGHTS.get(method, ("80.00", "20.00"))
    scored = "100.00" if method == "quality-and-cost" else technical
    value: dict[str, Any] = (
        definition(technical=scored) if prices is None else definition(technical=scored, prices=prices)
    )
    found = pack.method(method)
    assert found is not None
    value |= {
        "v": 2,
        "regime": pack.regime,
        "method": method,
        "weights": {"technical": technical, "price": price},
        "rule_pack": pack.json,
        "bidders": [
            {**bidder, "brand": None, "policy": None, "plus": "0.00", "minus": "0.00", "quote": None}
            for bidder in value["bidders"]
        ],
        "terms": {
            "announced": "2026-11-02",
            "budget": "3000000.00",
            "ceiling": None,
            "conditions": [],
            "rates": {},
            "price": dict(_PRICE[method]),
            "trim_sheets": None,
            "tie": found.ties[0],
            "ranked": True,
            "candidates": 3,
            **({"publication": dict(PUBLICATION)} if pack.publication else {}),
        },
    }
    if scored == "0.00":
        value["criteria"] = []
    return value


def parsed(value: dict[str, Any]) -> tender.Definition:
    """The definition, or its refusal."""
    return tender.parse(encode(value))
