"""What comparing the bids showed: advice to the committee and to those who watch it."""

from __future__ import annotations

from web.server.allow import Caller, Doors
from web.server.schemas.proceeding import Advice

doors = Doors("advice")


@doors.open("GET", "/v1/proceedings/{id}/advice", operation="getAdvice", permission="advice.get")
async def advice(here: Caller, id: str) -> Advice:
    return Advice.model_validate(await here.keeper.advice())
