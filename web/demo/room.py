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


class Room(Actor):
    """The device of one room; `clip` is what its camera sees."""

    def __init__(self, *, seat: Seat, live: Live, report: Report, clip: Path) -> None:
        super().__init__(seat=seat, live=live, report=report)
        self._clip = clip
        self._camera: asyncio.subprocess.Process | None = None
        self._engine: str | None = None
        self._published = 0.0

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self._unplug()

    async def attend(self) -> None:
        await super().attend()
        if self._may_publish() and not self._publishing():
            await self._publish()

    async def went_offline(self) -> None:
        await super().went_offline()
        await self._unplug()

    def _may_publish(self) -> bool:
        return bool(self.view["rooms"][self.id]["admitted"]) and self.media.get("engine") is not None

    def _publishing(self) -> bool:
        """The camera runs, the engine that runs now is the one that it was offered to, and gets its packets."""
        if self._camera is None or self._camera.returncode is not None or self._engine != self.media.get("engine"):
            return False
        connected = self.media["rooms"].get(self.id, {}).get("connected", False)
        return bool(connected) or time.monotonic() < self._published + PATIENCE_S

    async def _publish(self) -> None:
        """A new camera process for a new connection: its offer to the server, the answer back to it."""
        await self._unplug()
        engine = self.media.get("engine")
        camera = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.demo.camera", str(self._clip)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._camera = camera
        assert camera.stdin is not None  # noqa: S101 (for the type checker: both are pipes)
        try:
            offer: Object = await self._read(camera)
            answer = await self.seat.client.publish(self.id, offer["offer"])
            camera.stdin.write(json.dumps({"answer": answer}).encode() + b"\n")
            await self._read(camera)
        except (ServerRefused, ServerSilent, ConnectionError, ValueError) as error:
            self.report.say(self.id, "refused", act="publish", code=getattr(error, "code", "no-connection"))
            await self._unplug()
        else:
            self._engine, self._published = engine, time.monotonic()
            self.report.say(self.id, "publishes")

    async def _read(self, camera: asyncio.subprocess.Process) -> Object:
        """The camera's next line; ValueError where it ended without one."""
        assert camera.stdout is not None  # noqa: S101 (for the type checker)
        found: Object = json.loads(await camera.stdout.readline())
        return found

    async def _unplug(self) -> None:
        """The camera ends at once and says nothing to anybody."""
        camera, self._camera, self._engine = self._camera, None, None
        if camera is not None:
            with suppress(ProcessLookupError):
                camera.kill()
            await camera.wait()
