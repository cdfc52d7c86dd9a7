"""After an evaluation under the bidding law, version 1: clocks, ratings, hand-over, retention, as data.

Days of 招标投标法实施条例 are plain days; the last one is moved to a working day (民法典 203).
Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules.after_ratings_1 import ITEMS
from evidence.core.canonical import Object

TIMETABLE: Object = {
    "v": 1,
    "id": "cn-bidding-law-after",
    "version": "1",
    "regime": "bidding-law",
    # The bidding law knows no earliest day of a draw.
    "draw": None,
    "milestones": ["report-sent", "candidates-published", "winner-fixed", "reported-to-the-supervisor"],
    "clocks": [
        {
            "clock": "candidates-are-published",
            "from": "report-sent",
            "to": "candidates-published",
            "count": 3,
            "unit": "days",
            "source": "招标投标法实施条例 第五十四条",
            "mark": "V",
        },
        {
            "clock": "publication-stands",
            "from": "candidates-published",
            "to": None,
            "holds": "winner-fixed",
            "count": 3,
            "unit": "days",
            "source": "招标投标法实施条例 第五十四条",
            "mark": "V",
        },
        {
            "clock": "complaints-may-come",
            "from": "candidates-published",
            "to": None,
            "count": 10,
            "unit": "days",
            "source": "招标投标法实施条例 第六十条",
            "mark": "V",
        },
        {
            "clock": "written-report",
            "from": "winner-fixed",
            "to": "reported-to-the-supervisor",
            "count": 15,
            "unit": "days",
            "source": "招标投标法 第四十七条",
            "mark": "V",
        },
    ],
    "cases": {
        "objection": {
            "by": "operator",
            "during": "publication-stands",
            "answer": 3,
            "unit": "days",
            # Until it is answered nothing goes on.
            "holds": "winner-fixed",
            "source": "招标投标法实施条例 第五十四条",
            "mark": "V",
        },
        "complaint": {
            "by": "supervisor",
            "during": None,
            "answer": 30,
            "unit": "working-days",
            "holds": None,
            "source": "招标投标法实施条例 第六十一条",
            "mark": "K",
        },
    },
    "rating": {
        "by": ["operator", "supervisor"],
        "of": ["expert"],
        "count": 5,
        "unit": "working-days",
        "source": "招标投标法实施条例 第六十二条、第七十八条；省级一标一评办法",
        "mark": "U",
        "appeal": {"count": 5, "decide": 10, "unit": "working-days", "source": "no text states a figure", "mark": "U"},
        "items": ITEMS,
    },
    "hand_over": {
        "count": 5,
        "unit": "working-days",
        "source": "丽江市远程异地评标办法（副场五个工作日内移交）",
        "mark": "V",
    },
    # DA/T 103—2024 knows archives for good, for 30 and for 10 years: a tender that wants longer says so.
    "retention": {"years": 15, "source": "DA/T 103—2024；政府采购法 第四十二条的期限", "mark": "U"},
}
