"""Rules of others, version 1: coefficients as Prozorro weighs them, quality and cost as the World Bank does, as data.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evidence.core.canonical import Object

PACK: Object = {
    "v": 2,
    "id": "international",
    "version": "1",
    "regime": "international",
    "in_force": {"from": "2016-07-01", "until": None, "source": "World Bank Procurement Regulations", "mark": "K"},
    "categories": ["works", "goods", "services"],
    "committee": {
        "least": 3,
        "odd": True,
        "experts": [2, 3],
        "larger": {"least": 3, "budget": None, "conditions": []},
        "source": "World Bank Procurement Regulations, section V",
        "mark": "U",
    },
    "chair": {
        "votes": "equal-secret",
        "buyer_representative": True,
        "tied_rounds": 3,
        "then": "lot",
        "source": "the agreement of the parties",
        "mark": "U",
    },
    "recusal": {
        "grounds": ["conflict-of-interest"],
        "source": "World Bank Procurement Regulations 3.14",
        "mark": "U",
    },
    "compliance": {
        "rule": "majority",
        "below_least": "vote",
        "least_bidders": 1,
        "same_brand_counts_once": False,
        "source": "World Bank Procurement Regulations, section V",
        "mark": "U",
    },
    "clarification": {"by": "majority", "source": "World Bank Procurement Regulations, section V", "mark": "K"},
    # How far a sum may lie off the middle of the others' before it is shown to the committee: no text states a figure.
    "checks": {"abnormal": "30.00", "mark": "U"},
    # Seconds from a loss to the decision of people, before the start and during; provinces differ.
    "incidents": {
        "before_start": 7200,
        "during": 14400,
        "source": "no text states a figure; those of the domestic packs",
        "mark": "U",
    },
    "rejection": {
        "grounds": ["not-responsive", "not-qualified"],
        "ceiling": "the ceiling where one was stated",
        "source": "World Bank Procurement Regulations, section V",
        "mark": "U",
    },
    "corrections": {
        "order": ["misplaced-decimal", "unit-prices", "words"],
        "unconfirmed": "invalid",
        "source": "World Bank standard procurement documents, ITB 31",
        "mark": "K",
    },
    "policy": {"rates": {}, "touches": "nothing", "source": "none", "mark": "K"},
    "methods": {
        "coefficients": {
            "prices": ["coefficients"],
            # Prozorro: all non-price criteria together weigh at most 30 %.
            "weights": {
                "least": {"works": "70.00", "goods": "70.00", "services": "70.00"},
                "source": "Prozorro, barbecue: calculate_coefficient",
                "mark": "V",
            },
            "adjustments": False,
            "trimmed_sheets": None,
            "order": ["evaluated", "price"],
            "ties": ["equal"],
            "same_brand": False,
            "unranked": False,
            "source": "Prozorro, barbecue: cooking",
            "mark": "V",
        },
        "quality-and-cost": {
            "prices": ["quality-cost"],
            "weights": {"least": {}, "source": "World Bank Procurement Regulations, annex XII", "mark": "K"},
            "adjustments": False,
            "trimmed_sheets": None,
            "order": ["total", "technical"],
            "ties": ["equal"],
            "same_brand": False,
            "unranked": False,
            "source": "World Bank Procurement Regulations, annex XII",
            "mark": "K",
        },
    },
    "rounding": {"places": 2, "mode": "half-up", "rounded": ["technical", "price", "evaluated"], "mark": "K"},
    "candidates": {"most": 3, "source": "the agreement of the parties", "mark": "U"},
    "report": {"items": 6, "source": "the agreement of the parties", "mark": "U"},
}
