"""Another venue in place of one that is lost for good (protocols.md 6; Lijiang's rules, articles 20 and 21).

Nothing that was sealed or signed is lost with a venue: members go on from another one, on other devices, and what they
sealed stands. The supervisor decides it while the venue is lost; their city's officers see them where they sit then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import b64u, members
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core import cut_off
from sessions.core.state import OVERDUE, RECORDING_LOST, VENUE_LOST, Pause, Proceeding
from sessions.errors import CommandRefused, NotLost

_MAX_REASON = 500


def decide(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`venue.replace`: (1) a secondary venue that is lost, (2) by another one of this proceeding that is there, a spare
    one being founded like any other; (3) its members sit in that one from now on, and nobody waits for the lost one."""
    body = members(act.body, {"venue": str, "by": str, "reason": str})
    if not 1 <= len(body["reason"].strip()) <= len(body["reason"]) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")
    # (1)
    lost, by = state.venue(body["venue"]), state.venue(body["by"])
    if lost.id not in state.lost:
        raise NotLost("the venue is not lost")
    if lost.main:
        raise CommandRefused("without the main venue there is no session: the proceeding is aborted")
    # (2)
    if by.id == lost.id or by.id in state.lost or by.id in state.replaced:
        raise CommandRefused("a venue is replaced by another one that is there")
    # (3)
    moved = [seat.id for seat in state.members if seat.venue == lost.id and seat.id not in state.evaluation.recused]
    size, root = state.lost[lost.id].proven
    replaced = Draft("VenueReplaced", {"moved": list(moved)}, act)
    return replaced, Draft("ProceedingResumed", {"venues": [[lost.id, size, b64u(root)]]})


def on_replaced(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """Keys of those who move end, as with any change of seat: what they signed in the lost venue and did not send is
    refused and kept. Its rooms are recorded no more, unless they are admitted again."""
    venue, by = act.body["venue"], state.venue(act.body["by"])
    for name in entry.body["moved"]:
        state = cut_off.end_key(state, name)
        there = replace(state.seat(name), venue=by.id, centre=by.centre)
        if state.founding is not None:
            state = replace(state, founding=replace(state.founding, seats={**state.seats, name: there}))
    rooms = {room.id for room in state.rooms.values() if room.venue == venue}
    gone: set[Pause] = {(VENUE_LOST, venue), (OVERDUE, venue)}
    gone |= {(cause, room) for room in rooms for cause in (RECORDING_LOST, OVERDUE)}
    return replace(
        state,
        replaced={**state.replaced, venue: by.id},
        lost={name: each for name, each in state.lost.items() if name != venue},
        pauses=state.pauses - gone,
        admitted={room: n for room, n in state.admitted.items() if room not in rooms},
        recording={room: engine for room, engine in state.recording.items() if room not in rooms},
    )


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"venue.replace": decide}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"VenueReplaced": on_replaced}
