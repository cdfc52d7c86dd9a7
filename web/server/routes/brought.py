"""What a city's node hands in without being asked: vouchers for its seats, its venues' journals, and its confirmation
of a log that goes on (docs/protocol.md 2)."""

from __future__ import annotations

from starlette.responses import Response

from evidence.core import act as acts_form
from evidence.core.canonical import b64u
from web.server.allow import Caller, Doors, Here
from web.server.errors import NotAllowed
from web.server.schemas.proceeding import ActRequest, Performed

doors = Doors("identity")


@doors.open(
    "POST",
    "/v1/proceedings/{id}/vouches",
    operation="bringVouch",
    permission="vouches.bring",
    reads=ActRequest,
    status_code=201,
)
async def vouch(here: Caller, id: str, response: Response) -> Performed:
    """A city's `seat.vouch`, handed in by its node."""
    return await _brought(here, "seat.vouch", response)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/journals",
    operation="bringJournal",
    permission="journals.bring",
    reads=ActRequest,
    status_code=201,
)
async def journal(here: Caller, id: str, response: Response) -> Performed:
    """A city's `venue.journal`, handed in by its node."""
    return await _brought(here, "venue.journal", response)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/confirmations",
    operation="bringConfirmation",
    permission="confirmations.bring",
    reads=ActRequest,
    status_code=201,
)
async def confirmation(here: Caller, id: str, response: Response) -> Performed:
    """A city's `log.confirm`, handed in by its node."""
    return await _brought(here, "log.confirm", response)


async def _brought(here: Here, name: str, response: Response) -> Performed:
    """The act says whose it is, and the rules whether it may."""
    body = await here.json(ActRequest)
    act = acts_form.parse(body.act)
    if (act.act, act.sub) != (name, here.node):
        raise NotAllowed(f"a node hands in its own city's {name}")
    done = await here.keeper.perform(body.act)
    response.status_code = 200 if done.repeated else 201
    return Performed(index=done.index, id=b64u(done.id), leaf=b64u(done.leaf))
