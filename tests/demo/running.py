"""A demo that runs beside a test: what it says, which processes it has, and what they leave."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.demo.recordings import Evidence

LIMIT_S = 300.0
"""Longer than any run with kills on a busy machine; the demo gives up by itself before."""
Found = TypeVar("Found")
PROCESSES = ("web", "signing", "media", "city-zhongshan", "city-zhuhai", "city-finance")


@dataclass(frozen=True, slots=True)
class Kill:
    """One `kill -9`: which process, when (ms since the epoch), and at which line of the demo."""

    process: str
    at_ms: float
    line: str


@dataclass(slots=True)
class Running:
    """`moments`: the first line that matches a pattern kills the process of that name."""

    state: Path
    moments: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    status: int | None = None
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None
    _news: threading.Condition = field(default_factory=threading.Condition)

    def start(self, *options: str) -> None:
        self.start_command([sys.executable, "-P", "-m", "web.server", "demo", "--state", str(self.state), *options])

    def start_command(
        self, command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """A command that becomes the demo with this state."""
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line that matches; AssertionError where the demo ends without one."""
        found = self._until(lambda: next((m for line in self.lines if (m := re.search(pattern, line))), None))
        assert found is not None, self.said
        return found

    def end(self) -> int:
        """The exit status."""
        self._until(lambda: self.status)
        assert self.status is not None, self.said
        return self.status

    def stop(self) -> None:
        """Whatever still runs ends; the supervisor takes its children along."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.state / "evidence.zip")

    def pid(self, process: str) -> int:
        """The living process of this name; a media worker's name ends with its proceeding."""
        (path,) = (self.state / "main" / "run").glob(f"{process}*.pid")
        return int(path.read_text())

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                self._kill_at(line)
                with self._news:
                    self.lines.append(line.rstrip())
                    self._news.notify_all()
        status = self._process.wait()
        with self._news:
            self.status = status
            self._news.notify_all()

    def _kill_at(self, line: str) -> None:
        done = {kill.process for kill in self.kills}
        for process, pattern in self.moments.items():
            if process not in done and re.search(pattern, line):
                os.kill(self.pid(process), signal.SIGKILL)
                self.kills.append(Kill(process, time.time() * 1000, line.rstrip()))

    def _until(self, condition: Callable[[], Found | None]) -> Found | None:
        """What the condition gives, once it gives something; None where the demo ended or took too long."""
        until = time.monotonic() + LIMIT_S
        with self._news:
            while (found := condition()) is None and self.status is None and time.monotonic() < until:
                self._news.wait(until - time.monotonic())
            return found if found is not None else condition()
