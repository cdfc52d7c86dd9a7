"""The plain page's files: no inline code, no foreign address, and letters for every word of theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLAIN = Path(__file__).resolve().parent.parent.parent / "web" / "client" / "plain"
TEXTS = ("sign-in.html", "sign-in.js", "rooms.html", "rooms.js")


@pytest.mark.parametrize("name", ["sign-in.html", "rooms.html"])
def test_pages_hold_no_code_and_no_style(name: str) -> None:
    """Content-Security-Policy without `unsafe-inline` (ASVS 3.4.3)."""
    text = (PLAIN / name).read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert re.findall(r"\s(?:on[a-z]+|style)=", text) == []
    assert '<html lang="zh-CN">' in text


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    text = (PLAIN / name).read_text()
    assert re.findall(r"https?://", text) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == []


def test_the_font_has_every_letter_of_the_pages() -> None:
    """A machine without any Chinese font shows the pages all the same."""
    css = (PLAIN / "plain.css").read_text()
    ranges = re.search(r"unicode-range:([^;]*);", css)
    assert ranges is not None
    covered = {chr(int(code, 16)) for code in re.findall(r"U\+([0-9A-F]+)", ranges.group(1))}
    used = {c for name in TEXTS for c in (PLAIN / name).read_text() if ord(c) > 0x7F}
    assert used - covered == set()
    assert (PLAIN / "plain.woff2").read_bytes()[:4] == b"wOF2"
