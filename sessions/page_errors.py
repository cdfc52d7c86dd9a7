"""Errors of rendering documents' pages.

PageError
├── PageMissing          the document has no such page (`page-missing`)
└── PageUnreadable       the document is no PDF, needs a password, or broke the renderer (`page-unreadable`)
"""

from __future__ import annotations


class PageError(Exception):
    """A page could not be rendered; `code` is stable, the text is for engineers."""

    code = "page"


class PageMissing(PageError):
    """The document has no page of this number."""

    code = "page-missing"


class PageUnreadable(PageError):
    """The renderer gave nothing."""

    code = "page-unreadable"
