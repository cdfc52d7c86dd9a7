"""Doors of those who watch and audit: recordings by hash, the timeline, the search, the verification."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from evidence.core.canonical import MAX_INTEGER, Object
from sessions.core import looks, timeline
from web.server.allow import Caller, Doors
from web.server.ranges import part
from web.server.routes.objects import FOR_EVER, Sha256

doors = Doors("audit")
WEBM = "video/webm"
Start = Annotated[int, Query(ge=0, le=MAX_INTEGER)]
Limit = Annotated[int, Query(ge=1, le=timeline.MOST)]
Words = Annotated[str, Query(max_length=100)]
Names = Annotated[list[str], Query(max_length=100)]
# RFC 3339 in UTC with milliseconds, as the log writes its times.
Moment = Annotated[str, Query(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$")]


@doors.open("GET", "/v1/proceedings/{id}/recordings", operation="getRecordings", permission="recordings.get")
async def recordings(here: Caller, id: str, start: Start = 0) -> Object:
    return here.keeper.recordings.manifest(start)


@doors.open(
    "GET",
    "/v1/proceedings/{id}/recordings/{sha256}",
    operation="getRecorded",
    permission="recordings.get",
    response_class=Response,
)
async def recorded(here: Caller, id: str, sha256: Sha256) -> Response:
    data = await here.keeper.get_recorded(sha256, here.signed_in.seat)
    headers = FOR_EVER | {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"'}
    wanted = here.request.headers.get("range")
    if wanted is None:
        return Response(data, media_type=WEBM, headers=headers)
    first, last = part(wanted, len(data))
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, media_type=WEBM, headers=headers)


@doors.open("GET", "/v1/proceedings/{id}/timeline", operation="getTimeline", permission="timeline.get")
async def see(here: Caller, id: str, start: Start = 0, limit: Limit = timeline.MOST) -> Object:
    keeper = here.keeper
    entries = keeper.entries[start : start + limit]
    return {"size": keeper.state.size, "rows": timeline.rows(entries, keeper.state, here.signed_in.seat)}


@doors.open("GET", "/v1/proceedings/{id}/search", operation="searchEntries", permission="timeline.get")
async def search(
    here: Caller,
    id: str,
    text: Words = "",
    type: Names = [],  # noqa: B006 (read only, and its form is FastAPI's)
    by: Words = "",
    since: Moment = "",
    until: Moment = "",
    start: Start = 0,
) -> Object:
    query = timeline.Query(text.strip(), frozenset(type), by, since, until)
    keeper = here.keeper
    found = timeline.search(keeper.entries, keeper.state, here.signed_in.seat, query, start=start)
    return {"size": keeper.state.size, "rows": list(found), "more": len(found) == timeline.MOST}


@doors.open("GET", "/v1/proceedings/{id}/looks", operation="getLooks", permission="timeline.get")
async def seen(here: Caller, id: str) -> Object:
    return {"looks": looks.noted(here.keeper.entries, here.services.centre.entries, here.keeper.state.origin)}


@doors.open(
    "POST",
    "/v1/proceedings/{id}/verification",
    operation="startVerification",
    permission="verification.run",
    status_code=202,
)
async def verify(here: Caller, id: str) -> Object:
    path = here.keeper.evidence_path()
    await here.keeper.looks.did(here.signed_in.seat, looks.VERIFY)
    return here.services.verifications.start(id, path).as_json


@doors.open("GET", "/v1/proceedings/{id}/verification", operation="getVerification", permission="verification.run")
async def verification(here: Caller, id: str) -> Object:
    return here.services.verifications.find(id).as_json
