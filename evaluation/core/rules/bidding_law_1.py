"""The bidding law (招标投标法, 12号令), version 1: deviation from a benchmark, reviewed lowest price, as data.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evidence.core.canonical import Object

PACK: Object = {
    "v": 2,
    "id": "cn-bidding-law",
    "version": "1",
    "regime": "bidding-law",
    # The amended law is in force from 28 December 2017.
    "in_force": {"from": "2017-12-28", "until": None, "source": "招标投标法（2017年修正）", "mark": "K"},
    "categories": ["works", "goods", "services"],
    "committee": {
        "least": 5,
        "odd": True,
        "experts": [2, 3],
        # CTS-EBS01-2016 B-022: seven for water-conservancy works.
        "larger": {"least": 7, "budget": None, "conditions": ["water"]},
        "source": "招标投标法 第三十七条；CTS-EBS01-2016 B-022",
        "mark": "V",
    },
    "chair": {
        "votes": "equal-secret",
        "buyer_representative": True,
        "tied_rounds": 3,
        "then": "lot",
        "source": "12号令 第九条",
        "mark": "K",
    },
    "recusal": {
        "grounds": [
            "relative-of-the-bidder-head",
            "staff-of-the-supervising-authority",
            "economic-interest-with-a-bidder",
            "penalised-for-bidding",
        ],
        "source": "12号令 第十二条；招标投标法 第三十七条",
        "mark": "K",
    },
    "compliance": {
        "rule": "majority",
        "below_least": "vote",
        "least_bidders": 3,
        "same_brand_counts_once": False,
        "source": "招标投标法实施条例 第四十四条；12号令 第二十七条",
        "mark": "K",
    },
    "clarification": {
        "by": "majority",
        "source": "招标投标法实施条例 第五十二条；12号令 第十九条、第二十一条",
        "mark": "K",
    },
    # How far a sum may lie off the middle of the others' before it is shown to the committee: no text states a figure.
    "checks": {"abnormal": "30.00", "mark": "U"},
    # Seconds from a loss to the decision of people, before the start and during; provinces differ.
    "incidents": {
        "before_start": 7200,
        "during": 14400,
        "source": "丽江市远程异地评标办法 第二十条、第二十一条；招标投标法实施条例 第四十八条",
        "mark": "K",
    },
    "rejection": {
        "grounds": [
            "not-signed-and-sealed",
            "no-joint-agreement",
            "not-qualified",
            "two-bids",
            "below-cost-or-above-ceiling",
            "no-substantive-response",
            "collusion-fraud-bribery",
        ],
        "ceiling": "the ceiling where one was stated",
        "source": "招标投标法实施条例 第五十一条",
        "mark": "V",
    },
    "corrections": {
        "order": ["words", "misplaced-decimal", "unit-prices"],
        "unconfirmed": "invalid",
        "source": "12号令 第十九条",
        "mark": "K",
    },
    "policy": {"rates": {}, "touches": "nothing", "source": "招标投标法实施条例 第四十九条", "mark": "V"},
    "methods": {
        "comprehensive-evaluation": {
            "prices": ["deviation", "lowest"],
            "weights": {"least": {}, "source": "12号令 第三十五条", "mark": "K"},
            "adjustments": False,
            # "More than five" in the field's practice; the tender says whether and from how many.
            "trimmed_sheets": 5,
            "order": ["total", "price"],
            "ties": ["buyer", "equal", "lot"],
            "same_brand": False,
            "unranked": True,
            "source": "12号令 第三十四条至第三十七条；标准施工招标文件（2007年版）",
            "mark": "K",
        },
        "reasonable-low-price": {
            "prices": ["deviation"],
            "weights": {"least": {"works": "100.00"}, "source": "公路工程标准施工招标文件（2018年版）", "mark": "K"},
            "adjustments": False,
            "trimmed_sheets": None,
            "order": ["total", "price"],
            "ties": ["buyer", "equal", "lot"],
            "same_brand": False,
            "unranked": True,
            "source": "公路工程标准施工招标文件（2018年版）",
            "mark": "K",
        },
        "reviewed-lowest-price": {
            "prices": ["order"],
            "weights": None,
            "adjustments": True,
            "trimmed_sheets": None,
            "order": ["evaluated", "price"],
            "ties": ["buyer", "equal", "lot"],
            "same_brand": False,
            "unranked": True,
            "source": "12号令 第三十条至第三十三条",
            "mark": "K",
        },
    },
    "rounding": {"places": 2, "mode": "half-up", "rounded": ["technical", "price", "evaluated"], "mark": "K"},
    "candidates": {"most": 3, "source": "招标投标法实施条例 第五十三条", "mark": "V"},
    "report": {"items": 10, "source": "12号令 第四十二条", "mark": "K"},
}
