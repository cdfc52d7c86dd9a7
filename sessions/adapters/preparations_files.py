"""Prepared revisions by the hash to be signed: one small file each, `<folder>/<proceeding>/<hash>`."""

from __future__ import annotations

import os
from pathlib import Path

_HASH_BYTES = 32


class FilePreparations:
    """A `sessions.ports.Preparations` in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, proceeding: str, dtbs: bytes, revision: bytes) -> None:
        path = self._path(proceeding, dtbs)
        if self.find(proceeding, dtbs) == revision:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(revision)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        for folder in (path.parent, self._folder):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def find(self, proceeding: str, dtbs: bytes) -> bytes | None:
        try:
            revision = self._path(proceeding, dtbs).read_bytes()
        except FileNotFoundError:
            return None
        return revision if len(revision) == _HASH_BYTES else None

    def _path(self, proceeding: str, dtbs: bytes) -> Path:
        if not proceeding.isalnum():
            raise ValueError("a proceeding's id is alphanumeric")
        return self._folder / proceeding / dtbs.hex()
