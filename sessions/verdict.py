"""What a verification found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from evaluation.errors import EvaluationError
from evidence.core.canonical import Object
from evidence.errors import EvidenceError
from sessions.core.continued import Gone
from sessions.core.tracks import Track
from sessions.core.venue_journal import Finding
from sessions.errors import SessionError

VALID, INVALID, UNDETERMINED = "valid", "invalid", "undetermined"
# What bodies of a wrong form can raise where the rules take them apart.
_ILL_FORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


class Refused(Exception):
    """A step did not hold; the verdict says which."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the recipe with its outcome; `code` is empty where it held."""

    number: int
    name: str
    code: str = ""
    detail: str = ""

    @property
    def as_json(self) -> Object:
        """The step for programs."""
        return {"number": self.number, "name": self.name, "code": self.code, "detail": self.detail}


@dataclass(slots=True)
class Verdict:
    """What verification found out; `outcome` is valid, invalid or undetermined. `ranking` = (bidder, name, rank);
    `journal`: where the log and the venues' own journals differ; `continued`: what is gone of each log that goes on
    under another origin."""

    outcome: str = UNDETERMINED
    origin: str = ""
    steps: list[Step] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    entries: int = 0
    withheld: int = 0
    ranking: list[tuple[str, str, int]] = field(default_factory=list)
    signers: int = 0
    tracks: tuple[Track, ...] = ()
    journal: tuple[Finding, ...] = ()
    continued: list[Gone] = field(default_factory=list)

    @contextmanager
    def step(
        self, number: int, name: str, progress: Callable[[Step], None], *, otherwise: str = INVALID
    ) -> Iterator[None]:
        """Run one step; what it raises becomes its code, and `otherwise` the outcome."""
        found = Step(number, name)
        try:
            yield
        except (EvidenceError, EvaluationError, SessionError) as error:
            found = Step(number, name, error.code, str(error))
        except _ILL_FORMED as error:
            found = Step(number, name, "malformed", f"{type(error).__name__}: {error}")
        self.steps.append(found)
        progress(found)
        if found.code:
            self.outcome = otherwise
            raise Refused

    @property
    def status(self) -> int:
        """The exit status: 0 valid, 1 invalid, 2 undetermined or unreadable."""
        return {VALID: 0, INVALID: 1}.get(self.outcome, 2)

    @property
    def as_json(self) -> Object:
        """The verdict for programs."""
        return {
            "outcome": self.outcome,
            "origin": self.origin,
            "steps": [step.as_json for step in self.steps],
            "flags": sorted(self.flags),
            "entries": self.entries,
            "withheld": self.withheld,
            "ranking": [list(row) for row in self.ranking],
            "signers": self.signers,
            "recordings": [track.as_json for track in self.tracks],
            "journal": [finding.as_json for finding in self.journal],
            "continued": [gone.as_json for gone in self.continued],
        }
