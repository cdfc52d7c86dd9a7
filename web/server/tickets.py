"""Socket tickets: a cookie alone opens no socket (threat: cross-site WebSocket hijacking).

A ticket is made by an authenticated POST whose Origin was checked, belongs to that session and proceeding, works
once and for 30 seconds. Tickets live in memory: a restart ends them all, and the page asks for a new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from web.server.errors import TicketRefused, TooManyRequests
from web.server.identity import MAX_TOKEN, TOKEN_BYTES, SignedIn, digest_of

TICKET_S = 30
# A seat takes one ticket per (re)connection; a thousand unused ones within 30 s is not a meeting.
MAX_TICKETS = 1_000


@dataclass(frozen=True, slots=True)
class _Issued:
    session: SignedIn
    expires: float


class Tickets:
    """Issued and not yet used tickets, by digest."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._issued: dict[bytes, _Issued] = {}

    def issue(self, session: SignedIn) -> str:
        now = self._clock()
        self._issued = {digest: issued for digest, issued in self._issued.items() if issued.expires > now}
        if len(self._issued) >= MAX_TICKETS:
            raise TooManyRequests("too many unused tickets")
        ticket = secrets.token_urlsafe(TOKEN_BYTES)
        self._issued[digest_of(ticket)] = _Issued(session, now + TICKET_S)
        return ticket

    def use(self, ticket: str | None, *, proceeding: str) -> SignedIn:
        """The ticket's session; the ticket is spent whatever the answer."""
        issued = None if ticket is None or len(ticket) > MAX_TOKEN else self._issued.pop(digest_of(ticket), None)
        if issued is None or issued.expires <= self._clock() or issued.session.proceeding != proceeding:
            raise TicketRefused("the ticket is unknown, used, over or of another proceeding")
        return issued.session
