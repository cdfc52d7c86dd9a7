"""A real worker process: its socket against bad input, its life without clients, and its death."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from media.core.events import EngineStarted, RoomConnected, RoomLost, TrackResumed, TrackStalled
from media.core.plan import RoomPlan
from media.core.record import SegmentRecord
from media.errors import MediaError, MediaUnavailable
from media.worker import MAX_LINE, NICE
from tests.media.test_vp8_webm import probe
from tests.media.worlds import Listener, hash_of, join, until, until_status, wall_ms, worker

PLAN = RoomPlan("centre.example/proceedings/1", ("main", "east"))


async def raw(path: Path, data: bytes, *, answers_wanted: int = 1) -> list[dict[str, Any]]:
    """Send bytes, read so many answers, or until the worker hangs up or is silent."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    answers: list[dict[str, Any]] = []
    try:
        writer.write(data)
        await writer.drain()
        while len(answers) < answers_wanted and (line := await asyncio.wait_for(reader.readline(), 2)):
            answers.append(json.loads(line))
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return answers


@pytest.mark.asyncio
async def test_bad_requests_get_a_code_and_hurt_nobody(tmp_path: Path) -> None:
    async with worker(tmp_path) as process:
        bad = "media-bad-request"
        for line, code in {
            b"\n": bad, b"{}\n": bad, b"[]\n": bad, b"null\n": bad, b"\xff\xfe\n": bad, b"[" * 100_000 + b"\n": bad,
            b'{"id":1,"method":"fly"}\n': bad, b'{"id":true,"method":"status"}\n': bad, b'{"id":1,"method":2}\n': bad,
            b'{"id":1,"method":"open","params":[]}\n': bad, b'{"id":1,"method":"open","params":{}}\n': bad,
            b'{"id":1,"method":"publish","params":{"room":1,"sdp":"x"}}\n': bad,
            b'{"id":1,"method":"open","params":{"proceeding":"p","rooms":["../x"],"slots":["mic"]}}\n': bad,
            b'{"id":1,"method":"open","params":{"proceeding":"p","rooms":["x"],"slots":["score"]}}\n': bad,
            b'{"id":1,"method":"acknowledge","params":{"keys":[{"room":"x"}]}}\n': bad,
            b'{"id":1,"method":"watch","params":{"watcher":"x"}}\n': "media-not-open",
            b"x" * (MAX_LINE + 10) + b"\n": bad,
        }.items():  # fmt: skip
            (answer,) = await raw(process.socket, line)
            assert answer["error"]["code"] == code, line[:80]
        assert await raw(process.socket, b'{"id":1,"method":"sta', answers_wanted=0) == []
        found = await raw(process.socket, b'{"id":1,"method":"status"}\n' * 100, answers_wanted=100)
        assert len(found) == 100
        assert process.socket.stat().st_mode & 0o077 == 0


@pytest.mark.asyncio
async def test_media_flows_and_is_recorded_while_no_client_is_connected(tmp_path: Path, clip: Path) -> None:
    """The web process may be killed at any time."""
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        await engine.start_recording(["main"])
        room = await join(engine, "main", clip)
        before = (await until_status(engine, lambda found: found["rooms"]["main"]["tracks"]))["engine"]
        await engine.close()
        await until(lambda: list(process.spool.glob("main/camera/*/000001.seg")), 12)
        again = await process.connect()
        listener = Listener(again)
        await until(lambda: listener.events)
        assert listener.of(EngineStarted)[0].engine == before
        await again.open(PLAN)
        assert (await again.status())["rooms"]["main"]["connected"]
        assert await again.unacknowledged()
        await room.leave()
        await until(lambda: listener.of(RoomLost))
        await listener.stop()
        await again.close()
        assert process.end() == 0


