"""What the owner of a proceeding tells its listeners, the moment it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from evidence.core.entry import Entry
from sessions.core.state import Proceeding

# A listener that is this many updates behind is cut off and resumes from the log: nothing is lost, memory is bounded.
MAX_BEHIND = 1000


@dataclass(frozen=True, slots=True)
class Appended:
    """Entries of one append, and the state after them."""

    entries: tuple[Entry, ...]
    state: Proceeding


@dataclass(frozen=True, slots=True)
class CheckpointGrew:
    """The newest checkpoint, signed by the log and cosigned by the quorum."""

    note: bytes


@dataclass(frozen=True, slots=True)
class MediaChanged:
    """`engine` is None while no worker answers; another id than before means that every room publishes again."""

    engine: str | None
    rooms: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Which venues are connected, what each room's device says of its camera and microphone, how long its pings take,
    there and back, in ms, and how many of a thousand of its packets the way here loses."""

    venues: Mapping[str, bool]
    devices: Mapping[str, Mapping[str, str]]
    lines: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)


Update = Appended | CheckpointGrew | MediaChanged | PresenceChanged


class Subscription:
    """An async iterator of updates; it ends when it is closed, or when its listener fell too far behind."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self._queue: asyncio.Queue[Update | None] = asyncio.Queue(MAX_BEHIND + 1)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Update:
        update = await self._queue.get()
        if update is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return update

    def close(self) -> None:
        """No more updates; what waits is dropped."""
        self._broadcast.remove(self)
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    def offer(self, update: Update) -> None:
        """Called by the broadcast only."""
        if self._queue.qsize() >= MAX_BEHIND:
            self.close()
        else:
            self._queue.put_nowait(update)


class Broadcast:
    """Hands every update to every subscription, in order."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        """From now on; whoever reads the state in the same step misses nothing."""
        subscription = Subscription(self)
        self._subscriptions.append(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """No error where it was removed before."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def publish(self, update: Update) -> None:
        """Never blocks."""
        for subscription in tuple(self._subscriptions):
            subscription.offer(update)

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
