"""What is in a PDF, before anybody is shown it: looked at by a process of its own with bounded memory and time.

This file is also that process: `python -I pdf_inspection.py FILE` writes one line of JSON. A bidder's file is hostile
until proven otherwise; what a child that dies leaves behind is a refusal, nothing more. Nothing in a PDF is ever run
here or in a browser of ours; what could run elsewhere is named, so that people know why a page may look different.
"""

from __future__ import annotations

import json
import mmap
import re
import resource
import sys
import zlib
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from sessions.adapters import child

# A scanned tender of a thousand pages is read in seconds; a minute and a half is patience enough on a loaded machine.
CPU_S = 60
WALL_S = 90.0
# The file is mapped, not read: 300 MB and what PDFium keeps of its structure.
MEMORY = 2 * 1_024 * 1_024 * 1_024
# Nobody reads more in one evaluation, and each page may be rendered.
MAX_PAGES = 5_000
# Object streams of a longer unpacked form are not searched: a small file may unfold to terabytes.
MAX_UNPACKED = 16 * 1_024 * 1_024
_ACTIVE = {
    "scripts": re.compile(rb"/(?:JavaScript|JS)\b"),
    "launches": re.compile(rb"/Launch\b"),
    "attachments": re.compile(rb"/(?:EmbeddedFiles?|RichMedia)\b"),
    "forms": re.compile(rb"/XFA\b"),
}
_OBJECT_STREAM = re.compile(rb"/Type\s*/ObjStm\b[^>]{0,400}>>\s*stream\r?\n")
REASONS = ("encrypted", "broken", "no-pdf", "too-long", "empty")


async def inspect(path: Path) -> dict[str, Any]:
    """`{"pages","notes"}`, or `{"refused": one of REASONS}`."""
    try:
        status, said = await child.ask(sys.executable, "-I", __file__, str(path), wall_s=WALL_S)
    except TimeoutError:
        return {"refused": "broken"}
    if status != 0:
        return {"refused": "broken"}
    found: dict[str, Any] = json.loads(said)
    return found


def _look(path: str) -> dict[str, Any]:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # ISO 32000-1, annex H: readers take a header within the first 1024 bytes.
        if data[:1024].find(b"%PDF-") < 0:
            return {"refused": "no-pdf"}
        notes = {name for name, form in _ACTIVE.items() if form.search(data)}
        for found in _OBJECT_STREAM.finditer(data):
            try:
                unpacked = zlib.decompressobj().decompress(data[found.end() : found.end() + MAX_UNPACKED], MAX_UNPACKED)
            except zlib.error:
                continue
            notes |= {name for name, form in _ACTIVE.items() if form.search(unpacked)}
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        return {"refused": "encrypted" if locked else "broken"}
    pages = len(document)
    if pages > MAX_PAGES:
        return {"refused": "too-long"}
    if pages < 1:
        return {"refused": "empty"}
    if pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        notes.add("scripts")
    if pdfium.FPDFDoc_GetAttachmentCount(document) > 0:
        notes.add("attachments")
    if pdfium.FPDF_GetSecurityHandlerRevision(document) >= 0:
        notes.add("restricted")
    # The first and the last page tell whether the page tree can be walked at all.
    for index in {0, pages - 1}:
        document[index].get_size()
    return {"pages": pages, "notes": sorted(notes)}


def _main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        found = _look(sys.argv[1])
    except (pypdfium2.PdfiumError, ValueError, OSError):
        found = {"refused": "broken"}
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
