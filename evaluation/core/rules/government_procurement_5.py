"""Government procurement, version 5: version 4, and a corrected price counts only by the bidder's own answer.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import government_procurement_4
from evidence.core.canonical import Object

_BEFORE: Object = government_procurement_4.PACK

PACK: Object = {
    **_BEFORE,
    "version": "5",
    # 第五十九条: the corrected price is put to the bidder as a clarification, binds once it is confirmed, and a bid
    # whose correction is not confirmed is invalid. Up to version 4 the definition said what the bidder had answered.
    "corrections": {
        **_BEFORE["corrections"],
        "confirmed": "by-answer",
        "source": "财政部令第87号 第五十一条、第五十九条",
    },
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
        "source": "财政部令第87号 第五十九条、第六十三条",
    },
}
