"""Segments on a real disk: sealed, announced, recovered after a crash anywhere, and never silently missing."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from media.adapters import segment_files, segment_store
from media.adapters.segment_files import SegmentFiles
from media.core import webm
from media.core.record import SegmentKey, SegmentRecord
from media.ports import SegmentHead, SegmentTail, TrackKey
from tests.media.worlds import content_of, hash_of, until

TRACK = TrackKey("main", "mic")
BLOCK = webm.simple_block(20, True, b"opus" * 20)


class Disk:
    """A sink and everything it says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.closed: list[SegmentRecord] = []
        self.alarms: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.free = segment_files.MIN_FREE_BYTES
        self.broken = False
        self.sink = self.open()

    def open(self) -> SegmentFiles:
        return SegmentFiles(
            root=self.root, on_closed=self.closed.append, on_alarm=lambda cause, _: self.alarms.append(cause),
            sync=self._sync, free=lambda _: self.free,
        )  # fmt: skip

    def _sync(self, handle: int) -> None:
        self.gate.wait(30)
        if self.broken:
            raise OSError(28, "No space left on device")

    def watched(self) -> list[str]:
        self.sink.watch()
        return self.alarms

    def begin(self, take: int, number: int) -> SegmentKey:
        key = SegmentKey("main", "mic", take, number)
        self.sink.begin(SegmentHead(key, 1_000, 48_000, 48_000, True, ((500, 1_000),)), 0)
        return key

    def segment(self, take: int, number: int, blocks: int = 3) -> SegmentKey:
        key = self.begin(take, number)
        for _ in range(blocks):
            self.sink.block(key, BLOCK)
        self.sink.finish(key, SegmentTail(1_000, 1_020, 48_960, 20, blocks, 0, ((500, 1_000),)))
        return key


@pytest_asyncio.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    found = Disk(tmp_path / "spool")
    yield found
    found.gate.set()
    found.broken = False
    await found.sink.close()


def expected(blocks: int) -> bytes:
    body = webm.cluster_head(0) + BLOCK * blocks
    return body[: webm.SIZE_OFFSET] + webm.cluster_size(len(body)) + body[webm.CLUSTER_HEADER_LENGTH :]


@pytest.mark.asyncio
async def test_a_finished_segment_is_sealed_hashed_and_announced_once(disk: Disk) -> None:
    take = disk.sink.begin_take(TRACK, webm.init_audio())
    disk.segment(take, 1)
    await disk.sink.drained([TRACK])
    (record,) = disk.closed
    assert content_of(record.path) == expected(3)
    assert record.sha256 == hash_of(record.path)
    assert content_of(record.init_path) == webm.init_audio()
    assert (record.take, record.number, record.packets, record.gaps) == (1, 1, 3, ((500, 1_000),))
    names = sorted(path.name for path in Path(record.path).parent.iterdir())
    assert names == ["000001.json", "000001.seg", "init.webm"]
    assert all(path.stat().st_mode & 0o007 == 0 for path in disk.root.rglob("*"))
    assert disk.sink.last_end_ms(TRACK) == 1_020
    assert SegmentRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.asyncio
async def test_blocks_are_on_the_disk_half_a_second_after_they_came(disk: Disk) -> None:
    key = disk.begin(disk.sink.begin_take(TRACK, webm.init_audio()), 1)
    part = segment_store.part_path(disk.root, key)
    await until(part.exists, 1)
    disk.sink.block(key, BLOCK)
    await until(lambda: part.read_bytes().endswith(BLOCK), 0.5)


@pytest.mark.asyncio
async def test_the_next_process_announces_again_what_nobody_acknowledged(disk: Disk) -> None:
    take = disk.sink.begin_take(TRACK, webm.init_audio())
    keys = [disk.segment(take, number) for number in (1, 2)]
    await disk.sink.drained([TRACK])
    disk.sink.acknowledge([keys[0], SegmentKey("main", "mic", 9, 9)])
    await disk.sink.close()
    # The vault has it: what is purged there must not live on here, and the disk must not fill up.
    assert [path.name for path in disk.root.rglob("*.seg")] == ["000002.seg"]
    (next(disk.root.rglob("000002.seg")).parent / "000001.seg").write_bytes(b"killed between two steps")
    disk.sink = disk.open()
    assert [path.name for path in disk.root.rglob("*.seg")] == ["000002.seg"]
    assert [record.key for record in disk.sink.unacknowledged()] == [keys[1]]
    assert disk.sink.unacknowledged() == disk.closed[1:]
    assert disk.sink.last_end_ms(TRACK) == 1_020
    assert disk.sink.begin_take(TRACK, webm.init_audio()) == take + 1


