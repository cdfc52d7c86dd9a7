"""What seats have on their screens, gathered from their sockets and stated in the log as `PagesViewed`.

Stated soon after the page that everybody looks at has turned, when the stage changes, and every half minute.
A view ends when its line was last heard, so a seat whose network is away is not said to look at anything.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from evaluation.errors import EvaluationError
from evidence.errors import EvidenceError, LostLease
from sessions.core import commands
from sessions.core.commands import PageView
from sessions.core.page_views import MAX_VIEWS
from sessions.core.state import CLOSED, Page
from sessions.docket import Docket
from sessions.errors import SessionError

logger = logging.getLogger(__name__)

MAX_WAITING = 20 * MAX_VIEWS
"""Views that wait while the log takes none (it is aborted, or its rules refuse): the oldest go first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page image on a screen."""

    document: bytes
    page: int
    image: bytes


class Viewing:
    """One proceeding's views. A line is a socket; after `every` seconds they are stated in any case. A turned page is
    stated `least` seconds later: a presenter who leafs does not fill the log, and no seat gets another entry just while
    it turns (`bench.skew`)."""

    def __init__(self, *, docket: Docket, every: float, least: float) -> None:
        self._docket = docket
        self._every = every
        self._least = least
        self._lines: dict[Hashable, tuple[str, dict[Shown, int], int]] = {}
        self._ended: list[PageView] = []

    def show(self, line: Hashable, seat: str, shown: Iterable[Shown]) -> None:
        """The line shows these images now, and nothing else."""
        now = self._docket.now_ms()
        _, before, _ = self._lines.get(line, (seat, {}, now))
        after = {each: before.get(each, now) for each in shown}
        self._end(seat, {each: start for each, start in before.items() if each not in after}, now)
        self._lines[line] = (seat, after, now)

    def heard(self, line: Hashable) -> None:
        """The line is alive."""
        if line in self._lines:
            seat, shown, _ = self._lines[line]
            self._lines[line] = (seat, shown, self._docket.now_ms())

    def gone(self, line: Hashable) -> None:
        """The line is closed: what it showed ended when it was last heard."""
        seat, shown, heard = self._lines.pop(line, ("", {}, 0))
        self._end(seat, shown, heard)

    async def run(self) -> None:
        """Until the proceeding is closed."""
        while (then := self._docket.state).gate != CLOSED:
            if await self._docket.until(lambda: self._place != (then.stage, then.page), self._every):
                await self._docket.until(lambda: self._docket.state.stage != then.stage, self._least)
            await self.flush()

    async def flush(self) -> None:
        """Cut what is on the screens now, and state it."""
        now = self._docket.now_ms()
        for line, (seat, shown, heard) in self._lines.items():
            self._end(seat, shown, heard)
            self._lines[line] = (seat, dict.fromkeys(shown, heard), heard)
        waiting, self._ended = self._ended[-MAX_WAITING:], []
        known = self._docket.state.viewed
        views = sorted(
            (view for view in (_from(view, known.get(view.seat, 0), now) for view in waiting) if view is not None),
            key=lambda view: (view.seat, view.start, view.page, view.document),
        )
        for first in range(0, len(views), MAX_VIEWS):
            await self._state(tuple(views[first : first + MAX_VIEWS]))

    async def _state(self, views: tuple[PageView, ...]) -> None:
        try:
            await self._docket.execute(commands.NotePages(views))
        except LostLease:
            raise
        except (EvidenceError, EvaluationError, SessionError) as error:
            logger.info("views of %s: %s (%s)", self._docket.id, error, error.code)

    @property
    def _place(self) -> tuple[str, Page | None]:
        return self._docket.state.stage, self._docket.state.page

    def _end(self, seat: str, shown: dict[Shown, int], now: int) -> None:
        self._ended += [PageView(seat, s.document, s.page, s.image, start, now) for s, start in shown.items()]
        del self._ended[:-MAX_WAITING]


def _from(view: PageView, known: int, now: int) -> PageView | None:
    """The part of the view that the log can take; the clock may have been set meanwhile."""
    start, end = max(view.start, known), min(view.end, now)
    return PageView(view.seat, view.document, view.page, view.image, start, end) if start < end else None
