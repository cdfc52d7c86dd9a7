"""Partner programs at the door: client credentials with `private_key_jwt` (RFC 6749 4.4, RFC 7523), opaque tokens.

An access token is given out, as a recipe; every refusal of (2) to (6) is the same `invalid_client`:
(1) the form has one grant type and one kind of assertion;
(2) the assertion is a compact JWS, `alg` is ES256, and no header names a key;
(3) `iss` and `sub` are one registered client, and the signature holds under the key registered for it (an unknown
    client's is checked against a key of nobody, so that the answer takes as long);
(4) `aud` is the token endpoint of this server;
(5) `exp` is in the future, and at most 60 seconds away;
(6) `jti` was not used before, which the database decides in the transaction that stores the token's digest;
(7) the scopes asked for are among the client's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from evidence.core.act import public_key, verify_es256
from evidence.core.canonical import Object, decode_object, unb64u
from evidence.errors import Malformed
from sessions.core.tenancy import SCOPES
from sessions.partner_ports import Client, Grant, PartnerAccounts
from web.server.errors import MalformedRequest, TokenRefused
from web.server.identity import TOKEN_BYTES, digest_of

GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ENDPOINT = "/v1/oauth/token"
# docs/protocol.md 10.2. An access token is short because it is a bearer's; a new one costs one request.
ACCESS_S = 600
ASSERTION_S = 60
SKEW_S = 1
MAX_FORM = 8_000
MAX_ASSERTION = 4_000
MAX_JTI = 128
MARK = "tpat_"
"""What access tokens begin with, so that one that leaked into a file can be found."""
# The base point of P-256 (SEC 2): nobody's key, its private key is 1 and no client may register it.
_NOBODY: Object = {
    "crv": "P-256",
    "kty": "EC",
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
}


class OAuthRefused(Exception):
    """RFC 6749 section 5.2; `error` is its code."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Issued:
    """The answer of the token endpoint."""

    access_token: str
    scopes: frozenset[str]


class PartnerDoor:
    """Registers clients, issues and finds access tokens."""

    def __init__(self, *, accounts: PartnerAccounts, origin: str, clock: Callable[[], float]) -> None:
        self._accounts = accounts
        self._audience = origin + ENDPOINT
        self._clock = clock

    async def register(self, centre: str, jwk: Object, scopes: frozenset[str]) -> str:
        """A new client of this centre; its id."""
        if not scopes or scopes - SCOPES:
            raise MalformedRequest("a client has scopes of a partner")
        public_key(jwk)
        if jwk == _NOBODY:
            raise MalformedRequest("this key is known to everybody")
        client = Client("client-" + secrets.token_hex(13), centre, jwk, scopes)
        await asyncio.to_thread(self._accounts.put_client, client)
        return client.id

    async def end(self, centre: str, client: str) -> bool:
        """The client and its tokens open nothing any more; whether there was one."""
        return await asyncio.to_thread(self._accounts.end_client, centre, client, now=self._now())

    async def issue(self, form: bytes) -> Issued:
        """Steps (1) to (7), or OAuthRefused."""
        values = _form(form)
        if values.get("grant_type") != GRANT_TYPE:  # (1)
            raise OAuthRefused("unsupported_grant_type" if "grant_type" in values else "invalid_request")
        if values.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in values:
            raise OAuthRefused("invalid_request")
        try:
            client, jti, expires = await self._assertion(values["client_assertion"])
        except (Malformed, ValueError, KeyError, TypeError) as error:
            raise OAuthRefused("invalid_client") from error
        if values.get("client_id", client.id) != client.id:
            raise OAuthRefused("invalid_client")
        wanted = frozenset(values["scope"].split()) if "scope" in values else client.scopes
        if not wanted or wanted - client.scopes:  # (7)
            raise OAuthRefused("invalid_scope")
        token, now = MARK + secrets.token_urlsafe(TOKEN_BYTES), self._now()
        granted = await asyncio.to_thread(  # (6)
            self._accounts.grant,
            digest_of(jti),
            expires=expires + SKEW_S,
            token=digest_of(token),
            grant=Grant(client.id, client.centre, wanted, now + ACCESS_S),
            now=now,
        )
        if not granted:
            raise OAuthRefused("invalid_client")
        return Issued(token, wanted)

    async def find(self, token: str) -> Grant:
        """What the token stands for; TokenRefused where it is unknown or over."""
        grant = await asyncio.to_thread(self._accounts.find, digest_of(token)) if len(token) <= MAX_JTI else None
        if grant is None or self._clock() >= grant.expires:
            raise TokenRefused("the access token is unknown or over")
        return grant

    async def _assertion(self, text: str) -> tuple[Client, str, int]:
        head_text, payload_text, signature_text = text[: MAX_ASSERTION + 1].split(".")  # (2)
        head = decode_object(unb64u(head_text), limit=MAX_ASSERTION)
        payload = decode_object(unb64u(payload_text), limit=MAX_ASSERTION)
        signature = unb64u(signature_text, 64)
        if head.get("alg") != "ES256" or not head.keys() <= {"alg", "kid", "typ"}:
            raise ValueError("the header is not that of an assertion")
        issuer, jti, expires = payload["iss"], payload["jti"], payload["exp"]
        if not isinstance(issuer, str) or issuer != payload["sub"] or len(issuer) > MAX_JTI:  # (3)
            raise ValueError("iss and sub are the client")
        client = await asyncio.to_thread(self._accounts.client, issuer)
        signed = f"{head_text}.{payload_text}".encode("ascii")
        holds = verify_es256(_NOBODY if client is None else client.jwk, signed, signature)
        if client is None or not holds:
            raise ValueError("no client signed this")
        if payload["aud"] not in (self._audience, [self._audience]):  # (4)
            raise ValueError("the assertion is for another endpoint")
        now = self._clock()
        if type(expires) is not int or not now - SKEW_S < expires <= now + ASSERTION_S + SKEW_S:  # (5)
            raise ValueError("the assertion is over or lives too long")
        if payload.get("nbf", 0) > now + SKEW_S or not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
            raise ValueError("the assertion is not of its time, or has no id")
        return client, jti, expires

    def _now(self) -> int:
        return int(self._clock())


def _form(data: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError as error:
        raise OAuthRefused("invalid_request") from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise OAuthRefused("invalid_request")
    return values
