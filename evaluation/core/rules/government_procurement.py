"""Government procurement, comprehensive scoring (财政部令87号): the rule pack as data, with its sources."""

from __future__ import annotations

from decimal import Decimal

from evidence.core.canonical import encode, sha256

REGIME = "government-procurement"
METHOD = "comprehensive-scoring"
# 87号令 55: the price weighs at least 30 % for goods and 10 % for services.
LEAST_PRICE_WEIGHT = {"goods": Decimal("30.00"), "services": Decimal("10.00")}
# 政府采购法实施条例 9 and 财库〔2016〕198号 16, in their order.
RECUSAL_GROUNDS = (
    "employed-within-three-years",
    "director-or-supervisor-within-three-years",
    "controlling-shareholder-within-three-years",
    "relative-of-the-supplier-head",
    "other-relation",
)

ID = "cn-government-procurement"
VERSION = "1"
PACK = encode(
    {
        "v": 1,
        "id": ID,
        "version": VERSION,
        "regime": REGIME,
        "method": METHOD,
        "committee": {"least": 5, "odd": True, "experts": [2, 3], "source": "财政部令第87号 第四十七条"},
        "chair": {
            "votes": "equal-secret",
            "buyer_representative": False,
            "tied_rounds": 3,
            "then": "undecided",
            "source": "财政部令第87号 第四十五条",
        },
        "recusal": {
            "grounds": list(RECUSAL_GROUNDS),
            "source": "政府采购法实施条例 第九条；财库〔2016〕198号 第十六条",
        },
        "compliance": {
            "rule": "majority",
            "least_bidders": 3,
            "source": "政府采购法 第三十六条；财政部令第87号 第六十一条",
        },
        "price": {
            "formula": "lowest/price*weight",
            "least_weight": {name: str(weight) for name, weight in LEAST_PRICE_WEIGHT.items()},
            "trimming": False,
            "source": "财政部令第87号 第五十五条",
        },
        "tally": {"mean": "arithmetic", "places": 2, "rounding": "half-up", "rounded": ["technical", "price"]},
        "ranking": {
            "order": ["total-descending", "price-ascending"],
            "tie": "equal-rank",
            "candidates": 3,
            "source": "财政部令第87号 第五十七条",
        },
        "report": {"items": 6, "source": "财政部令第87号 第五十八条"},
    }
)
SHA256 = sha256(PACK)
