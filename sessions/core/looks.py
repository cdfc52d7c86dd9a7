"""Who watches the watchers: looks of supervisors and auditors, as the server and its media worker saw them.

A look that is under way is stated piece by piece. It says what was handed out to whom; that somebody sat before the
screen, it does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evidence.core.canonical import JSON, Object, members
from evidence.core.entry import Draft, Entry
from sessions.core.commands import NoteLooks
from sessions.core.state import AUDITOR, SUPERVISOR, Proceeding
from sessions.errors import LookRefused

WATCH, LISTEN, REPLAY, VERIFY, DOWNLOAD = "watch", "listen", "replay", "verify", "download"
OF_ROOMS = frozenset({WATCH, LISTEN, REPLAY})
KINDS = OF_ROOMS | {VERIFY, DOWNLOAD}
LOOKERS = frozenset({SUPERVISOR, AUDITOR})
MOST = 300
"""In one entry: each takes up to 160 bytes, and an entry has at most 60 000 (protocols.md 1.1)."""


@dataclass(frozen=True, slots=True)
class Look:
    """`start` to `end` on the server's clock, in ms since the epoch. `room` is "" where none is meant; `of` is the part
    of a recording that was handed out."""

    seat: str
    kind: str
    room: str
    start: int
    end: int
    of: tuple[int, int] | None = None

    @property
    def as_json(self) -> Object:
        """As it stands in the log."""
        found: Object = {"from": self.start, "kind": self.kind, "seat": self.seat, "to": self.end}
        if self.room:
            found["room"] = self.room
        if self.of is not None:
            found["of"] = list(self.of)
        return found


def parse(value: JSON, state: Proceeding) -> Look:
    """A look of a seat that looks, at a room that there is; LookRefused, or Malformed."""
    found = members(value, {"seat": str, "kind": str, "from": int, "to": int}, {"room": str, "of": list})
    look = Look(found["seat"], found["kind"], found.get("room", ""), found["from"], found["to"], _span(found))
    if state.seat(look.seat).role not in LOOKERS:
        raise LookRefused("only looks of supervisors and auditors are noted")
    if look.kind not in KINDS or (look.kind in OF_ROOMS) != bool(look.room) or (look.kind == REPLAY) != bool(look.of):
        raise LookRefused("unknown kind, or not what such a look names")
    if look.room:
        state.room(look.room)
    if not 0 <= look.start <= look.end:
        raise LookRefused("a look ends before it begins")
    return look


def note(state: Proceeding, command: NoteLooks) -> tuple[Draft, ...]:
    """What was looked at since the last time."""
    if not 1 <= len(command.looks) <= MOST:
        raise LookRefused(f"1 to {MOST} looks in an entry")
    return (Draft("LookNoted", {"looks": [parse(look, state).as_json for look in command.looks]}),)


def on_noted(state: Proceeding, entry: Entry) -> Proceeding:
    """A look changes nothing."""
    for look in members(entry.body, {"looks": list})["looks"]:
        parse(look, state)
    return state


def noted(entries: Iterable[Entry], centre: Iterable[Entry], origin: str) -> list[JSON]:
    """All looks at a proceeding: those of its own log, and those that the centre log took once it was closed."""
    own = (look for entry in entries if entry.type == "LookNoted" for look in entry.body["looks"])
    later = (e for e in centre if e.type == "LookNoted" and e.body["origin"] == origin)
    return [*own, *(look for entry in later for look in entry.body["looks"])]


def _span(found: Object) -> tuple[int, int] | None:
    if "of" not in found:
        return None
    of = found["of"]
    if len(of) != 2 or any(type(t) is not int for t in of) or not 0 <= of[0] <= of[1]:
        raise LookRefused("a part of a recording is [from, to]")
    return of[0], of[1]


FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"LookNoted": on_noted}
