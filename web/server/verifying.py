"""Verification of archived evidence files on request, each in a process of its own (`tongping verify --lines`).

The recipe runs over hundreds of megabytes and parses what a stranger may have written: it gets its own memory, its own
time, and the machine's idle half. Several callers who ask for one file get one run.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from evidence.core.canonical import JSON, Object
from web.server.errors import NotVerified

_log = structlog.get_logger("verifying")

# A day's meeting of a dozen rooms is read and hashed in minutes; an hour means that something hangs.
WALL_S = 3_600.0
# One core at a time: the other one belongs to the meetings.
AT_ONCE = 1
_LINE = 4 * 1024 * 1024
RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(slots=True)
class Verification:
    """One run: its steps so far, and the verdict at its end."""

    state: str = RUNNING
    steps: list[JSON] = field(default_factory=list)
    verdict: JSON = None

    @property
    def as_json(self) -> Object:
        return {"state": self.state, "steps": list(self.steps), "verdict": self.verdict}


class Verifications:
    """The newest run of each proceeding. `policy` is the folder of the pinned policy and trust."""

    def __init__(self, *, policy: Path, command: tuple[str, ...] = ()) -> None:
        self._policy = policy
        self._command = command or (sys.executable, "-P", "-m", "web.server", "verify", "--lines", "--policy")
        self._runs: dict[str, Verification] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)

    def start(self, proceeding: str, file: Path) -> Verification:
        """A new run, or the one that is under way."""
        found = self._runs.get(proceeding)
        if found is None or found.state != RUNNING:
            found = self._runs[proceeding] = Verification()
            task = asyncio.create_task(self._run(found, file))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return found

    def find(self, proceeding: str) -> Verification:
        """The newest run; NotVerified where nobody asked for one since this process began."""
        if proceeding not in self._runs:
            raise NotVerified("no verification was asked for")
        return self._runs[proceeding]

    async def stop(self) -> None:
        """End what runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, found: Verification, file: Path) -> None:
        async with self._turn:
            try:
                await asyncio.wait_for(self._read(found, file), WALL_S)
            except Exception:  # noqa: BLE001 (a run that failed says so to whoever asked for it)
                _log.exception("verification-failed", file=str(file))
        if found.state == RUNNING:
            found.state = FAILED

    async def _read(self, found: Verification, file: Path) -> None:
        child = await asyncio.create_subprocess_exec(
            "nice",
            *self._command,
            str(self._policy),
            str(file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE,
        )
        try:
            if child.stdout is not None:
                async for line in child.stdout:
                    _hear(found, json.loads(line))
            await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


def _hear(found: Verification, value: Object) -> None:
    """A step, or at last the verdict."""
    if "verdict" in value:
        found.verdict, found.state = value, DONE
    else:
        found.steps.append(value)
