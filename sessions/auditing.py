"""The search over all proceedings of one office. There is no index: every log is folded in this process's memory, and
its definition is read from the vault once. docs/measurements.md says how long that takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from evidence.core.canonical import Object
from sessions.core import audited
from sessions.core.audited import Query, Tender
from sessions.core.state import Proceeding
from sessions.service import Proceedings
from sessions.service_errors import NotFoundedYet

LOOKS = 1000
"""One answer looks at so many proceedings of the office, and whoever asks goes on from there."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A proceeding that was found, as the office's seat in it is told of it now."""

    id: str
    seat: str
    state: Proceeding
    opened: str
    tender: Tender | None
    events: list[Object]


@dataclass(frozen=True, slots=True)
class Page:
    """Newest opening first. `before` is the last opening that was looked at, None where it was the last of all. `whole`
    is false where this process has not taken up a proceeding yet, which may be one of the office's."""

    hits: list[Hit]
    before: int | None
    whole: bool


async def search(proceedings: Proceedings, office: str, query: Query, *, before: int | None, most: int) -> Page:
    """Openings of the centre log below `before`, the newest first, until `most` are found."""
    hits: list[Hit] = []
    looked, last, whole = 0, 0, True
    for origin, opened in reversed(tuple(proceedings.centre.openings.items())):
        if before is not None and opened.n >= before:
            continue
        try:
            keeper = proceedings.get(origin.rpartition("/")[2])
        except NotFoundedYet:
            whole = False
            continue
        seat = audited.seat_of(keeper.state, office)
        if seat is None:
            continue
        if len(hits) == most or looked == LOOKS:
            return Page(hits, last, whole)
        looked, last = looked + 1, opened.n
        found = audited.events(keeper.entries, keeper.state, seat, query)
        # What was deleted after its time is told of no more, wherever it is remembered.
        tender = None if origin in proceedings.centre.purged or found is None else await keeper.tender()
        if found is not None and audited.fits(tender, keeper.id, query):
            hits.append(Hit(keeper.id, seat, keeper.state, keeper.entries[0].at, tender, found))
        # Whoever else waits for this process comes in between.
        await asyncio.sleep(0)
    return Page(hits, None, whole)
