"""Text and metadata of a PDF, read by a process of its own with bounded memory and time.

This file is also that process: `python -I pdf_reading.py` takes a document on standard input and writes one line of
JSON. A bidder's file is hostile until proven otherwise: what is encrypted, broken, too long or unfolds without end is
not examined, with the reason; nothing in it is ever run. PDFium reads the text; the structure, of which PDFium tells
too little, is read by pyHanko, and where only that fails the text still counts.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import zlib
from importlib.metadata import version
from io import BytesIO
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
from pyhanko.pdf_utils.generic import ArrayObject, ByteStringObject, DictionaryObject, StreamObject, TextStringObject
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from sessions.adapters import child

ENGINE = f"pypdfium2 {version('pypdfium2')}, pyhanko {version('pyhanko')}"
"""Other versions may read otherwise; whoever compares again needs these."""
# Text of 3 000 pages is read in half a minute; three minutes are patience enough on a loaded machine.
CPU_S = 90
NICE = 10
WALL_S = 180.0
MEMORY = 2 * 1_024 * 1_024 * 1_024
MAX_PAGES = 3_000
MAX_CHARACTERS = 3_000_000
MAX_VALUE = 200
MAX_MARKS = 64
ENCRYPTED, BROKEN, TOO_LONG, TIMEOUT = "encrypted", "broken", "too-long", "timeout"
_XMP = re.compile(
    r"xmpMM:(DocumentID|InstanceID|OriginalDocumentID)\s*(?:=\s*[\"']([^\"'<>]{1,200})[\"']|>\s*([^<>]{1,200})<)"
)
# What its parser raises over bytes that are no lawful PDF.
_UNREADABLE = (
    *(PdfError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, OSError, RuntimeError),
    *(AssertionError, MemoryError, zlib.error),
)


class PdfReading:
    """Reads documents, one at a time: the machine's other core belongs to the meeting."""

    engine = ENGINE

    def __init__(self, *, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s

    async def read(self, document: bytes) -> tuple[list[list[str]] | None, list[str]] | str:
        """(metadata or None, pages), or why it was not examined."""
        try:
            status, said = await child.ask(sys.executable, "-I", __file__, document=document, wall_s=self._wall_s)
        except TimeoutError:
            return TIMEOUT
        if status != 0:
            return BROKEN
        found: dict[str, Any] = json.loads(said)
        return found["refused"] if "refused" in found else (found["marks"], found["pages"])


def _look(data: bytes) -> dict[str, Any]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        return {"refused": ENCRYPTED if "password" in str(error).lower() else BROKEN}
    if not 1 <= len(document) <= MAX_PAGES:
        return {"refused": TOO_LONG}
    pages: list[str] = []
    left = MAX_CHARACTERS
    for index in range(len(document)):
        page = document[index]
        text = page.get_textpage()
        left -= text.count_chars()
        if left < 0:
            return {"refused": TOO_LONG}
        pages.append(text.get_text_range())
        text.close()
        page.close()
    return {"marks": _marks(data), "pages": pages}


def _marks(data: bytes) -> list[list[str]] | None:
    """(source, value) of the document's information, its identifiers and its XMP; None where they cannot be read."""
    try:
        reader = PdfFileReader(BytesIO(data), strict=False)
        if reader.encrypted:
            reader.decrypt(b"")
        return _information(reader) + _identifiers(reader)
    except _UNREADABLE:
        return None


def _information(reader: PdfFileReader) -> list[list[str]]:
    found = _held(reader.trailer.flatten(), "/Info")
    if not isinstance(found, DictionaryObject):
        return []
    values = [(str(key).removeprefix("/"), found[key]) for key in found]
    texts = [[key[:MAX_VALUE], str(value)[:MAX_VALUE]] for key, value in values if isinstance(value, TextStringObject)]
    return sorted(texts)[:MAX_MARKS]


def _identifiers(reader: PdfFileReader) -> list[list[str]]:
    marks: list[list[str]] = []
    file_id = _held(reader.trailer.flatten(), "/ID")
    if isinstance(file_id, ArrayObject) and file_id and isinstance(file_id[0], ByteStringObject | TextStringObject):
        raw = file_id[0]
        name = raw.hex() if isinstance(raw, bytes) else str(raw)
        # Programs without an identifier write zeros.
        if name.strip("0"):
            marks.append(["ID", name[:MAX_VALUE]])
    metadata = _held(reader.root, "/Metadata")
    if isinstance(metadata, StreamObject):
        text = metadata.data.decode("utf-8", "replace")
        named = {(f"xmpMM:{kind}", (quoted or bare).strip()) for kind, quoted, bare in _XMP.findall(text)}
        marks += [list(mark) for mark in sorted(named)]
    return marks[:MAX_MARKS]


def _held(dictionary: DictionaryObject, name: str) -> object:
    """The member itself, where `get` would give the reference to it."""
    if name not in dictionary:
        return None
    return dictionary[name]


def _main() -> int:
    # Advice waits; it inherits the priority of whoever asked for it, and the meeting's processes come first.
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        found = _look(sys.stdin.buffer.read())
    except (pypdfium2.PdfiumError, ValueError, OSError, MemoryError):
        found = {"refused": BROKEN}
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
