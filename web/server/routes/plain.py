"""The plain page: static files with fixed names, no template, nothing of a session in them."""

from __future__ import annotations

from starlette.responses import FileResponse, RedirectResponse

from web.server.allow import PUBLIC, Caller, Doors

doors = Doors("plain")
FILES = {
    "sign-in": "sign-in.html",
    "rooms": "rooms.html",
    "sign-in.js": "sign-in.js",
    "rooms.js": "rooms.js",
    "plain.css": "plain.css",
    "plain.woff2": "plain.woff2",
}


@doors.open("GET", "/", permission=PUBLIC, include_in_schema=False)
async def root(here: Caller) -> RedirectResponse:
    return RedirectResponse("/rooms", status_code=303)


def _serve(path: str, name: str) -> None:
    @doors.open("GET", f"/{path}", permission=PUBLIC, include_in_schema=False, name=path)
    async def page(here: Caller) -> FileResponse:
        return FileResponse(here.services.client / name, headers={"Cache-Control": "no-cache"})


for _path, _name in FILES.items():
    _serve(_path, _name)
