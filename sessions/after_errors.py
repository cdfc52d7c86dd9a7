"""Errors of what follows an evaluation: milestones, cases, ratings, hand-over, retention.

AfterError
├── AfterNotOpen         the proceeding's final root is not recorded yet (`after-not-open`)
├── MilestoneRefused     no milestone of this timetable, or its day cannot be (`milestone-refused`)
├── MilestoneOrder       an earlier milestone is missing, or a time or case holds it up (`milestone-order`)
├── CaseRefused          no case of this timetable, out of form, or of another office (`case-refused`)
├── NoSuchCase           no case, rating or hand-over of this id (`no-such-case`)
├── RatingRefused        nobody who is rated, or not by this office (`rating-refused`)
├── AppealLate           the time to appeal is over (`appeal-late`)
├── NotOwnJudge          nobody decides on an appeal against a rating of their own (`not-own-judge`)
├── HandOverRefused      no secondary venue, or its list is out of form (`hand-over-refused`)
└── Purged               the proceeding's files were deleted after that date (`purged`)
"""

from __future__ import annotations


class AfterError(Exception):
    """What comes after an evaluation is refused; `code` is stable, the text is for engineers."""

    code = "after"


class AfterNotOpen(AfterError):
    """Ask again: the end of the proceeding is being recorded."""

    code = "after-not-open"


class MilestoneRefused(AfterError):
    """No milestone of this timetable, or its day cannot be."""

    code = "milestone-refused"


class MilestoneOrder(AfterError):
    """An earlier milestone is missing, or a time that others have, or an unanswered case, holds it up."""

    code = "milestone-order"


class CaseRefused(AfterError):
    """No query, objection or complaint that this timetable knows."""

    code = "case-refused"


class NoSuchCase(AfterError):
    """Nothing of this id was stated, or it was dealt with."""

    code = "no-such-case"


class RatingRefused(AfterError):
    """Only the timetable's offices rate, and only those it names are rated."""

    code = "rating-refused"


class AppealLate(AfterError):
    """The time to appeal is over."""

    code = "appeal-late"


class NotOwnJudge(AfterError):
    """Who rated does not decide on the appeal."""

    code = "not-own-judge"


class HandOverRefused(AfterError):
    """Only a secondary venue hands over, once, unless something was missing."""

    code = "hand-over-refused"


class Purged(AfterError):
    """What was kept is gone, after its date and by an act in the centre log."""

    code = "purged"
