"""Who is calling: one-time links become sessions, sessions become cookies.

A session, as a recipe:
(1) a link's token and a session's id are 256 random bits each; only their SHA-256 is stored;
(2) a link is used once, in the transaction that opens the session; a session id that the caller brings along is
    never kept: it ends in that same transaction (rotation at sign-in, ASVS 7.2.4);
(3) a session ends after 8 hours, after 15 minutes without a request or a ping, or at sign-out, whichever is first;
(4) what a session may do is asked of the proceeding's roster at each request, never stored in the session.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from web.server.errors import LinkRefused, NotSignedIn

ADMINISTRATOR = "administrator"
NOWHERE = ""
"""An administrator signs in to no proceeding; no proceeding has this id, and no seat that name."""
# ASVS 5.0 7.3.1 and 7.3.2, with the values of the project's security requirements.
IDLE_S = 15 * 60
ABSOLUTE_S = 8 * 60 * 60
# Links are handed out at the rehearsal, which may be the day before.
LINK_S = 24 * 60 * 60
# An administrator opens the link where it was made.
ADMINISTRATOR_LINK_S = 15 * 60
# Activity is written at most this often, so that pings do not become one database commit per second and seat.
TOUCH_S = 30
TOKEN_BYTES = 32
# A token of 32 bytes has 43 characters; whatever is longer is not one and is not hashed.
MAX_TOKEN = 64


class Stored(Protocol):
    """A sign-in as it is stored; times in seconds since the epoch."""

    @property
    def proceeding(self) -> str: ...
    @property
    def seat(self) -> str: ...
    @property
    def created(self) -> int: ...
    @property
    def active(self) -> int: ...


class Accounts(Protocol):
    """Where links and sign-ins are kept. Every method MUST be durable when it returns, and see all earlier writes."""

    def put_link(self, digest: bytes, *, proceeding: str, seat: str, expires: int) -> None: ...

    def sign_in(self, link: bytes, *, session: bytes, replaces: bytes | None, now: int) -> Stored | None:
        """MUST use the link at most once, ever, and MUST end `replaces` in the same transaction."""

    def session(self, digest: bytes) -> Stored | None: ...
    def touch(self, digest: bytes, *, now: int) -> None: ...
    def sign_out(self, digest: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session; `digest` names it without opening it."""

    digest: bytes
    proceeding: str
    seat: str

    @property
    def administrator(self) -> bool:
        """Whether this is an administrator's session, of no seat."""
        return self.proceeding == NOWHERE and self.seat == ADMINISTRATOR


class Identity:
    """Opens, finds and ends sessions."""

    def __init__(self, *, accounts: Accounts, clock: Callable[[], float]) -> None:
        self._accounts = accounts
        self._clock = clock

    async def issue_link(self, proceeding: str, seat: str) -> str:
        """A new one-time token for this seat."""
        return await self._issue(proceeding, seat, LINK_S)

    async def issue_administrator_link(self, seconds: int = ADMINISTRATOR_LINK_S) -> str:
        """A new one-time token for an administrator's session."""
        return await self._issue(NOWHERE, ADMINISTRATOR, seconds)

    async def _issue(self, proceeding: str, seat: str, seconds: int) -> str:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires = self._now() + seconds
        await asyncio.to_thread(
            self._accounts.put_link, digest_of(token), proceeding=proceeding, seat=seat, expires=expires
        )
        return token

    async def sign_in(self, link: str, *, brought: str | None) -> tuple[str, SignedIn]:
        """The new session's id and the session; LinkRefused where the link does not open one."""
        if not 0 < len(link) <= MAX_TOKEN:
            raise LinkRefused("not a link's token")
        session = secrets.token_urlsafe(TOKEN_BYTES)  # (1)
        stored = await asyncio.to_thread(  # (2)
            self._accounts.sign_in,
            digest_of(link),
            session=digest_of(session),
            replaces=None if brought is None else digest_of(brought),
            now=self._now(),
        )
        if stored is None:
            raise LinkRefused("the link is unknown, used or over")
        return session, SignedIn(digest_of(session), stored.proceeding, stored.seat)

    async def find(self, session: str | None) -> SignedIn:
        """The live session of this id, marked active; NotSignedIn otherwise."""
        if session is None or not 0 < len(session) <= MAX_TOKEN:
            raise NotSignedIn("no session")
        return await self.revive(digest_of(session))

    async def revive(self, digest: bytes) -> SignedIn:
        """The same by digest: an open socket asks again and again, so that it dies with its session."""
        stored = await asyncio.to_thread(self._accounts.session, digest)
        now = self._now()
        if stored is None or now >= stored.created + ABSOLUTE_S or now >= stored.active + IDLE_S:  # (3)
            raise NotSignedIn("the session is over")
        if now >= stored.active + TOUCH_S:
            await asyncio.to_thread(self._accounts.touch, digest, now=now)
        return SignedIn(digest, stored.proceeding, stored.seat)

    async def sign_out(self, session: SignedIn) -> None:
        await asyncio.to_thread(self._accounts.sign_out, session.digest)

    def _now(self) -> int:
        return int(self._clock())


def digest_of(token: str) -> bytes:
    """What is stored of a token: SHA-256 is enough, because 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
