"""Each tenant's events of each proceeding, folded once and carried on as the log grows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from evidence.core.entry import Entry
from sessions.core.state import Proceeding
from sessions.core.tenancy import Feed, FeedEvent

# Feeds that stand in memory; one that is asked for again is folded again.
MAX_FEEDS = 1_000


class Feeds:
    """A cache, and nothing but: what it gives out follows from the entries alone."""

    def __init__(self) -> None:
        self._feeds: OrderedDict[tuple[str, str], tuple[Feed, list[FeedEvent]]] = OrderedDict()

    def events(self, tenant: str, state: Proceeding, entries: Sequence[Entry]) -> Sequence[FeedEvent]:
        """All events of this log that the tenant sees; the caller asked whether the proceeding exists for it."""
        key = (tenant, state.origin)
        feed, events = self._feeds.pop(key, (Feed(tenant), []))
        for n in range(feed.size, len(entries)):
            feed, event = feed.take(state, entries[n])
            if event is not None:
                events.append(event)
        self._feeds[key] = (feed, events)
        if len(self._feeds) > MAX_FEEDS:
            self._feeds.popitem(last=False)
        return events
