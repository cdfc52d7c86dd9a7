"""The device's journal: lines of JSON that are on disk before anything else happens."""

from __future__ import annotations

import os
from pathlib import Path

from evidence.core.canonical import Object, decode_object, encode
from evidence.errors import Malformed
from web.device.errors import JournalBroken


class Journal:
    """Appends with fsync. A torn last line was never promised to anybody and is cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            write_durably(path, b"")
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        self.lines: list[Object] = [_line(line) for line in data[:whole].splitlines()]
        if whole != len(data):
            os.truncate(path, whole)

    def append(self, line: Object) -> None:
        """Durable when this returns."""
        with self._path.open("ab") as file:
            file.write(encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.lines.append(line)


def write_durably(path: Path, data: bytes) -> None:
    """The whole file or none, readable by its owner only."""
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(data: bytes) -> Object:
    try:
        return decode_object(data, limit=1 << 20)
    except Malformed as error:
        raise JournalBroken("a line of the journal is not JSON") from error
