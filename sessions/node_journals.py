"""The journals of a node: what its city's seats leave while the main server is away, and what is said of it afterwards.

`sessions.node_journal` says which acts are kept, and how one log's journal lies on disk.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from evidence.core import act as acts
from evidence.errors import Unavailable
from sessions import node_journal
from sessions.core import venue_journal
from sessions.node_errors import LogForked, LogRefused, NotYet, VenueNotLost
from sessions.node_journal import Journal
from sessions.node_mirror import Mirror
from sessions.node_ports import LogSource, NodeStore

if TYPE_CHECKING:
    from sessions.node import CityNode

JOURNAL = "journal"
"""The kind of question whose answer is an act `venue.journal`."""
# The main server's door at which a node hands them in.
JOURNALS = "journals"
# protocols.md section 6: a line that is away for 5 s is said to be cut.
WATCH_S = 5.0

logger = logging.getLogger(__name__)


class Journals:
    def __init__(self, *, node: CityNode, store: NodeStore, source: LogSource) -> None:
        self._node = node
        self._store = store
        self._source = source
        self._journals: dict[str, Journal] = {}
        # Since when the main server does not answer about a log, in ms on the node's clock.
        self._away: dict[str, int] = {}

    async def keep(self, jws: str) -> None:
        """Keep an act that a seat of this city signed while it is cut off, by J1 to J8 of `sessions.node_journal`."""
        act = acts.parse(jws)
        async with self._node.question(act.aud, JOURNAL, b"") as (_, mirror):
            journal = await self._journal(mirror.origin)
            if journal.holds(act.id):
                return
            # J1 to J6
            node_journal.check(
                mirror.state,
                act,
                domain=self._node.domain,
                kept=journal.cut.acts if journal.cut else (),
                root_at=lambda size: mirror.tree.root(size) if size <= len(mirror.tree) else None,
            )
            # J7
            if journal.cut is None and mirror.origin not in self._away:
                try:
                    await mirror.catch_up()
                except Unavailable:
                    self._away[mirror.origin] = self._now()
                else:
                    raise VenueNotLost("the main server answers: it takes the act itself")
            # J8
            await asyncio.to_thread(journal.keep, act, lost=self._away.get(mirror.origin, self._now()))

    async def watch(self, every: float = WATCH_S) -> None:
        """Keep the copies of live logs up to date, note when the main server goes away, and bring what seats left here
        when it is back. Until cancelled."""
        left = await asyncio.to_thread(self._store.journals)
        while True:
            await asyncio.gather(*(self.look(origin) for origin in {*left, *self._node.replayed}))
            await asyncio.sleep(every)

    async def look(self, origin: str) -> None:
        known, record = self._node.replayed.get(origin), self._store.witnessed(origin)
        if (known is not None and known.state.closed is not None) or (record is not None and record.successor):
            return
        try:
            # Not a question about this log: those who leave their acts meanwhile do not wait for it.
            if not await self._answers(origin):
                self._away.setdefault(origin, self._now())
                return
            self._away.pop(origin, None)
            async with self._node.question(origin, JOURNAL, b"") as (_, mirror):
                await mirror.catch_up()
                await self._bring_journals(mirror)
        except Exception as error:
            if (code := getattr(error, "code", None)) is None:
                logger.exception("looking after %s failed", origin)
            else:
                say = logger.error if isinstance(error, LogForked | LogRefused) else logger.info
                say("%s: %s (%s)", origin, error, code)

    async def _answers(self, origin: str) -> bool:
        """Whether the main server says anything about the log."""
        with suppress(NotYet):
            try:
                await self._source.checkpoint(origin)
            except Unavailable:
                return False
        return True

    async def _bring_journals(self, mirror: Mirror) -> None:
        """`venue.journal` for each loss that is over and each venue that left something: until the log shows it."""
        journal = await self._journal(mirror.origin)
        await asyncio.to_thread(journal.mend, self._now())
        for number, cut in enumerate(journal.cuts, 1):
            for venue, kept in node_journal.of_venues(mirror.state, cut):
                body = venue_journal.body(venue, kept, lost=cut.lost, returned=cut.returned or cut.lost)
                act = await self._node.sign(mirror, JOURNAL, f"{number} {venue}".encode(), "venue.journal", body)
                if acts.parse(act).id not in mirror.state.acts:
                    await self._source.bring(mirror.origin, JOURNALS, act)

    async def _journal(self, origin: str) -> Journal:
        if origin not in self._journals:
            self._journals[origin] = await asyncio.to_thread(Journal, origin=origin, store=self._store)
        return self._journals[origin]

    def _now(self) -> int:
        """The node's own clock, in ms."""
        return int(self._node.now() * 1000)
