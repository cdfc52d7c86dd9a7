"""After an evaluation under rules of others, version 1: a standstill, ratings, hand-over, retention, as data.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules.after_ratings_1 import ITEMS
from evidence.core.canonical import Object

TIMETABLE: Object = {
    "v": 1,
    "id": "international-after",
    "version": "1",
    "regime": "international",
    "draw": None,
    "milestones": ["intention-announced", "winner-fixed"],
    "clocks": [
        {
            "clock": "standstill",
            "from": "intention-announced",
            "to": None,
            "holds": "winner-fixed",
            "count": 10,
            "unit": "working-days",
            "source": "World Bank Procurement Regulations, standstill period",
            "mark": "K",
        },
    ],
    "cases": {
        "complaint": {
            "by": "operator",
            "during": "standstill",
            "answer": 15,
            "unit": "working-days",
            "holds": "winner-fixed",
            "source": "World Bank Procurement Regulations, annex III",
            "mark": "U",
        },
    },
    "rating": {
        "by": ["operator"],
        "of": ["expert"],
        "count": 5,
        "unit": "working-days",
        "source": "the agreement of the parties",
        "mark": "U",
        "appeal": {"count": 5, "decide": 10, "unit": "working-days", "source": "the agreement", "mark": "U"},
        "items": ITEMS,
    },
    "hand_over": {"count": 5, "unit": "working-days", "source": "the agreement of the parties", "mark": "U"},
    "retention": {"years": 15, "source": "the agreement of the parties", "mark": "U"},
}
