"""Government procurement, version 2: comprehensive scoring and the lowest evaluated price (财政部令87号), as data.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evidence.core.canonical import Object

PACK: Object = {
    "v": 2,
    "id": "cn-government-procurement",
    "version": "2",
    "regime": "government-procurement",
    # 财政部令第87号 第八十八条: in force from 1 October 2017.
    "in_force": {"from": "2017-10-01", "until": None, "source": "财政部令第87号 第八十八条", "mark": "K"},
    "categories": ["goods", "services"],
    "committee": {
        "least": 5,
        "odd": True,
        "experts": [2, 3],
        "larger": {"least": 7, "budget": "10000000.00", "conditions": ["complex", "high-impact"]},
        "source": "财政部令第87号 第四十七条；政府采购法实施条例 第三十九条",
        "mark": "K",
    },
    "chair": {
        "votes": "equal-secret",
        "buyer_representative": False,
        "tied_rounds": 3,
        "then": "lot",
        "source": "财政部令第87号 第四十五条",
        "mark": "K",
    },
    "recusal": {
        "grounds": [
            "employed-within-three-years",
            "director-or-supervisor-within-three-years",
            "controlling-shareholder-within-three-years",
            "relative-of-the-supplier-head",
            "other-relation",
        ],
        "source": "政府采购法实施条例 第九条；财库〔2016〕198号 第十六条",
        "mark": "V",
    },
    "compliance": {
        "rule": "majority",
        "below_least": "fails",
        "least_bidders": 3,
        "same_brand_counts_once": True,
        "source": "政府采购法 第三十六条；财政部令第87号 第三十一条、第六十一条",
        "mark": "V",
    },
    "clarification": {"by": "chair", "source": "财政部令第87号 第五十一条、第六十条", "mark": "K"},
    # How far a sum may lie off the middle of the others' before it is shown to the committee: no text states a figure.
    "checks": {"abnormal": "30.00", "mark": "U"},
    # Seconds from a loss to the decision of people, before the start and during; provinces differ.
    "incidents": {
        "before_start": 7200,
        "during": 14400,
        "source": "丽江市远程异地评标办法 第二十条、第二十一条；财政部令第87号 第四十九条",
        "mark": "K",
    },
    "rejection": {
        "grounds": [
            "no-deposit",
            "not-signed-or-sealed",
            "not-qualified",
            "above-ceiling",
            "unacceptable-conditions",
            "abnormally-low-price-unexplained",
            "other-in-the-tender-document",
        ],
        "ceiling": "the ceiling, or the budget where none was stated",
        "source": "财政部令第87号 第六十三条",
        "mark": "K",
    },
    "corrections": {
        "order": ["opening-summary", "words", "misplaced-decimal", "unit-prices"],
        "unconfirmed": "invalid",
        "source": "财政部令第87号 第五十九条",
        "mark": "K",
    },
    "policy": {
        "rates": {"small": ["10.00", "20.00"], "joint": ["4.00", "6.00"]},
        "touches": "evaluated price, never the contract price",
        "source": "财库〔2020〕46号；财库〔2022〕19号",
        "mark": "U",
    },
    "methods": {
        "comprehensive-scoring": {
            "prices": ["lowest", "fixed"],
            "weights": {
                "least": {"goods": "30.00", "services": "10.00"},
                "source": "财政部令第87号 第五十五条",
                "mark": "K",
            },
            "adjustments": False,
            "trimmed_sheets": None,
            "order": ["total", "price"],
            "ties": ["equal"],
            "same_brand": True,
            "unranked": True,
            "source": "财政部令第87号 第三十一条、第五十五条、第五十七条",
            "mark": "K",
        },
        "lowest-evaluated-price": {
            "prices": ["order"],
            "weights": None,
            "adjustments": False,
            "trimmed_sheets": None,
            "order": ["evaluated"],
            "ties": ["equal"],
            "same_brand": True,
            "unranked": False,
            "source": "财政部令第87号 第三十一条、第五十四条、第五十六条",
            "mark": "K",
        },
    },
    "rounding": {"places": 2, "mode": "half-up", "rounded": ["technical", "price", "evaluated"], "mark": "K"},
    "candidates": {"most": 3, "source": "财政部令第87号 第五十八条", "mark": "K"},
    "report": {"items": 6, "source": "财政部令第87号 第五十八条", "mark": "K"},
}
