"""Each signer's own ranking, before anybody signs (87号令 67: the committee checks its result before the report).

Every member's own device ranks what was opened, by a program that shares no code with this one, and states the digest
under the seat's key. While one of those who are to sign has stated nothing, or another ranking, nobody signs. Who sees
another ranking says so by stating it: that stands in the log. The way out is the law's: dissent with reasons, or, for
one who says nothing, the time that the chair sets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from sessions.core.state import Proceeding, Report
from sessions.errors import (
    AlreadyConfirmed,
    AlreadySigned,
    NotReady,
    RankingDiffers,
    RankingUnconfirmed,
    UnknownAct,
    WrongDocument,
)

FIRST_ENGINE = "1"
"""Logs of the first engine know no such act; they are read for ever as they are."""


def demanded(state: Proceeding) -> bool:
    """Whether this proceeding was founded under rules that demand it."""
    return state.founding is not None and state.founding.engine != FIRST_ENGINE


def differing(state: Proceeding) -> tuple[str, ...]:
    """Whose ranking is not the frozen report's."""
    frozen = state.report
    stated = state.ending.rankings.items()
    return tuple(sorted(seat for seat, digest in stated if frozen is not None and digest != frozen.ranking))


def waited_for(state: Proceeding, seat: str) -> tuple[str, ...]:
    """Who must state the report's ranking before `seat` signs: itself, and whoever neither dissents nor is deemed to
    agree; without those who have."""
    excused = {*state.ending.dissents, *state.ending.deemed} - {seat}
    wanted = (name for name in state.signers if name not in excused)
    wrong = differing(state)
    return tuple(name for name in wanted if name not in state.ending.rankings or name in wrong)


def check(state: Proceeding, seat: str) -> None:
    """`seat` may sign as far as the rankings go."""
    waiting = waited_for(state, seat) if demanded(state) else ()
    if wrong := set(waiting).intersection(differing(state)):
        raise RankingDiffers(f"{', '.join(sorted(wrong))} ranked otherwise than the report")
    if waiting:
        raise RankingUnconfirmed(f"{', '.join(waiting)} did not confirm the ranking yet")


def confirm(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`ranking.confirm`: the digest that the seat's own device came to, over the frozen report.

    One that differs is taken all the same, so that it shows; the same seat may state the right one later.
    """
    body = members(act.body, {"ranking": str, "document": str})
    stated, document = unb64u(body["ranking"], 32), unb64u(body["document"], 32)
    if not demanded(state):
        raise UnknownAct("this proceeding was founded under rules without it")
    frozen = _report(state)
    if document != frozen.document:
        raise WrongDocument("not the frozen report")
    if any(signature.seat == act.sub for signature in frozen.signatures):
        raise AlreadySigned("the seat has signed over its ranking")
    if state.ending.rankings.get(act.sub) == stated:
        raise AlreadyConfirmed("the seat has stated this ranking")
    made = Draft("RankingConfirmed", {}, act)
    if stated == frozen.ranking:
        return (made,)
    return (made, Draft("RankingDiffered", {"seat": act.sub, "ranking": b64u(frozen.ranking)}))


def on_confirmed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    rankings = {**state.ending.rankings, act.sub: unb64u(act.body["ranking"], 32)}
    return replace(state, ending=replace(state.ending, rankings=rankings))


def on_differed(state: Proceeding, entry: Entry) -> Proceeding:
    """The state knows already: the entry is there for people."""
    members(entry.body, {"seat": str, "ranking": str})
    return state


def _report(state: Proceeding) -> Report:
    if state.report is None:
        raise NotReady("the report is not frozen")
    return state.report


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"ranking.confirm": confirm}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"RankingConfirmed": on_confirmed}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"RankingDiffered": on_differed}
