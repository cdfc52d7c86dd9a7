"""Which seat had which page on its screen, and for how long (docs/protocol.md 2.2, `PagesViewed`).

A seat says which page image its browser decoded and shows; the server refuses an image that it did not render itself.
So the log holds what seats stated and the server could check, and no proof that a person read anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from evidence.core.canonical import JSON, Object, b64u, unb64u
from evidence.core.entry import Draft, Entry
from sessions.core.commands import NotePages, PageView
from sessions.core.state import Proceeding
from sessions.errors import CommandRefused, UnknownPage

MAX_VIEWS = 250
"""Of one entry, which has at most 60 000 bytes (protocols.md 1.1); a view takes fewer than 200."""
MAX_REPORT_PAGES = 10_000
"""The log does not know how many pages a revision of the report has; whoever renders one does."""


def note(state: Proceeding, command: NotePages, at: str) -> tuple[Draft, ...]:
    """Views in their form: known seats and pages, each after what the log holds of its seat, none from the future."""
    if not 1 <= len(command.views) <= MAX_VIEWS:
        raise CommandRefused(f"1 to {MAX_VIEWS} views")
    now, pages = milliseconds(at), documents(state)
    for view in command.views:
        if not state.viewed.get(state.seat(view.seat).id, 0) <= view.start < view.end <= now:
            raise CommandRefused("a view begins after the last one of its seat, lasts, and is over")
        if not 1 <= view.page <= pages.get(view.document, 0):
            raise UnknownPage("no such document, or no such page in it")
    return (Draft("PagesViewed", {"views": [_json(view) for view in command.views]}),)


def on_noted(state: Proceeding, entry: Entry) -> Proceeding:
    until = dict(state.viewed)
    for view in parse(entry.body):
        until[view.seat] = max(until.get(view.seat, 0), view.end)
    return replace(state, viewed=until)


def parse(body: Object) -> tuple[PageView, ...]:
    """The views of an entry `PagesViewed`."""
    return tuple(
        PageView(seat, unb64u(document, 32), page, unb64u(image, 32), start, end)
        for seat, document, page, image, start, end in body["views"]
    )


def documents(state: Proceeding) -> dict[bytes, int]:
    """Documents whose pages are shown, and how many each has: the tender's, the report and its revisions."""
    fixed, report = state.evaluation.fixed, state.report
    found = dict(fixed.scoring.documents) if fixed else {}
    if report is not None:
        revisions = (signature.document for signature in report.signatures)
        found |= dict.fromkeys((report.document, *(each for each in revisions if each)), MAX_REPORT_PAGES)
    return found


def on_screen(entries: Iterable[Entry]) -> dict[tuple[str, bytes, int], int]:
    """Seat, document and page -> milliseconds for which the seat stated to have the page on its screen.

    Two windows of one seat with the same page count once: what overlaps is one time.
    """
    spans: dict[tuple[str, bytes, int], list[tuple[int, int]]] = {}
    for entry in entries:
        if entry.type == "PagesViewed":
            for view in parse(entry.body):
                spans.setdefault((view.seat, view.document, view.page), []).append((view.start, view.end))
    return {key: _union(found) for key, found in spans.items()}


def answer(entries: Iterable[Entry]) -> list[JSON]:
    """The same as JSON rows: seat, document, page, milliseconds."""
    return [[seat, b64u(document), page, ms] for (seat, document, page), ms in sorted(on_screen(entries).items())]


def milliseconds(at: str) -> int:
    """The time of an entry, since the epoch."""
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _union(spans: list[tuple[int, int]]) -> int:
    total, until = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, until))
        until = max(until, end)
    return total


def _json(view: PageView) -> JSON:
    return [view.seat, b64u(view.document), view.page, b64u(view.image), view.start, view.end]


FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"PagesViewed": on_noted}
