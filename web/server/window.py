"""What a seat sees of the log: the whole entry, a summary, or only that something stands there (its leaf hash)."""

from __future__ import annotations

from collections.abc import Sequence

from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from sessions.core.state import Proceeding
from sessions.core.view import summary, view, visibility


def sees(entry: Entry, state: Proceeding, seat: str) -> bool:
    """Whether the seat may have the entry's octets."""
    return visibility(entry, state, seat) == "full"


def knows(entry: Entry, state: Proceeding, seat: str) -> bool:
    """Whether the seat may know what kind of entry this is, and so hold its receipt."""
    return visibility(entry, state, seat) != "hash"


def entry_messages(entries: Sequence[Entry], state: Proceeding, seat: str) -> list[Object]:
    """One message for each entry, the view after the last one (protocol.md section 7)."""
    messages: list[Object] = []
    for entry in entries:
        messages.append(
            {
                "type": "entry",
                "n": entry.n,
                "leaf": b64u(entry.leaf),
                "entry": b64u(entry.data) if sees(entry, state, seat) else None,
                "summary": summary(entry, state) if knows(entry, state, seat) else None,
            }
        )
    if messages:
        messages[-1]["view"] = view(state, seat)
    return messages


def documents(state: Proceeding) -> frozenset[str]:
    """The documents whose pages may be shown: the tender's and the report, by SHA-256 in hex."""
    fixed, report = state.evaluation.fixed, state.report
    found = [sha256 for sha256, _ in fixed.scoring.documents] if fixed else []
    return frozenset(sha256.hex() for sha256 in (*found, *((report.document, report.revision) if report else ())))
