"""No route without a permission: `Doors` is the only way to register one, and it demands the name.

A demand, as a recipe, before the route's own code runs and before a byte of the body is read:
(1) a bearer token or a session cookie says who calls; never the body, and a bearer's cookies are not looked at;
(2) the caller's bucket has a token left;
(3) a seat calls within its own proceeding: another's does not exist for it (404, not 403);
(4) the permission table of `sessions.core.permission` allows it to the seat's role, now.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from evidence.core.canonical import decode_object
from sessions.core.permission import ADMINISTRATOR, NODE, demand, roles_of
from sessions.core.state import EMPTY
from sessions.core.tenancy import SCOPES, exists_for
from sessions.keeper import ProceedingKeeper
from sessions.partner_ports import Grant
from sessions.service_errors import NotFoundedYet, UnknownProceeding
from web.server.errors import (
    MalformedRequest,
    NotAllowed,
    NotFound,
    NotJson,
    NotSignedIn,
    ScopeMissing,
    TokenRefused,
    TooManyRequests,
)
from web.server.identity import SignedIn, digest_of
from web.server.limits import MAX_JSON, PARTNER_RATE, policy, read_body
from web.server.node_tokens import verify_node_token
from web.server.oauth import MARK as ACCESS_TOKEN
from web.server.problems import PROBLEMS, on_error
from web.server.services import Services

# Permissions that no roster decides. Everything else is a name of `sessions.core.permission`.
PUBLIC = "public"
SIGNED_IN = "signed-in"
SIGNED_IN_OR_NODE = "signed-in-or-node"
ROSTERLESS = frozenset({PUBLIC, SIGNED_IN, SIGNED_IN_OR_NODE})
MARK = "x-permission"
COMPONENT = "#/components/schemas/{model}"
"""Where a body's own parts stand in the published description (`description` puts them there)."""

UNKNOWN = "there is nothing of this name for you"
"""What every tenant is told of everything that is not its own, whether or not it is anybody's."""
Model = TypeVar("Model", bound=BaseModel)
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Here:
    """The caller at the door: who it is, and the services. At most one of the four; an administrator's browser has a
    session besides."""

    request: Request
    services: Services
    session: SignedIn | None = None
    node: str | None = None
    administrator: bool = False
    partner: Grant | None = None

    @property
    def tenant(self) -> str:
        """The centre that calls: a partner, or the host by its administrator."""
        if self.administrator:
            return self.services.proceedings.partners.host
        if self.partner is None:
            raise NotSignedIn("this is for a partner's access token")
        return self.partner.centre

    @property
    def seat(self) -> str | None:
        return None if self.session is None or self.administrator else self.session.seat

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
        return self.read(model, await self.octets("application/json", limit=limit), limit=limit)

    @staticmethod
    def read(model: type[Model], data: bytes, *, limit: int = MAX_JSON) -> Model:
        """The same of octets that were read."""
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
                response = await handle(request)
            except Exception as error:  # noqa: BLE001 (what has no code is logged with its trace and answered as 500)
                response = await on_error(request, error)
            for name, value in getattr(request.state, "rate", {}).items():
                response.headers[name] = value
            return response

        return coded


def header(name: str, pattern: str) -> dict[str, Any]:
    """A request header that a route demands, as OpenAPI describes it."""
    return {"name": name, "in": "header", "required": True, "schema": {"type": "string", "pattern": pattern}}


class Doors:
    """A router on which every route states its permission."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag], route_class=CodedRoute)

    def open(
        self,
        method: str,
        path: str,
        *,
        permission: str,
        operation: str | None = None,
        reads: type[BaseModel] | str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        responses: Mapping[int | str, dict[str, Any]] = MappingProxyType({}),
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        """Register a route; `operation` names it for good in the published description, where `reads` is the body's
        schema or media type, and `headers` those that a request must have (name, pattern)."""
        extra: dict[str, Any] = {MARK: permission}
        if isinstance(reads, str):
            content: dict[str, Any] = {reads: {"schema": {"type": "string", "format": "binary"}}}
            extra["requestBody"] = {"required": True, "content": content}
        elif reads is not None:
            extra["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": reads.model_json_schema(ref_template=COMPONENT)}},
            }
        extra["parameters"] = [header(*each) for each in headers]
        return self.router.api_route(
            path,
            methods=[method],
            operation_id=operation,
            dependencies=[Depends(Demand(permission))],
            openapi_extra=extra,
            responses={**PROBLEMS, **responses},
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
        if self.permission in SCOPES:
            self._check_partner(here)
        else:
            self._check(here)

    def _check_partner(self, here: Here) -> None:
        """(3') a partner calls within its token's scopes, and (4') within the proceedings that exist for it: all others
        are unknown, in the same words."""
        if here.partner is None:
            raise NotSignedIn("this is for a partner's access token")
        if self.permission not in here.partner.scopes:
            raise ScopeMissing("the access token was given out for less")
        proceeding: str | None = here.request.path_params.get("id")
        if proceeding is None:
            return
        partners, state = here.services.proceedings.partners, EMPTY
        try:
            state = here.services.keeper(proceeding).state
        except UnknownProceeding:
            pass
        except NotFoundedYet:
            if partners.convened(here.tenant, proceeding) is not None:
                raise
        if not exists_for(state, here.tenant):
            raise NotFound(UNKNOWN)
        demand(state, here.tenant, self.permission)

    def _check(self, here: Here) -> None:
        if self.permission == PUBLIC:
            return
        proceeding: str | None = here.request.path_params.get("id")
        if here.administrator and here.session is not None and self.permission == SIGNED_IN:
            return
        if here.session is None or here.administrator:
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
        if here.node is not None and state.founding is not None and not roles_of(state, here.node):
            # A node of a centre that has no part in it; the words are those of an id that nobody gave out.
            raise UnknownProceeding("no such proceeding")
        demand(state, actor, self.permission)  # (4)


async def _identify(request: Request, services: Services) -> Here:
    """Steps (1) and (2)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise TokenRefused("only bearer tokens")
        if hmac.compare_digest(digest_of(token), services.administrator):
            return Here(request, services, administrator=True)
        if token.startswith(ACCESS_TOKEN):
            grant = await services.partners.find(token)
            try:
                request.state.rate = services.partner_buckets.take(grant.centre).headers
            except TooManyRequests as error:
                request.state.rate = policy(PARTNER_RATE) | {"RateLimit": f'"default";r=0;t={error.after}'}
                raise
            return Here(request, services, partner=grant)
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
    return Here(request, services, session=session, administrator=session.administrator)


async def _here(request: Request) -> Here:  # a plain function would be called in another thread, for each request
    here: Here = request.state.here
    return here


Caller = Annotated[Here, Depends(_here)]
