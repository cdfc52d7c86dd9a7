"""What is noticed at members' seats, gathered from their sockets and stated in the log as `SeatsNoticed`."""

from __future__ import annotations

import logging
from dataclasses import replace

from evaluation.errors import EvaluationError
from evidence.errors import EvidenceError, LostLease
from sessions.core import commands
from sessions.core.attention import MAX_EVENTS, SECOND_LINE
from sessions.core.commands import Noticed
from sessions.core.state import CLOSED
from sessions.docket import Docket
from sessions.errors import SessionError

logger = logging.getLogger(__name__)


class Attending:
    """One proceeding's. Stated every `every` seconds where there is something; a killed server loses so much of it."""

    def __init__(self, *, docket: Docket, every: float) -> None:
        self._docket = docket
        self._every = every
        self._waiting: list[Noticed] = []

    def notice(self, seat: str, what: str) -> None:
        """Now. The oldest go first where the log takes none for long."""
        self._waiting.append(Noticed(seat, what, self._docket.now_ms()))
        del self._waiting[:-MAX_EVENTS]

    def opened(self, seat: str, before: bool) -> None:
        """A socket of this seat was opened; `before`: while it had one."""
        state = self._docket.state
        if before and seat in state.seats and state.seats[seat].member and seat in state.seat_key:
            self.notice(seat, SECOND_LINE)

    async def run(self) -> None:
        """Until the proceeding is closed."""
        while self._docket.state.gate != CLOSED:
            await self._docket.until(lambda: self._docket.state.gate == CLOSED, self._every)
            await self.flush()

    async def flush(self) -> None:
        """State what waits; a clock that was set back meanwhile moves nothing before what is noted."""
        if not self._waiting or self._docket.state.gate == CLOSED:
            return
        waiting, self._waiting = self._waiting, []
        known, now = self._docket.state.noticed, self._docket.now_ms()
        events = tuple(replace(e, at=min(max(e.at, known.get(e.seat, 0)), now)) for e in waiting)
        try:
            await self._docket.execute(commands.NoteSeats(events))
        except LostLease:
            raise
        except (EvidenceError, EvaluationError, SessionError) as error:
            logger.info("seats of %s: %s (%s)", self._docket.id, error, error.code)
