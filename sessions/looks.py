"""Looks of supervisors and auditors on their way into the log.

The first look at something stands in the log before its first octet leaves; what follows is gathered and stated every
`every` seconds. Live pictures are counted from what the media worker says it sends to whom. After `ProceedingClosed`
the centre log takes them: a closed log cannot grow, and whoever replays it later is noted all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from evidence.core.canonical import Object
from evidence.errors import LostLease
from sessions.core import commands, looks
from sessions.core.looks import Look
from sessions.core.state import CLOSED
from sessions.docket import Docket
from sessions.errors import Closed

logger = logging.getLogger(__name__)

# Segments are about four seconds long, and two of them that are fetched one after the other are one look.
TOGETHER_MS = 10_000
# A look that goes on is stated at least so often, so that a crash forgets no more.
LONGEST_MS = 300_000


class Looks:
    """One proceeding's. `now` is a monotonic clock in seconds; `elsewhere` takes what a closed log cannot."""

    def __init__(
        self,
        *,
        docket: Docket,
        elsewhere: Callable[[Sequence[Object]], Awaitable[None]],
        now: Callable[[], float],
        every: float,
    ) -> None:
        self._docket = docket
        self._elsewhere = elsewhere
        self._now = now
        self._every = every
        self._under_way: dict[tuple[str, str, str], Look] = {}
        self._done: list[Look] = []
        self._flushed: dict[str, float] = {}
        self._flushing = asyncio.Lock()
        self._woken = asyncio.Event()

    def looks(self, seat: str | None) -> bool:
        """Whether this caller is one whose looks are noted."""
        found = self._docket.state.seats.get(seat or "")
        return found is not None and found.role in looks.LOOKERS

    def received(self, receivers: Iterable[tuple[str, str]]) -> None:
        """Which (seat, room) the media worker sends live pictures and sound to, now."""
        wanted = {(seat, looks.WATCH, room) for seat, room in receivers if self.looks(seat)}
        for key in [key for key in self._under_way if key[1] == looks.WATCH and key not in wanted]:
            self._end(key)
        for key in wanted:
            self._go_on(key)

    def listens(self, seat: str, room: str | None) -> None:
        """The seat's page says that it has this room's sound on, or none."""
        for key in [key for key in self._under_way if key[:2] == (seat, looks.LISTEN) and key[2] != room]:
            self._end(key)
        if room is not None and self.looks(seat):
            self._go_on((seat, looks.LISTEN, self._docket.state.room(room).id))

    async def replays(self, seat: str, room: str, of: tuple[int, int]) -> None:
        """A part of a recording is about to be handed out."""
        key, at = (seat, looks.REPLAY, room), self._docket.now_ms()
        before = self._under_way.get(key)
        if before is not None and before.of is not None and _near(before.of, of):
            joined = (min(before.of[0], of[0]), max(before.of[1], of[1]))
            self._under_way[key] = replace(before, end=max(before.start, at), of=joined)
        else:
            self._end(key)
            self._under_way[key] = Look(seat, looks.REPLAY, room, at, at, of)
        await self._lead(seat)

    async def did(self, seat: str, kind: str) -> None:
        """A verification, or a download of the evidence file, is about to begin."""
        at = self._docket.now_ms()
        self._done.append(Look(seat, kind, "", at, at))
        await self.flush()

    async def run(self) -> None:
        """State what is gathered, until cancelled; then what is left."""
        try:
            while True:
                await asyncio.sleep(self._every)
                await self._try()
        finally:
            for key in list(self._under_way):
                self._end(key)
            await self._try()

    async def flush(self) -> None:
        """Everything that was gathered, durable when this returns."""
        async with self._flushing:
            self._close_pieces()
            while self._done:
                part = self._done[: looks.MOST]
                await self._state([look.as_json for look in part])
                del self._done[: len(part)]

    async def _try(self) -> None:
        try:
            await self.flush()
        except LostLease:
            raise
        except Exception:
            # What was not stated is gathered still: the next round takes it again.
            logger.warning("looks of %s wait", self._docket.origin, exc_info=True)

    async def _lead(self, seat: str) -> None:
        """At once where nothing of this seat was stated lately."""
        if self._now() - self._flushed.get(seat, -self._every) >= self._every:
            self._flushed[seat] = self._now()
            await self.flush()

    async def _state(self, found: Sequence[Object]) -> None:
        if self._docket.state.gate != CLOSED:
            try:
                await self._docket.execute(commands.NoteLooks(tuple(found)))
                return
            except Closed:
                pass
        await self._elsewhere(found)

    def _go_on(self, key: tuple[str, str, str]) -> None:
        at = self._docket.now_ms()
        look = self._under_way.setdefault(key, Look(*key, at, at))
        self._under_way[key] = replace(look, end=max(look.start, at))

    def _end(self, key: tuple[str, str, str]) -> None:
        look = self._under_way.pop(key, None)
        if look is not None:
            self._done.append(look)

    def _close_pieces(self) -> None:
        """Replays are stated as far as they got; a live look that just goes on waits until it is long."""
        at = self._docket.now_ms()
        for key, look in list(self._under_way.items()):
            if key[1] == looks.REPLAY:
                self._end(key)
            elif key[1] == looks.LISTEN:
                self._under_way[key] = replace(look, end=max(look.start, at))
            if key in self._under_way and self._under_way[key].end - look.start >= LONGEST_MS:
                self._end(key)
                self._under_way[key] = Look(*key, at, at)


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return other[0] <= one[1] + TOGETHER_MS and one[0] <= other[1] + TOGETHER_MS
