"""What does the administrator hand in: the tender with the document that the rooms look at together."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import manimgx_fonts_cjk
import typst

from web.demo.tender import Case, Object

PAGES = 2
DATED = datetime(2016, 11, 7, tzinfo=UTC)
"""The day of the award notice: the same tender gives the same document, byte for byte."""


def tender(case: Case) -> Object:
    """The body of `POST /v1/proceedings`."""
    pdf = document(case.definition)
    named = {
        "sha256": base64.urlsafe_b64encode(hashlib.sha256(pdf).digest()).rstrip(b"=").decode(),
        "name": "招标文件（摘要）",
        "bidder": None,
        "pages": PAGES,
    }
    return {
        "kind": "rehearsal",
        "definition": case.definition | {"documents": [named]},
        "venues": list(case.venues),
        "rooms": list(case.rooms),
        "seats": list(case.seats),
        "files": [base64.b64encode(pdf).decode()],
    }


def document(definition: Object) -> bytes:
    """A PDF of two pages."""
    pdf = typst.compile(
        Path(__file__).with_name("document.typ"),
        format="pdf",
        timestamp=int(DATED.timestamp()),
        font_paths=[Path(manimgx_fonts_cjk.__file__).parent],
        sys_inputs={"definition": json.dumps(definition, ensure_ascii=False)},
    )
    return bytes(pdf)
