"""Rules of others, version 2: version 1, reasoned rejections, and corrections that the bidder itself accepts.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import international_1
from evidence.core.canonical import Object

_BEFORE: Object = international_1.PACK
_RESPONSIVE = "World Bank standard procurement documents, ITB 29 and 30"

PACK: Object = {
    **_BEFORE,
    "version": "2",
    # Responsiveness is found from the contents of the bid itself, and the evaluation report tells the Bank why each bid
    # was rejected: who finds a bid wanting names ground, words, and the page that shows it.
    "rejection": {
        **_BEFORE["rejection"],
        "grounds": [*_BEFORE["rejection"]["grounds"], "correction-unconfirmed"],
        "finding": ["ground", "text", "document", "page"],
        "void": {"above-ceiling": {"ground": "not-responsive", "source": _RESPONSIVE, "mark": "U"}},
        "source": f"{_RESPONSIVE}, 31.3; World Bank Procurement Regulations, section V",
        "mark": "K",
    },
    # A bidder that does not accept the correction of errors has its bid rejected.
    "corrections": {
        **_BEFORE["corrections"],
        "confirmed": "by-answer",
        "source": "World Bank standard procurement documents, ITB 31.1 to 31.3",
    },
}
