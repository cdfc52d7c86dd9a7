"""Two cores stand for several machines: who of a bench's processes may keep whom waiting."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path


def apart(*patterns: str) -> None:
    """Who is not measured has a machine of its own in use: on these two cores those processes run when no other would,
    and make nobody wait for the end of their slice, as they would at a low priority."""
    for process in own().intersection(processes(*patterns)):
        with suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                with suppress(ProcessLookupError):
                    os.sched_setscheduler(int(task), os.SCHED_IDLE, os.sched_param(0))


def processes(*patterns: str) -> list[int]:
    """Processes with one of these in their command line."""
    return [int(each) for each in subprocess.check_output(["pgrep", "-f", "|".join(patterns)]).split()]


def own() -> set[int]:
    """This process and all that it and they have started."""
    parents = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            parents[int(process)] = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found
