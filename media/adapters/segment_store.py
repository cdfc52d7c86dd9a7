"""The files of a spool, one function per step, each safe to repeat; called by the writer thread and at start only.

    <spool>/<room>/<kind>/<take>/init.webm
                                 NNNNNN.head.json     what was known when the segment began; removed when it is sealed
                                 NNNNNN.seg.part      being written
                                 NNNNNN.json          the record of a sealed segment, not acknowledged yet
                                 NNNNNN.seg           sealed, never changed again
                                 NNNNNN.acked.json    the record, acknowledged; the segment itself is gone

Sealing a segment:

(1) the size of the cluster is patched, the file synchronised and hashed;
(2) the record is written beside it, synchronised, and renamed to its name;
(3) the segment is renamed to its name, the folder synchronised, and the head removed.

After a crash every head that is left names a segment to look at. If the record's hash matches, only (3) was missing;
else the file is cut behind its last whole block and sealed as `recovered`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from media.core import webm
from media.core.plan import KINDS, kind_of
from media.core.record import SegmentKey, SegmentRecord, key_from_json
from media.errors import BadRequest, MediaError
from media.ports import SegmentHead, SegmentTail, TrackKey

_MODE = 0o640  # recordings are personal data: no right for others


def take_folder(root: Path, track: TrackKey, take: int) -> Path:
    return root / track.room / track.kind / f"{take:06d}"


def folder_of(root: Path, key: SegmentKey) -> Path:
    return take_folder(root, TrackKey(key.room, key.kind), key.take)


def _name(key: SegmentKey, suffix: str) -> str:
    return f"{key.number:06d}.{suffix}"


def part_path(root: Path, key: SegmentKey) -> Path:
    return folder_of(root, key) / _name(key, "seg.part")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_file(path: Path, data: bytes) -> None:
    """Complete or not at all, even if the power fails."""
    draft = path.with_name(path.name + ".tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.rename(path)


def make_take(root: Path, track: TrackKey, take: int, init: bytes) -> None:
    folder = take_folder(root, track, take)
    path = (folder.parents[1], folder.parent, folder)  # room, kind, take
    for part in path:
        part.mkdir(exist_ok=True, mode=0o750)  # `parents=True` would ignore the mode
    _write_file(folder / "init.webm", init)
    for part in (root, *path):
        _sync_folder(part)


def write_head(root: Path, head: SegmentHead) -> None:
    body = json.dumps(asdict(head)).encode()
    _write_file(folder_of(root, head.key) / _name(head.key, "head.json"), body)


def seal(root: Path, head: SegmentHead, tail: SegmentTail, *, recovered: bool) -> SegmentRecord:
    """Steps (1) to (3)."""
    folder = folder_of(root, head.key)
    part, final = folder / _name(head.key, "seg.part"), folder / _name(head.key, "seg")
    source = part if part.exists() else final
    handle = os.open(source, os.O_RDWR)  # (1)
    try:
        size = os.fstat(handle).st_size
        os.pwrite(handle, webm.cluster_size(size), webm.SIZE_OFFSET)
        os.fsync(handle)
    finally:
        os.close(handle)
    key, init = head.key, folder / "init.webm"
    record = SegmentRecord(
        room=key.room, kind=key.kind, take=key.take, number=key.number, path=str(final), init_path=str(init),
        sha256=_sha256(source), init_sha256=_sha256(init), bytes=size, t0_ms=tail.t0_ms, t1_ms=tail.t1_ms,
        rtp0=head.rtp0, rtp1=tail.rtp1, duration_ms=tail.duration_ms, packets=tail.packets, lost=tail.lost,
        keyframe=head.keyframe, recovered=recovered, gaps=tail.gaps,
    )  # fmt: skip
    _write_file(folder / _name(key, "json"), json.dumps(record.to_json()).encode())  # (2)
    finish(root, key)
    return record


def finish(root: Path, key: SegmentKey) -> None:
    """Step (3)."""
    folder = folder_of(root, key)
    part = folder / _name(key, "seg.part")
    if part.exists():
        part.rename(folder / _name(key, "seg"))
    _sync_folder(folder)
    (folder / _name(key, "head.json")).unlink(missing_ok=True)


def acknowledge(root: Path, key: SegmentKey) -> None:
    folder = folder_of(root, key)
    record = folder / _name(key, "json")
    if record.exists():
        record.rename(folder / _name(key, "acked.json"))
    # The vault has the segment; what stays here says until when this track is accounted for.
    (folder / _name(key, "seg")).unlink(missing_ok=True)


def recover(root: Path) -> tuple[list[SegmentRecord], list[SegmentRecord], dict[TrackKey, int]]:
    """Put a spool in order after a crash: records not acknowledged, records acknowledged, last take of each track."""
    takes: dict[TrackKey, int] = {}
    for track, folder in _takes(root):
        takes[track] = max(takes.get(track, 0), int(folder.name))
        for path in sorted(folder.glob("*.head.json")):
            _recover_one(root, path)
        for draft in folder.glob("*.tmp"):
            draft.unlink()
    waiting: list[SegmentRecord] = []
    acknowledged: list[SegmentRecord] = []
    for _, folder in _takes(root):
        for path in sorted(folder.glob("*.json")):
            record = _read_record(path)
            if record is None:
                continue
            if path.name.endswith(".acked.json"):
                (folder / _name(record.key, "seg")).unlink(missing_ok=True)
                acknowledged.append(record)
            else:
                waiting.append(record)
    return waiting, acknowledged, takes


def _takes(root: Path) -> Iterator[tuple[TrackKey, Path]]:
    for room in sorted(root.iterdir() if root.is_dir() else ()):
        for kind in KINDS:
            parent = room / kind
            for folder in sorted(parent.iterdir() if parent.is_dir() else ()):
                if folder.name.isdigit():
                    yield TrackKey(room.name, kind), folder


def _recover_one(root: Path, path: Path) -> None:
    head = _read_head(path)
    if head is None:
        path.unlink()
        return
    folder = path.parent
    part, final = folder / _name(head.key, "seg.part"), folder / _name(head.key, "seg")
    source = part if part.exists() else final
    record = _read_record(folder / _name(head.key, "json"))
    if record is not None and source.exists() and _sha256(source) == record.sha256:
        finish(root, head.key)
        return
    try:
        found = webm.scan(source.read_bytes())
    except (FileNotFoundError, MediaError):
        found = None
    if found is None or not found.blocks:  # nothing whole was written
        source.unlink(missing_ok=True)
        path.unlink()
        return
    os.truncate(source, found.end)
    # Packets and losses died with the process: blocks are counted instead, and times follow from theirs.
    duration = found.last_offset_ms
    tail = SegmentTail(
        t0_ms=head.t0_ms, t1_ms=head.t0_ms + duration, rtp1=head.rtp0 + duration * head.clock_rate // 1000,
        duration_ms=duration, packets=found.blocks, lost=0, gaps=head.gaps,
    )  # fmt: skip
    seal(root, head, tail, recovered=True)


def _read_head(path: Path) -> SegmentHead | None:
    value = _read_json(path)
    try:
        return SegmentHead(
            key=key_from_json(value["key"]), t0_ms=int(value["t0_ms"]), rtp0=int(value["rtp0"]),
            clock_rate=int(value["clock_rate"]), keyframe=bool(value["keyframe"]),
            gaps=tuple((int(a), int(b)) for a, b in value["gaps"]),
        )  # fmt: skip
    except (TypeError, KeyError, ValueError, BadRequest):
        return None


def _read_record(path: Path) -> SegmentRecord | None:
    value = _read_json(path)
    try:
        kind_of(value["kind"])
        return SegmentRecord.from_json(value)
    except (TypeError, KeyError, BadRequest):
        return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
