"""What every answer carries and every writing request must carry: security headers, Origin, JSON.

A pure ASGI layer before routing, so that no route can be without it:
(1) a request that could change something (not GET, not HEAD) names our own origin, unless it carries a bearer token,
    which no browser sends by itself, or asks for one with an assertion; their cookies are never looked at (`allow`);
(2) where the browser says how a request came about (Sec-Fetch-Site), it came from our own pages or from nowhere;
(3) every answer forbids sniffing, framing, referrers, storage and foreign scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from web.server.errors import OriginRefused
from web.server.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD"})
# A program has no origin, and this route reads nothing that a browser adds by itself.
_MACHINES = frozenset({"/v1/oauth/token"})
# A year, with subdomains (RFC 6797; ASVS 3.4.1). Browsers ignore it over plain HTTP.
_HSTS = "max-age=31536000; includeSubDomains"


class Guard:
    """ASGI middleware; `origin` is the one public origin, like `https://pb.example`."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._origin = origin
        self._headers = _headers(origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():  # (3)
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        machine = "authorization" in headers or scope["path"] in _MACHINES
        if scope["method"] not in _SAFE and not (machine or self._same_origin(headers)):
            refused = OriginRefused("a writing request must name this server's origin")
            await problem_response(refused)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _same_origin(self, headers: Headers) -> bool:
        if headers.getlist("origin") != [self._origin]:  # (1)
            return False
        return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")  # (2)


def content_policy(origin: str, *nodes: str) -> str:
    """The Content-Security-Policy; a page may ask its own origin, and the origins `nodes`."""
    host = urlsplit(origin).netloc
    live = ("wss" if origin.startswith("https:") else "ws") + f"://{host}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
        f"media-src 'self' blob:; connect-src 'self' {' '.join((live, *nodes))}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'"
    )


def _headers(origin: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_policy(origin),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        "Strict-Transport-Security": _HSTS,
        "Cache-Control": "no-store",
    }
