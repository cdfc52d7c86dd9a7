"""The engine as the web process sees it: a client of the worker's Unix socket. See `media.ports.MediaEngine`.

One object is one connection. When it is lost, everything raises MediaUnavailable for good; whoever holds it makes
another one, and learns from EngineStarted whether the worker lived on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from media.core import events
from media.core.events import Event
from media.core.plan import RoomPlan, kind_of
from media.core.record import SegmentKey, SegmentRecord
from media.errors import MediaError, MediaUnavailable, error_of
from media.ports import Offer, WatchSlot

# `unacknowledged` after an hour without the web process: some thousand records of half a kilobyte.
_MAX_LINE = 64 * 1024 * 1024
# Everything but stop_recording answers in milliseconds; that one drains, and waits for a slow disk (engine.py).
_TIMEOUT_SECONDS = 45.0


class EngineSocket:
    """A connection to a media worker."""

    def __init__(self, *, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._lost = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, path: Path) -> EngineSocket:
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=_MAX_LINE)
        except OSError as error:
            raise MediaUnavailable("the media worker does not answer") from error
        return cls(reader=reader, writer=writer)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "event" in message:
                    self._events.put_nowait(events.from_json(message))
                    continue
                waiting = self._waiting.pop(message["id"], None)
                if waiting is None or waiting.done():
                    continue
                if "error" in message:
                    waiting.set_exception(error_of(message["error"]["code"], message["error"]["message"]))
                else:
                    waiting.set_result(message["result"])
        except (OSError, ValueError, KeyError, TypeError, MediaError):
            pass  # a broken connection; the finally below says so to everybody
        finally:
            self._lost = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(MediaUnavailable("the connection to the media worker was lost"))
            self._waiting.clear()
            self._events.put_nowait(None)
            self._writer.close()

    async def _call(self, method: str, **params: Any) -> Any:
        if self._lost:
            raise MediaUnavailable("the connection to the media worker was lost")
        number = next(self._numbers)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        request = {"id": number, "method": method, "params": params}
        try:
            self._writer.write(json.dumps(request, separators=(",", ":")).encode() + b"\n")
            await self._writer.drain()
            return await asyncio.wait_for(waiting, _TIMEOUT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise MediaUnavailable("the media worker does not answer") from error
        finally:
            self._waiting.pop(number, None)

    async def open(self, plan: RoomPlan) -> None:
        await self._call("open", proceeding=plan.proceeding, rooms=list(plan.rooms), slots=list(plan.slots))

    async def publish(self, room: str, sdp_offer: str) -> str:
        return str(await self._call("publish", room=room, sdp=sdp_offer))

    async def watch(self, watcher: str) -> Offer:
        found = await self._call("watch", watcher=watcher)
        slots = tuple(WatchSlot(slot["mid"], slot["room"], kind_of(slot["kind"])) for slot in found["slots"])
        return Offer(found["subscription"], found["sdp"], slots)

    async def answer(self, subscription: str, sdp_answer: str) -> None:
        await self._call("answer", subscription=subscription, sdp=sdp_answer)

    async def loopback(self, name: str, sdp_offer: str) -> str:
        return str(await self._call("loopback", name=name, sdp=sdp_offer))

    async def drop(self, name: str) -> None:
        await self._call("drop", name=name)

    async def start_recording(self, rooms: Sequence[str]) -> None:
        await self._call("start_recording", rooms=list(rooms))

    async def stop_recording(self, rooms: Sequence[str]) -> None:
        await self._call("stop_recording", rooms=list(rooms))

    async def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._call("status")
        return found

    async def unacknowledged(self) -> list[SegmentRecord]:
        return [SegmentRecord.from_json(record) for record in await self._call("unacknowledged")]

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        # In portions, so that a line stays within the worker's limit.
        for start in range(0, len(keys), 1_000):
            await self._call("acknowledge", keys=[asdict(key) for key in keys[start : start + 1_000]])

    async def events(self) -> AsyncIterator[Event]:
        await self._call("events")
        while (event := await self._events.get()) is not None:
            yield event
        raise MediaUnavailable("the connection to the media worker was lost")

    async def close(self) -> None:
        """Hang up; the worker goes on."""
        self._writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
