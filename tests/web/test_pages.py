"""Documents' pages as images: the same octets each time, and a hostile document harms nobody."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from pathlib import Path

import pytest
import typst

from sessions.adapters import pages_pdfium
from sessions.adapters.pages_pdfium import PdfiumPages
from sessions.page_errors import PageMissing, PageUnreadable


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return bytes(typst.compile(b"#set page(width: 200pt, height: 100pt)\n= A\n#pagebreak()\n= B"))


def png(folder: Path, document: bytes, page: int) -> bytes:
    async def load() -> bytes:
        return document

    return asyncio.run(PdfiumPages(cache=folder).png(hashlib.sha256(document).hexdigest(), page, load))


def test_a_page_is_one_png_and_the_next_page_another(pdf: bytes, tmp_path: Path) -> None:
    first, second = png(tmp_path / "a", pdf, 1), png(tmp_path / "a", pdf, 2)
    assert first != second
    assert first == png(tmp_path / "b", pdf, 1)
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", first[16:24])
    assert (width, height) == (417, 209)
    at, data = 8, b""
    while at < len(first):
        (length,) = struct.unpack(">I", first[at : at + 4])
        name, body = first[at + 4 : at + 8], first[at + 8 : at + 8 + length]
        assert struct.unpack(">I", first[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        data += body if name == b"IDAT" else b""
        at += 12 + length
    assert len(zlib.decompress(data)) == height * (1 + 3 * width)


def test_what_was_rendered_is_kept(pdf: bytes, tmp_path: Path) -> None:
    first = png(tmp_path, pdf, 1)
    assert [path.read_bytes() for path in tmp_path.glob("*.png")] == [first]

    async def load() -> bytes:
        raise AssertionError("nobody asks for the document again")

    assert asyncio.run(PdfiumPages(cache=tmp_path).png(hashlib.sha256(pdf).hexdigest(), 1, load)) == first


@pytest.mark.asyncio
async def test_a_page_that_a_whole_meeting_asks_for_at_once_is_rendered_once(pdf: bytes, tmp_path: Path) -> None:
    loaded = 0

    async def load() -> bytes:
        nonlocal loaded
        loaded += 1
        return pdf

    pages = PdfiumPages(cache=tmp_path)
    images = await asyncio.gather(*(pages.png(hashlib.sha256(pdf).hexdigest(), 2, load) for _ in range(20)))
    assert loaded == 1
    assert {hashlib.sha256(image).digest() for image in images} == {hashlib.sha256(images[0]).digest()}


@pytest.mark.parametrize("page", [0, 3, 99_999])
def test_a_page_that_is_not_there(pdf: bytes, tmp_path: Path, page: int) -> None:
    with pytest.raises(PageMissing):
        png(tmp_path, pdf, page)


@pytest.mark.parametrize("cut", [0, 10, 300])
def test_a_document_that_is_none(pdf: bytes, tmp_path: Path, cut: int) -> None:
    for document in (pdf[:cut], b"\x00" * 1000, b"%PDF-1.7\n" + b"(" * 100_000):
        with pytest.raises((PageUnreadable, PageMissing)):
            png(tmp_path, document, 1)


def test_a_renderer_that_never_ends_is_ended(pdf: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_pdfium, "WALL_S", 0.001)
    with pytest.raises(PageUnreadable):
        png(tmp_path, pdf, 1)
    assert list(tmp_path.glob("*.png")) == []
