"""No route without a permission: `Doors` is the only way to register one, and it demands the name.

A demand, as a recipe, before the route's own code runs and before a byte of the body is read:
(1) a bearer token or a session cookie says who calls; never the body, and a bearer's cookies are not looked at;
(2) the caller's bucket has a token left;
(3) a seat calls within its own proceeding: another's does not exist for it (404, not 403);
(4) the permission table of `sessions.core.permission` allows it to the seat's role, now.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evidence.core.canonical import decode_object
from sessions.core.permission import ADMINISTRATOR, NODE, demand
from sessions.core.state import EMPTY
from sessions.keeper import ProceedingKeeper
from web.server.errors import MalformedRequest, NotAllowed, NotFound, NotJson, NotSignedIn, TokenRefused
from web.server.identity import SignedIn, digest_of
from web.server.limits import MAX_JSON, read_body
from web.server.node_tokens import verify_node_token
from web.server.problems import on_error
from web.server.services import Services

# Permissions that no roster decides. Everything else is a name of `sessions.core.permission`.
PUBLIC = "public"
SIGNED_IN = "signed-in"
SIGNED_IN_OR_NODE = "signed-in-or-node"
ROSTERLESS = frozenset({PUBLIC, SIGNED_IN, SIGNED_IN_OR_NODE})
MARK = "x-permission"

Model = TypeVar("Model", bound=BaseModel)
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Here:
    """The caller at the door: who it is, and the services. At most one of `session`, `node`, `administrator`."""

    request: Request
    services: Services
    session: SignedIn | None = None
    node: str | None = None
    administrator: bool = False

    @property
    def seat(self) -> str | None:
        return None if self.session is None else self.session.seat

    @property
    def signed_in(self) -> SignedIn:
        if self.session is None:
            raise NotSignedIn("no session")
        return self.session

    @property
    def token_actor(self) -> str:
        """The actor of `sessions.core.permission` that a bearer token stands for; NotSignedIn where there is none."""
        if self.administrator:
            return ADMINISTRATOR
        if self.node is not None:
            return NODE
        raise NotSignedIn("no session")

    @property
    def keeper(self) -> ProceedingKeeper:
        """The proceeding of the path; the demand has checked that the caller may know of it."""
        return self.services.keeper(self.request.path_params["id"])

    def require_own(self, room: str) -> None:
        """A room device publishes as itself only: identity comes from the session, never from the path."""
        if room != self.seat:
            raise NotAllowed("a room publishes as itself")

    async def json(self, model: type[Model], *, limit: int = MAX_JSON) -> Model:
        """The body, read strictly (no duplicate keys, no fractions, known members only)."""
        data = await self.octets("application/json", limit=limit)
        try:
            return model.model_validate(decode_object(data, limit=limit))
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise MalformedRequest(f"member {where!r} is missing, unknown or out of form") from error

    async def octets(self, media_type: str, *, limit: int) -> bytes:
        """The body, whose Content-Type must be this one."""
        given = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != media_type:
            raise NotJson(f"this route reads {media_type}")
        return await read_body(self.request, limit)


class CodedRoute(APIRoute):
    """A route whose every exception becomes a coded problem, inside the layer that adds the security headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def coded(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 (what has no code is logged with its trace and answered as 500)
                return await on_error(request, error)

        return coded


class Doors:
    """A router on which every route states its permission."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag], route_class=CodedRoute)

    def open(
        self, method: str, path: str, *, permission: str, reads: type[BaseModel] | str | None = None, **options: Any
    ) -> Callable[[Handler], Handler]:
        """Register a route; `reads` is the body's schema or media type, for the published description."""
        extra: dict[str, Any] = {MARK: permission}
        if isinstance(reads, str):
            content: dict[str, Any] = {reads: {"schema": {"type": "string", "format": "binary"}}}
            extra["requestBody"] = {"required": True, "content": content}
        elif reads is not None:
            extra["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": reads.model_json_schema()}},
            }
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(Demand(permission))],
            openapi_extra=extra,
            **options,
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """The dependency that runs first on a route."""

    permission: str

    async def __call__(self, request: Request) -> None:
        services: Services = request.app.state.services
        here = await _identify(request, services)
        request.state.here = here
        self._check(here)

    def _check(self, here: Here) -> None:
        if self.permission == PUBLIC:
            return
        proceeding: str | None = here.request.path_params.get("id")
        if here.session is None:
            actor = here.token_actor
            if self.permission == SIGNED_IN_OR_NODE and actor == NODE:
                return
            if self.permission in ROSTERLESS:
                raise NotSignedIn("this is for a seat's session")
        else:
            if self.permission in ROSTERLESS:
                return
            if proceeding not in (None, here.session.proceeding):  # (3)
                raise NotFound("no such proceeding")
            actor = here.session.seat
        state = EMPTY if proceeding is None else here.services.keeper(proceeding).state
        demand(state, actor, self.permission)  # (4)


async def _identify(request: Request, services: Services) -> Here:
    """Steps (1) and (2)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise TokenRefused("only bearer tokens")
        if hmac.compare_digest(digest_of(token), services.administrator):
            return Here(request, services, administrator=True)
        node = verify_node_token(token, identities=services.identities, audience=services.origin, now=services.clock())
        return Here(request, services, node=node)
    cookie = request.cookies.get(services.cookie)
    if cookie is None:
        return Here(request, services)
    try:
        session = await services.identity.find(cookie)
    except NotSignedIn:
        return Here(request, services)
    services.session_buckets.take(session.digest)
    return Here(request, services, session=session)


def _here(request: Request) -> Here:
    here: Here = request.state.here
    return here


Caller = Annotated[Here, Depends(_here)]
