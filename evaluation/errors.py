"""Errors of the evaluation.

EvaluationError
├── DefinitionRefused        the tender cannot be evaluated as described (`definition-refused`)
│   ├── WeightRefused            weights break the law or their sum (`weight-refused`)
│   ├── CriteriaRefused          the criteria tree does not add up (`criteria-refused`)
│   ├── BiddersRefused           bidders, codes or prices are out of form (`bidders-refused`)
│   ├── CreditCodeRefused        a 统一社会信用代码 fails its check digit (`credit-code-refused`)
│   ├── TermsRefused             the terms break the rule pack; the text cites the article (`terms-refused`)
│   ├── QuoteRefused             a quote cannot be corrected to a price (`quote-refused`)
│   ├── RulePackMismatch         the definition names another pack than the founding (`rule-pack-mismatch`)
│   └── ImportRefused            a tender or sheet of bidders is out of form; the text says where (`import-refused`)
├── CommitteeRefused         the committee breaks 87号令 47 (`committee-refused`)
├── UnknownRulePack          no such rule pack in this engine (`unknown-rule-pack`)
├── UnknownCalendar          no such calendar of working days in this engine (`unknown-calendar`)
├── UnknownTimetable         no such timetable in this engine (`unknown-timetable`)
├── StageError
│   ├── TooEarly                 the stage for it has not come (`too-early`)
│   ├── TooLate                  the stage for it is over (`too-late`)
│   ├── NotNextStage             stages follow one another without a leap (`not-next-stage`)
│   └── StageIncomplete          something is still missing in this stage (`stage-incomplete`)
│       ├── ChairUndecided           three tied rounds, and the lot is not drawn yet (`chair-undecided`)
│       ├── TooFewBidders            fewer than three valid bidders (`too-few-bidders`)
│       └── SheetIsUnreadable        a required sheet could not be read (`sheet-unreadable`)
├── AlreadyDone              this was done before and is done once (`already-done`)
│   └── AlreadySealed            a second seal must name the one it replaces (`already-sealed`)
├── NotRequired              the seat has no part in this round (`not-required`)
├── RoundError
│   ├── NoSuchRound              no round of this purpose and number (`no-such-round`)
│   ├── NoSuchSeal               the act is no seal of this proceeding (`no-such-seal`)
│   ├── NoSuchFreeze             no freeze has this leaf hash (`no-such-freeze`)
│   ├── RoundFrozen              the round takes no more seals (`round-frozen`)
│   ├── NotSafe                  a required seal lacks acknowledgements (`not-safe`)
│   ├── NotFrozen                the round was not frozen (`not-frozen`)
│   ├── Disputed                 a freeze is disputed (`disputed`)
│   ├── SilentSeats              the approval does not name every silent seat (`silent-seats`)
│   ├── NotApproved              shares may not leave yet (`not-approved`)
│   ├── NotWitnessed             the gate's entry has no quorum in this log yet (`not-witnessed`)
│   ├── SeenTooOld               the act was made before its gate was seen (`seen-too-old`)
│   ├── AlreadyOpened            the round is open (`already-opened`)
│   └── TooFewShares             fewer than k holders released (`too-few-shares`)
├── SealRefused
│   ├── StaleSeal                `replaces` is not the current seal (`stale`)
│   ├── WrongHolders             sealed to other holders (`wrong-holders`)
│   ├── WrongDefinition          made for another definition (`wrong-definition`)
│   ├── CopiedSeal               another seat's ciphertext or commitment (`copied-seal`)
│   └── CommitmentMismatch       the plaintext is not the committed one (`commitment-mismatch`)
├── SheetError
│   ├── SheetMalformed           not a sheet or ballot at all (`sheet-malformed`)
│   ├── SheetMisplaced           made for another log, seat, round or definition (`sheet-misplaced`)
│   ├── SheetTooLarge            more than 40 000 bytes (`sheet-too-large`)
│   ├── ScoreMissing             a score is missing (`score-missing`)
│   ├── ScoreUnknownItem         a bidder or criterion that is not asked for (`score-unknown-item`)
│   ├── ScoreDuplicated          a score stands twice (`score-duplicated`)
│   ├── ScoreOutOfOrder          scores stand in another order than the definition's (`score-out-of-order`)
│   ├── ScoreMalformed           not a decimal with two places (`score-malformed`)
│   ├── ScoreOutOfRange          below 0 or above the criterion's maximum (`score-out-of-range`)
│   └── ChoiceRefused            a vote for someone who cannot be elected (`choice-refused`)
├── DeclarationRefused       grounds and answer of a recusal do not fit (`declaration-refused`)
├── FindingsRefused          findings are not those asked for (`findings-refused`)
└── EventRefused             an entry that this engine cannot fold (`event-refused`)
    └── UnknownEvent             a type or version it does not know (`unknown-event`)
"""

