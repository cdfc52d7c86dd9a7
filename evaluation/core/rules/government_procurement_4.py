"""Government procurement, version 4: version 3, and who may sit without a draw, who stands for a brand by what merit.

Marks of confidence: V, the text was read; K, known and to be checked against the text; U, uncertain.
"""

from __future__ import annotations

from evaluation.core.rules import government_procurement_3
from evidence.core.canonical import Object

_BEFORE: Object = government_procurement_3.PACK

PACK: Object = {
    **_BEFORE,
    "version": "4",
    # What is no procurement of this law, and what it does not apply to: works put out to tender, secrets of the state.
    "scope": {"source": "政府采购法 第二条、第四条、第八十五条", "mark": "K"},
    # An expert sits after a draw of this log or one that the supervisor states, or with the approval of the founding.
    "draw": {
        "experts": "drawn",
        "approval": "the competent budget unit, for projects that are technically complex and highly specialised",
        "source": "政府采购法实施条例 第三十九条；财政部令第87号 第四十八条；财库〔2016〕198号 第十三条",
        "mark": "K",
    },
    "checks": {
        **_BEFORE["checks"],
        "source": "财政部令第87号 第六十四条；发改法规〔2026〕195号 第九项; no text states a figure",
    },
    "methods": {
        "comprehensive-scoring": {
            **_BEFORE["methods"]["comprehensive-scoring"],
            # Of one brand the highest total stands; of equal totals the one by the tender's way, else by lot.
            "brand": {
                "merit": "total",
                "ways": ["lot", "price", "technical"],
                "source": "财政部令第87号 第三十一条第二款",
                "mark": "K",
            },
        },
        "lowest-evaluated-price": {
            **_BEFORE["methods"]["lowest-evaluated-price"],
            # Of one brand the lowest quote takes part: what was quoted, not what it is evaluated at.
            "brand": {"merit": "price", "ways": ["lot"], "source": "财政部令第87号 第三十一条第一款", "mark": "K"},
        },
    },
    # Who finds a bid wanting names ground, words, and the page that shows it; what the law itself makes invalid has its
    # ground as well.
    "rejection": {
        **_BEFORE["rejection"],
        "finding": ["ground", "text", "document", "page"],
        "void": {
            "above-ceiling": {"ground": "above-ceiling", "source": "财政部令第87号 第六十三条第四项", "mark": "K"},
            "correction-unconfirmed": {
                "ground": "other-in-the-tender-document",
                "source": "财政部令第87号 第五十九条、第六十三条第六项",
                "mark": "K",
            },
        },
    },
    "report": {**_BEFORE["report"], "publication": ["media", "opened", "place"]},
    "rounding": {
        **_BEFORE["rounding"],
        "source": "no text states the places; those of the published notices of award",
    },
}
