"""The watch over a live proceeding: who is connected, what is recorded, and the heartbeat of its witnesses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from evaluation.errors import EvaluationError
from evidence.errors import EvidenceError, LostLease
from media.errors import MediaError
from sessions.core import clocks, commands
from sessions.core.state import CLOSED, OPEN, PAUSED
from sessions.docket import Docket
from sessions.errors import SessionError
from sessions.looks import Looks
from sessions.presence import Presence
from sessions.recording import Recorder

logger = logging.getLogger(__name__)
# Between looking and stating somebody else's entry may come: then the rules refuse, and the next look sees it.
_OVERTAKEN = (EvidenceError, EvaluationError, SessionError, MediaError)


class Vigil:
    """`now` is a monotonic clock in seconds, `look` the pause between two looks. Every `heartbeat` seconds `due` grows
    to the log's size: so much must be witnessed. `wake` is called then, `lost` once the log is another process's,
    `tell` whenever `presence` has heard what lines lose."""

    def __init__(
        self,
        *,
        docket: Docket,
        presence: Presence,
        recorder: Recorder,
        looks: Looks,
        now: Callable[[], float],
        look: float,
        heartbeat: float,
        wake: Callable[[], None],
        lost: Callable[[], None],
        tell: Callable[[], None],
    ) -> None:
        self._docket = docket
        self._presence = presence
        self._recorder = recorder
        self._looks = looks
        self._now = now
        self._look = look
        self._heartbeat = heartbeat
        self._next_beat = now() + heartbeat
        self._wake = wake
        self._lost = lost
        self._tell = tell
        self.due = 0
        self._drift = self._measure()

    async def run(self) -> None:
        """Until the proceeding is closed."""
        while self._docket.state.gate != CLOSED:
            await asyncio.sleep(self._look)
            for look in (self._jumps, self._venues, self._recorder.observe):
                try:
                    await look()
                except LostLease:
                    self._lost()
                    return
                except _OVERTAKEN as error:
                    logger.info("%s: %s (%s)", self._docket.id, error, error.code)
                except Exception:
                    logger.exception("watch over %s", self._docket.id)
            self._presence.loses(self._recorder.losses.permille)
            self._tell()
            # A watcher is named by its seat and its session (`web.server.routes.media`).
            self._looks.received((name.rpartition("-")[0], room) for name, room in self._recorder.receivers)
            if self._docket.log.lost:
                self._lost()
            self._beat()
        self._looks.received(())

    async def _jumps(self) -> None:
        """The clock of the log against the monotonic one: where they part at once, the former was set."""
        drift = self._measure()
        by, self._drift = drift - self._drift, drift
        if abs(by) >= clocks.LEAST_JUMP_MS and self._docket.state.gate in (OPEN, PAUSED):
            await self._docket.execute(commands.NoteClockJump(by))

    def _measure(self) -> int:
        return self._docket.now_ms() - round(self._now() * 1000)

    async def _venues(self) -> None:
        """A venue's device is gone for too long: `VenueLost` with what its seats have acknowledged by their acts."""
        state = self._docket.state
        for venue in self._presence.gone(state):
            if venue not in state.lost and not self._recorder.over(venue):
                keys = (state.keys[kid] for seat, kid in state.seat_key.items() if state.seat(seat).venue == venue)
                size = max((key.seen_size for key in keys), default=0)
                await self._docket.execute(commands.LoseVenue(venue, size))

    def _beat(self) -> None:
        if self._now() >= self._next_beat:
            self._next_beat = self._now() + self._heartbeat
            self.due = self._docket.state.size
            self._wake()