from __future__ import annotations


class EvaluationError(Exception):
    """The rules refuse; `code` is stable, the text is for engineers."""

    code = "evaluation"


class DefinitionRefused(EvaluationError):
    """The tender cannot be evaluated as described; `place` is the JSON pointer of the field that is wrong, in a
    tender as it is handed in, or None where it is no one field."""

    code = "definition-refused"

    def __init__(self, reason: str, place: str | None = None) -> None:
        super().__init__(reason)
        self.place = place


class WeightRefused(DefinitionRefused):
    """Weights do not sum to 100, or the price weighs less than the law demands."""

    code = "weight-refused"


class CriteriaRefused(DefinitionRefused):
    """Leaves and branches do not add up to the technical weight."""

    code = "criteria-refused"


class BiddersRefused(DefinitionRefused):
    """Bidders are too few, named twice, or priced out of form."""

    code = "bidders-refused"


class CreditCodeRefused(BiddersRefused):
    """The check digit of a social credit code does not hold (GB 32100)."""

    code = "credit-code-refused"


class TermsRefused(DefinitionRefused):
    """The terms of the tender break its rule pack; the text cites the article."""

    code = "terms-refused"


class QuoteRefused(DefinitionRefused):
    """What stands in a bid cannot be corrected to a price above zero."""

    code = "quote-refused"


class RulePackMismatch(DefinitionRefused):
    """The definition names another rule pack than the founding."""

    code = "rule-pack-mismatch"


class ImportRefused(DefinitionRefused):
    """An imported tender or table is out of form: the text is a JSON pointer or a cell, and the reason."""

    code = "import-refused"

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place or '/'}: {reason}", place)
        self.reason = reason


class CommitteeRefused(EvaluationError):
    """Number or composition of the committee breaks 87号令 47."""

    code = "committee-refused"


class UnknownRulePack(EvaluationError):
    """This engine does not hold the rule pack named."""

    code = "unknown-rule-pack"


class UnknownCalendar(EvaluationError):
    """A log computes its days on a calendar that this engine does not hold."""

    code = "unknown-calendar"


class UnknownTimetable(EvaluationError):
    """A log names a timetable that this engine does not hold."""

    code = "unknown-timetable"


class StageError(EvaluationError):
    """Not at this stage."""

    code = "stage"


class TooEarly(StageError):
    """The stage for it has not come."""

    code = "too-early"


class TooLate(StageError):
    """The stage for it is over."""

    code = "too-late"


class NotNextStage(StageError):
    """Stages follow one another without a leap."""

    code = "not-next-stage"


class StageIncomplete(StageError):
    """Something is still missing in this stage; the text says what."""

    code = "stage-incomplete"


class ChairUndecided(StageIncomplete):
    """Three rounds were tied; only a lot could decide, and lots come with the draw."""

    code = "chair-undecided"


class TooFewBidders(StageIncomplete):
    """Fewer than three valid bidders: the tender fails (政府采购法 36)."""

    code = "too-few-bidders"


class SheetIsUnreadable(StageIncomplete):
    """A required sheet could not be read, so nothing can be tallied."""

    code = "sheet-unreadable"


class AlreadyDone(EvaluationError):
    """This is done once, and was done."""

    code = "already-done"


class AlreadySealed(AlreadyDone):
    """The seat has sealed: another seal must say that it replaces the current one."""

    code = "already-sealed"


