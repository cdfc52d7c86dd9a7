"""The centre's log: nodes see all of it; a seat sees the one entry that opened its own proceeding, and its receipt."""

from __future__ import annotations

from starlette.responses import Response

from web.server import log_files
from web.server.allow import SIGNED_IN_OR_NODE, Caller, Doors, Here
from web.server.errors import NotAllowed, NotFound
from web.server.routes.log import OCTETS, Index, Size

doors = Doors("centre log")


@doors.open("GET", "/v1/centre/log/checkpoint", operation="getCentreCheckpoint", permission=SIGNED_IN_OR_NODE)
async def checkpoint(here: Caller) -> Response:
    return log_files.checkpoint(here.services.centre.log)


@doors.open("GET", "/v1/centre/log/tile/{path:path}", operation="getCentreTile", permission=SIGNED_IN_OR_NODE)
async def tile(here: Caller, path: str) -> Response:
    if here.node is None:
        raise NotAllowed("tiles of the centre log are for nodes")
    return log_files.tile(here.services.centre.log, here.services.centre.entries, path)


@doors.open("GET", "/v1/centre/log/consistency", operation="getCentreConsistency", permission=SIGNED_IN_OR_NODE)
async def consistency(here: Caller, old: Size, size: Size) -> Response:
    return log_files.consistency(here.services.centre.log, old, size)


@doors.open("GET", "/v1/centre/log/entries/{n}", operation="getCentreEntry", permission=SIGNED_IN_OR_NODE)
async def entry(here: Caller, n: Index) -> Response:
    _require_opening(here, n)
    return Response(log_files.entry(here.services.centre.entries, n).data, media_type=OCTETS)


@doors.open("GET", "/v1/centre/log/receipts/{n}", operation="getCentreReceipt", permission=SIGNED_IN_OR_NODE)
async def receipt(here: Caller, n: Index) -> Response:
    _require_opening(here, n)
    log_files.entry(here.services.centre.entries, n)
    return log_files.receipt(here.services.centre.log, n)


def _require_opening(here: Here, n: int) -> None:
    """A seat learns of no proceeding but its own, in whichever log it goes on."""
    if here.node is not None:
        return
    keeper = here.services.keeper(here.signed_in.proceeding)
    state = keeper.state
    openings = set() if state.founding is None else {state.founding.opening[1]}
    for continued in state.continuations:
        act = keeper.entries[continued.n].act
        if act is not None:
            openings.add(act.body["opening"]["index"])
    if n not in openings:
        raise NotFound("no such entry for this seat")
