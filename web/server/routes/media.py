"""Publishing and watching: session descriptions in and out; no packet passes here."""

from __future__ import annotations

from starlette.responses import Response

from web.server.allow import Caller, Doors
from web.server.limits import MAX_SDP
from web.server.schemas.media import Slot, Watch

doors = Doors("media")
SDP = "application/sdp"


async def _description(here: Caller) -> str:
    here.services.sdp_buckets.take(here.signed_in.digest)
    data = await here.octets(SDP, limit=MAX_SDP)
    # What is not ASCII is no SDP of ours; the worker's strict reader says so with its own code.
    return data.decode("utf-8", "replace")


@doors.open(
    "POST",
    "/v1/proceedings/{id}/rooms/{room}/publish",
    operation="publishRoom",
    permission="publish",
    reads=SDP,
    status_code=201,
)
async def publish(here: Caller, id: str, room: str) -> Response:
    here.require_own(room)
    answer = await here.keeper.publish(room, await _description(here))
    return Response(answer, status_code=201, media_type=SDP)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/device-check",
    operation="checkDevice",
    permission="device-check",
    reads=SDP,
    status_code=201,
)
async def check_device(here: Caller, id: str) -> Response:
    # One for each session: a spare machine is checked while the seat's own one works.
    name = f"{here.seat}-{here.signed_in.digest.hex()[:16]}"
    answer = await here.keeper.recorder.loopback(name, await _description(here))
    return Response(answer, status_code=201, media_type=SDP)


@doors.open("POST", "/v1/proceedings/{id}/watch", operation="watchRooms", permission="watch", status_code=201)
async def watch(here: Caller, id: str) -> Watch:
    here.services.sdp_buckets.take(here.signed_in.digest)
    engine = here.keeper.recorder.media.engine
    # Two pages of one seat are two sessions, and two watchers.
    offer = await here.keeper.recorder.watch(f"{here.seat}-{here.signed_in.digest.hex()[:16]}")
    slots = [Slot(mid=slot.mid, room=slot.room, kind=slot.kind) for slot in offer.slots]
    return Watch(engine=engine, subscription=offer.subscription, sdp=offer.sdp, slots=slots)


@doors.open(
    "PUT",
    "/v1/proceedings/{id}/watch/{subscription}",
    operation="answerWatch",
    permission="watch",
    reads=SDP,
    status_code=204,
)
async def answer_watch(here: Caller, id: str, subscription: str) -> Response:
    await here.keeper.recorder.answer(subscription, await _description(here))
    return Response(status_code=204)
