"""Documents that an administrator hands in before there is a tender: on disk, named by their SHA-256, for a week.

The vault keeps for fifteen years whatever it is given, so a draft's documents go there only when a proceeding names
them. A file is written as it comes in, never held in memory, and has its name only once it was looked at.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sessions.adapters.pdf_inspection import inspect
from sessions.page_errors import REFUSALS, DocumentTooLarge
from sessions.uploads import MAX_DOCUMENT, Upload

# Drafts are finished within days; what is older nobody waits for.
KEEP_S = 7 * 24 * 3600
_NAME = re.compile(r"[0-9a-f]{64}\Z")


class UploadFolder:
    """One installation's, under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.iterdir():
            if left.suffix == ".part" or left.stat().st_mtime < time.time() - KEEP_S:
                left.unlink(missing_ok=True)
        # One document is looked at at a time: the machine's other core belongs to the meeting.
        self._turn = asyncio.Semaphore(1)

    async def receive(self, stream: AsyncIterator[bytes], *, limit: int = MAX_DOCUMENT) -> Upload:
        """Take a document in. DocumentTooLarge as soon as it passes `limit`; another DocumentRefused says what is
        wrong with it. Nothing stays of a refused one."""
        part = self._folder / f"{secrets.token_hex(16)}.part"
        try:
            digest, size = await self._write(part, stream, limit)
            async with self._turn:
                found = await inspect(part)
            if "refused" in found:
                raise REFUSALS[found["refused"]](f"the document is {found['refused']}")
            upload = Upload(digest, size, int(found["pages"]), tuple(found["notes"]))
            await asyncio.to_thread(self._keep, part, upload)
            return upload
        finally:
            part.unlink(missing_ok=True)

    def find(self, sha256: bytes) -> tuple[Path, Upload] | None:
        """The file and what was found in it."""
        path = self._folder / sha256.hex()
        told = path.with_suffix(".json")
        try:
            value: Any = json.loads(told.read_text())
        except FileNotFoundError:
            return None
        return (path, Upload(sha256, value["size"], value["pages"], tuple(value["notes"]))) if path.exists() else None

    async def _write(self, part: Path, stream: AsyncIterator[bytes], limit: int) -> tuple[bytes, int]:
        digest, size = hashlib.sha256(), 0
        with await asyncio.to_thread(part.open, "xb") as file:
            async for piece in stream:
                size += len(piece)
                if size > limit:
                    raise DocumentTooLarge(f"at most {limit} octets")
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_flush, file)
        if size == 0:
            raise REFUSALS["no-pdf"]("the document is empty")
        return digest.digest(), size

    def _keep(self, part: Path, upload: Upload) -> None:
        path = self._folder / upload.sha256.hex()
        os.replace(part, path)
        told = path.with_suffix(".json")
        written = told.with_suffix(".part")
        written.write_text(json.dumps({"size": upload.size, "pages": upload.pages, "notes": list(upload.notes)}))
        os.replace(written, told)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
