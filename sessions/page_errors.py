"""Errors of documents and their pages.

PageError
├── PageMissing          the document has no such page (`page-missing`)
├── PageUnreadable       the document is no PDF, needs a password, or broke the renderer (`page-unreadable`)
└── DocumentRefused      a document that is handed in cannot be shown to a committee (`document-refused`)
    ├── DocumentTooLarge     more octets than anybody can hand in (`document-too-large`)
    ├── DocumentNoPdf        another kind of file (`document-no-pdf`)
    ├── DocumentEncrypted    it opens with a password only (`document-encrypted`)
    ├── DocumentBroken       it cannot be read, or not within its share of time and memory (`document-broken`)
    └── DocumentTooLong      no pages, or more than anybody reads (`document-too-long`)
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


class DocumentRefused(PageError):
    """Nothing of it was kept."""

    code = "document-refused"


class DocumentTooLarge(DocumentRefused):
    """It is split into volumes, as bidders do."""

    code = "document-too-large"


class DocumentNoPdf(DocumentRefused):
    """What it is called says nothing; its first bytes do."""

    code = "document-no-pdf"


class DocumentEncrypted(DocumentRefused):
    """Whoever has the password hands in a copy without it."""

    code = "document-encrypted"


class DocumentBroken(DocumentRefused):
    """Cut short on its way, or made to break readers."""

    code = "document-broken"


class DocumentTooLong(DocumentRefused):
    """Each page of a document may be rendered."""

    code = "document-too-long"


REFUSALS: dict[str, type[DocumentRefused]] = {
    "no-pdf": DocumentNoPdf,
    "encrypted": DocumentEncrypted,
    "broken": DocumentBroken,
    "too-long": DocumentTooLong,
    "empty": DocumentTooLong,
}
"""By what `sessions.adapters.pdf_inspection` finds."""
