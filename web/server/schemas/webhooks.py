"""Bodies of the webhook routes (docs/protocol.md 10.6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.server.schemas.form import Body


class WebhookToRegister(Body):
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    types: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(max_length=50)


class Webhook(Body):
    webhook: str
    url: str
    types: list[str]
    public_keys: list[str]
    disabled: str | None
    created: int


class Webhooks(Body):
    webhooks: list[Webhook]


class WebhookSecrets(Body):
    secrets: list[str]


class WebhookDelivery(Body):
    message: str
    state: str
    attempts: int
    status: int | None
    error: str | None
    due: int


class WebhookDeliveries(Body):
    deliveries: list[WebhookDelivery]
