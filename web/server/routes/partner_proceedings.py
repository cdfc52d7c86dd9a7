"""Meetings as a partner's own system follows them, and both feeds (docs/protocol.md 10.3 to 10.5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import FileResponse, Response

from evidence.core import act as acts
from evidence.core.canonical import Object, b64u
from evidence.errors import Untrusted
from sessions.core import tenancy
from sessions.core.tenancy import FeedEvent
from sessions.errors import UnknownAct
from sessions.service_errors import ServiceError
from web.server.allow import UNKNOWN, Caller, Doors, Here
from web.server.errors import NotFound
from web.server.idempotency import WRITES, answered, once
from web.server.partner_views import partners
from web.server.schemas import partner as form

doors = Doors("partner")
PROCEEDINGS = "/v1/partner/proceedings"
# Paging (docs/protocol.md 10.5): at most 200, and 50 where nothing is said.
MAX_PAGE, PAGE = 200, 50
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str | None, Query(max_length=64)]
ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


@doors.open("GET", PROCEEDINGS, operation="listPartnerProceedings", permission="partner.sessions.read")
async def list_proceedings(here: Caller) -> form.Proceedings:
    found = []
    for name in here.services.proceedings.ids:
        try:
            state = here.services.keeper(name).state
        except ServiceError:
            continue
        if tenancy.exists_for(state, here.tenant):
            found.append(form.Proceeding.model_validate(_shown(here, name)))
    return form.Proceedings(proceedings=found)


@doors.open("GET", PROCEEDINGS + "/{id}", operation="getPartnerProceeding", permission="partner.sessions.read")
async def get_proceeding(here: Caller, id: str) -> form.Proceeding:
    return form.Proceeding.model_validate(_shown(here, id))


@doors.open(
    "POST",
    PROCEEDINGS + "/{id}/vouches",
    operation="vouchForOwnSeat",
    permission="partner.seats.vouch",
    reads=form.Signed,
    headers=WRITES,
    status_code=201,
    response_model=form.Vouched,
)
async def vouch(here: Caller, id: str) -> Response:
    return await once(here, form.Signed, partial(_vouch, here))


@doors.open("GET", PROCEEDINGS + "/{id}/results", operation="getResults", permission="partner.results.read")
async def get_results(here: Caller, id: str) -> form.Results:
    return form.Results.model_validate(tenancy.results(here.keeper.state))


@doors.open(
    "GET",
    PROCEEDINGS + "/{id}/evidence",
    operation="getPartnerEvidence",
    permission="partner.evidence.read",
    response_class=FileResponse,
    responses=ZIP,
)
async def get_evidence(here: Caller, id: str) -> FileResponse:
    return FileResponse(here.keeper.evidence_path(), media_type="application/zip", filename=f"{id}.zip")


@doors.open("GET", PROCEEDINGS + "/{id}/events", operation="listSessionEvents", permission="partner.events.read")
async def session_events(here: Caller, id: str, cursor: Cursor = None, limit: Limit = PAGE) -> form.Events:
    keeper = here.keeper
    events = here.services.feeds.events(here.tenant, keeper.state, keeper.entries)
    return _page(here, keeper.state.origin, events, cursor, limit)


@doors.open("GET", "/v1/partner/events", operation="listPartnershipEvents", permission="partner.events.read")
async def partnership_events(here: Caller, cursor: Cursor = None, limit: Limit = PAGE) -> form.Events:
    return _page(here, here.services.centre.log.origin, partners(here).events(here.tenant), cursor, limit)


def _shown(here: Here, proceeding: str) -> Object:
    invitation = partners(here).convened(here.tenant, proceeding)
    return tenancy.shown(here.services.keeper(proceeding).state, here.tenant, invitation)


async def _vouch(here: Here, body: form.Signed) -> Response:
    act = acts.parse(body.act)
    if act.act != "seat.vouch":
        raise UnknownAct("this door takes seat.vouch")
    if act.sub != here.tenant:
        raise Untrusted("the act is another centre's")
    # What sits elsewhere does not exist: whether there is such a seat is not this tenant's to know.
    if not tenancy.is_own_seat(here.keeper.state, here.tenant, act.body.get("seat")):
        raise NotFound(UNKNOWN)
    done = await here.keeper.perform(body.act)
    return answered(form.Vouched(index=done.index, id=b64u(done.id), leaf=b64u(done.leaf)), 201)


def _page(here: Here, log: str, events: Sequence[FeedEvent], cursor: str | None, limit: int) -> form.Events:
    start = 0 if cursor is None else here.services.cursors.open(cursor, here.tenant, log)
    page = events[start : start + limit]
    end = start + len(page)
    return form.Events(
        events=[form.Event.model_validate(event.to_json()) for event in page],
        cursor=here.services.cursors.seal(here.tenant, log, end),
        more=end < len(events),
    )
