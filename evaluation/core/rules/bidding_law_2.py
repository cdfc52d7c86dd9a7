"""The bidding law, version 2: version 1, and from when prices differ in a regular way (实施条例 第四十条).

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import bidding_law_1, government_procurement_3
from evidence.core.canonical import Object

PACK: Object = {
    **bidding_law_1.PACK,
    "version": "2",
    "collusion": {
        "prices": {
            # The same figures: no text of either law states any.
            **government_procurement_3.PACK["collusion"]["prices"],
            "known": {"from": "opening", "source": "招标投标法 第三十六条", "mark": "K"},
        },
        "source": "招标投标法实施条例 第四十条第四项",
        "mark": "K",
    },
}
