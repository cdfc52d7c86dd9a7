"""What comparing the documents showed: advice to the committee, who may read it, and when (docs/protocol.md 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import stages
from evaluation.core.collusion import MAX_FACTS
from evaluation.core.state import Advice
from evidence.core.canonical import b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from sessions.core.commands import NoteAdvice
from sessions.core.state import Proceeding
from sessions.errors import AlreadyFixed, CommandRefused

# An advice that comes after the reviews is of no use to anybody.
COMPARED = stages.span(stages.CHECK_IN, stages.DETAILED_REVIEW)
READ = "advice.get"
"""The permission: members and those who watch, once every recusal is declared."""


def note(state: Proceeding, command: NoteAdvice) -> tuple[Draft, ...]:
    """The advice lies in the vault. Whether it follows from the documents is held against them by every verifier."""
    stages.check(state.stage, COMPARED)
    if not comparable(state):
        raise CommandRefused("there is nothing to compare")
    if state.evaluation.advice is not None:
        raise AlreadyFixed("the documents were compared")
    if not 0 <= command.facts <= MAX_FACTS:
        raise CommandRefused(f"an advice has at most {MAX_FACTS} facts")
    body = {"sha256": b64u(command.sha256), "size": command.size, "facts": command.facts}
    return (Draft("AdviceNoted", body),)


def comparable(state: Proceeding) -> bool:
    """The definition is fixed; it names documents or notes of which two could be alike, or its pack compares prices."""
    fixed = state.evaluation.fixed
    if fixed is None:
        return False
    return len(fixed.scoring.documents) > 1 or state.notes is not None or state.evaluation.rules.regular is not None


def on_noted(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"sha256": str, "size": int, "facts": int})
    advice = Advice(entry.n, unb64u(body["sha256"], 32), body["facts"])
    return replace(state, evaluation=replace(state.evaluation, advice=advice))


FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"AdviceNoted": on_noted}
