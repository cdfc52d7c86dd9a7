"""Leaving with the own city's node what a seat signs while the main server is away (docs/protocol.md section 8).

The node keeps it in its venue's journal, so that nothing of it can vanish on the way into the log. It is a second copy
and no more: the acts stay in the device's journal and are merged from there, whatever the node says or does not say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx2

from evidence.core.act import Act
from sessions.core.cut_off import OFFLINE
from web.device.client import OPEN_STATUSES, pauses, refusal

# A node waits for the main server for 10 s at most before it says who is away.
_ANSWER_S = 15.0
_JOURNAL = "/journal"
AGAIN = frozenset({"venue-not-lost"})
"""The node itself has a line to the main server: it may lose that, too, while the seat is still away."""


class Leaving:
    """`acts` are those that are not merged yet; they are left in their order. `node` is the origin of the city's
    node."""

    def __init__(self, *, node: str, acts: Callable[[], Sequence[Act]]) -> None:
        self.answers: dict[bytes, str] = {}
        """What the node said of each act: nothing where it has it, else the code of its refusal."""
        self._acts = acts
        self._http = httpx2.AsyncClient(base_url=node, timeout=_ANSWER_S, trust_env=False)
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is something to leave. Nobody waits for it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._http.aclose()

    async def _run(self) -> None:
        """Until the node has said something of every act, or all are merged."""
        for pause in pauses():
            for act in self._acts():
                if not await self._left(act):
                    break
            else:
                return
            await asyncio.sleep(pause)

    async def _left(self, act: Act) -> bool:
        """Whether nothing more is to be done for this act. One whose answer did not come before the line broke may be
        of any kind; only those that may be signed offline are left."""
        if act.act not in OFFLINE or act.id in self.answers:
            return True
        try:
            answer = await self._http.post(_JOURNAL, json={"act": act.jws})
        except (httpx2.TransportError, httpx2.StreamError):
            return False
        code = "" if answer.is_success else refusal(answer).code
        if answer.status_code in OPEN_STATUSES or code in AGAIN:
            return False
        self.answers[act.id] = code
        return True
