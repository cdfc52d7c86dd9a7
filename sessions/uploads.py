"""A document that was handed in and looked at, before there is a tender."""

from __future__ import annotations

from dataclasses import dataclass

# Issue 3: the largest document that has to have a way in. Larger ones are split by volumes, as bidders do.
MAX_DOCUMENT = 300_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """`notes` names what in it could run elsewhere, and never runs here."""

    sha256: bytes
    size: int
    pages: int
    notes: tuple[str, ...]
