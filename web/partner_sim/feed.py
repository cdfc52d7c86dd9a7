"""Reading a feed so that nothing is missed and no repetition is taken for news, whenever the reader dies.

(1) A page is read from the kept cursor on.
(2) Its events are written out, durably: the kept cursor is still the old one, so a death now costs a repetition.
(3) Only then the page's cursor is kept.
An event whose sequence is below the expected one was written before; one above it would be a gap, and the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from evidence.core.canonical import Object
from web.partner_sim.errors import FeedBroken

Read = Callable[[str], Awaitable[Object]]
LIMIT = 200


class FeedReader:
    """One feed. `state` is the program's, `save` makes it durable; events go to the end of `output`."""

    def __init__(
        self,
        *,
        path: str,
        read: Read,
        state: dict[str, Any],
        save: Callable[[], None],
        output: Path,
        limit: int = LIMIT,
    ) -> None:
        self._path = path
        self._read = read
        self._place = state.setdefault("feeds", {}).setdefault(path, {"cursor": None})
        self._save = save
        self._output = output
        self._limit = limit
        # What was written says what comes next; the kept cursor may be older.
        self._next = max((int(event["sequence"]) for event in read_events(output, path)), default=-1) + 1

    async def page(self) -> tuple[list[Object], bool]:
        """The events that are new, and whether more are waiting."""
        query: dict[str, object] = {"limit": self._limit}
        if self._place["cursor"] is not None:
            query["cursor"] = self._place["cursor"]
        found = await self._read(f"{self._path}?{urlencode(query)}")  # (1)
        news = []
        for event in found["events"]:
            if event["sequence"] > self._next:
                raise FeedBroken(f"{self._path}: {event['sequence']} came after {self._next - 1}")
            if event["sequence"] == self._next:
                news.append(event)
                self._next += 1
        if news:
            _append(self._output, self._path, news)  # (2)
        if found["cursor"] != self._place["cursor"]:
            self._place["cursor"] = found["cursor"]  # (3)
            self._save()
        return news, bool(found["more"])


def read_events(output: Path, path: str) -> list[Object]:
    """All events of a feed that were written, a line that a death cut short left out."""
    events = []
    if output.exists():
        for line in output.read_bytes().split(b"\n"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if found["feed"] == path:
                events.append(found["event"])
    return events


def _append(output: Path, path: str, events: list[Object]) -> None:
    lines = b"".join(json.dumps({"feed": path, "event": event}).encode() + b"\n" for event in events)
    with output.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            # A line that a death cut short ends here, so that it spoils no other.
            lines = lines if file.read(1) == b"\n" else b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
