"""Every relative link and picture of the documents leads to a file of the repository, and a heading there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.test_architecture import ROOT, tracked

DOCUMENTS = tracked("*.md")
# What the repository holds, and not what was built beside it.
HELD = {held for path in tracked() for held in (path, *path.parents)}
FENCED = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINKS = re.compile(r"""\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)|\b(?:href|src)=["']([^"']+)""", re.MULTILINE)
HEADINGS = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
NAMED = re.compile(r"""<a\s+(?:id|name)=["']([^"']+)""")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


@cache
def anchors(path: Path) -> frozenset[str]:
    """As GitHub makes them of headings: small letters, no punctuation, hyphens for spaces; the same twice counted."""
    text = FENCED.sub("", path.read_text())
    found = set(NAMED.findall(text))
    for heading in HEADINGS.findall(text):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug, count = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-"), 1
        anchor = slug
        while anchor in found:
            anchor, count = f"{slug}-{count}", count + 1
        found.add(anchor)
    return frozenset(found)


def links(path: Path) -> list[str]:
    text = CODE.sub("", FENCED.sub("", path.read_text()))
    return [unquote(next(filter(None, found))) for found in LINKS.findall(text)]


def test_the_guide_and_the_readme_are_among_them() -> None:
    names = {str(path.relative_to(ROOT)) for path in DOCUMENTS if links(path)}
    assert {"README.md", *(f"docs/guide/{name}.md" for name in ("administrator", "expert", "pages"))} <= names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if ELSEWHERE.match(link):
            continue
        there = not anchor or (target.suffix == ".md" and target.is_file() and anchor in anchors(target))
        if target not in HELD or not there:
            lost.append(link)
    assert lost == []


def test_every_picture_of_the_guide_is_shown() -> None:
    """A picture that no page shows is left over from another run."""
    folder = ROOT / "docs" / "guide" / "pictures"
    shown = {link.rpartition("/")[2] for path in DOCUMENTS for link in links(path)}
    assert sorted(path.name for path in folder.iterdir() if path.name not in shown) == []
