"""Which media workers shall run: one small file for each proceeding, written by `web`, read by the supervisor.

The files are the truth, so that either side may be killed: a proceeding keeps its port and socket, and its worker
outlives the web process. A file is removed when the proceeding needs no media any more; then its worker ends.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from media.core.plan import RoomPlan
from media.errors import MediaUnavailable, TooManyPeers
from media.ports import MediaEngine

# A Unix socket's path has at most 107 octets (unix(7)), so the file is named by the head of the proceeding's id:
# ten characters of base32 are 50 random bits, and the folder refuses a second proceeding with the same ones.
_NAME_CHARACTERS = 10
# Nothing waits for a worker to end but the machine's memory.
RETIRE_S = 5.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One proceeding's worker."""

    proceeding: str
    port: int
    socket: Path

    @property
    def name(self) -> str:
        return _name(self.proceeding)


class WorkerFolder:
    """The wanted workers in `folder`; only the web process writes there."""

    def __init__(self, folder: Path, *, sockets: Path, ports: Sequence[int]) -> None:
        self._folder = folder
        self._sockets = sockets
        self._ports = ports
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def want(self, proceeding: str) -> Worker:
        """The proceeding's worker; a free port is taken where it has none yet. MediaError where none is free."""
        standing = self.wanted()
        for worker in standing:
            if worker.proceeding == proceeding:
                return worker
            if worker.name == _name(proceeding):
                raise MediaUnavailable("another proceeding has this worker's name")
        free = sorted(set(self._ports) - {worker.port for worker in standing})
        if not free:
            raise TooManyPeers("no port is left for another media worker")
        path = self._path(proceeding)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"proceeding": proceeding, "port": free[0]}))
        part.replace(path)
        return self._worker(proceeding, free[0])

    def unwant(self, proceeding: str) -> None:
        self._path(proceeding).unlink(missing_ok=True)

    def wanted(self) -> tuple[Worker, ...]:
        found = (json.loads(path.read_text()) for path in sorted(self._folder.glob("*.json")))
        return tuple(self._worker(value["proceeding"], value["port"]) for value in found)

    def _worker(self, proceeding: str, port: int) -> Worker:
        return Worker(proceeding, port, self._sockets / f"{_name(proceeding)}.sock")

    def _path(self, proceeding: str) -> Path:
        return self._folder / f"{_name(proceeding)}.json"


class WorkerEngines:
    """`sessions.ports.MediaEngines`: wants the worker, then connects to it as soon as it is there."""

    def __init__(self, *, folder: WorkerFolder, connect: Callable[[Path], Awaitable[MediaEngine]]) -> None:
        self._folder = folder
        self._connect = connect

    async def connect(self, plan: RoomPlan) -> MediaEngine:
        worker = self._folder.want(plan.proceeding)
        try:
            return await self._connect(worker.socket)
        except OSError as error:
            raise MediaUnavailable("the worker does not answer yet") from error


async def retire(folder: WorkerFolder, over: Callable[[str], bool]) -> None:
    """Let the workers of closed proceedings end; `over(id)` says which are. Runs until it is cancelled."""
    while True:
        for worker in folder.wanted():
            if over(worker.proceeding.rpartition("/")[2]):
                folder.unwant(worker.proceeding)
        await asyncio.sleep(RETIRE_S)


def _name(proceeding: str) -> str:
    return "media-" + proceeding.rpartition("/")[2][:_NAME_CHARACTERS]
