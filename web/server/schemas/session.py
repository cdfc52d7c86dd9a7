"""Bodies of signing in and of the socket's ticket."""

from __future__ import annotations

from web.server.schemas.form import Body, Seat, Token


class SignIn(Body):
    token: Token


class LinkRequest(Body):
    seat: Seat


class Link(Body):
    token: str
    url: str


class Trust(Body):
    """Policy and trust are exact texts, whose hashes a seat states; `opening` is an index of the centre log."""

    policy: str
    trust: str
    opening: int


class Ticket(Body):
    ticket: str


class Me(Body):
    proceeding: str
    seat: str
    role: str
    venue: str | None
    origin: str
