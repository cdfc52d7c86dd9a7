"""The presenter's screen: document, page, the part of it and what is marked, from one socket to the others.

Like the pointer it is legally empty and never in the log (the page that counts is the act `page.show`), and only the
newest state counts: a slow reader skips states and delays nobody. Unlike the pointer it is kept for who comes later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from evidence.core.canonical import Object, b64u, unb64u
from sessions.core.page_views import documents
from sessions.core.state import Proceeding
from sessions.errors import UnknownPage
from web.server.errors import NotAllowed, ScreenStale
from web.server.messages import Screen


@dataclass(slots=True)
class _Board:
    """The newest screen of one proceeding, numbered so that nobody misses the last one."""

    number: int = 0
    sequence: int = -1
    seat: str = ""
    screen: Object | None = None
    turned: asyncio.Event = field(default_factory=asyncio.Event)


class Screens:
    """One board for each proceeding, by origin."""

    def __init__(self) -> None:
        self._boards: dict[str, _Board] = {}

    def publish(self, state: Proceeding, seat: str, message: Screen) -> None:
        """(1) Only the presenter; (2) a page that exists; (3) newer than the last one, whoever presented then."""
        board = self._board(state.origin)
        if state.presenter != seat:  # (1)
            raise NotAllowed("only the presenter shares a screen")
        document = unb64u(message.document, 32)
        if not 1 <= message.page <= documents(state).get(document, 0):  # (2)
            raise UnknownPage("no such document, or no such page in it")
        if message.sequence <= board.sequence:  # (3)
            raise ScreenStale("a newer screen is known")
        board.number, board.sequence, board.seat = board.number + 1, message.sequence, seat
        board.screen = {
            "type": "screen",
            "seat": seat,
            "document": b64u(document),
            "page": message.page,
            "viewport": message.viewport.model_dump(exclude_none=True),
            "highlight": message.highlight,
            "sequence": message.sequence,
        }
        turned, board.turned = board.turned, asyncio.Event()
        turned.set()

    def newest(self, origin: str) -> Object | None:
        """What who comes now has to see."""
        return self._board(origin).screen

    async def follow(self, origin: str, seat: str) -> AsyncIterator[Object]:
        """Screens of others, from now on."""
        board = self._board(origin)
        known = board.number
        while True:
            while board.number == known:
                await board.turned.wait()
            known = board.number
            if board.seat != seat and board.screen is not None:
                yield board.screen

    def _board(self, origin: str) -> _Board:
        return self._boards.setdefault(origin, _Board())
