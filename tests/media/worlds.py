"""Engines to test against, and rooms that join them."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from aiortc import MediaStreamTrack

from media.adapters.clip_publisher import ClipPublisher
from media.adapters.engine_socket import EngineSocket
from media.adapters.room_client import RoomClient
from media.core.events import Event
from media.ports import MediaEngine

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


def wall_ms() -> float:
    return time.time() * 1000


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition, looking often; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not come true in time")
        await asyncio.sleep(0.01)


async def until_status(engine: MediaEngine, condition: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
    """Wait until an engine's status is as wanted."""
    deadline = time.monotonic() + 10
    while not condition(status := await engine.status()):
        if time.monotonic() > deadline:
            raise AssertionError(f"the engine's status did not become so in time: {status}")
        await asyncio.sleep(0.05)
    return status


def content_of(path: str) -> bytes:
    return Path(path).read_bytes()


def hash_of(path: str) -> str:
    return sha256(content_of(path)).hexdigest()


class Gate(MediaStreamTrack):
    """A track that can be held back."""

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__()
        self.kind = track.kind
        self.open = asyncio.Event()
        self.open.set()
        self._track = track

    async def recv(self) -> Any:
        await self.open.wait()
        return await self._track.recv()


class Worker:
    """A real worker process."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "media.sock"
        self.spool = folder / "spool"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "media.worker", "--socket", str(self.socket), "--spool", str(self.spool)]
        self.process = subprocess.Popen([*command, "--port", str(self.port)], cwd=ROOT)

    async def start(self) -> None:
        self.launch()
        await until(self.socket.exists)

    async def connect(self) -> EngineSocket:
        return await EngineSocket.connect(self.socket)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=20)


@asynccontextmanager
async def worker(folder: Path) -> AsyncIterator[Worker]:
    one = Worker(folder)
    await one.start()
    try:
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.kill()


@dataclass
class Joined:
    """A room that publishes the clip."""

    client: RoomClient
    clip: ClipPublisher
    audio: Gate

    async def leave(self) -> None:
        self.clip.stop()
        await self.client.close()


async def join(engine: MediaEngine, room: str, clip: Path) -> Joined:
    """Publish the clip as this room and wait for the connection."""
    publisher = ClipPublisher(clip_path=clip, clock=wall_ms)
    audio = Gate(publisher.audio)
    client = RoomClient(tracks=[audio, publisher.video])
    await client.accept(await engine.publish(room, await client.offer()))
    await asyncio.wait_for(client.connected(), 10)
    return Joined(client, publisher, audio)


class Listener:
    """Collects an engine's events."""

    def __init__(self, engine: MediaEngine) -> None:
        self.events: list[Event] = []
        self._engine = engine
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self._engine.events():
            self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
