"""A world whose media worker closes real segments: those of `recording.py`, one after another."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from media.adapters.memory import MemoryEngine
from media.core.events import Event, SegmentClosed
from media.core.plan import RoomPlan
from media.core.record import SegmentKey, SegmentRecord
from media.ports import MediaEngine
from tests.replay.recording import Recorded
from tests.sessions.service_world import Connection, Worker, World

AT_ONCE = 8
"""Segments of a room that a cut closes: the film is in the log before the meeting is over, which takes seconds here."""


class FilmEngine(MemoryEngine):
    """Its recordings are no stubs."""

    film: dict[str, list[SegmentRecord]]

    def cut(self, room: str) -> None:
        place = self._rooms[room]
        if place.since_ms is None or place.peer is None:
            return
        for record in self.film[room][:AT_ONCE]:
            self.film[room].remove(record)
            self._waiting[record.key] = record
            self._tell(SegmentClosed(record))


class _Connection(Connection):
    """Takes are those of the film."""

    async def unacknowledged(self) -> list[SegmentRecord]:
        return await self._alive().unacknowledged()

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        await self._alive().acknowledge(keys)

    async def events(self) -> AsyncIterator[Event]:
        async for event in self._alive().events():
            yield event


class _Worker(Worker):
    def __init__(self, spool: Path, film: Recorded) -> None:
        self.film = film
        super().__init__(spool)

    def _new(self) -> MemoryEngine:
        engine = FilmEngine(spool=self.spool / str(self.kills), clock=lambda: time.time() * 1000)
        engine.film = {}
        for record in sorted(self.film.records, key=lambda each: each.t0_ms):
            engine.film.setdefault(record.room, []).append(record)
        return engine

    async def connect(self, plan: RoomPlan) -> MediaEngine:
        return _Connection(self)


def filmed(folder: Path, film: Recorded) -> World:
    """The world of a proceeding in whose rooms this happens."""
    world = World(folder)
    world.worker = _Worker(folder / "spool", film)
    return world
