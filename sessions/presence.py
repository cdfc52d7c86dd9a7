"""Who is connected (not in the log; a venue that is lost is)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from sessions.core.state import Proceeding

LEAST_MS = 30
"""Between two cities a round trip wavers by some ten milliseconds, and nobody acts on that."""
LEAST_PERMILLE = 5
"""Nor on half a percent of packets."""


class Presence:
    """Counts sockets per seat. `now` is a monotonic clock in seconds.

    A room whose device has no socket for `lost_after` is lost, and its venue with it. After the start of this process
    everybody has `grace` to come back first: it was we who were away.
    """

    def __init__(self, *, now: Callable[[], float], lost_after: float, grace: float) -> None:
        self._now = now
        self._lost_after = lost_after
        self._sockets: Counter[str] = Counter()
        self._deadlines: dict[str, float] = {}
        self._devices: dict[str, Mapping[str, str]] = {}
        self._lines: dict[str, int] = {}
        self._losses: dict[str, int] = {}
        self._grace_ends = now() + grace

    def connected(self, seat: str) -> None:
        """A socket of this seat was opened."""
        self._sockets[seat] += 1
        self._deadlines.pop(seat, None)

    def disconnected(self, seat: str) -> None:
        """A socket of this seat is gone."""
        self._sockets[seat] = max(0, self._sockets[seat] - 1)
        if not self._sockets[seat]:
            self._deadlines[seat] = self._now() + self._lost_after
            self._devices.pop(seat, None)
            self._lines.pop(seat, None)
            self._losses.pop(seat, None)

    def has(self, room: str, devices: Mapping[str, str]) -> None:
        """What the room's device says of its camera and microphone; it holds while the room has a socket."""
        if self.online(room):
            self._devices[room] = dict(devices)

    def hears(self, room: str, rtt: int) -> None:
        """How long a ping of the room's device took, there and back, in ms.

        Kept is what a person would call another line: a change by a quarter, and by no less than `LEAST_MS`; so a
        steady line says nothing.
        """
        if self.online(room) and _other(self._lines.get(room), rtt, LEAST_MS):
            self._lines[room] = rtt

    def loses(self, permille: Mapping[str, int]) -> None:
        """How many of a thousand packets of each room that sends are lost on the way here; kept as `hears` keeps."""
        for room in self._losses.keys() - permille.keys():
            del self._losses[room]
        for room, found in permille.items():
            if self.online(room) and _other(self._losses.get(room), found, LEAST_PERMILLE):
                self._losses[room] = found

    @property
    def losses(self) -> dict[str, int]:
        """In parts of a thousand, of each room that is connected and sends."""
        return dict(self._losses)

    @property
    def lines(self) -> dict[str, int]:
        """Round trip in ms of each room whose device has measured one."""
        return dict(self._lines)

    @property
    def devices(self) -> dict[str, Mapping[str, str]]:
        """Of each room whose device has told."""
        return dict(self._devices)

    def online(self, seat: str) -> bool:
        """Whether the seat has a socket."""
        return self._sockets[seat] > 0

    def venues(self, state: Proceeding) -> dict[str, bool]:
        """A venue is there when all its rooms are."""
        return {venue: all(self.online(room) for room in rooms) for venue, rooms in _rooms(state).items()}

    def gone(self, state: Proceeding) -> tuple[str, ...]:
        """Venues with an admitted room that has been away for too long."""
        now = self._now()
        return tuple(
            venue
            for venue, rooms in _rooms(state).items()
            if any(room in state.admitted and self._away(room, now) for room in rooms)
        )

    def _away(self, room: str, now: float) -> bool:
        if self.online(room):
            return False
        # A room that never had a socket here counts from the first look at it, and not before the grace is over.
        deadline = self._deadlines.setdefault(room, now + self._lost_after)
        return now >= max(deadline, self._grace_ends)


def _other(told: int | None, found: int, least: int) -> bool:
    return told is None or abs(found - told) >= max(least, told // 4)


def _rooms(state: Proceeding) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for room in state.rooms.values():
        found.setdefault(room.venue, []).append(room.id)
    return found
