"""What the partner door needs from outside, in MUST / MUST NOT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from evidence.core.canonical import Object


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a centre, with the public key that it signs its assertions with."""

    id: str
    centre: str
    jwk: Object
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token stands for, until `expires` (seconds since the epoch)."""

    client: str
    centre: str
    scopes: frozenset[str]
    expires: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that a request got."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """The key is taken: by the same request, which runs, or by another one."""

    same: bool


Known = Answer | Running | None


class PartnerAccounts(Protocol):
    """Every method MUST be durable when it returns, and see all earlier writes."""

    def put_client(self, client: Client) -> None:
        """A new client."""

    def client(self, name: str) -> Client | None:
        """The client, unless it was ended."""

    def end_client(self, centre: str, name: str, *, now: int) -> bool:
        """MUST end the client of this centre with all its tokens; whether there was one."""

    def grant(self, assertion: bytes, *, expires: int, token: bytes, grant: Grant, now: int) -> bool:
        """Keep the token. MUST use an assertion (by client and digest) once until it `expires`, in the same
        transaction; False where it was used."""

    def find(self, token: bytes) -> Grant | None:
        """What the token of this digest stands for; the caller checks `expires`."""

    def begin(self, centre: str, key: str, digest: bytes, *, now: int, keep_s: int, stuck_s: int) -> Known:
        """Take the key for a request of this digest: None where it MUST be carried out now. MUST give a key to one
        request at a time; one that has not been answered for `stuck_s` died, and the next one carries it out again.
        Requests older than `keep_s` are forgotten."""

    def answer(self, centre: str, key: str, answer: Answer) -> None:
        """Keep the answer."""

    def forget(self, centre: str, key: str) -> None:
        """The request was not decided: the key is free again. MUST NOT remove an answer."""
