"""Endpoints and deliveries in memory: for tests and for rehearsals that leave nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.core.webhooks import PENDING, Delivery, Endpoint


class MemoryWebhooks:
    """A `sessions.webhook_ports.WebhookStore` whose durability is the process's life."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._deliveries: dict[tuple[str, str], Delivery] = {}

    def add(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.id] = endpoint

    def replace(self, endpoint: Endpoint) -> bool:
        stored = self._endpoints.get(endpoint.id)
        if stored is None or stored.version != endpoint.version - 1:
            return False
        self._endpoints[endpoint.id] = endpoint
        return True

    def remove(self, endpoint: str) -> None:
        self._endpoints.pop(endpoint, None)
        self._deliveries = {key: d for key, d in self._deliveries.items() if key[0] != endpoint}

    def endpoints(self, centre: str | None = None) -> list[Endpoint]:
        return [found for found in self._endpoints.values() if centre in (None, found.centre)]

    def owe(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.endpoint in self._endpoints:
                self._deliveries.setdefault((delivery.endpoint, delivery.message), delivery)

    def due(self, now: float, limit: int, busy: frozenset[str] = frozenset()) -> list[Delivery]:
        found = [d for d in self._deliveries.values() if d.state == PENDING and d.due <= now and d.endpoint not in busy]
        return sorted(found, key=lambda d: d.due)[:limit]

    def record(self, delivery: Delivery) -> None:
        key = (delivery.endpoint, delivery.message)
        if key in self._deliveries:
            self._deliveries[key] = delivery

    def deliveries(self, endpoint: str, limit: int) -> list[Delivery]:
        return [d for key, d in reversed(self._deliveries.items()) if key[0] == endpoint][:limit]

    def delivery(self, endpoint: str, message: str) -> Delivery | None:
        return self._deliveries.get((endpoint, message))
