"""Who sits at a seat: devices announce their keys, operators and cities see them, centres vouch (protocol.md 2.1)."""

from __future__ import annotations

from sessions.announced import Announced
from web.server.allow import Caller, Doors, Here
from web.server.schemas import proceeding as form

doors = Doors("identity")


@doors.open(
    "POST",
    "/v1/proceedings/{id}/seats/me/key",
    operation="announceKey",
    permission="keys.announce",
    reads=form.DeviceKey,
    status_code=201,
)
async def announce(here: Caller, id: str) -> form.Announced:
    body = await here.json(form.DeviceKey)
    keeper = here.keeper
    return _shown(keeper.announced.announce(keeper.state, here.signed_in.seat, body.jwk.model_dump()))


@doors.open("GET", "/v1/proceedings/{id}/keys", operation="listAnnouncedKeys", permission="keys.see")
async def announced(here: Caller, id: str) -> form.AnnouncedKeys:
    keeper = here.keeper
    waiting = keeper.announced.waiting(keeper.state)
    keys = [_shown(found) for found in waiting if _concerns(here, found.seat)]
    return form.AnnouncedKeys(origin=keeper.state.origin, keys=keys)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/seats/{seat}/vouch",
    operation="vouchForSeat",
    permission="vouch",
    reads=form.VouchRequest,
    status_code=201,
)
async def vouch(here: Caller, id: str, seat: str) -> form.Vouched:
    body = await here.json(form.VouchRequest)
    return form.Vouched(index=await here.keeper.vouch(seat, body.thumbprint))


def _concerns(here: Here, name: str) -> bool:
    """An operator looks at the people of the own venue and centre, a node at those of its city, an administrator at the
    main centre's."""
    state = here.keeper.state
    seat = state.seats[name]
    if here.session is None:
        return seat.centre == (here.node or state.main)
    own = state.seats[here.session.seat]
    return (seat.venue, seat.centre) == (own.venue, own.centre)


def _shown(found: Announced) -> form.Announced:
    return form.Announced(seat=found.seat, thumbprint=found.thumbprint, code=found.code)
