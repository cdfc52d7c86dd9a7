"""What does a room's device do? It lets itself be vouched for and admitted, and shows its room without a break."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from evidence.core.canonical import Object
from web.demo.actor import Actor, Report
from web.device.errors import ServerRefused, ServerSilent
from web.device.live import Live
from web.device.seat import Seat

PATIENCE_S = 5.0
"""A connection that the server does not see after this time is made anew; ICE and DTLS take less than a second here."""


class Camera:
    """A camera process with its offer: ready to publish, publishing, or dead."""

    def __init__(self, process: asyncio.subprocess.Process, offer: str) -> None:
        self.offer = offer
        self._process = process

    @classmethod
    async def start(cls, clip: Path) -> Camera:
        """ConnectionError where the process ended without an offer."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.demo.camera", str(clip)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process, (await _line(process))["offer"])

    @property
    def runs(self) -> bool:
        return self._process.returncode is None

    async def accept(self, answer: str) -> None:
        """Publish; returns when packets flow, ConnectionError where they never will."""
        assert self._process.stdin is not None  # noqa: S101 (for the type checker: it is a pipe)
        self._process.stdin.write(json.dumps({"answer": answer}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            await _line(self._process)

    async def kill(self) -> None:
        """The camera ends at once and says nothing to anybody."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Room(Actor):
    """The device of one room; `clip` is what its camera sees."""

    def __init__(self, *, seat: Seat, live: Live, report: Report, clip: Path) -> None:
        super().__init__(seat=seat, live=live, report=report)
        self._clip = clip
        self._next: Camera | None = None
        self._camera: Camera | None = None
        self._engine: str | None = None
        self._unseen_since: float | None = None

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self._unplug()
            if self._next is not None:
                await self._next.kill()

    async def attend(self) -> None:
        """A camera stands ready before it is needed: what happens between admission and publishing is not recorded."""
        if self._next is None:
            self._next = await Camera.start(self._clip)
        await super().attend()
        if self._may_publish() and not self._publishing():
            await self._publish(self._next)

    async def went_offline(self) -> None:
        await super().went_offline()
        await self._unplug()

    def _may_publish(self) -> bool:
        return bool(self.view["rooms"][self.id]["admitted"]) and self.media.get("engine") is not None

    def _publishing(self) -> bool:
        """The camera runs, the engine that runs now is the one that it was offered to, and gets its packets."""
        if self._camera is None or not self._camera.runs or self._engine != self.media.get("engine"):
            return False
        if self.media["rooms"].get(self.id, {}).get("connected", False):
            self._unseen_since = None
            return True
        # A server that has just come back has not heard of its worker's rooms yet.
        self._unseen_since = self._unseen_since or time.monotonic()
        return time.monotonic() < self._unseen_since + PATIENCE_S

    async def _publish(self, camera: Camera) -> None:
        """A new camera for a new connection: its offer to the server, the answer back to it."""
        await self._unplug()
        engine = self.media.get("engine")
        self._camera, self._next = camera, None
        try:
            await camera.accept(await self.seat.client.publish(self.id, camera.offer))
        except (ServerRefused, ServerSilent, ConnectionError, TimeoutError) as error:
            self.report.say(self.id, "refused", act="publish", code=getattr(error, "code", "no-connection"))
            await self._unplug()
        else:
            self._engine, self._unseen_since = engine, None
            self.report.say(self.id, "publishes")

    async def _unplug(self) -> None:
        camera, self._camera, self._engine = self._camera, None, None
        if camera is not None:
            await camera.kill()


async def _line(process: asyncio.subprocess.Process) -> Object:
    """The camera's next line."""
    assert process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
    line = await process.stdout.readline()
    if not line:
        raise ConnectionError("the camera ended")
    found: Object = json.loads(line)
    return found
