"""What experts are rated by after each proceeding (一标一评), as data for every regime's timetable.

The eight breaches are those of 招标投标法实施条例 71; the fifteen questions follow the duties of 财库〔2016〕198号 and
财政部令第87号. No national text states figures: the points are those that provinces choose around, and marked so.
"""

from __future__ import annotations

from evidence.core.canonical import Object

ITEMS: Object = {
    "breaches": {
        "did-not-withdraw": 12,
        "left-the-post": 4,
        "did-not-follow-the-method": 6,
        "private-contact": 12,
        "asked-for-or-took-hints": 12,
        "did-not-reject-what-must-be": 6,
        "led-or-took-unasked-clarification": 6,
        "other-improper-conduct": 3,
    },
    "breaches_source": "招标投标法实施条例 第七十一条",
    "breaches_mark": "V",
    # Answered yes or no for every expert; each no costs so many points.
    "questions": [
        "came-in-time",
        "proved-identity",
        "declared-recusal",
        "gave-up-devices",
        "stayed-to-the-end",
        "kept-names-secret",
        "kept-content-secret",
        "knew-the-procedure",
        "knew-the-field",
        "read-the-bids",
        "scored-alone",
        "gave-reasons",
        "corrected-errors-when-shown",
        "worked-with-care",
        "signed-the-report",
    ],
    "question_points": 1,
    "most_points": 12,
    "questions_source": "财库〔2016〕198号 第十八条、第二十一条；财政部令第87号 第四十五条",
    "questions_mark": "K",
    "points_mark": "U",
}
