"""The vault as files by SHA-256: read-only, on disk before `put` returns.

`put` does:
(1) write a temporary file and flush it, data and length;
(2) make it read-only;
(3) link it under its name: atomic, and it never replaces a file that is there;
(4) flush the folder, so that the name survives a crash too.
Dates of retention lie beside the objects and only grow. They hold this code back, not whoever owns the disk: a store
with Object Lock holds that person back, too (`vault_s3`).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from evidence.adapters.pieces import PIECE, checked_pieces
from evidence.core.canonical import sha256
from evidence.core.retention import check_date
from evidence.errors import ObjectMissing, ObjectRejected, Unavailable

_NAME = re.compile(r"[0-9a-f]{64}\Z")


class FileVault:
    """An `evidence.ports.Vault` under one folder, spread over 256 sub-folders by the name's first byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        # What a crash left half written has no name and never had one.
        for left in self._incoming.iterdir():
            left.unlink(missing_ok=True)

    async def put(self, data: bytes) -> str:
        return await asyncio.to_thread(self._put, data)

    async def put_file(self, path: Path) -> str:
        return await asyncio.to_thread(self._put_file, path)

    async def get(self, name: str) -> bytes:
        return await asyncio.to_thread(self._get, name)

    async def pieces(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        try:
            with await asyncio.to_thread(self._path(name).open, "rb") as file:
                async for piece in checked_pieces(file, name, start):
                    yield piece
        except FileNotFoundError as error:
            raise ObjectMissing(name) from error
        except OSError as error:
            raise Unavailable(f"{name} cannot be read") from error

    async def has(self, name: str) -> bool:
        return bool(_NAME.match(name)) and await asyncio.to_thread(self._path(name).is_file)

    async def size(self, name: str) -> int:
        try:
            return (await asyncio.to_thread(self._path(name).stat)).st_size
        except FileNotFoundError as error:
            raise ObjectMissing(name) from error

    async def retain(self, name: str, until: datetime) -> None:
        await asyncio.to_thread(self._retain, name, until)

    async def remove(self, name: str, now: datetime) -> None:
        await asyncio.to_thread(self._remove, name, now)

    def _retain(self, name: str, until: datetime) -> None:
        if not self._path(name).is_file():
            raise ObjectMissing(name)
        set_before = self._until(name)
        if set_before is not None and set_before >= until:
            return
        path = self._date(name)
        try:
            handle, temporary = tempfile.mkstemp(dir=self._incoming)
            with os.fdopen(handle, "w") as file:
                file.write(until.astimezone(UTC).isoformat())
                file.flush()
                os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, path)
            _flush(path.parent)
        except OSError as error:
            raise Unavailable(f"the date of {name} cannot be written") from error

    def _remove(self, name: str, now: datetime) -> None:
        path = self._path(name)
        if not path.is_file():
            return
        check_date(name, self._until(name), now)
        try:
            path.unlink()
            _flush(path.parent)
            self._date(name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"{name} cannot be removed") from error

    def _until(self, name: str) -> datetime | None:
        try:
            return datetime.fromisoformat(self._date(name).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unavailable(f"the date of {name} cannot be read") from error

    def _date(self, name: str) -> Path:
        return self._folder / "retention" / name[:2] / name

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise ObjectMissing(f"{name[:80]!r} is no object's name")
        return self._folder / name[:2] / name

    def _get(self, name: str) -> bytes:
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(name) from error
        except OSError as error:
            raise Unavailable(f"{name} cannot be read") from error
        if sha256(data).hex() != name:
            raise ObjectRejected(f"the file {name} holds other bytes")
        return data

    def _put(self, data: bytes) -> str:
        name = sha256(data).hex()
        path = self._path(name)
        if path.exists():
            # A repeated put must not vouch for a file that rotted.
            self._get(name)
            return name
        try:
            self._write(path, io.BytesIO(data))
        except OSError as error:
            raise Unavailable(f"{name} cannot be written") from error
        return name

    def _put_file(self, source: Path) -> str:
        try:
            with source.open("rb") as data:
                name = hashlib.file_digest(data, "sha256").hexdigest()
                path = self._path(name)
                if not path.exists():
                    data.seek(0)
                    self._write(path, data)
            with path.open("rb") as stored:
                # What the file held when it was copied, and what an earlier put left, is what its name says.
                if hashlib.file_digest(stored, "sha256").hexdigest() != name:
                    raise ObjectRejected(f"the file {name} holds other bytes")
        except OSError as error:
            raise Unavailable(f"{source.name} cannot be put away") from error
        return name

    def _write(self, path: Path, data: BinaryIO) -> None:
        # (1)
        handle, temporary = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(data, file, PIECE)
                file.flush()
                # (2)
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
            # (3)
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                _flush(self._folder)
            with suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            os.unlink(temporary)
        # (4)
        _flush(path.parent)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
