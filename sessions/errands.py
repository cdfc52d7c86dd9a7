"""Running what has to be done until the log shows that it was done.

Duties are derived from state alone, so a process that was killed goes on with exactly those that are still due. One
duty at a time runs in a lane (a city node, the witnesses, the recorder…); lanes run side by side. A duty that fails is
tried again with growing pauses as long as it is due; nothing is given up, nothing is done twice at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import stamina

from evidence.errors import LostLease
from sessions.service_errors import StillDue

D = TypeVar("D", bound=Hashable)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between attempts. A city node that restarts is back within a second or two; a longer pause than `longest`
    would let people wait for a machine that is there (protocols.md 2: gates are asked for at once)."""

    first: float = 0.1
    longest: float = 2.0


class Errands(Generic[D]):
    """`due()` gives the duties of this moment, `lane(duty)` whom it occupies, `work(duty)` does it; all idempotent."""

    def __init__(
        self,
        *,
        due: Callable[[], Iterable[D]],
        lane: Callable[[D], str],
        work: Callable[[D], Awaitable[None]],
        lost: Callable[[], None],
        pauses: Pauses,
    ) -> None:
        self._due = due
        self._lane = lane
        self._work = work
        self._lost = lost
        self._pauses = pauses
        self._running: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Something changed; look again."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._changed.clear()
                for duty in self._due():
                    lane = self._lane(duty)
                    if lane not in self._running:
                        self._running[lane] = asyncio.create_task(self._attend(lane, duty))
                await self._changed.wait()
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _attend(self, lane: str, duty: D) -> None:
        try:
            async for attempt in stamina.retry_context(
                on=_again,
                attempts=None,
                timeout=None,
                wait_initial=self._pauses.first,
                wait_max=self._pauses.longest,
                wait_jitter=self._pauses.first,
            ):
                with attempt:
                    if duty in self._due():
                        await self._try(duty)
                    if duty in self._due():
                        raise StillDue(f"{duty} was done and is still due")
        except LostLease:
            self._lost()
        finally:
            del self._running[lane]
            self.wake()

    async def _try(self, duty: D) -> None:
        try:
            await self._work(duty)
        except LostLease:
            raise
        except Exception as error:
            if (code := getattr(error, "code", None)) is not None:
                logger.info("%s waits: %s (%s)", duty, error, code)
            else:
                logger.exception("%s failed", duty)
            raise


def _again(error: BaseException) -> bool:
    """Everything is tried again but the loss of the log, and the end of this process."""
    return isinstance(error, Exception) and not isinstance(error, LostLease)
