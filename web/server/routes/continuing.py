"""A log whose acknowledged entries are gone everywhere goes on (docs/protocol.md 11.2)."""

from __future__ import annotations

from evidence.core.canonical import unb64u
from sessions.core.continued import MAX_LEAF
from web.server.allow import Caller, Doors
from web.server.schemas.continuing import Continued, LostProof, Order

doors = Doors("proceedings")


@doors.open(
    "POST",
    "/v1/proceedings/{id}/proofs",
    operation="handInProof",
    permission="proofs.bring",
    reads=LostProof,
    status_code=204,
)
async def prove(here: Caller, id: str) -> None:
    """An entry that is missing, with the receipt that a seat kept of it."""
    body = await here.json(LostProof, limit=MAX_LEAF)
    await here.keeper.proofs.take(unb64u(body.entry), body.proof.encode("utf-8"))


@doors.open(
    "POST",
    "/v1/proceedings/{id}/continue",
    operation="continueLog",
    permission="log.order",
    reads=Order,
    status_code=200,
)
async def go_on(here: Caller, id: str) -> Continued:
    """`tongping continue`: the next origin, whose log another centre has to confirm."""
    body = await here.json(Order)
    return Continued.model_validate(await here.services.proceedings.go_on(id, body.reason))
