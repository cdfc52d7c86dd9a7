"""Documents that are handed in: streamed, looked at in a process of their own; hostile ones are refused."""

from __future__ import annotations

import asyncio
import hashlib
import io
import resource
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typst
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from sessions.adapters import pdf_inspection
from sessions.adapters.uploads_files import UploadFolder
from sessions.page_errors import (
    DocumentBroken,
    DocumentEncrypted,
    DocumentNoPdf,
    DocumentRefused,
    DocumentTooLarge,
    DocumentTooLong,
)
from sessions.uploads import Upload

PIECE = 1 << 16


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def receive(folder: Path, data: bytes, limit: int = 10_000_000) -> Upload:
    return asyncio.run(UploadFolder(folder).receive(pieces(data), limit=limit))


def minimal(*objects: bytes) -> bytes:
    """A PDF of one page; `objects` are numbered from 4, and the catalog ends with the first one's entry."""
    catalog = b"<</Type/Catalog/Pages 2 0 R" + (b"/OpenAction 4 0 R" if objects else b"") + b">>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>"
    parts = [catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, *objects]
    out, offsets = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start, size = len(out), len(parts) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return bytes(typst.compile(b"= A\n#pagebreak()\n= B"))


@pytest.fixture(scope="module")
def encrypted(pdf: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.encrypt("owner", "user")  # type: ignore[no-untyped-call]
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def test_a_document_is_kept_under_its_hash_with_what_was_found_in_it(pdf: bytes, tmp_path: Path) -> None:
    upload = receive(tmp_path, pdf)
    assert upload == Upload(hashlib.sha256(pdf).digest(), len(pdf), 2, ())
    assert receive(tmp_path, pdf) == upload
    found = UploadFolder(tmp_path).find(upload.sha256)
    assert found is not None
    assert (found[0].read_bytes(), found[1]) == (pdf, upload)
    assert UploadFolder(tmp_path).find(bytes(32)) is None


def test_what_could_run_elsewhere_is_named(pdf: bytes, tmp_path: Path) -> None:
    script = minimal(b"<</S/JavaScript/JS(app.alert\\(1\\))>>")
    assert receive(tmp_path, script).notes == ("scripts",)
    assert receive(tmp_path, minimal(b"<</S/Launch/F(calc.exe)>>")).notes == ("launches",)
    hidden = zlib.compress(b"9 0 <</S/JavaScript/JS(1)>>")
    stream = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(hidden), hidden)
    assert receive(tmp_path, minimal(b"<<>>", stream)).notes == ("scripts",)
    bomb = zlib.compress(bytes(64 * 1024 * 1024))
    stream = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(bomb), bomb)
    assert receive(tmp_path, minimal(b"<<>>", stream)).notes == ()
    # The control: a plain document has nothing to name.
    assert receive(tmp_path, minimal()).notes == receive(tmp_path, pdf).notes == ()


def test_a_document_that_nobody_could_read_is_refused_with_its_reason(
    pdf: bytes, encrypted: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile: list[tuple[type[DocumentRefused], bytes]] = [
        (DocumentNoPdf, b""),
        (DocumentNoPdf, b"PK\x03\x04 a workbook"),
        (DocumentNoPdf, b"<html>%PD</html>"),
        (DocumentBroken, b"%PDF-1.7\n" + b"\x00" * 1000),
        (DocumentBroken, pdf[: len(pdf) // 3]),
        (DocumentEncrypted, encrypted),
        (DocumentBroken, minimal().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[]/Count 0     ")),
    ]
    for error, data in hostile:
        with pytest.raises(error):
            receive(tmp_path, data)
    with pytest.raises(DocumentTooLarge):
        receive(tmp_path, pdf, limit=len(pdf) - 1)
    assert receive(tmp_path, pdf, limit=len(pdf)).pages == 2
    long = minimal().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[" + b"3 0 R " * 5001 + b"]/Count 5001")
    with pytest.raises(DocumentTooLong):
        receive(tmp_path, long)
    # Nothing stays of a refused one, not even of a process that was killed on the way.
    assert len([path for path in tmp_path.iterdir() if path.suffix != ".json"]) == 1
    (tmp_path / "left.part").write_bytes(b"half")
    UploadFolder(tmp_path)
    assert not (tmp_path / "left.part").exists()
    monkeypatch.setattr(pdf_inspection, "WALL_S", 0.0)
    with pytest.raises(DocumentBroken):
        receive(tmp_path, minimal())


def test_a_large_document_passes_through_without_being_held_in_memory(tmp_path: Path) -> None:
    """40 MB here, so that the test stays quick; the bound of 300 MB is the same code."""
    filler = b"4 0 obj\n<</Length 40000000>>stream\n" + bytes(40_000_000) + b"\nendstream\nendobj\n"
    data = minimal() + filler + b"%%EOF\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    upload = receive(tmp_path, data, limit=50_000_000)
    assert (upload.size, upload.pages) == (len(data), 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
