"""The main server's part in a draw: it waits for reveals, states who is missing, and resolves (protocols.md 4)."""

from __future__ import annotations

import asyncio
import math

from evaluation.draw_errors import DeadlineOpen
from evidence.ports import Envelopes
from sessions import draw_secrets
from sessions.core import commands
from sessions.core.draws import Draw
from sessions.docket import Docket
from sessions.ports import Clock
from sessions.service_errors import StillDue


class Drawer:
    """One proceeding's."""

    def __init__(self, *, docket: Docket, envelopes: Envelopes, clock: Clock) -> None:
        self._docket = docket
        self._envelopes = envelopes
        self._clock = clock

    async def await_reveals(self, freeze: bytes, until: int) -> None:
        """Return as soon as everybody has revealed; else, when the time is over, state who is missing."""
        left = until - self._clock().timestamp()
        await self._docket.until(lambda: not self._found(freeze).unrevealed, max(0.0, math.ceil(left)))
        found = self._found(freeze)
        if found.unrevealed and found.missed_n is None and found.resolved is None:
            try:
                await self._state_missing(found)
            except DeadlineOpen as error:
                raise StillDue(str(error)) from error

    async def resolve(self, freeze: bytes) -> None:
        """With every secret held against its commitment. A false reveal counts as none."""
        found = self._found(freeze)
        state = self._docket.state
        checked = await asyncio.to_thread(lambda: dict(draw_secrets.of(state, found, self._envelopes)))
        known = tuple(secret for secret in checked.values() if secret is not None)
        if len(known) == len(checked):
            await self._docket.execute(commands.ResolveDraw(freeze, known))
        elif found.missed_n is None:
            await self._state_missing(found)
        else:
            raise StillDue("too few of the released shares hold")

    async def _state_missing(self, found: Draw) -> None:
        state = self._docket.state
        if found.freeze is None:
            raise StillDue("nothing is frozen")
        checked = await asyncio.to_thread(lambda: dict(draw_secrets.of(state, found, self._envelopes)))
        missed = tuple(sorted(author for author, secret in checked.items() if secret is None))
        await self._docket.execute(commands.MissReveals(found.freeze.leaf, missed))

    def _found(self, freeze: bytes) -> Draw:
        found, _ = self._docket.state.drawing.frozen(freeze)
        return found
