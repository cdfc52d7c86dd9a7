"""Founding a proceeding, seeing it, and the one door for acts."""

from __future__ import annotations

from starlette.responses import Response

from evaluation.core import intake
from evidence.core.canonical import Object, b64u
from sessions.core.view import view
from web.server.allow import Caller, Doors
from web.server.idempotency import WRITES, answered, once_of_octets
from web.server.limits import MAX_TENDER
from web.server.schemas.proceeding import ActRequest, BidderKey, Created, Names, Performed, Vouched

doors = Doors("proceedings")


@doors.open(
    "POST",
    "/v1/proceedings",
    operation="createProceeding",
    permission="create",
    reads="application/json",
    headers=WRITES,
    status_code=201,
    response_model=Created,
)
async def create(here: Caller) -> Response:
    data = await here.octets("application/json", limit=MAX_TENDER)

    async def work(secret: bytes) -> Response:
        tender = intake.load(data, limit=MAX_TENDER)
        proceeding = await here.services.proceedings.create(tender, secret=secret, staged=here.services.staged)
        return answered(Created(id=proceeding, origin=here.services.keeper(proceeding).state.origin), 201)

    return await once_of_octets(here, data, work)


@doors.open("GET", "/v1/proceedings/{id}", operation="getProceeding", permission="view")
async def see(here: Caller, id: str) -> Object:
    return view(here.keeper.state, here.signed_in.seat)


@doors.open(
    "POST", "/v1/proceedings/{id}/acts", operation="performAct", permission="view", reads=ActRequest, status_code=201
)
async def perform(here: Caller, id: str, response: Response) -> Performed:
    body = await here.json(ActRequest)
    done = await here.keeper.perform(body.act, body.disclosures)
    response.status_code = 200 if done.repeated else 201
    return Performed(index=done.index, id=b64u(done.id), leaf=b64u(done.leaf))


@doors.open("GET", "/v1/proceedings/{id}/names", operation="getNames", permission="names")
async def names(here: Caller, id: str) -> Names:
    return Names(names=await here.keeper.names(here.signed_in.seat))


@doors.open(
    "POST",
    "/v1/proceedings/{id}/questions/{question}/vouch",
    operation="vouchForBidder",
    permission="bidders.name",
    reads=BidderKey,
    status_code=201,
)
async def vouch_bidder(here: Caller, id: str, question: str) -> Vouched:
    body = await here.json(BidderKey)
    return Vouched(index=await here.keeper.vouch_bidder(question, body.jwk.model_dump()))
