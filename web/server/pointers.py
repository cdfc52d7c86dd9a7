"""The presenter's pointer: from one socket to the others of the proceeding, never into the log.

Legally empty and frequent: only the newest position counts, so a slow reader skips positions and delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from evidence.core.canonical import Object
from web.server.errors import NotAllowed


@dataclass(slots=True)
class _Board:
    """The newest position of one proceeding, numbered so that nobody misses the last one."""

    number: int = 0
    seat: str = ""
    position: Object = field(default_factory=dict)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Pointers:
    """One board for each proceeding, by origin."""

    def __init__(self) -> None:
        self._boards: dict[str, _Board] = {}

    def publish(self, origin: str, seat: str, x: int, y: int, *, presenter: str | None) -> None:
        """Only who presents points."""
        if presenter != seat:
            raise NotAllowed("only the presenter points")
        board = self._board(origin)
        board.number, board.seat = board.number + 1, seat
        board.position = {"type": "pointer", "seat": seat, "x": x, "y": y}
        moved, board.moved = board.moved, asyncio.Event()
        moved.set()

    async def follow(self, origin: str, seat: str) -> AsyncIterator[Object]:
        """Positions of others, from now on."""
        board = self._board(origin)
        known = board.number
        while True:
            while board.number == known:
                await board.moved.wait()
            known = board.number
            if board.seat != seat:
                yield board.position

    def _board(self, origin: str) -> _Board:
        return self._boards.setdefault(origin, _Board())
