"""The bidding law, version 4: version 3, and a corrected price counts only by the bidder's own answer.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import bidding_law_3
from evidence.core.canonical import Object

_BEFORE: Object = bidding_law_3.PACK

PACK: Object = {
    **_BEFORE,
    "version": "4",
    # 第十九条: the committee has the bidder clarify or correct in writing; what the bidder does not accept is no
    # response to the tender's substance. Up to version 3 the definition said what the bidder had answered.
    "corrections": {**_BEFORE["corrections"], "confirmed": "by-answer"},
    # Each expert who was drawn elsewhere is named by the statement of that draw. Packages that are drawn among groups
    # of experts are proceedings of their own here: inside of one there is none to draw.
    "draw": {
        **_BEFORE["draw"],
        "stated": "by-seat",
        "labels": ["venue", "seat", "coefficient", "expert", "lot"],
    },
    "rejection": {
        **_BEFORE["rejection"],
        "grounds": [*_BEFORE["rejection"]["grounds"], "correction-unconfirmed"],
        "void": {"above-ceiling": _BEFORE["rejection"]["void"]["above-ceiling"]},
        "source": "招标投标法实施条例 第五十一条；12号令 第十九条",
        "mark": "K",
    },
}
