"""The device's journal: lines of JSON that are on disk before anything else happens."""

from __future__ import annotations

import os
from pathlib import Path

from evidence.core.canonical import Object, decode_object, encode
from web.device.errors import JournalBroken


class Journal:
    """Appends with fsync. A torn last line was never promised to anybody and is cut off."""

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        self._file = path.open("ab+")
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        self.lines: list[Object] = [_line(line) for line in data[:whole].splitlines()]
        if whole != len(data):
            self._file.truncate(whole)
        if new:
            os.fsync(self._file.fileno())
            sync_folder(path.parent)

    def append(self, line: Object) -> None:
        """Durable when this returns."""
        self._file.write(encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)

    def close(self) -> None:
        self._file.close()


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
    except Exception as error:
        raise JournalBroken("a line of the journal is not JSON") from error
