"""The report as a PDF, by Typst: the same content gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import manimgx_fonts_cjk
import typst

from evidence.core.canonical import Object, encode

_TEMPLATE = Path(__file__).with_name("report.typ")
_FONTS = Path(manimgx_fonts_cjk.__file__).parent
# The PDF's own date: fixed, because the log says when the report was frozen, and a date of rendering would make
# every rendering another document.
_DATED = 0


def render(content: Object) -> bytes:
    """The report of this content, with the signature page last.

    Each member has a row on that page, in the committee's order: row i (from 0) has a box that says where to look
    for the signature, 60 mm wide and 16 mm high, whose lower left corner lies 126 mm from the left edge and
    211 mm - i * 20 mm from the lower edge of an A4 page. Up to nine members have their rows on one page.
    """
    data = typst.compile(
        _TEMPLATE,
        format="pdf",
        font_paths=[_FONTS],
        ignore_system_fonts=True,
        timestamp=_DATED,
        sys_inputs={"content": encode(content).decode()},
    )
    return bytes(data)
