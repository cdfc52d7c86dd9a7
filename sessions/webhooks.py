"""Webhooks: who is to be called, and the loop that calls (docs/protocol.md 10.5).

A message's way, which no death of a process interrupts for good:
(1) the append that makes the entry stores the outbox message in its own transaction;
(2) the loop makes one delivery of it per endpoint, known by endpoint and message, and only then settles the message:
    whoever dies in between makes the same deliveries again, which changes nothing;
(3) a due delivery is sent, and its outcome recorded only after the answer: whoever dies in between sends it again,
    under the same `webhook-id`. So a message comes at least once, and a receiver can tell a repetition.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from evidence.errors import EvidenceError, Malformed
from evidence.ports import Ledger
from sessions.core.webhooks import (
    DISABLED_GONE,
    FAILED,
    GONE,
    PENDING,
    TYPES,
    Delivery,
    Endpoint,
    Notice,
    cloud_event,
    message_id,
)
from sessions.partner_errors import StaleVersion
from sessions.ports import Entropy
from sessions.webhook_errors import NotCalled, TooManyWebhooks, UnknownWebhook, WebhookTypeRefused
from sessions.webhook_ports import WebhookSender, WebhookStore
from sessions.webhook_signatures import fresh_keys, signature_header

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# A city's own system needs one receiver and perhaps one for its monitoring; each costs a call per message.
MAX_ENDPOINTS = 5
# Messages made into deliveries, and deliveries sent, in one round.
_BATCH = 200
# Receivers called at a time; one that hangs holds up no other.
_LANES = 16
_ID_BYTES = 15
_JITTER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """`look`: how often outbox and deliveries are looked at while nobody wakes the loop."""

    look: float = 0.5


class Webhooks:
    """Endpoints of partners, and the one loop that delivers to them."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: WebhookStore,
        sender: WebhookSender,
        clock: Callable[[], float],
        entropy: Entropy,
        pace: Pace | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._sender = sender
        self._clock = clock
        self._entropy = entropy
        self._pace = pace or Pace()
        self._lanes: dict[str, asyncio.Task[None]] = {}

    # -- endpoints -----------------------------------------------------------------------------------------------

    async def register(self, centre: str, url: str, types: Sequence[str]) -> Endpoint:
        """A new endpoint with new keys. Its URL is judged again, with its address, at every call."""
        self._sender.check(url)
        if unknown := set(types) - TYPES:
            raise WebhookTypeRefused(f"no event has the type {min(unknown)[:80]!r}")
        if len(await self.of(centre)) >= MAX_ENDPOINTS:
            raise TooManyWebhooks(f"a centre has at most {MAX_ENDPOINTS}")
        name = "wh_" + base64.b32encode(self._entropy(_ID_BYTES)).decode().lower()
        keys = fresh_keys(self._entropy)
        endpoint = Endpoint(name, centre, url, tuple(sorted(set(types))), keys, int(self._clock()))
        await asyncio.to_thread(self._store.add, endpoint)
        return endpoint

    async def of(self, centre: str) -> list[Endpoint]:
        """A centre's endpoints."""
        return await asyncio.to_thread(self._store.endpoints, centre)

    async def get(self, centre: str, endpoint: str) -> Endpoint:
        """One of the centre's endpoints."""
        found = next((one for one in await self.of(centre) if one.id == endpoint), None)
        if found is None:
            raise UnknownWebhook("no such webhook")
        return found

    async def remove(self, centre: str, endpoint: str, *, version: int | None = None) -> None:
        """It is called no more."""
        _demand_version(await self.get(centre, endpoint), version)
        await asyncio.to_thread(self._store.remove, endpoint)

    async def rotate(self, centre: str, endpoint: str, *, version: int | None = None) -> Endpoint:
        """New keys; for a while the old ones sign, too."""
        found = await self.get(centre, endpoint)
        _demand_version(found, version)
        rotated = found.rotated(fresh_keys(self._entropy), self._clock())
        if not await asyncio.to_thread(self._store.replace, rotated):
            raise StaleVersion("the webhook was changed meanwhile")
        return rotated

    async def deliveries(self, centre: str, endpoint: str, limit: int) -> list[Delivery]:
        """What was said to an endpoint, and what is still to be said; the newest first."""
        found = await self.get(centre, endpoint)
        return await asyncio.to_thread(self._store.deliveries, found.id, limit)

    async def replay(self, centre: str, endpoint: str, message: str) -> Delivery:
        """Say a message again, under its own id."""
        found = await self.get(centre, endpoint)
        delivery = await asyncio.to_thread(self._store.delivery, found.id, message)
        if delivery is None or found.disabled is not None:
            raise UnknownWebhook("no such message")
        again = replace(delivery, state=PENDING, attempts=0, due=self._clock())
        await asyncio.to_thread(self._store.record, again)
        return again

    # -- the loop ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                try:
                    busy = await self.distribute() + await self._begin()
                except EvidenceError as error:
                    logger.warning("webhooks wait: %s (%s)", error, error.code)
                    busy = 0
                except Exception:
                    # A meeting does not end because partners cannot be called: the feed has it all.
                    logger.exception("webhooks wait")
                    busy = 0
                await asyncio.sleep(0 if busy else self._pace.look)
        finally:
            lanes = list(self._lanes.values())
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def distribute(self) -> int:
        """Step (2); how many messages were settled."""
        messages = await self._ledger.outbox(_BATCH)
        if not messages:
            return 0
        endpoints = await asyncio.to_thread(self._store.endpoints)
        now = self._clock()
        owed: list[Delivery] = []
        for message in messages:
            try:
                notice = Notice.parse(message.body)
            except Malformed:
                logger.exception("outbox message %d is none of ours", message.id)
                continue
            body = cloud_event(message.origin, notice)
            name = message_id(message.origin, notice.index)
            owed += [Delivery(one.id, name, body, now) for one in endpoints if one.wants(notice)]
        if owed:
            await asyncio.to_thread(self._store.owe, owed)
        await self._ledger.settle([message.id for message in messages])
        return len(messages)

    async def _begin(self) -> int:
        """Step (3): a lane for each endpoint that something is due to; how many were begun."""
        self._lanes = {name: lane for name, lane in self._lanes.items() if not lane.done()}
        due = await asyncio.to_thread(self._store.due, self._clock(), _BATCH, frozenset(self._lanes))
        if not due:
            return 0
        endpoints = {one.id: one for one in await asyncio.to_thread(self._store.endpoints)}
        begun = 0
        for name, owed in groupby(sorted(due, key=lambda d: d.endpoint), key=lambda d: d.endpoint):
            if name in endpoints and len(self._lanes) < _LANES:
                self._lanes[name] = asyncio.create_task(self._lane(endpoints[name], list(owed)))
                begun += 1
        return begun

    async def _lane(self, endpoint: Endpoint, owed: Sequence[Delivery]) -> None:
        """One call at a time per receiver, in the order of their dues."""
        for delivery in sorted(owed, key=lambda d: d.due):
            try:
                if not await self._attempt(endpoint, delivery):
                    return
            except EvidenceError as error:
                logger.warning("a delivery's outcome was not recorded: %s (%s)", error, error.code)
                return

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery) -> bool:
        """Whether the lane goes on: not to a receiver that is gone or did not answer now."""
        if endpoint.disabled is not None:
            return await self._record(replace(delivery, state=FAILED, error="disabled"))
        now = self._clock()
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": delivery.message,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signature_header(
                endpoint.signing(now), message=delivery.message, timestamp=int(now), body=delivery.body
            ),
        }
        status, error = None, None
        try:
            status = await self._sender.send(endpoint.url, headers, delivery.body)
        except NotCalled as failed:
            error = failed.reason[:64]
        jitter = int.from_bytes(self._entropy(_JITTER_BYTES), "big") / 2 ** (8 * _JITTER_BYTES)
        await self._record(delivery.after(status=status, error=error, at=self._clock(), jitter=jitter))
        if status == GONE:
            await self._disable(endpoint)
        return status is not None and status != GONE

    async def _disable(self, endpoint: Endpoint) -> None:
        """410: nobody is there any more, and nobody is called until it is registered anew."""
        logger.info("webhook %s of %s is gone", endpoint.id, endpoint.centre)
        while True:
            found = next((o for o in await asyncio.to_thread(self._store.endpoints) if o.id == endpoint.id), None)
            if found is None or found.disabled is not None:
                return
            if await asyncio.to_thread(self._store.replace, found.without(DISABLED_GONE)):
                return

    async def _record(self, delivery: Delivery) -> bool:
        await asyncio.to_thread(self._store.record, delivery)
        return True


def _demand_version(endpoint: Endpoint, version: int | None) -> None:
    if version is not None and endpoint.version != version:
        raise StaleVersion("the webhook was changed meanwhile")
