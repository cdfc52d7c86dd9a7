"""A small process supervisor: siblings, restarted when they die, stopped together.

The promises:
- whatever ends, however it ends (`kill -9` too), is started again: at once after its first death, then with growing
  pauses as long as it dies young;
- a sibling never outlives the supervisor, not even when the supervisor itself is killed;
- a stop is passed on as SIGTERM, the last started first; who does not listen is killed;
- `<state>/run/<name>.pid` holds the process id of each living sibling, `<state>/log/<name>.log` what it says.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

_log = structlog.get_logger("processes")

# The first restart is for the unlucky process, the growing pauses for the broken one.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
# Whoever lived this long was not broken: its next death counts as the first.
HEALTHY_S = 10.0
# Time to close sockets and cut the last segments; a media worker drains for one second.
GRACE_S = 10.0
# How often the wanted siblings are looked at: a new proceeding waits this long for its media worker.
LOOK_S = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Sibling:
    """A process to be kept alive."""

    name: str
    command: tuple[str, ...]


class Supervisor:
    """Keeps `always` alive, and whatever `wanted` names at the moment."""

    def __init__(
        self,
        *,
        always: Sequence[Sibling],
        run: Path,
        logs: Path,
        wanted: Callable[[], Sequence[Sibling]] = lambda: (),
        on_start: Callable[[str, int], None] = lambda name, pid: None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._always = tuple(always)
        self._wanted = wanted
        self._run = run
        self._logs = logs
        self._on_start = on_start
        self._grace_s = grace_s
        self._stopping = asyncio.Event()
        self._kept: dict[str, asyncio.Task[None]] = {}

    def stop(self) -> None:
        """Ask for the end; `run` returns when everybody is gone."""
        self._stopping.set()

    async def run(self) -> None:
        for folder in (self._run, self._logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            while not self._stopping.is_set():
                wanted = {sibling.name: sibling for sibling in (*self._always, *self._wanted())}
                for name, sibling in wanted.items():
                    if name not in self._kept:
                        self._kept[name] = asyncio.create_task(self._keep(sibling))
                for name in self._kept.keys() - wanted.keys():
                    await self._end(name)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_S)
        finally:
            for name in reversed(list(self._kept)):
                await self._end(name)

    async def _end(self, name: str) -> None:
        task = self._kept.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _keep(self, sibling: Sibling) -> None:
        """Start, wait for the end, start again; cancelled: stop it in good order."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            started = loop.time()
            process = await self._start(sibling)
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await self._stop(process)
                raise
            finally:
                self._pid_file(sibling).unlink(missing_ok=True)
            _log.warning("sibling-ended", sibling=sibling.name, status=status)
            if loop.time() - started >= HEALTHY_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _start(self, sibling: Sibling) -> asyncio.subprocess.Process:
        with (self._logs / f"{sibling.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *sibling.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own: a Ctrl-C at the terminal reaches the supervisor only, which stops all in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        part = self._pid_file(sibling).with_suffix(".part")
        part.write_text(f"{process.pid}\n")
        part.replace(self._pid_file(sibling))
        _log.info("sibling-started", sibling=sibling.name, pid=process.pid)
        self._on_start(sibling.name, process.pid)
        return process

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._grace_s)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _pid_file(self, sibling: Sibling) -> Path:
        return self._run / f"{sibling.name}.pid"


_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """In the child, before exec: SIGKILL when the supervisor dies; and if it died already, at once."""
    parent = os.getppid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


async def run_until_signal(supervisor: Supervisor) -> None:
    """Run until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()
