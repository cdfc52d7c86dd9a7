"""Errors of the committee's legal steps: questions, motions, rejections, corrections, steps back.

StepError
├── QuestionRefused          not one of the kinds that the law admits, or out of form (`question-refused`)
├── NoSuchQuestion           nobody asked this: unsolicited input is refused (`no-such-question`)
├── QuestionClosed           it was answered, refused or has lapsed (`question-closed`)
├── QuestionNotApproved      the supervisor has not let it out yet (`question-not-approved`)
├── AnswerLate               its time has run out (`answer-late`)
├── TimeRuns                 its time has not run out yet (`time-runs`)
├── MotionRefused            no such kind, out of form, or not to be put now (`motion-refused`)
├── NoSuchMotion             no motion of this id (`no-such-motion`)
├── MotionDecided            the motion is decided (`motion-decided`)
├── RejectionRefused         no legal ground, or its evidence is missing (`rejection-refused`)
├── NotChair                 this is for the chair (`not-chair`)
├── ReturnRefused            there is no way back to that stage from here (`return-refused`)
├── LeavingRefused           the member cannot leave now, or not on this ground (`leaving-refused`)
├── ReportMade               from the report on there is no step back but a reopening (`report-made`)
├── ReopeningRefused         none of the four legal reasons, or nothing waits (`reopening-refused`)
├── LegalItemsUnmet          an item that the law wants in the report is not there (`legal-items-unmet`)
└── CorrectionRefused        none of the four legal reasons holds for this score (`correction-refused`)
StageIncomplete
├── TooFewBidders
│   └── EvaluationFailed         too few valid bids: nothing follows but its end (`evaluation-failed`)
└── ObjectiveDiffers         members differ on an objective item (`objective-differs`)
"""

from __future__ import annotations

from evaluation.errors import EvaluationError, StageIncomplete, TooFewBidders


class StepError(EvaluationError):
    """A legal step is refused; `code` is stable, the text is for engineers."""

    code = "step"


class QuestionRefused(StepError):
    """Not one of the kinds that the law admits, or out of form."""

    code = "question-refused"


class NoSuchQuestion(StepError):
    """Nobody asked this: unsolicited input is refused (实施条例 52)."""

    code = "no-such-question"


class QuestionClosed(StepError):
    """It was answered, refused or has lapsed."""

    code = "question-closed"


class QuestionNotApproved(StepError):
    """The supervisor has not let it out yet."""

    code = "question-not-approved"


class AnswerLate(StepError):
    """Its time has run out."""

    code = "answer-late"


class TimeRuns(StepError):
    """Its time has not run out yet, or would be too short."""

    code = "time-runs"


class MotionRefused(StepError):
    """No such kind, out of form, or not to be put now."""

    code = "motion-refused"


class NoSuchMotion(StepError):
    """No motion of this id."""

    code = "no-such-motion"


class MotionDecided(StepError):
    """The motion is decided."""

    code = "motion-decided"


class RejectionRefused(StepError):
    """No legal ground, or its evidence is missing."""

    code = "rejection-refused"


class LegalItemsUnmet(StepError):
    """An item that the law wants in the report is not there; the text lists all of them with their articles."""

    code = "legal-items-unmet"


class EvaluationFailed(TooFewBidders):
    """Too few valid bids: nothing follows but the end of this evaluation."""

    code = "evaluation-failed"


class NotChair(StepError):
    """This is for the chair."""

    code = "not-chair"


class ReturnRefused(StepError):
    """There is no way back to that stage from here."""

    code = "return-refused"


class LeavingRefused(StepError):
    """The member cannot leave now, or not on this ground."""

    code = "leaving-refused"


class ReportMade(StepError):
    """From the report on there is no step back but a reopening."""

    code = "report-made"


class ReopeningRefused(StepError):
    """None of the four legal reasons holds, a lot was drawn, or nothing waits (87号令 64)."""

    code = "reopening-refused"


class CorrectionRefused(StepError):
    """None of the four legal reasons holds for this score."""

    code = "correction-refused"


class ObjectiveDiffers(StageIncomplete):
    """Members differ on an objective item."""

    code = "objective-differs"
