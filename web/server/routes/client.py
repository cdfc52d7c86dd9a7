"""The browser's client: the files that Vite built, and its one page under every path that the client knows.

Nothing of a session is in them, so they are open. Names of assets carry their content's hash and never change;
the page itself is asked for each time, so that a new release reaches everybody with their next load. Its octets are the
same for everybody. A seat's may ask the node of its own city besides, and so its Content-Security-Policy names that one
origin.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from sessions.service_errors import ServiceError
from web.server.allow import PUBLIC, Caller, Doors, Here
from web.server.errors import ClientMissing, NotFound
from web.server.guard import content_policy
from web.server.problems import on_error

doors = Doors("client")
# The areas of `web/client/src/app/areas.ts`; what stands below them is the client's own affair.
AREAS = (
    "administrator",
    "after",
    "auditor",
    "check-in",
    "expert",
    "operator",
    "room",
    "rooms",
    "sign-in",
    "supervisor",
)
_ASSET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_IMMUTABLE = "public, max-age=31536000, immutable"
# Written beside each text by `web/client/scripts/compressed.ts`; the smaller one first.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".wasm": "application/wasm"}


@doors.open("GET", "/assets/{name}", permission=PUBLIC, include_in_schema=False)
async def asset(here: Caller, name: str) -> Response:
    path = here.services.client / "assets" / name
    if not _ASSET.fullmatch(name) or not path.is_file():
        raise NotFound("no such asset")
    return _file(here.request, path, cache=_IMMUTABLE)


@doors.open("GET", "/", permission=PUBLIC, include_in_schema=False)
async def root(here: Caller) -> Response:
    return _seats_page(here)


def _serve(path: str) -> None:
    @doors.open("GET", path, permission=PUBLIC, include_in_schema=False, name=path)
    async def page(here: Caller) -> Response:
        return _seats_page(here)


for _area in AREAS:
    _serve(f"/{_area}")
    _serve(f"/{_area}/{{rest:path}}")


async def lost(request: Request, error: Exception) -> Response:
    """A path that is nobody's: a person who typed it gets the client's page for that, a program a problem."""
    answer = await on_error(request, error)
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not wants_page or answer.status_code != 404 or request.url.path.startswith("/v1/"):
        return answer
    client: Path = request.app.state.services.client
    return _page(request, client, status=404) if (client / "index.html").is_file() else answer


def _seats_page(here: Here) -> Response:
    answer = _page(here.request, here.services.client)
    if (node := _own_node(here)) is not None:
        answer.headers["Content-Security-Policy"] = content_policy(here.services.origin, node)
    return answer


def _own_node(here: Here) -> str | None:
    """Where the node of the city answers in whose venue the seat sits; None where there is no seat, or no such node."""
    if here.seat is None:
        return None
    try:
        state = here.services.keeper(here.signed_in.proceeding).state
    except ServiceError:
        return None
    seat = state.seats.get(here.seat)
    venue = state.venues.get(seat.venue) if seat is not None else None
    return here.services.nodes.get(venue.centre) if venue is not None else None


def _page(request: Request, client: Path, *, status: int = 200) -> Response:
    path = client / "index.html"
    if not path.is_file():
        raise ClientMissing("the client is not built: `make client`")
    return _file(request, path, cache="no-cache", status=status)


def _file(request: Request, path: Path, *, cache: str, status: int = 200) -> Response:
    taken = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    for encoding, suffix in _ENCODINGS:
        squeezed = path.with_name(path.name + suffix)
        if encoding in taken and squeezed.is_file():
            headers["Content-Encoding"] = encoding
            path = squeezed
            break
    return FileResponse(path, status, headers, media_type=kind)
