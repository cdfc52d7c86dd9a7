"""What webhooks need from outside, in MUST / MUST NOT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sessions.core.webhooks import Delivery, Endpoint


class WebhookStore(Protocol):
    """Endpoints and what is owed to them. Synchronous; the caller moves it off the event loop. Every write MUST be
    durable when it returns. Keys MUST lie sealed. Raises `evidence.errors.Unavailable`, and then nothing is known."""

    def add(self, endpoint: Endpoint) -> None:
        """A new endpoint."""

    def replace(self, endpoint: Endpoint) -> bool:
        """The changed endpoint; False, and nothing happens, where the stored version is not the one before it."""

    def remove(self, endpoint: str) -> None:
        """The endpoint and all that is owed to it; no error where there is none."""

    def endpoints(self, centre: str | None = None) -> list[Endpoint]:
        """All of a centre, or of everybody, oldest first."""

    def owe(self, deliveries: Sequence[Delivery]) -> None:
        """All or none. One that is there, by endpoint and message, MUST stay as it is."""

    def due(self, now: float, limit: int, busy: frozenset[str] = frozenset()) -> list[Delivery]:
        """Pending deliveries whose time has come, the longest due first, but none to the endpoints `busy`."""

    def record(self, delivery: Delivery) -> None:
        """The delivery's new state; no error where its endpoint is gone."""

    def deliveries(self, endpoint: str, limit: int) -> list[Delivery]:
        """The newest first."""

    def delivery(self, endpoint: str, message: str) -> Delivery | None:
        """One of them."""


class WebhookSender(Protocol):
    """Calls an endpoint. MUST resolve its name once, MUST refuse an address that `sessions.core.addresses` refuses,
    MUST connect to that very address, MUST NOT follow redirects, MUST NOT read more of an answer than it needs, and
    MUST end within its time, whatever the receiver does."""

    def check(self, url: str) -> None:
        """Raise WebhookUrlRefused for a URL that would never be called. Resolves nothing."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The answer's status; NotCalled where there was none."""
