"""What comparing the bids showed: advice to the committee and to those who watch it."""

from __future__ import annotations

from evidence.core.canonical import encode
from web.server.allow import Caller, Doors
from web.server.schemas.proceeding import Advice

doors = Doors("advice")


@doors.open("GET", "/v1/proceedings/{id}/advice", operation="getAdvice", permission="advice.get")
async def advice(here: Caller, id: str) -> Advice:
    # As JSON: its rows are lists, which in Python are no tuples.
    return Advice.model_validate_json(encode(await here.keeper.advice()))
