"""Signing in by a one-time link, and out."""

from __future__ import annotations

from starlette.responses import Response

from sessions.core.founding import founding
from web.server.allow import PUBLIC, SIGNED_IN, Caller, Doors
from web.server.identity import ABSOLUTE_S, ADMINISTRATOR
from web.server.links import write_link
from web.server.schemas.session import Link, LinkRequest, Me, SignIn, Ticket, Trust

doors = Doors("session")


@doors.open("POST", "/v1/sign-in", operation="signIn", permission=PUBLIC, reads=SignIn, status_code=204)
async def sign_in(here: Caller) -> Response:
    address = here.request.client
    here.services.sign_in_buckets.take(address.host if address else "")
    body = await here.json(SignIn)
    brought = here.request.cookies.get(here.services.cookie)
    session, _ = await here.services.identity.sign_in(body.token, brought=brought)
    answer = Response(status_code=204)
    name = here.services.cookie
    answer.set_cookie(name, session, max_age=ABSOLUTE_S, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@doors.open("POST", "/v1/sign-out", operation="signOut", permission=SIGNED_IN, status_code=204)
async def sign_out(here: Caller) -> Response:
    await here.services.identity.sign_out(here.signed_in)
    answer = Response(status_code=204, headers={"Clear-Site-Data": '"cache", "cookies"'})
    answer.delete_cookie(here.services.cookie, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@doors.open("GET", "/v1/me", operation="getMe", permission=SIGNED_IN)
async def me(here: Caller) -> Me:
    """Whose session this is; an administrator's is of no seat and no proceeding."""
    if here.administrator:
        return Me(proceeding="", seat=ADMINISTRATOR, role=ADMINISTRATOR, venue=None, origin="")
    state = here.services.keeper(here.signed_in.proceeding).state
    seat = state.seats[here.signed_in.seat]
    venue = seat.venue or None
    return Me(proceeding=here.signed_in.proceeding, seat=seat.id, role=seat.role, venue=venue, origin=state.origin)


@doors.open("GET", "/v1/trust", operation="getTrust", permission=SIGNED_IN)
async def trust(here: Caller) -> Trust:
    """Nobody takes this server's word for it: a seat checks it against what its own centre's link names."""
    _, opening, _ = founding(here.services.keeper(here.signed_in.proceeding).state).opening
    pins = here.services.pins
    return Trust(policy=pins.policy_text, trust=pins.trust_text, opening=opening)


@doors.open(
    "POST",
    "/v1/proceedings/{id}/links",
    operation="issueLink",
    permission="links.issue",
    reads=LinkRequest,
    status_code=201,
)
async def issue_link(here: Caller, id: str) -> Link:
    body = await here.json(LinkRequest)
    here.keeper.state.seat(body.seat)
    token = await here.services.identity.issue_link(id, body.seat)
    return Link(token=token, url=write_link(here.services.origin, token, here.services.pins))


@doors.open(
    "POST", "/v1/proceedings/{id}/socket-tickets", operation="issueSocketTicket", permission="socket", status_code=201
)
async def socket_ticket(here: Caller, id: str) -> Ticket:
    return Ticket(ticket=here.services.tickets.issue(here.signed_in))