def priority_is_allowed() -> bool:
    asked = [sys.executable, "-c", f"import os; os.setpriority(os.PRIO_PROCESS, 0, {NICE})"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def priorities(pid: int) -> set[int]:
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    return {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}


@pytest.mark.asyncio
async def test_a_worker_comes_first_where_the_system_lets_it(tmp_path: Path) -> None:
    """Every thread of it, the disk's too; and where it may not, it works all the same."""
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        assert process.process is not None
        assert priorities(process.process.pid) == {NICE if priority_is_allowed() else 0}
        await engine.close()


@pytest.mark.asyncio
async def test_a_client_learns_that_the_worker_is_gone(tmp_path: Path) -> None:
    async with worker(tmp_path) as process:
        engine = await process.connect()
        events = engine.events()
        assert isinstance(await anext(events), EngineStarted)
        process.kill()
        with pytest.raises(MediaUnavailable):
            await anext(events)
        with pytest.raises(MediaUnavailable):
            await engine.status()
        with pytest.raises(MediaUnavailable):
            await process.connect()
        await engine.close()


@pytest.mark.asyncio
async def test_a_room_that_falls_silent_is_stalled_after_two_seconds_and_comes_back(tmp_path: Path, clip: Path) -> None:
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        listener = Listener(engine)
        room = await join(engine, "main", clip)
        await until_status(engine, lambda found: len(found["rooms"]["main"]["tracks"]) == 2)
        room.audio.open.clear()
        await until(lambda: listener.of(TrackStalled), 4)
        assert [(event.room, event.kind) for event in listener.of(TrackStalled)] == [("main", "mic")]
        room.audio.open.set()
        await until(lambda: listener.of(TrackResumed), 4)
        await room.leave()
        await listener.stop()
        await engine.close()


@pytest.mark.asyncio
async def test_the_newer_publisher_of_a_room_replaces_the_older_at_once(tmp_path: Path, clip: Path) -> None:
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        listener = Listener(engine)
        old = await join(engine, "main", clip)
        new = await join(engine, "main", clip)
        await until(lambda: len(listener.of(RoomConnected)) == 2)
        await until(lambda: old.client.state == "closed")
        assert listener.of(RoomLost) == []
        status = await until_status(engine, lambda found: len(found["rooms"]["main"]["tracks"]) == 2)
        assert status["rooms"]["main"]["peer"] == listener.of(RoomConnected)[1].peer
        for room in (old, new):
            await room.leave()
        await listener.stop()
        await engine.close()


def assert_whole(records: list[SegmentRecord], folder: Path) -> None:
    """Every take of every track is a file that ffprobe reads; hashes hold."""
    for record in records:
        assert hash_of(record.path) == record.sha256
    for track in {(record.room, record.kind, record.take) for record in records}:
        parts = sorted((r for r in records if (r.room, r.kind, r.take) == track), key=lambda r: r.number)
        path = folder / ("-".join(map(str, track)) + ".webm")
        path.write_bytes(
            Path(parts[0].init_path).read_bytes() + b"".join(Path(r.path).read_bytes() for r in parts)
        )  # fmt: skip
        stream, times = probe(path)
        assert stream["codec_name"] == ("opus" if track[1] == "mic" else "vp8")
        assert abs((times[-1] - times[0]) * 1000 - sum(r.duration_ms for r in parts)) < 100 * len(parts)
        subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"], check=True)


@pytest.mark.asyncio
async def test_kill_9_loses_at_most_one_second_and_the_downtime_is_a_declared_gap(tmp_path: Path, clip: Path) -> None:
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        await engine.start_recording(["main"])
        room = await join(engine, "main", clip)
        await until(lambda: list(process.spool.glob("main/camera/*/*.head.json")), 5)
        await asyncio.sleep(6.3)  # into the second segment of each track
        killed_ms = wall_ms()
        process.kill()
        await room.leave()
        await engine.close()

        await process.start()
        again = await process.connect()
        await again.open(PLAN)
        recovered = await again.unacknowledged()
        for kind in ("mic", "camera"):
            mine = sorted((record for record in recovered if record.kind == kind), key=lambda r: r.number)
            assert [record.recovered for record in mine] == [False, True]
            assert 0 <= killed_ms - mine[-1].t1_ms <= 1_000
            for before, after in pairwise(mine):
                assert after.t0_ms - before.t1_ms < 100
        await again.start_recording(["main"])
        room = await join(again, "main", clip)
        await until(lambda: list(process.spool.glob("main/camera/000002/*.head.json")), 5)
        await again.stop_recording(["main"])
        records = await again.unacknowledged()
        for kind in ("mic", "camera"):
            first = next(record for record in records if record.kind == kind and record.take == 2)
            last = max(record.t1_ms for record in recovered if record.kind == kind)
            assert first.gaps == ((last, first.t0_ms),)
            assert first.t0_ms > killed_ms
        assert_whole(records, tmp_path)
        await room.leave()
        await again.close()


@pytest.mark.asyncio
async def test_a_worker_that_is_told_to_end_seals_what_is_open(tmp_path: Path, clip: Path) -> None:
    async with worker(tmp_path) as process:
        engine = await process.connect()
        await engine.open(PLAN)
        await engine.start_recording(["main"])
        room = await join(engine, "main", clip)
        await until(lambda: list(process.spool.glob("main/camera/*/*.seg.part")), 5)
        assert process.end() == 0
        assert list(process.spool.glob("**/*.part")) == []
        assert len(list(process.spool.glob("**/*.seg"))) == 2
        with pytest.raises(MediaError):
            await engine.status()
        await room.leave()
        await engine.close()
