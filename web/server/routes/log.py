"""The proceeding's log: nodes see all of it, seats see what their role may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from evidence.core.canonical import MAX_INTEGER
from evidence.core.entry import Entry
from evidence.core.tiles import Tile
from web.server import log_files
from web.server.allow import Caller, Doors, Here
from web.server.errors import NotAllowed, NotFound
from web.server.window import knows, sees

doors = Doors("log")
Size = Annotated[int, Query(ge=0, le=MAX_INTEGER)]
Index = Annotated[int, Path(ge=0, le=MAX_INTEGER)]
OCTETS = "application/octet-stream"


@doors.open("GET", "/v1/proceedings/{id}/log/checkpoint", operation="getCheckpoint", permission="log.read")
async def checkpoint(here: Caller, id: str) -> Response:
    return log_files.checkpoint(here.keeper.log)


@doors.open("GET", "/v1/proceedings/{id}/log/tile/{path:path}", operation="getTile", permission="log.read")
async def tile(here: Caller, id: str, path: str) -> Response:
    # Hash tiles say nothing of what stands in an entry (every entry is salted); bundles say all of it.
    if here.node is None and Tile.parse(path).level is None:
        raise NotAllowed("entries in bundles are for nodes")
    return log_files.tile(here.keeper.log, here.keeper.entries, path)


@doors.open("GET", "/v1/proceedings/{id}/log/consistency", operation="getConsistency", permission="log.read")
async def consistency(here: Caller, id: str, old: Size, size: Size) -> Response:
    return log_files.consistency(here.keeper.log, old, size)


@doors.open("GET", "/v1/proceedings/{id}/log/entries/{n}", operation="getEntry", permission="log.read")
async def entry(here: Caller, id: str, n: Index) -> Response:
    found = log_files.entry(here.keeper.entries, n)
    if here.node is None and not sees(found, here.keeper.state, here.signed_in.seat):
        raise NotFound("no such entry for this seat")
    return Response(found.data, media_type=OCTETS)


@doors.open("GET", "/v1/proceedings/{id}/log/receipts/{n}", operation="getReceipt", permission="receipts.get")
async def receipt(here: Caller, id: str, n: Index) -> Response:
    found = log_files.entry(here.keeper.entries, n)
    if not _may_hold(here, found):
        raise NotFound("no such entry for this seat")
    return log_files.receipt(here.keeper.log, n)


def _may_hold(here: Here, entry: Entry) -> bool:
    return here.node is not None or knows(entry, here.keeper.state, here.signed_in.seat)