class NotRequired(EvaluationError):
    """The seat has no part in this round."""

    code = "not-required"


class RoundError(EvaluationError):
    """A step of a secret round that is not due."""

    code = "round"


class NoSuchRound(RoundError):
    """No round of this purpose and number."""

    code = "no-such-round"


class NoSuchSeal(RoundError):
    """The act is no seal of this proceeding."""

    code = "no-such-seal"


class NoSuchFreeze(RoundError):
    """No freeze has this leaf hash."""

    code = "no-such-freeze"


class RoundFrozen(RoundError):
    """The round takes no more seals."""

    code = "round-frozen"


class NotSafe(RoundError):
    """A required seat has no seal with k+1 acknowledgements."""

    code = "not-safe"


class NotFrozen(RoundError):
    """The round was not frozen."""

    code = "not-frozen"


class Disputed(RoundError):
    """A seat disputes what was frozen."""

    code = "disputed"


class SilentSeats(RoundError):
    """The approval must name every seat that did not confirm, and no other."""

    code = "silent-seats"


class NotApproved(RoundError):
    """Confirmations or the approval are missing: shares stay with their holders."""

    code = "not-approved"


class NotWitnessed(RoundError):
    """A gate's entry has no `Witnessed` behind it yet (protocols.md section 2)."""

    code = "not-witnessed"


class SeenTooOld(RoundError):
    """The act's signer had not verified a checkpoint beyond the gate's entry."""

    code = "seen-too-old"


class AlreadyOpened(RoundError):
    """The round was opened."""

    code = "already-opened"


class TooFewShares(RoundError):
    """Fewer than k holders released their shares."""

    code = "too-few-shares"


class SealRefused(EvaluationError):
    """The seal cannot stand for this seat in this round."""

    code = "seal-refused"


class StaleSeal(SealRefused):
    """`replaces` is not the seat's current seal."""

    code = "stale"


class WrongHolders(SealRefused):
    """The envelope is sealed to others than the frozen holders."""

    code = "wrong-holders"


class WrongDefinition(SealRefused):
    """The seal was made for another definition."""

    code = "wrong-definition"


class CopiedSeal(SealRefused):
    """The commitment or ciphertext is already somebody's."""

    code = "copied-seal"


class CommitmentMismatch(SealRefused):
    """The plaintext offered does not hash to the commitment."""

    code = "commitment-mismatch"


class SheetError(EvaluationError):
    """An opened plaintext that cannot count."""

    code = "sheet"


class SheetMalformed(SheetError):
    """Not a sheet or ballot at all."""

    code = "sheet-malformed"


class SheetMisplaced(SheetError):
    """Made for another log, seat, round or definition."""

    code = "sheet-misplaced"


class SheetTooLarge(SheetError):
    """More than 40 000 bytes (protocols.md section 3)."""

    code = "sheet-too-large"


class ScoreMissing(SheetError):
    """A bidder's criterion has no score."""

    code = "score-missing"


class ScoreUnknownItem(SheetError):
    """A bidder or criterion that is not asked for."""

    code = "score-unknown-item"


class ScoreDuplicated(SheetError):
    """A score stands twice."""

    code = "score-duplicated"


class ScoreOutOfOrder(SheetError):
    """All scores are there, in another order than the definition's."""

    code = "score-out-of-order"


class ScoreMalformed(SheetError):
    """Not a plain decimal with exactly two places."""

    code = "score-malformed"


class ScoreOutOfRange(SheetError):
    """Above the criterion's maximum."""

    code = "score-out-of-range"


class ChoiceRefused(SheetError):
    """A vote for someone who cannot be elected in this round."""

    code = "choice-refused"


class DeclarationRefused(EvaluationError):
    """Grounds and answer of a recusal do not fit together."""

    code = "declaration-refused"


class FindingsRefused(EvaluationError):
    """Findings are not exactly those that the definition asks for."""

    code = "findings-refused"


class EventRefused(EvaluationError):
    """An entry that this engine cannot fold."""

    code = "event-refused"


class UnknownEvent(EventRefused):
    """A type or version that this engine does not know."""

    code = "unknown-event"
