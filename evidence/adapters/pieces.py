"""A large object read in pieces: a bid document of 300 MB must not fill the server's memory once for each reader."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import BinaryIO

from evidence.errors import ObjectRejected

# Large enough that a piece's own cost does not count, small enough that a hundred readers are no burden.
PIECE = 1 << 20


async def checked_pieces(file: BinaryIO, name: str, start: int) -> AsyncIterator[bytes]:
    """The octets from `start` on. One piece is always held back, so that the last one is given only when the hash of
    all of them is the name."""
    digest, at, held = hashlib.sha256(), 0, b""
    while piece := await asyncio.to_thread(file.read, PIECE):
        digest.update(piece)
        if held:
            yield held
        held = piece[max(0, start - at) :]
        at += len(piece)
    if digest.hexdigest() != name:
        raise ObjectRejected(f"{name} holds other bytes")
    if held:
        yield held
