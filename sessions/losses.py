"""What the lines of rooms lose on the way here, out of what the media worker counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

WINDOW = 10.0
"""Seconds over which loss is counted: long enough for one packet not to matter, short enough to see a line mend."""
LEAST_PACKETS = 100
"""Two seconds of sound; fewer packets say nothing of the line."""


class Losses:
    """Packets of each connected room that did not come when they were first sent, of those sent, over the last
    `WINDOW`: what never came, and what came only after it was asked for again. `now` is a monotonic clock in seconds.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: dict[str, deque[tuple[float, int, int]]] = {}

    def saw(self, rooms: Mapping[str, Any]) -> None:
        """The worker's `status`: a room that sends over a new connection, or ends a track, is counted anew."""
        now = self._now()
        for room in self._seen.keys() - {room for room, facts in rooms.items() if facts["connected"]}:
            del self._seen[room]
        for room, facts in rooms.items():
            if not facts["connected"]:
                continue
            tracks = facts["tracks"].values()
            sent = sum(track["packets"] + track["lost"] for track in tracks)
            # A worker outlives us: one from before our last update does not count what it asked for again.
            missed = sum(track["lost"] + track.get("repeated", 0) for track in tracks)
            seen = self._seen.setdefault(room, deque())
            if seen and sent < seen[-1][1]:
                seen.clear()
            seen.append((now, sent, missed))
            while now - seen[0][0] > WINDOW:
                seen.popleft()

    @property
    def permille(self) -> dict[str, int]:
        """Of each room that has sent enough, in parts of a thousand."""
        found = {}
        for room, seen in self._seen.items():
            sent, missed = seen[-1][1] - seen[0][1], seen[-1][2] - seen[0][2]
            if sent >= LEAST_PACKETS:
                # A packet may be missed at one look and come by the next, only out of order.
                found[room] = round(1000 * min(max(missed, 0), sent) / sent)
        return found
