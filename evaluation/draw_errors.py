"""Errors of the verifiable draw.

DrawError
├── DrawRefused              strata, labels, pool or partition cannot be drawn from (`draw-refused`)
├── NoSuchDraw               no draw, freeze or contribution of this hash (`no-such-draw`)
├── DrawStands               it was drawn, or is being drawn: nothing is drawn twice for free (`draw-stands`)
├── DrawFrozen               the draw is frozen and takes no more contributions (`draw-frozen`)
├── DrawNotFrozen            nothing is frozen yet (`draw-not-frozen`)
├── NotContributor           the centre has no part in this draw (`not-contributor`)
├── TooFewContributions      too few contributions are safe (`too-few-contributions`)
├── DeadlineOpen             its time has not run out (`deadline-open`)
├── SecretRefused            not what was revealed, nor what the shares combine to (`secret-refused`)
├── GroundRefused            no legal ground to annul it (`ground-refused`)
└── AnswerRefused            an answer out of order, or for nobody (`answer-refused`)
"""

from __future__ import annotations

from evaluation.errors import EvaluationError


class DrawError(EvaluationError):
    """The draw refuses; `code` is stable, the text is for engineers."""

    code = "draw"


class DrawRefused(DrawError):
    """Strata, labels, pool or partition cannot be drawn from."""

    code = "draw-refused"


class NoSuchDraw(DrawError):
    """No draw, freeze or contribution of this hash."""

    code = "no-such-draw"


class DrawStands(DrawError):
    """The label was drawn, or is being drawn; only an annulled draw makes room for another attempt."""

    code = "draw-stands"


class DrawFrozen(DrawError):
    """The draw is frozen: what is in it stays in it, and nothing is added."""

    code = "draw-frozen"


class DrawNotFrozen(DrawError):
    """The contributions are not frozen yet."""

    code = "draw-not-frozen"


class NotContributor(DrawError):
    """The centre has no part in this draw, or none in its freeze."""

    code = "not-contributor"


class TooFewContributions(DrawError):
    """Fewer than f+1 contributions are acknowledged by 2f+1 holders, or one of them is left out."""

    code = "too-few-contributions"


class DeadlineOpen(DrawError):
    """Nobody is late yet."""

    code = "deadline-open"


class SecretRefused(DrawError):
    """The secret is neither the revealed one nor what k released shares combine to."""

    code = "secret-refused"


class GroundRefused(DrawError):
    """A draw is annulled on a legal ground, or not at all."""

    code = "ground-refused"


class AnswerRefused(DrawError):
    """Positions are answered in order, none skipped, by who was called."""

    code = "answer-refused"
