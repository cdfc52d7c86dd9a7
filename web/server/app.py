"""The application: every door, in front of the services that it is given."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from web.server.description import Described
from web.server.guard import Guard
from web.server.page_images import PageImages
from web.server.pointers import Pointers
from web.server.routes import (
    administration,
    advice,
    after,
    audit,
    brought,
    centre_log,
    client,
    continuing,
    health,
    identity,
    live,
    log,
    media,
    oauth,
    objects,
    partner_agreements,
    partner_proceedings,
    partner_webhooks,
    partners,
    proceedings,
    report,
    session,
    views,
)
from web.server.screens import Screens
from web.server.services import Services

DOORS = (
    health,
    session,
    administration,
    advice,
    proceedings,
    identity,
    brought,
    continuing,
    objects,
    log,
    centre_log,
    client,
    media,
    report,
    after,
    audit,
    oauth,
    partner_agreements,
    partner_proceedings,
    partner_webhooks,
    partners,
    views,
)


def routes() -> FastAPI:
    """Every door, with nothing behind it: enough to describe them."""
    app = Described(title="Tongping", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    for module in DOORS:
        app.include_router(module.doors.router)
    app.include_router(live.router)
    return app


def create_app(services: Services) -> FastAPI:
    """Pure assembly: no adapter, no environment, no I/O."""
    app = routes()
    app.state.services = services
    app.state.pointers = Pointers()
    app.state.screens = Screens()
    app.state.images = PageImages()
    # Routes answer for their own exceptions (`allow.CodedRoute`); this one is for paths and methods that are no route.
    app.add_exception_handler(HTTPException, client.lost)
    app.add_middleware(Guard, origin=services.origin)
    return app
