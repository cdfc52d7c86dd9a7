"""Whose names are told to whom, and when (招标投标法 37, 政府采购法实施条例 43; protocols.md section 5).

The log holds digests of members' names only. Before the start nobody is told any but the own one. From the start on
each venue is told its own members', whom its people meet there anyway, and the supervisor and the auditors all of them;
`CaseDisclosed` says so in the log. The committee reads all names in the report that it signs. With the result everybody
is told, and the evidence file publishes them. An aborted evaluation has no result: its names stay sealed.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core.stages import CHECK_IN
from evidence.core.entry import Draft, Entry
from sessions.core.state import AUDITOR, CLOSED, SUPERVISOR, Proceeding, Seat


def told(state: Proceeding, seat: Seat) -> tuple[str, ...]:
    """The members' seats whose names this seat is told now."""
    if published(state):
        return tuple(state.people)
    if state.stage == CHECK_IN or seat.id in state.evaluation.recused:
        return tuple(name for name in state.people if name == seat.id)
    if seat.role in (SUPERVISOR, AUDITOR):
        return tuple(state.people)
    return tuple(name for name in state.people if state.seat(name).venue == seat.venue)


def published(state: Proceeding) -> bool:
    """Whether the result is there for everybody, and the names with it."""
    return state.gate == CLOSED and not state.aborted


def disclosed(state: Proceeding, drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """`CaseDisclosed` that goes with these events: at the start to each venue, afterwards with each newcomer, and to
    the venue to which members move."""
    for draft in drafts:
        act = draft.act
        if draft.type == "StageAdvanced" and act is not None and act.body.get("from") == CHECK_IN:
            return tuple(
                Draft("CaseDisclosed", {"to": venue, "digests": digests})
                for venue in state.venues
                if (digests := [state.people[name] for name in state.people if _sits(state, name, venue)])
            )
        if draft.type == "VenueReplaced" and act is not None and state.stage != CHECK_IN:
            moved = [state.people[name] for name in draft.body["moved"] if name in state.people]
            return (Draft("CaseDisclosed", {"to": act.body["by"], "digests": moved}),) if moved else ()
        if draft.type == "MemberSeated" and act is not None and state.stage != CHECK_IN:
            return (Draft("CaseDisclosed", {"to": draft.body["venue"], "digests": list(act.sd)}),)
    return ()


def _sits(state: Proceeding, name: str, venue: str) -> bool:
    return state.seat(name).venue == venue and name not in state.evaluation.recused


def on_disclosed(state: Proceeding, entry: Entry) -> Proceeding:
    """The rule says who is told; the entry tells that it was so."""
    return state


FACTS = {"CaseDisclosed": on_disclosed}
