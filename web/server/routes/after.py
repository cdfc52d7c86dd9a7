"""After the evaluation: clocks, milestones, cases, ratings, hand-overs; and deletion when its time has come."""

from __future__ import annotations

from starlette.responses import Response

from evidence.core.canonical import Object, b64u
from web.server.allow import Caller, Doors
from web.server.schemas.after import AfterDeeds, Deed, Opened, Purged
from web.server.schemas.proceeding import ActRequest, Performed

doors = Doors("after")


@doors.open("GET", "/v1/proceedings/{id}/after", operation="getAfter", permission="after")
async def see(here: Caller, id: str) -> Object:
    return here.services.proceedings.after.view(here.keeper.state, here.signed_in.seat)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/after/acts",
    operation="performAfter",
    permission="after",
    reads=ActRequest,
    status_code=201,
)
async def perform(here: Caller, id: str, response: Response) -> Performed:
    body = await here.json(ActRequest)
    done = await here.services.proceedings.after.perform(body.act, here.keeper.state)
    response.status_code = 200 if done.repeated else 201
    return Performed(index=done.index, id=b64u(done.id), leaf=b64u(done.leaf))


@doors.open("GET", "/v1/proceedings/{id}/after/acts", operation="listAfterActs", permission="after")
async def deeds(here: Caller, id: str) -> AfterDeeds:
    after = here.services.proceedings.after
    opened = after.opened(here.keeper.state)
    return AfterDeeds(
        opened=Opened(entry=b64u(opened.data), receipt=after.receipt(opened)),
        acts=[
            Deed(
                index=deed.entry.n,
                leaf=b64u(deed.entry.leaf),
                entry=b64u(deed.entry.data),
                disclosure=deed.disclosure,
                receipt=after.receipt(deed.entry),
            )
            for deed in after.deeds(here.keeper.state, here.signed_in.seat)
        ],
    )


@doors.open(
    "POST", "/v1/proceedings/{id}/purge", operation="purgeProceeding", permission="retention.purge", status_code=200
)
async def purge(here: Caller, id: str) -> Purged:
    return Purged.model_validate(await here.services.proceedings.purge(id))
