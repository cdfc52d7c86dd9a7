"""The log as a list of events for people: as much of each entry as the seat may see, and a search over exactly that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evidence.core.canonical import Object, b64u, encode
from evidence.core.entry import Entry
from sessions.core.state import Proceeding
from sessions.core.view import summary, visibility

# What is large and says nothing to a reader: ciphertexts, keys, hashes of segments. `getEntry` gives the octets.
_HEAVY = frozenset({"SegmentsClosed", "SheetSealed", "BallotSealed", "DrawContributed", "HolderOffered", "SeatBound"})
MOST = 500
"""Rows in one answer: a page of a thousand lines is read by nobody, and one of five hundred stays below a megabyte."""


@dataclass(frozen=True, slots=True)
class Query:
    """An entry is found when its words contain `text` or its type is one of `types` (both empty: every entry), and it
    lies between the times (RFC 3339, "" for no bound)."""

    text: str = ""
    types: frozenset[str] = frozenset()
    by: str = ""
    since: str = ""
    until: str = ""


def row(entry: Entry, state: Proceeding, seat: str) -> Object:
    """One event: what everybody may know of it, and `body` and `said` (the act's body) where the seat sees it whole."""
    seen = visibility(entry, state, seat)
    shown: Object = {"n": entry.n, "at": entry.at, "leaf": b64u(entry.leaf)}
    if seen == "hash":
        return shown
    shown |= summary(entry, state)
    if entry.act is not None:
        shown["act"] = b64u(entry.act.id)
    if seen == "full" and entry.type not in _HEAVY:
        shown["body"] = entry.body
        if entry.act is not None:
            shown["said"] = entry.act.body
    return shown


def rows(entries: Iterable[Entry], state: Proceeding, seat: str) -> list[Object]:
    """The events of these entries."""
    return [row(entry, state, seat) for entry in entries]


def search(entries: Sequence[Entry], state: Proceeding, seat: str, query: Query, *, start: int) -> tuple[Object, ...]:
    """The first `MOST` events from `start` on that match; what the seat may not see is not searched either."""
    found: list[Object] = []
    for shown in _between(entries[start:], state, seat, query):
        if _matches(shown, query):
            found.append(shown)
            if len(found) == MOST:
                break
    return tuple(found)


def _between(entries: Iterable[Entry], state: Proceeding, seat: str, query: Query) -> Iterator[Object]:
    for entry in entries:
        # Times of the log are of one form and one zone, so their texts stand in the order of the times.
        if entry.at >= query.since and (not query.until or entry.at <= query.until):
            yield row(entry, state, seat)


def _matches(shown: Object, query: Query) -> bool:
    if query.by and query.by not in (shown.get("seat"), shown.get("centre"), shown.get("bidder")):
        return False
    if not query.text and not query.types:
        return True
    if shown.get("type") in query.types:
        return True
    return bool(query.text) and query.text.casefold() in encode(shown).decode().casefold()
