"""Doors of those who watch and audit: recordings by hash, the timeline, the search, the verification."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from evidence.core.canonical import MAX_INTEGER, Object
from evidence.core.entry import timestamp
from sessions import auditing
from sessions.core import audited, looks, timeline
from web.server.allow import Caller, Doors
from web.server.errors import MalformedRequest
from web.server.ranges import part
from web.server.routes.objects import FOR_EVER, Sha256
from web.server.schemas import audit as form
from web.server.schemas.administration import CityName

doors = Doors("audit")
WEBM = "video/webm"
Start = Annotated[int, Query(ge=0, le=MAX_INTEGER)]
Limit = Annotated[int, Query(ge=1, le=timeline.MOST)]
Words = Annotated[str, Query(max_length=100)]
Names = Annotated[list[str], Query(max_length=100)]
# RFC 3339 in UTC with milliseconds, as the log writes its times.
Moment = Annotated[str, Query(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$")]
# A day of China's, whose law's days these are; State: one of `audited.STATES`.
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d\d-\d\d)?$")]
State = Annotated[str, Query(pattern=f"^({'|'.join(audited.STATES)})?$")]
Cursor = Annotated[str | None, Query(max_length=100)]
FEW, FEWEST, MANY = 20, 1, 50
Few = Annotated[int, Query(ge=FEWEST, le=MANY)]
CHINA = timezone(timedelta(hours=8))


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


@doors.open("GET", "/v1/proceedings/{id}/audited", operation="searchProceedings", permission=audited.SEARCH)
async def find(
    here: Caller,
    id: str,
    text: Words = "",
    since: Day = "",
    until: Day = "",
    state: State = "",
    city: Words = "",
    bidder: Words = "",
    type: Names = [],  # noqa: B006 (read only, and its form is FastAPI's)
    cursor: Cursor = None,
    limit: Few = FEW,
) -> form.FoundProceedings:
    """All proceedings that the caller's office audits, its own among them."""
    query = audited.Query(
        text=text.strip(),
        since=_midnight(since, 0),
        until=_midnight(until, 1),
        state=state,
        city=city.strip(),
        bidder=bidder.strip(),
        types=frozenset(type),
    )
    office, cursors, place = here.keeper.state.seat(here.signed_in.seat).centre, here.services.cursors, audited.SEARCH
    before = None if cursor is None else cursors.open(cursor, office, place)
    page = await auditing.search(here.services.proceedings, office, query, before=before, most=limit)
    return form.FoundProceedings(
        proceedings=[_found(hit) for hit in page.hits],
        cursor=None if page.before is None else cursors.seal(office, place, page.before),
        whole=page.whole,
    )


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


def _midnight(day: str, later: int) -> str:
    """When the day began, or one `later`, as the log writes times; "" for no day."""
    if not day:
        return ""
    try:
        began = datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), CHINA)
        return timestamp(int(began.timestamp()) * 1000)
    except (ValueError, OverflowError) as error:
        raise MalformedRequest("there is no such day") from error


def _found(hit: auditing.Hit) -> form.FoundProceeding:
    state, tender = hit.state, hit.tender
    return form.FoundProceeding(
        id=hit.id,
        origin=state.origin,
        seat=hit.seat,
        title=None if tender is None else tender.title,
        opened=hit.opened,
        stage=state.stage,
        state=audited.standing(state),
        venues=[form.FoundVenue(id=venue.id, centre=venue.centre, kind=venue.kind) for venue in state.venues.values()],
        cities={domain: CityName(zh=name.zh, en=name.en) for domain, name in state.cities.items()},
        bidders=[] if tender is None else [form.FoundBidder(id=id, name=name) for id, name, _ in tender.bidders],
        events=[form.FoundEvent(**event) for event in hit.events],
    )
