"""Where a partner wants to be called (docs/protocol.md 10.6).

Answers to writes are kept for repetition, so no secret stands in one: it is read by a route of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from sessions.core.webhooks import ED25519, HMAC, Delivery, Endpoint
from sessions.partner_errors import StaleVersion
from sessions.webhook_errors import UnknownWebhook
from sessions.webhook_signatures import handed_out
from web.server.allow import UNKNOWN, Caller, Doors, Here
from web.server.errors import NotFound
from web.server.idempotency import CHANGES, WRITES, answered, once, once_without_body, version_asked
from web.server.schemas import webhooks as form
from web.server.schemas.partner import Nothing

doors = Doors("partner")
WEBHOOKS = "/v1/partner/webhooks"
ONE = WEBHOOKS + "/{webhook}"
READ, WRITE = "partner.webhooks.read", "partner.webhooks.write"
Limit = Annotated[int, Query(ge=1, le=200)]


@doors.open("GET", WEBHOOKS, operation="listWebhooks", permission=READ)
async def list_webhooks(here: Caller) -> form.Webhooks:
    return form.Webhooks(webhooks=[_shown(here, found) for found in await here.services.webhooks.of(here.tenant)])


@doors.open(
    "POST",
    WEBHOOKS,
    operation="registerWebhook",
    permission=WRITE,
    reads=form.WebhookToRegister,
    headers=WRITES,
    status_code=201,
    response_model=form.Webhook,
)
async def register(here: Caller) -> Response:
    return await once(here, form.WebhookToRegister, partial(_register, here))


@doors.open("GET", ONE, operation="getWebhook", permission=READ, response_model=form.Webhook)
async def get_webhook(here: Caller, webhook: str) -> Response:
    return _answer(here, await _own(here, webhook))


@doors.open("DELETE", ONE, operation="removeWebhook", permission=WRITE, headers=CHANGES, status_code=204)
async def remove(here: Caller, webhook: str) -> Response:
    await _own(here, webhook)

    async def work() -> Response:
        _demand_version(here, await _own(here, webhook))
        await here.services.webhooks.remove(here.tenant, webhook)
        return Response(status_code=204)

    return await once_without_body(here, work)


@doors.open(
    "POST",
    ONE + "/rotation",
    operation="rotateWebhookKeys",
    permission=WRITE,
    reads=Nothing,
    headers=CHANGES,
    status_code=201,
    response_model=form.Webhook,
)
async def rotate(here: Caller, webhook: str) -> Response:
    await _own(here, webhook)

    async def work(body: Nothing) -> Response:
        found = await _own(here, webhook)
        _demand_version(here, found)
        return _answer(here, await here.services.webhooks.rotate(here.tenant, webhook, version=found.version), 201)

    return await once(here, Nothing, work)


@doors.open("GET", ONE + "/secret", operation="getWebhookSecret", permission=WRITE)
async def get_secret(here: Caller, webhook: str) -> form.WebhookSecrets:
    return form.WebhookSecrets(secrets=_keys(here, await _own(here, webhook), HMAC))


@doors.open("GET", ONE + "/deliveries", operation="listWebhookDeliveries", permission=READ)
async def list_deliveries(here: Caller, webhook: str, limit: Limit = 50) -> form.WebhookDeliveries:
    with _unknown():
        found = await here.services.webhooks.deliveries(here.tenant, webhook, limit)
    return form.WebhookDeliveries(deliveries=[_delivery(delivery) for delivery in found])


@doors.open(
    "POST",
    ONE + "/deliveries/{message}/replay",
    operation="replayWebhookDelivery",
    permission=WRITE,
    reads=Nothing,
    headers=WRITES,
    status_code=202,
    response_model=form.WebhookDelivery,
)
async def replay(here: Caller, webhook: str, message: str) -> Response:
    async def work(body: Nothing) -> Response:
        with _unknown():
            return answered(_delivery(await here.services.webhooks.replay(here.tenant, webhook, message)), 202)

    return await once(here, Nothing, work)


async def _register(here: Here, body: form.WebhookToRegister) -> Response:
    return _answer(here, await here.services.webhooks.register(here.tenant, body.url, body.types), 201)


async def _own(here: Here, webhook: str) -> Endpoint:
    with _unknown():
        return await here.services.webhooks.get(here.tenant, webhook)


@contextmanager
def _unknown() -> Iterator[None]:
    """Another tenant's webhook is answered like one that never was, in the words that all unknown things get."""
    try:
        yield
    except UnknownWebhook as error:
        raise NotFound(UNKNOWN) from error


def _demand_version(here: Here, found: Endpoint) -> None:
    if version_asked(here) not in ("*", str(found.version)):
        raise StaleVersion("it has changed since it was read")


def _answer(here: Here, found: Endpoint, status: int = 200) -> Response:
    return answered(_shown(here, found), status, version=str(found.version))


def _shown(here: Here, found: Endpoint) -> form.Webhook:
    return form.Webhook(
        webhook=found.id,
        url=found.url,
        types=list(found.types),
        public_keys=_keys(here, found, ED25519),
        disabled=found.disabled,
        created=found.created,
    )


def _keys(here: Here, found: Endpoint, scheme: str) -> list[str]:
    """What verifies calls now, newest first: while keys are exchanged, the old ones too."""
    return [handed_out(key) for key in found.signing(here.services.clock()) if key.scheme == scheme]


def _delivery(found: Delivery) -> form.WebhookDelivery:
    return form.WebhookDelivery(
        message=found.message,
        state=found.state,
        attempts=found.attempts,
        status=found.status,
        error=found.error,
        due=int(found.due),
    )
