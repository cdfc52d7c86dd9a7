"""The bidding law, version 3: version 2, and draws that bind (experts, coefficients), trimming, small firms in works.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import bidding_law_2
from evidence.core.canonical import Object

_BEFORE: Object = bidding_law_2.PACK
_METHODS: Object = _BEFORE["methods"]

PACK: Object = {
    **_BEFORE,
    "version": "3",
    # Works, and what goes with them; projects of state security and state secrets are not put out to tender.
    "scope": {"source": "招标投标法 第三条、第六十六条", "mark": "K"},
    # An expert sits after a draw of this log or one that the supervisor states, or with the approval of the founding.
    "draw": {
        "experts": "drawn",
        "approval": "whoever the law lets decide that a project is technically complex or very special",
        "source": "招标投标法实施条例 第四十六条、第四十七条",
        "mark": "V",
    },
    # The floating coefficient in percent: fixed, or drawn from the candidates that the tender states.
    "coefficient": {
        "most": "10.00",
        "candidates": [2, 20],
        "source": "公路工程标准施工招标文件（2018年版）; no text states the bounds",
        "mark": "U",
    },
    "checks": {**_BEFORE["checks"], "source": "发改法规〔2026〕195号 第九项; no text states a figure"},
    # 财库〔2020〕46号 9: in works 3 to 5 % for small firms, 1 to 2 % for groups with them. Where the points do not come
    # from the lowest price, the points grow by as much, and the price stays as it is.
    "policy": {
        "rates": {"small": ["3.00", "5.00"], "joint": ["1.00", "2.00"]},
        "categories": ["works"],
        "points": ["deviation"],
        "touches": "evaluated price, or the points for the price; never the contract price",
        "source": "财库〔2020〕46号 第九条",
        "mark": "K",
    },
    "methods": {
        **_METHODS,
        # "More than five" in the field's practice: from six sheets on.
        "comprehensive-evaluation": {**_METHODS["comprehensive-evaluation"], "trimmed_sheets": 6},
    },
    # Who finds a bid wanting names ground, words, and the page that shows it; what the law itself makes invalid has its
    # ground as well.
    "rejection": {
        **_BEFORE["rejection"],
        "finding": ["ground", "text", "document", "page"],
        "void": {
            "above-ceiling": {
                "ground": "below-cost-or-above-ceiling",
                "source": "招标投标法实施条例 第五十一条第五项",
                "mark": "V",
            },
            "correction-unconfirmed": {
                "ground": "no-substantive-response",
                "source": "12号令 第十九条；招标投标法实施条例 第五十一条第六项",
                "mark": "K",
            },
        },
    },
    "report": {**_BEFORE["report"], "publication": ["media", "opened", "place"]},
    "rounding": {**_BEFORE["rounding"], "source": "标准施工招标文件（2007年版）"},
}
