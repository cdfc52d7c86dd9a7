"""Pages of a PDF document as PNG images, rendered by PDFium in a process of its own.

A bidder's PDF is hostile until proven otherwise, and PDFium is a large C++ program: it renders in a child process
with bounded memory, processor time and patience. What a child that dies leaves behind is an error, nothing more.
The image is written by hand from the bitmap (zlib and four chunks), so that one renderer's version gives one image.
"""

from __future__ import annotations

import asyncio
import resource
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]

from sessions.adapters import child
from sessions.page_errors import PageMissing, PageUnreadable

# An A4 page becomes 1240 x 1754 pixels: readable on a wall display of 1080 lines, about 200 kB.
DPI = 150
# A0 at 150 dpi is 4967 x 7022; whatever is larger is scaled down to this many pixels on its longer side.
MAX_SIDE = 4_000
# A page of scans takes under two seconds here; ten is patience enough on a loaded machine.
CPU_S = 10
WALL_S = 20
MEMORY = 1_024 * 1_024 * 1_024
# Exit statuses of the child, between its own failures and Python's 1.
_NO_SUCH_PAGE = 3
_UNREADABLE = 4


class PdfiumPages:
    """Renders on demand and keeps what it rendered under `cache`, named by the document's SHA-256."""

    def __init__(self, *, cache: Path) -> None:
        self._cache = cache
        self._cache.mkdir(parents=True, exist_ok=True)
        # One rendering at a time: the machine's other core belongs to the meeting.
        self._turn = asyncio.Semaphore(1)

    async def png(self, name: str, page: int, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """Page `page`, counted from 1, of the document that `load` gives if it is not kept already."""
        path = self._cache / f"{name}-{page}.png"
        image = await asyncio.to_thread(_kept, path)
        if image is None:
            async with self._turn:
                # A page that is turned is asked for by a whole meeting at once, and rendered once.
                image = await asyncio.to_thread(_kept, path)
                if image is None:
                    image = await _render(await load(), page)
                    await asyncio.to_thread(_keep, path, image)
        return image


async def _render(document: bytes, page: int) -> bytes:
    try:
        status, image = await child.ask(
            sys.executable, "-I", "-m", __name__, str(page), document=document, wall_s=WALL_S
        )
    except TimeoutError:
        raise PageUnreadable("rendering took too long") from None
    if status == _NO_SUCH_PAGE:
        raise PageMissing(f"no page {page}")
    if status != 0:
        raise PageUnreadable(f"the renderer ended with {status}")
    return image


def _kept(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _keep(path: Path, image: bytes) -> None:
    """A cache only: written whole or not at all, and never missed when lost."""
    part = path.with_suffix(".part")
    part.write_bytes(image)
    part.replace(path)


def _main() -> int:
    """The child: a PDF on standard input, a PNG on standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    except pypdfium2.PdfiumError:
        return _UNREADABLE
    index = int(sys.argv[1]) - 1
    if not 0 <= index < len(document):
        return _NO_SUCH_PAGE
    page = document[index]
    scale = min(DPI / 72, MAX_SIDE / max(page.get_size()))
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    sys.stdout.buffer.write(_png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels))
    return 0


def _png(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """PNG (ISO 15948) with 8 bit samples and no filter."""
    colour = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\x00" + pixels[y * stride : y * stride + width * channels] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


if __name__ == "__main__":
    sys.exit(_main())
