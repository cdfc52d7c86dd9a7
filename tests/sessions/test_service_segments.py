"""Closed segments on their way into the log: vault, then `SegmentsClosed`, then the acknowledgement; never twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from evidence.adapters.memory import MemoryVault
from evidence.core.canonical import encode, sha256
from media.core.plan import Kind
from media.core.record import SegmentKey, SegmentRecord
from sessions.announcing import MAX_SEGMENTS_BYTES, Announcer
from sessions.core import segments
from sessions.core.commands import CloseSegments
from sessions.core.state import Room
from sessions.docket import Docket
from tests.sessions.service_world import until

ROOMS = {f"room-{n}": Room(f"room-{n}", f"venue-{n}") for n in (1, 2)}


@dataclass
class Desk:
    """A docket that only takes segments, by the rules' own check, and a worker that waits for acknowledgements."""

    folder: Path
    vault: MemoryVault = field(default_factory=MemoryVault)
    entries: list[Any] = field(default_factory=list)
    acknowledged: list[SegmentKey] = field(default_factory=list)
    time: float = 100.0
    every: float = 10.0
    origin: str = "a.example/proceedings/x"

    def __post_init__(self) -> None:
        self.state = SimpleNamespace(rooms=ROOMS)
        self.tracks: dict[Any, int] = {}
        self.announcer = self.new()

    def new(self) -> Announcer:
        """After a restart: nothing in memory."""
        return Announcer(
            docket=cast("Docket", self),
            vault=self.vault,
            acknowledge=self.acknowledge,
            now=lambda: self.time,
            every=self.every,
            settle=0.03,
        )

    async def execute(self, command: CloseSegments) -> None:
        self.tracks = segments.follow(self.tracks, ROOMS, command.venue, command.segments)
        body = {"venue": command.venue, "segments": list(command.segments)}
        assert len(encode(body)) < 60_000
        self.entries.append(SimpleNamespace(type="SegmentsClosed", body=body))

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        self.acknowledged += keys

    def close(self, room: str, number: int, kind: Kind = "mic", gaps: int = 0) -> SegmentRecord:
        """The worker closes a segment."""
        init, path = self.folder / f"{room}-init", self.folder / f"{room}-{kind}-{number}"
        init.write_bytes(b"init")
        path.write_bytes(os.urandom(16))
        record = SegmentRecord(
            room=room, kind=kind, take=1, number=number, path=str(path), init_path=str(init),
            sha256=sha256(path.read_bytes()).hex(), init_sha256=sha256(b"init").hex(), bytes=16, t0_ms=number * 4000,
            t1_ms=number * 4000 + 3980, rtp0=0, rtp1=0, duration_ms=3980, packets=199, lost=0, keyframe=True,
            recovered=False, gaps=tuple((i, i + 1) for i in range(gaps)),
        )  # fmt: skip
        self.announcer.note(record)
        return record

    def spoil(self, record: SegmentRecord) -> bytes:
        """The file loses its last byte; returns what it was."""
        whole = Path(record.path).read_bytes()
        Path(record.path).write_bytes(whole[:-1])
        return whole

    def restore(self, record: SegmentRecord, whole: bytes) -> None:
        Path(record.path).write_bytes(whole)

    def lose(self, record: SegmentRecord) -> None:
        Path(record.path).unlink()

    def logged(self) -> list[tuple[str, int]]:
        return [(s["room"], s["number"]) for entry in self.entries for s in entry.body["segments"]]


async def pause(seconds: float) -> None:
    """Give the announcer several looks in which nothing may happen."""
    end = asyncio.get_running_loop().time() + seconds
    await until(lambda: asyncio.get_running_loop().time() > end)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.asyncio
async def test_a_segment_is_in_the_vault_before_it_is_in_the_log(desk: Desk) -> None:
    record = desk.close("room-1", 1)
    await desk.announcer.flush("venue-1")
    await desk.announcer.flush("venue-1")
    assert desk.logged() == [("room-1", 1)]
    assert desk.acknowledged == [record.key]
    assert await desk.vault.has(record.sha256)
    assert await desk.vault.has(record.init_sha256)


@pytest.mark.asyncio
async def test_what_the_worker_says_again_after_a_crash_is_only_acknowledged(desk: Desk) -> None:
    """A crash between the append and the acknowledgement: idempotent by room, kind, take and number."""
    record = desk.close("room-1", 1)
    await desk.announcer.flush("venue-1")
    desk.announcer = desk.new()
    desk.announcer.note(record)
    desk.acknowledged.clear()
    await desk.announcer.flush("venue-1")
    assert desk.logged() == [("room-1", 1)]
    assert desk.acknowledged == [record.key]


@pytest.mark.asyncio
async def test_another_recording_under_a_logged_name_is_never_forgotten(desk: Desk) -> None:
    """The worker may delete what is acknowledged; so only the logged bytes are."""
    record = desk.close("room-1", 1)
    await desk.announcer.flush("venue-1")
    desk.acknowledged.clear()
    desk.announcer.note(replace(record, sha256=sha256(b"other").hex()))
    await desk.announcer.flush("venue-1")
    assert desk.acknowledged == []


@pytest.mark.asyncio
async def test_a_damaged_file_holds_up_its_track_and_no_other(desk: Desk) -> None:
    first, _, _ = desk.close("room-1", 1), desk.close("room-1", 2), desk.close("room-1", 1, "camera")
    whole = desk.spoil(first)
    await desk.announcer.flush("venue-1")
    assert desk.logged() == [("room-1", 1)]
    desk.restore(first, whole)
    await desk.announcer.flush("venue-1")
    assert desk.logged() == [("room-1", 1), ("room-1", 1), ("room-1", 2)]


@pytest.mark.asyncio
async def test_a_lost_file_does_not_keep_a_proceeding_from_its_end(desk: Desk) -> None:
    """It is missing in the log, where every verifier sees it, and the worker is not told to forget it."""
    lost, kept = desk.close("room-1", 1), desk.close("room-1", 2)
    desk.lose(lost)
    await desk.announcer.flush("venue-1", last=True)
    assert desk.logged() == [("room-1", 2)]
    assert desk.acknowledged == [kept.key]


@pytest.mark.asyncio
async def test_many_segments_are_spread_over_entries(desk: Desk) -> None:
    """An entry has at most 60 000 bytes (protocols.md 1.1), however long the log was away."""
    for number in range(1, 101):
        desk.close("room-1", number, gaps=100)
    await desk.announcer.flush("venue-1")
    assert len(desk.entries) > 1
    assert desk.logged() == [("room-1", number) for number in range(1, 101)]
    assert all(len(encode(entry.body["segments"])) <= MAX_SEGMENTS_BYTES + 2 for entry in desk.entries)


@pytest.mark.asyncio
async def test_a_venue_announces_at_most_once_in_ten_seconds(desk: Desk) -> None:
    """architecture section 4."""
    task = asyncio.create_task(desk.announcer.run())
    try:
        desk.close("room-1", 1)
        await pause(0.1)
        assert desk.entries == []
        desk.time += 0.04
        await until(lambda: len(desk.entries) == 1)
        desk.close("room-1", 2)
        desk.close("room-2", 1)
        desk.time += 9.9
        await pause(0.1)
        desk.time += 0.04
        await until(lambda: ("room-2", 1) in desk.logged())
        assert ("room-1", 2) not in desk.logged()
        desk.time += 0.2
        await until(lambda: ("room-1", 2) in desk.logged())
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
