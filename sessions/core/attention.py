"""What happens at a member's seat besides acts: the page hidden, the window left, a second line opened.

Events, never verdicts: that somebody looked into another window says nothing about why. The supervisor and the auditor
see them; what follows is for people (CTS-EBS01-2016 A-154 to A-157; docs/protocol.md 2.2, `SeatsNoticed`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.canonical import Object, members
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.commands import NoteSeats, Noticed
from sessions.core.page_views import milliseconds
from sessions.core.state import Proceeding
from sessions.errors import CommandRefused, NotBound

HIDDEN, SHOWN, LEFT, BACK = "hidden", "shown", "left", "back"
"""Another tab covers the page, or none does; another window has the keyboard, or this one again. The seat says so."""
SECOND_LINE = "second-line"
"""A second socket of the seat was opened while the first one was there; the server sees that itself."""
SAID = frozenset({HIDDEN, SHOWN, LEFT, BACK})
WHATS = SAID | {SECOND_LINE}
MAX_EVENTS = 500
"""Of one entry; one takes fewer than 60 bytes."""


def note(state: Proceeding, command: NoteSeats, at: str) -> tuple[Draft, ...]:
    """Events of bound members, each seat's in their order, none from the future or from before what is noted."""
    if not 1 <= len(command.events) <= MAX_EVENTS:
        raise CommandRefused(f"1 to {MAX_EVENTS} events")
    now, last = milliseconds(at), dict(state.noticed)
    for event in command.events:
        seat = state.seat(event.seat)
        if not seat.member or event.what not in WHATS:
            raise CommandRefused("an event is at a member's seat, and of a known kind")
        if seat.id not in state.seat_key:
            raise NotBound("the seat has no key yet")
        if not last.get(seat.id, 0) <= event.at <= now:
            raise CommandRefused("events of a seat follow one another")
        last[seat.id] = event.at
    return (Draft("SeatsNoticed", {"events": [[event.seat, event.what, event.at] for event in command.events]}),)


def on_noticed(state: Proceeding, entry: Entry) -> Proceeding:
    last = dict(state.noticed)
    for event in parse(entry.body):
        last[event.seat] = max(last.get(event.seat, 0), event.at)
    return replace(state, noticed=last)


def parse(body: Object) -> tuple[Noticed, ...]:
    """The events of an entry `SeatsNoticed`."""
    found = []
    for item in members(body, {"events": list})["events"]:
        if not isinstance(item, list) or [type(part) for part in item] != [str, str, int]:
            raise Malformed("an event is [seat, what, ms]")
        found.append(Noticed(*item))
    return tuple(found)


FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"SeatsNoticed": on_noticed}
