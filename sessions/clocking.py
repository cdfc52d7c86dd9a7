"""What seats' pings say of their clocks, gathered from their sockets and stated in the log as `ClockOffsets`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from evaluation.errors import EvaluationError
from evidence.errors import EvidenceError, LostLease
from sessions.core import commands, venue_clocks
from sessions.core.commands import ClockSample
from sessions.core.state import CLOSED, OPEN, PAUSED
from sessions.docket import Docket
from sessions.errors import SessionError
from sessions.presence import Presence

logger = logging.getLogger(__name__)


class Clocking:
    """One proceeding's clocks. Of each seat the estimate with the shortest round trip since the last look counts: it
    has the tightest bounds (RFC 5905's simplest filter). A room's round trips are its line, which `presence` knows."""

    def __init__(self, *, docket: Docket, every: float, presence: Presence, tell: Callable[[], None]) -> None:
        self._docket = docket
        self._presence = presence
        self._tell = tell
        self._every = every
        self._best: dict[str, ClockSample] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def heard(self, seat: str, clock: int, rtt: int | None) -> None:
        """A ping: the seat's own clock in ms as it was sent, and the round trip of the ping before it, if answered.

        Only that round trip bounds when that ping was under way; where this server itself is late, there is none.
        """
        before = self._last.get(seat)
        now = self._docket.now_ms()
        self._last[seat] = clock, now
        if before is None or rtt is None or not 0 <= rtt <= venue_clocks.MAX_RTT_MS:
            return
        if seat in self._docket.state.rooms:
            self._presence.hears(seat, rtt)
            self._tell()
        sent, came = before
        sample = ClockSample(seat, sent, came - sent - rtt // 2, rtt)
        best = self._best.get(seat)
        if best is None or rtt <= best.rtt:
            self._best[seat] = sample

    async def run(self) -> None:
        """Until the proceeding is closed: one batch each `every` seconds at most."""
        while self._docket.state.gate != CLOSED:
            await asyncio.sleep(self._every)
            await self.look()

    async def look(self) -> None:
        """State whose clock is new or has moved."""
        best, self._best = self._best, {}
        state = self._docket.state
        if state.gate not in (OPEN, PAUSED):
            return
        found = [
            best[seat] for seat in sorted(best) if seat in state.seat_key and venue_clocks.moved(state, best[seat])
        ]
        if not found:
            return
        try:
            await self._docket.execute(commands.NoteOffsets(tuple(found[: venue_clocks.MAX_SAMPLES])))
        except LostLease:
            raise
        except (EvidenceError, EvaluationError, SessionError) as error:
            logger.info("clocks of %s: %s (%s)", self._docket.id, error, error.code)
