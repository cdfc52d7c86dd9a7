"""Segments on a local disk, written by one thread; see `media.ports.SegmentSink`.

The event loop only appends to a queue of bounded bytes. The thread works it off in order; a step that fails is repeated
until it succeeds, because the next one on the same disk would fail too. A watchdog on the event loop sees a thread that
is stuck in a system call: "not recording" must never be silent.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from media.adapters import segment_store as store
from media.core import webm
from media.core.record import SegmentKey, SegmentRecord
from media.ports import SegmentHead, SegmentTail, TrackKey

# Issue 2 allows one second of loss at kill -9: the page cache survives that, so writing decides, and packets that wait
# for their order may add half a second (reorder.py). Losing power loses at most 0.5 s (architecture section 4).
WRITE_SECONDS = 0.1
SYNC_SECONDS = 0.4
# A dozen rooms at 1.3 Mbit/s fill this in fifteen seconds; a disk that is away longer costs recordings, not the relay.
MAX_PENDING_BYTES = 32 * 1024 * 1024
# Longer than a slow disk's worst synchronisation, and short enough to tell the operator.
STALL_SECONDS = 2.0
RETRY_SECONDS = 0.5
# An hour of a dozen rooms is 7 GB; below this, one hour of three rooms is not safe.
MIN_FREE_BYTES = 1024 * 1024 * 1024
FREE_CHECK_SECONDS = 5.0


class _Open:
    """A segment being written. Writing is by offset, so that a failed write can simply be repeated."""

    def __init__(self, head: SegmentHead, handle: int, first: bytes) -> None:
        self.head = head
        self.handle = handle
        self.buffer: list[bytes] = [first]
        self.offset = 0
        self.dirty = False

    def write(self) -> int:
        data = b"".join(self.buffer)
        done = 0
        while done < len(data):
            done += os.pwrite(self.handle, data[done:], self.offset + done)
        self.offset += len(data)
        self.buffer.clear()
        self.dirty = self.dirty or bool(data)
        return len(data)


class SegmentFiles:
    """The sink of one worker. `sync` and `free` are what the tests slow down and fill up."""

    def __init__(
        self,
        *,
        root: Path,
        on_closed: Callable[[SegmentRecord], None],
        on_alarm: Callable[[str, str], None],
        sync: Callable[[int], None] = os.fdatasync,
        free: Callable[[Path], int] | None = None,
    ) -> None:
        self._root = root.resolve()
        self._root.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._on_closed, self._on_alarm = on_closed, on_alarm
        self._sync, self._free = sync, free or _free_bytes
        waiting, acknowledged, self._takes = store.recover(self._root)
        self._waiting = {record.key: record for record in waiting}
        self._ends: dict[TrackKey, int] = {}
        for record in (*waiting, *acknowledged):
            track = TrackKey(record.room, record.kind)
            self._ends[track] = max(self._ends.get(track, 0), record.t1_ms)
        self._loop = asyncio.get_running_loop()
        self._finishing: dict[SegmentKey, None] = {}
        self._closed_one = asyncio.Event()
        self._open: dict[SegmentKey, _Open] = {}
        self._steps: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._pending = 0
        self._stopping = self._urgent = False
        self._busy_since: float | None = None
        self._alarm: str | None = None
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="segment-writer", daemon=True)
        self._thread.start()

    # On the event loop.

    def last_end_ms(self, track: TrackKey) -> int | None:
        return self._ends.get(track)

    def begin_take(self, track: TrackKey, init: bytes) -> int:
        take = self._takes[track] = self._takes.get(track, 0) + 1
        self._post(lambda: store.make_take(self._root, track, take, init))
        return take

    def begin(self, head: SegmentHead, timecode_ms: int) -> None:
        self._post(lambda: self._begin(head, webm.cluster_head(timecode_ms)))

    def ready(self) -> bool:
        return self._pending <= MAX_PENDING_BYTES

    def block(self, key: SegmentKey, data: bytes) -> None:
        self._post(lambda: self._open[key].buffer.append(data), size=len(data))

    def finish(self, key: SegmentKey, tail: SegmentTail) -> None:
        self._ends[TrackKey(key.room, key.kind)] = tail.t1_ms
        self._finishing[key] = None
        self._post(lambda: self._finish(key, tail))

    def unacknowledged(self) -> list[SegmentRecord]:
        return list(self._waiting.values())

    def acknowledge(self, keys: Iterable[SegmentKey]) -> None:
        for key in keys:
            if self._waiting.pop(key, None) is not None:
                self._post(lambda key=key: store.acknowledge(self._root, key))  # type: ignore[misc]

    async def drained(self, tracks: Iterable[TrackKey]) -> None:
        wanted = set(tracks)
        while any(TrackKey(key.room, key.kind) in wanted for key in self._finishing):
            self._closed_one.clear()
            await self._closed_one.wait()

    def watch(self) -> None:
        """Called every moment: raise the alarm, or end it."""
        busy = self._busy_since
        if self._failure is not None:
            alarm, detail = self._failure.split(": ", 1)
        elif busy is not None and time.monotonic() - busy > STALL_SECONDS:
            alarm, detail = "disk-stalled", "the disk does not answer"
        elif not self.ready():
            alarm, detail = "disk-stalled", "the disk is slower than the rooms"
        else:
            alarm, detail = "disk-ok", ""
        if alarm != (self._alarm or "disk-ok"):
            self._alarm = alarm
            self._on_alarm(alarm, detail)

    async def close(self) -> None:
        """Work off what is queued and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join, 30)

    def _post(self, step: Callable[[], None], *, size: int = 0) -> None:
        with self._wake:
            self._pending += size
            self._steps.append(step)
            if not size:  # blocks wait for the next turn, so that one write takes many of them
                self._urgent = True
                self._wake.notify()

    # On the writer's thread.

    def _run(self) -> None:
        synced = checked = 0.0
        while True:
            with self._wake:
                if not self._stopping and not self._urgent:
                    self._wake.wait(WRITE_SECONDS if self._open else FREE_CHECK_SECONDS)
                stopping, self._urgent = self._stopping, False
            self._busy_since = now = time.monotonic()
            try:
                self._work()
                if now - synced >= SYNC_SECONDS:
                    synced = now
                    self._synchronise()
                if now - checked >= FREE_CHECK_SECONDS:
                    checked = now
                    free = self._free(self._root)
                    self._failure = None if free >= MIN_FREE_BYTES else f"disk-nearly-full: {free} bytes left"
                elif self._failure is not None and self._failure.startswith("disk-failed"):
                    self._failure = None
            except OSError as error:
                self._failure = f"disk-failed: {error.strerror}"
                time.sleep(RETRY_SECONDS)
            self._busy_since = None
            if stopping and (not self._steps or self._failure is not None):
                return

    def _work(self) -> None:
        while self._steps:
            self._steps[0]()
            self._steps.popleft()
        for one in self._open.values():
            self._write(one)

    def _write(self, one: _Open) -> None:
        written = one.write()
        with self._wake:
            self._pending -= written

    def _synchronise(self) -> None:
        for one in self._open.values():
            if one.dirty:
                self._sync(one.handle)
                one.dirty = False

    def _begin(self, head: SegmentHead, first: bytes) -> None:
        if head.key in self._open:
            return
        store.write_head(self._root, head)
        path = store.part_path(self._root, head.key)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        self._open[head.key] = _Open(head, handle, first)
        with self._wake:
            self._pending += len(first)

    def _finish(self, key: SegmentKey, tail: SegmentTail) -> None:
        one = self._open[key]
        self._write(one)
        record = store.seal(self._root, one.head, tail, recovered=False)
        os.close(one.handle)
        del self._open[key]
        self._loop.call_soon_threadsafe(self._sealed, record)

    def _sealed(self, record: SegmentRecord) -> None:
        self._waiting[record.key] = record
        self._finishing.pop(record.key, None)
        self._closed_one.set()
        self._on_closed(record)


def _free_bytes(root: Path) -> int:
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize
