"""The supervisor: who dies comes back, nobody outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from media.errors import MediaUnavailable, TooManyPeers
from web.server.processes import Sibling, Supervisor
from web.server.workers import WorkerFolder, retire

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
)
BROKEN = (sys.executable, "-c", "raise SystemExit(3)")


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_of(run: Path, name: str) -> int:
    try:
        return int((run / f"{name}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def test_whoever_is_killed_comes_back_and_all_end_together(tmp_path: Path) -> None:
    run, logs = tmp_path / "run", tmp_path / "log"

    async def play() -> None:
        names = ("one", "two")
        supervisor = Supervisor(always=[Sibling(name, SLEEPER) for name in names], run=run, logs=logs)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: all(pid_of(run, name) for name in names))
        await until(lambda: "up" in (logs / "one.log").read_text())
        first = {name: pid_of(run, name) for name in names}
        os.kill(first["one"], signal.SIGKILL)
        await until(lambda: pid_of(run, "one") not in (0, first["one"]))
        second = pid_of(run, "one")
        assert alive(second)
        await until(lambda: (logs / "one.log").read_text().count("up") == 2)
        assert pid_of(run, "two") == first["two"]
        supervisor.stop()
        await running
        assert not any(alive(pid) for pid in (*first.values(), second))
        assert list(run.glob("*.pid")) == []

    asyncio.run(play())


def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    async def play() -> None:
        supervisor = Supervisor(always=[Sibling("deaf", DEAF)], run=tmp_path, logs=tmp_path, grace_s=0.3)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: (tmp_path / "deaf.log").is_file() and "up" in (tmp_path / "deaf.log").read_text())
        pid = pid_of(tmp_path, "deaf")
        supervisor.stop()
        await running
        assert not alive(pid)

    asyncio.run(play())


def test_a_broken_sibling_is_not_started_in_a_tight_loop(tmp_path: Path) -> None:
    async def play() -> int:
        started: list[int] = []
        supervisor = Supervisor(
            always=[Sibling("broken", BROKEN)], run=tmp_path, logs=tmp_path, on_start=lambda _, pid: started.append(pid)
        )
        running = asyncio.create_task(supervisor.run())
        await asyncio.wait([running], timeout=2.0)
        supervisor.stop()
        await running
        return len(started)

    # Pauses of 0.05, 0.1, 0.2, 0.4, 0.8… seconds: at most six starts fit into two seconds.
    assert 2 <= asyncio.run(play()) <= 6


def test_siblings_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from web.server.processes import Sibling, Supervisor\n"
        f"place = Path({str(tmp_path)!r})\n"
        f"asyncio.run(Supervisor(always=[Sibling('one', {SLEEPER!r})], run=place, logs=place).run())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as process:
        eventually(lambda: pid_of(tmp_path, "one") != 0)
        pid = pid_of(tmp_path, "one")
        process.kill()
    eventually(lambda: not alive(pid))


def test_a_wanted_worker_starts_and_an_unwanted_one_ends(tmp_path: Path) -> None:
    folder = WorkerFolder(tmp_path / "workers", sockets=tmp_path, ports=range(20000, 20002))

    async def play() -> None:
        supervisor = Supervisor(
            always=[],
            run=tmp_path,
            logs=tmp_path,
            wanted=lambda: [Sibling(worker.name, SLEEPER) for worker in folder.wanted()],
        )
        running = asyncio.create_task(supervisor.run())
        worker = folder.want("centre.example/proceedings/abcdefghijklmnop")
        await until(lambda: pid_of(tmp_path, worker.name) != 0)
        folder.unwant(worker.proceeding)
        await until(lambda: pid_of(tmp_path, worker.name) == 0)
        supervisor.stop()
        await running

    asyncio.run(play())


def test_the_worker_of_a_closed_proceeding_retires(tmp_path: Path) -> None:
    folder = WorkerFolder(tmp_path / "workers", sockets=tmp_path, ports=range(20000, 20002))
    for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        folder.want(f"c/proceedings/{name}")

    async def play() -> None:
        retiring = asyncio.create_task(retire(folder, lambda name: name.startswith("a")))
        await until(lambda: len(folder.wanted()) == 1)
        retiring.cancel()

    asyncio.run(play())
    assert folder.wanted()[0].proceeding == "c/proceedings/bbbbbbbbbbbb"


def test_each_proceeding_keeps_its_own_port_and_socket(tmp_path: Path) -> None:
    def folder() -> WorkerFolder:
        return WorkerFolder(tmp_path / "workers", sockets=tmp_path, ports=range(20000, 20002))

    first, second = folder().want("c/proceedings/aaaaaaaaaaaa"), folder().want("c/proceedings/bbbbbbbbbbbb")
    assert (first.port, second.port) == (20000, 20001)
    assert first.socket != second.socket
    assert folder().want(first.proceeding) == first
    try:
        folder().want("c/proceedings/cccccccccccc")
    except TooManyPeers:
        pass
    else:
        raise AssertionError("a third worker has no port")
    folder().unwant(first.proceeding)
    assert folder().want("c/proceedings/cccccccccccc").port == 20000
    try:
        folder().want("c/proceedings/bbbbbbbbbbzz")
    except MediaUnavailable:
        pass
    else:
        raise AssertionError("two proceedings share a socket")
