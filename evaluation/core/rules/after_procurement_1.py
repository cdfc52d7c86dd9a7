"""After an evaluation under government procurement, version 1: clocks, ratings, hand-over, retention, as data.

A clock runs from a milestone to another one (`to`), or is a time that others have (`period`): then `to` is its end.
Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules.after_ratings_1 import ITEMS
from evidence.core.canonical import Object

TIMETABLE: Object = {
    "v": 1,
    "id": "cn-government-procurement-after",
    "version": "1",
    "regime": "government-procurement",
    "draw": {
        "working_days": 2,
        "off": ["remote"],
        "source": "财库〔2016〕198号 第十四条",
        "mark": "K",
    },
    "milestones": ["report-sent", "winner-fixed", "announced"],
    "clocks": [
        {
            "clock": "report-to-the-buyer",
            "from": "closed",
            "to": "report-sent",
            "count": 2,
            "unit": "working-days",
            "source": "政府采购法实施条例 第四十三条",
            "mark": "V",
        },
        {
            "clock": "buyer-decides",
            "from": "report-sent",
            "to": "winner-fixed",
            "count": 5,
            "unit": "working-days",
            "source": "政府采购法实施条例 第四十三条",
            "mark": "V",
        },
        {
            "clock": "notice-and-announcement",
            "from": "winner-fixed",
            "to": "announced",
            "count": 2,
            "unit": "working-days",
            "source": "政府采购法实施条例 第四十三条",
            "mark": "V",
        },
        {
            "clock": "announcement-stands",
            "from": "announced",
            "to": None,
            "count": 1,
            "unit": "working-days",
            "source": "财政部令第87号 第六十九条",
            "mark": "K",
        },
        {
            "clock": "queries-may-come",
            "from": "announcement-stands",
            "to": None,
            "count": 7,
            "unit": "working-days",
            "source": "政府采购法 第五十二条；财政部令第94号 第十条、第十一条",
            "mark": "K",
        },
    ],
    "cases": {
        "query": {
            "by": "operator",
            "during": "queries-may-come",
            "answer": 7,
            "unit": "working-days",
            "holds": None,
            "source": "政府采购法 第五十二条、第五十三条",
            "mark": "V",
        },
        "complaint": {
            "by": "supervisor",
            "during": None,
            "answer": 30,
            "unit": "working-days",
            "holds": None,
            "source": "政府采购法 第五十五条、第五十六条",
            "mark": "K",
        },
    },
    "rating": {
        "by": ["operator"],
        "of": ["expert"],
        "count": 5,
        "unit": "working-days",
        "source": "财库〔2016〕198号 第二十一条",
        "mark": "K",
        "appeal": {"count": 5, "decide": 10, "unit": "working-days", "source": "no text states a figure", "mark": "U"},
        "items": ITEMS,
    },
    "hand_over": {
        "count": 5,
        "unit": "working-days",
        "source": "丽江市远程异地评标办法（副场五个工作日内移交）",
        "mark": "V",
    },
    "retention": {"years": 15, "source": "政府采购法 第四十二条；财政部令第87号 第三十九条", "mark": "V"},
}
