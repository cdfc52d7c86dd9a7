"""Reading bidders' PDFs: what is told of them, and that no file of theirs harms or halts the meeting."""

from __future__ import annotations

import asyncio

import pytest

from sessions.adapters import pdf_reading
from sessions.adapters.pdf_reading import PdfReading
from tests.pdfs import packet, pdf, prose


def read(document: bytes, wall_s: float = pdf_reading.WALL_S) -> tuple[list[list[str]] | None, list[str]] | str:
    return asyncio.run(PdfReading(wall_s=wall_s).read(document))


def test_text_and_metadata_are_read() -> None:
    document = pdf(
        ["first page", prose(1, 200)],
        information={"Author": "某甲", "Producer": "Costing 9", "LockNumber": "GLD-2203-778812"},
        identifier=b"\x01" * 16,
        xmp=packet(DocumentID="uuid:1", InstanceID="uuid:2"),
    )
    found = read(document)
    assert not isinstance(found, str)
    marks, pages = found
    assert marks is not None
    assert dict(marks) == {
        "Author": "某甲",
        "Producer": "Costing 9",
        "LockNumber": "GLD-2203-778812",
        "ID": "01" * 16,
        "xmpMM:DocumentID": "uuid:1",
        "xmpMM:InstanceID": "uuid:2",
    }
    assert pages[0].strip() == "first page"
    assert prose(1, 200) == "".join(pages[1].split())


def test_an_empty_identifier_is_none() -> None:
    assert read(pdf(["x"], identifier=bytes(16))) == ([], ["x"])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "broken"),
        (b"not a PDF", "broken"),
        (pdf(["x"])[:200], "broken"),
        (pdf([]), "broken"),
        (pdf(["x"] * 3_001), "too-long"),
    ],
    ids=["empty", "no-pdf", "cut", "no-pages", "pages"],
)
def test_what_cannot_be_examined_says_why(document: bytes, reason: str) -> None:
    assert read(document) == reason


def test_a_stream_that_unfolds_without_end_takes_the_reader_and_nothing_else() -> None:
    """Half a gigabyte from half a megabyte: the child dies of its own limit, or gives up the page."""
    bomb = pdf(["x"], stream=bytes(500_000_000))
    assert len(bomb) < 1_000_000
    found = read(bomb)
    assert found == "broken" or not isinstance(found, str)


def test_a_reader_that_takes_too_long_is_ended() -> None:
    assert read(pdf(["x"]), wall_s=0.0) == "timeout"


def test_a_file_whose_structure_only_one_program_understands_still_gives_its_text() -> None:
    """Where the stricter reader gives up, the metadata is unknown, not empty."""
    found = read(pdf(["x y"]).replace(b"startxref", b"startxxxx"))
    assert not isinstance(found, str)
    assert found[1] == ["x y"]
