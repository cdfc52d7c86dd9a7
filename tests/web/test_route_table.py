"""Every route and every socket message demands a permission, by construction (architecture.md, rule 7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, WebSocketRoute

from sessions.core.permission import TABLE
from sessions.core.tenancy import SCOPES
from web.server.allow import MARK, PUBLIC, ROSTERLESS
from web.server.app import create_app
from web.server.messages import MESSAGES
from web.server.routes.client import AREAS
from web.server.services import Services

# What stands open to everybody, written out: each new one is a decision.
OPEN = {
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/assets/{name}"),
    # The client's page: the same octets for everybody, and nothing of a session in them.
    *(("GET", f"/{area}{rest}") for area in AREAS for rest in ("", "/{rest:path}")),
    ("POST", "/v1/sign-in"),
    ("POST", "/v1/oauth/token"),
}
# What a live session or a node opens without any roster.
ROSTERLESS_ROUTES = {
    ("GET", "/v1/me"),
    ("GET", "/v1/trust"),
    ("POST", "/v1/sign-out"),
    ("GET", "/v1/centre/log/checkpoint"),
    ("GET", "/v1/centre/log/consistency"),
    ("GET", "/v1/centre/log/tile/{path:path}"),
    ("GET", "/v1/centre/log/entries/{n}"),
    ("GET", "/v1/centre/log/receipts/{n}"),
}
# FastAPI's own description of the routes; it says nothing of any proceeding.
DESCRIPTION = "/v1/openapi.json"


def app() -> FastAPI:
    services = SimpleNamespace(origin="https://pb.example", client=Path())
    return create_app(cast(Services, services))


def leaves(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from leaves(list(inner))
        else:
            yield route


def permissions(served: FastAPI) -> dict[tuple[str, str], str | None]:
    """(method, path) -> permission, None where a route has none."""
    found: dict[tuple[str, str], str | None] = {}
    for route in leaves(list(served.routes)):
        if isinstance(route, WebSocketRoute) or type(route).__name__ == "APIWebSocketRoute":
            found["SOCKET", cast(Any, route).path] = "socket"
        elif isinstance(route, APIRoute):
            for method in route.methods or ():
                found[method, route.path] = (route.openapi_extra or {}).get(MARK)
        elif getattr(route, "path", None) != DESCRIPTION:
            found["?", str(getattr(route, "path", route))] = None
    return found


def test_every_route_demands_a_known_permission() -> None:
    table = permissions(app())
    assert len(table) > 30
    assert {route for route, permission in table.items() if permission is None} == set()
    assert {permission for permission in table.values() if permission} <= TABLE.keys() | ROSTERLESS | SCOPES


def test_what_is_open_to_everybody_is_written_out() -> None:
    table = permissions(app())
    assert {route for route, permission in table.items() if permission == PUBLIC} == OPEN
    rosterless = {route for route, permission in table.items() if permission in ROSTERLESS - {PUBLIC}}
    assert rosterless == ROSTERLESS_ROUTES


def test_every_proceeding_route_is_decided_by_its_roster() -> None:
    """A permission of the roster is asked in the proceeding of the path: `{id}` and nothing else."""
    for (_, path), permission in permissions(app()).items():
        if permission in TABLE and permission not in SCOPES | {"create", "partners.host"}:
            assert path.startswith("/v1/proceedings/{id}"), path


def test_every_partner_route_demands_a_scope_and_nothing_else_takes_one() -> None:
    """docs/protocol.md 10.3; `{id}` is a proceeding's wherever a partner calls, else its wall would not be asked."""
    for (_, path), permission in permissions(app()).items():
        assert path.startswith("/v1/partner/") == (permission in SCOPES), path
        if path.startswith("/v1/partner/") and "{id}" in path:
            assert path.startswith("/v1/partner/proceedings/{id}"), path
            assert permission in TABLE, path


def test_every_published_operation_is_named_by_hand_and_once() -> None:
    named = [route["operationId"] for path in app().openapi()["paths"].values() for route in path.values()]
    assert len(named) == len(set(named))
    assert [name for name in named if "_" in name] == []


def test_a_route_registered_beside_the_doors_is_found() -> None:
    """The control: without it the listing would prove nothing."""
    served = app()

    @served.get("/v1/leak")
    async def leak() -> str:
        return ""

    assert permissions(served)["GET", "/v1/leak"] is None


def test_there_is_one_socket_and_each_of_its_messages_demands_a_permission() -> None:
    sockets = [path for method, path in permissions(app()) if method == "SOCKET"]
    assert sockets == ["/v1/proceedings/{id}/live"]
    assert {permission for _, permission in MESSAGES.values()} <= TABLE.keys()
    for name, (form, _) in MESSAGES.items():
        assert form.model_fields["type"].annotation is not None
        assert name in str(form.model_fields["type"].annotation)


def test_the_description_names_the_routes() -> None:
    described = app().openapi()["paths"]
    for method, path in permissions(app()):
        if path.startswith("/v1/") and method in ("GET", "POST", "PUT"):
            assert method.lower() in described[path.replace(":path", "")], path
