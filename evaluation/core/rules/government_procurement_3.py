"""Government procurement, version 3: version 2, and from when prices differ in a regular way (87号令 第三十七条).

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import government_procurement_2
from evidence.core.canonical import Object

PACK: Object = {
    **government_procurement_2.PACK,
    "version": "3",
    "collusion": {
        "prices": {
            # Prices are compared only where they were read out in public before the committee meets.
            "known": {"from": "opening", "source": "财政部令第87号 第四十一条", "mark": "K"},
            # See `evaluation.core.regularity`: no text states a figure.
            "least": 3,
            "odds": 100,
            "multiples": 10,
            "lines": 10,
            "unit": "10.00",
            "permille": 900,
            "source": "no text states a figure; chosen so that chance shows a series in one tender of a hundred",
            "mark": "U",
        },
        "source": "财政部令第87号 第三十七条第四项",
        "mark": "K",
    },
}
