"""Which objects of the vault belong to a proceeding, and who may fetch them. The vault itself is everybody's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidence.core.canonical import unb64u
from evidence.core.entry import Entry
from evidence.errors import ObjectMissing

SHOWN = "shown"
"""Definition, documents, cosigned checkpoints: whoever may fetch objects at all."""
PRIVATE = "private"
"""A ciphertext: its own seat and the nodes."""
REPORT = "report"
"""A revision of the report, with the members' names: whoever may read it already (`sessions.core.view`)."""
PREPARED = "prepared"
"""A revision prepared for one signature: its own seat."""


class Objects:
    """Hash -> (class, owner), folded from the log."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._folded = 0
        self._known: dict[str, tuple[str, str]] = {}

    def check(self, name: str, seat: str | None, *, reads: bool) -> None:
        """ObjectMissing unless the log cites the object and this seat (None: a node) may have it; `reads`: it may read
        the report."""
        for entry in self._entries[self._folded :]:
            for sha256, kind, owner in _cited(entry):
                self._known.setdefault(sha256.hex(), (kind, owner))
        self._folded = len(self._entries)
        kind, owner = self._known.get(name, ("", ""))
        allowed = {SHOWN: True, PRIVATE: seat in (None, owner), REPORT: reads, PREPARED: seat == owner}
        if not allowed.get(kind, False):
            raise ObjectMissing(name)


def _cited(entry: Entry) -> Iterator[tuple[bytes, str, str]]:
    act = entry.act.body if entry.act else {}
    owner = entry.act.sub if entry.act else ""
    match entry.type:
        case "DefinitionFixed":
            yield unb64u(act["sha256"]), SHOWN, ""
            for document, _pages in entry.body["scoring"]["documents"]:
                yield unb64u(document), SHOWN, ""
        case "Witnessed":
            yield unb64u(entry.body["note"]), SHOWN, ""
        case "LogContinued":
            yield unb64u(act["checkpoint"]), SHOWN, ""
            yield unb64u(act["witnessed"]["note"]), SHOWN, ""
            yield from ((unb64u(kept), PRIVATE, sub or "") for *_, sub, kept in act["known"])
        case "LeavesKnown":
            yield from ((unb64u(kept), PRIVATE, sub or "") for *_, sub, kept in entry.body["known"])
        case "SheetSealed" | "SheetResealed" | "BallotSealed":
            yield unb64u(act["envelope"]["ct"]["sha256"]), PRIVATE, owner
        case "ReportFrozen" | "ReportSigned":
            yield unb64u(entry.body["document"]), REPORT, ""
        case "EvaluationReopened":
            yield unb64u(entry.body["revision"]), REPORT, ""
        case "SignatureAuthorised":
            yield unb64u(entry.body["revision"]), PREPARED, owner