@pytest.mark.asyncio
async def test_a_crash_leaves_everything_whole_that_was_written(disk: Disk, tmp_path: Path) -> None:
    """Every prefix of what a segment's file may hold at the moment of death."""
    key = disk.begin(disk.sink.begin_take(TRACK, webm.init_audio()), 1)
    for _ in range(3):
        disk.sink.block(key, BLOCK)
    part = segment_store.part_path(disk.root, key)
    await until(lambda: part.exists() and len(part.read_bytes()) == len(expected(3)))
    body = part.read_bytes()
    for length in (0, 5, 22, 23, 22 + len(BLOCK), 22 + len(BLOCK) + 7, len(body) - 1, len(body)):
        copy = tmp_path / f"copy-{length}"
        shutil.copytree(disk.root, copy)
        segment_store.part_path(copy, key).write_bytes(body[:length])
        (folder,) = copy.glob("main/mic/*")
        (folder / "000002.json.tmp").write_bytes(b"{")
        waiting, acknowledged, takes = segment_store.recover(copy)
        whole = max(0, length - 22) // len(BLOCK)
        assert acknowledged == []
        assert takes == {TRACK: 1}
        assert [record.packets for record in waiting] == ([whole] if whole else [])
        for record in waiting:
            assert record.recovered
            assert content_of(record.path) == expected(whole)
            assert record.sha256 == hash_of(record.path)
            assert (record.t0_ms, record.t1_ms, record.rtp1, record.gaps) == (1_000, 1_020, 48_960, ((500, 1_000),))
        assert sorted(path.suffix for path in folder.iterdir() if path.name[0] == "0") == [".json", ".seg"] * bool(
            whole
        )
        assert segment_store.recover(copy) == (waiting, [], takes)


@pytest.mark.asyncio
async def test_a_crash_between_any_two_steps_of_sealing_changes_no_record(disk: Disk, tmp_path: Path) -> None:
    take = disk.sink.begin_take(TRACK, webm.init_audio())
    disk.segment(take, 1)
    await disk.sink.drained([TRACK])
    (record,) = disk.closed
    head = SegmentHead(record.key, 1_000, 48_000, 48_000, True, ((500, 1_000),))
    states = {
        "record written, not renamed": ("000001.seg.part", True),
        "renamed, head not removed": ("000001.seg", True),
        "renamed before the record was durable": ("000001.seg", False),
    }
    for number, (name, with_record) in enumerate(states.values()):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(disk.root, copy)
        (folder,) = copy.glob("main/mic/*")
        segment_store.write_head(copy, head)
        (folder / "000001.seg").rename(folder / name)
        if not with_record:
            (folder / "000001.json").unlink()
        ((found,), _, _) = segment_store.recover(copy)
        assert found.sha256 == record.sha256
        assert found.recovered is not with_record
        assert sorted(path.name for path in folder.iterdir()) == ["000001.json", "000001.seg", "init.webm"]


@pytest.mark.asyncio
async def test_rubbish_in_the_spool_stops_nobody(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    folder = root / "main" / "mic" / "000001"
    folder.mkdir(parents=True)
    for name, body in {
        "000001.head.json": b"{", "000002.head.json": b"[]", "000003.json": b"null", "000004.json": b'{"kind":"x"}',
        "x.head.json": b'{"key":{"room":"main","kind":"mic","take":1,"number":7},"t0_ms":1,"rtp0":1,"clock_rate":1,'
        b'"keyframe":true,"gaps":[]}',
        "000007.seg.part": b"rubbish",
    }.items():  # fmt: skip
        (folder / name).write_bytes(body)
    (root / "main" / "mic" / "notes").mkdir()
    assert segment_store.recover(root) == ([], [], {TRACK: 1})


@pytest.mark.asyncio
async def test_a_stalled_disk_raises_the_alarm_and_keeps_nobody_waiting(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_files, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(segment_files, "MAX_PENDING_BYTES", 50_000)
    key = disk.begin(disk.sink.begin_take(TRACK, webm.init_audio()), 1)
    part = segment_store.part_path(disk.root, key)
    await until(part.exists, 2)
    disk.gate.clear()
    loop = asyncio.get_running_loop()
    refused, slowest = 0, 0.0
    while refused < 50:
        before = loop.time()
        if disk.sink.ready():
            disk.sink.block(key, bytes(1_000))
        else:
            refused += 1
        disk.sink.watch()
        slowest = max(slowest, loop.time() - before)
        await asyncio.sleep(0.005)
    assert disk.alarms == ["disk-stalled"]
    assert slowest < 0.2
    disk.gate.set()
    await until(lambda: disk.watched()[-1] == "disk-ok")
    assert disk.alarms == ["disk-stalled", "disk-ok"]
    await until(lambda: disk.sink.ready())


@pytest.mark.asyncio
async def test_a_failing_disk_raises_the_alarm_and_nothing_is_lost_when_it_recovers(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_files, "RETRY_SECONDS", 0.05)
    disk.broken = True
    take = disk.sink.begin_take(TRACK, webm.init_audio())
    key = disk.begin(take, 1)
    disk.sink.block(key, BLOCK)
    await until(lambda: disk.watched() == ["disk-failed"])
    disk.sink.block(key, BLOCK)
    disk.broken = False
    disk.sink.finish(key, SegmentTail(1_000, 1_020, 48_960, 20, 2, 0, ()))
    await disk.sink.drained([TRACK])
    assert content_of(disk.closed[0].path) == expected(2)
    await until(lambda: disk.watched()[-1] == "disk-ok")


@pytest.mark.asyncio
async def test_a_disk_that_is_nearly_full_is_told(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_files, "FREE_CHECK_SECONDS", 0.05)
    disk.begin(disk.sink.begin_take(TRACK, webm.init_audio()), 1)
    disk.free = segment_files.MIN_FREE_BYTES - 1
    await until(lambda: disk.watched() == ["disk-nearly-full"])
    disk.free = segment_files.MIN_FREE_BYTES
    await until(lambda: disk.watched()[-1] == "disk-ok")
