"""Is the process alive, and can it serve?"""

from __future__ import annotations

from web.server.allow import PUBLIC, Caller, Doors
from web.server.errors import Starting

doors = Doors("health")


@doors.open("GET", "/healthz", operation="getHealth", permission=PUBLIC)
async def healthz(here: Caller) -> dict[str, str]:
    return {"status": "ok"}


@doors.open("GET", "/readyz", operation="getReadiness", permission=PUBLIC)
async def readyz(here: Caller) -> dict[str, str]:
    if not here.services.ready:
        raise Starting("starting or stopping")
    return {"status": "ready"}
