"""What do all actors have in common? They look at what the server says is theirs to do, and do it.

An actor follows no script: it acts on the `todo` of its newest view, waits until the log shows its own act, and looks
again. So it does not matter which process was killed in between, nor how often something is asked for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from evidence.core.canonical import Object, b64u
from web.device.device import Answered
from web.device.errors import GateClosed, ServerRefused, ServerSilent
from web.device.live import Live
from web.device.seat import Seat

LOOK_AGAIN_S = 0.5
"""A refusal may be over without any news: another seat's turn to sign ends, a gate is witnessed."""
FINAL_STAGES = frozenset({"aborted", "closed"})
Duty = Callable[[], Awaitable[None]]


class Report:
    """An actor's voice: lines of JSON to the process that started this one, and a file of every acknowledged act."""

    def __init__(self, *, write: Callable[[str], None], acknowledged: Path) -> None:
        self._write = write
        self._acknowledged = acknowledged

    def say(self, who: str, what: str, **more: object) -> None:
        self._write(json.dumps({"at": round(time.time() * 1000), "who": who, "what": what, **more}, ensure_ascii=False))

    def acknowledge(self, who: str, done: Answered) -> None:
        """The server said that this act stands in the log: it must still stand there in the end."""
        line = {"seat": who, "act": done.act.act, "id": b64u(done.act.id), "index": done.index, "leaf": b64u(done.leaf)}
        with self._acknowledged.open("a", encoding="ascii") as file:
            file.write(json.dumps(line) + "\n")
        self.say(who, "acted", act=done.act.act, index=done.index)


class Actor:
    """One seat of the proceeding. Subclasses name their duties by act."""

    def __init__(self, *, seat: Seat, live: Live, report: Report) -> None:
        self.seat = seat
        self.id = seat.device.sub
        self.report = report
        self.view: Object = {}
        self.media: Object = {}
        self.vouched = asyncio.Event()
        self.duties: dict[str, Duty] = {"seat.bind": self.bind, "seat.resume": self.resume}
        self._live = live
        self._news = asyncio.Event()
        self._shown = 0
        self._here = True
        self._fresh = False

    async def run(self) -> None:
        """Until the proceeding is over."""
        listener = asyncio.create_task(self._listen())
        try:
            while not self.over:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_S)
                self._news.clear()
                if listener.done():
                    listener.result()
                if self._fresh:
                    await self.attend()
        finally:
            self._live.close()
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    @property
    def over(self) -> bool:
        return self.view.get("gate") in FINAL_STAGES

    async def attend(self) -> None:
        """Do what is to be done, one thing after the other; what is refused now is looked at again later."""
        for name in self.view["todo"]:
            duty = self.duties.get(name)
            if duty is None:
                continue
            try:
                await duty()
            except (ServerRefused, GateClosed) as refusal:
                self.report.say(self.id, "refused", act=name, code=refusal.code)
            except ServerSilent:
                self.report.say(self.id, "silent", act=name)

    async def perform(self, name: str, body: Object) -> None:
        """Sign, post until it is decided, and look at the log as it is with this act in it."""
        await self.done(await self.seat.perform(name, body))

    async def done(self, answered: Answered) -> None:
        """An act is acknowledged; the view that shows it comes next."""
        self.report.acknowledge(self.id, answered)
        while self._here and self._shown <= answered.index:
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_S)

    async def bind(self) -> None:
        """The own centre vouches for the device first, after people saw each other."""
        if self.vouched.is_set():
            await self.done(await self.seat.bind())

    async def resume(self) -> None:
        """Back after the loss of the venue: confirm that nothing was signed meanwhile."""
        await self.done(await self.seat.resume(self.view["me"]["ctr"]))

    async def went_offline(self) -> None:
        """The venue's network is gone. What was seen is no ground to act on any more."""
        self._here = self._fresh = False
        self._live.offline()

    async def came_back(self) -> None:
        self._live.online()
        self._here = True
        self._news.set()

    async def heard(self, message: Object) -> None:
        """Anything else that the server says; for subclasses."""

    async def _listen(self) -> None:
        async for message in self._live.messages():
            if message["type"] == "snapshot":
                self.view, self.media, self._shown = message["view"], message["media"], message["size"]
                self._fresh = self._here
            elif message["type"] == "media":
                self.media = message
            elif message["type"] == "entry" and "view" in message:
                self.view, self._shown = message["view"], message["n"] + 1
            await self.heard(message)
            self._news.set()
