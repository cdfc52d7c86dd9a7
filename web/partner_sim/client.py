"""The partner API as a program calls it: tokens, idempotency keys, versions, patience (docs/protocol.md 10)."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from evidence.core.act import Signer
from evidence.core.canonical import Object, b64u, encode
from web.partner_sim.errors import ApiRefused, ApiSilent

TOKEN_PATH = "/v1/oauth/token"  # noqa: S105 (a path)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# docs/protocol.md 10.2: at most 60 s; clocks of two cities differ a little.
ASSERTION_S = 50
# A token is renewed before it is over, so that no request meets its end.
MARGIN_S = 30
OPEN_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
IN_PROGRESS = "idempotency-in-progress"
_ANSWER_S = 15.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """A resource and its version."""

    value: Object
    etag: str


class PartnerClient:
    """One client of one centre. Every call goes on until the host has decided: a write under its one key."""

    def __init__(self, *, server: str, client: str, key: Signer, patience_s: float = 60.0) -> None:
        self._server = server.rstrip("/")
        self._client = client
        self._key = key
        self._patience_s = patience_s
        self._token = ""
        self._expires = 0.0
        self._http = httpx2.AsyncClient(base_url=self._server, timeout=_ANSWER_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def read(self, path: str) -> Found:
        """A resource."""
        answer = await self._call("GET", path)
        return Found(answer.json(), answer.headers.get("etag", ""))

    async def octets(self, path: str) -> bytes:
        """A resource that is no JSON."""
        return (await self._call("GET", path)).content

    async def write(self, method: str, path: str, body: Object | None, *, etag: str | None = None) -> Object:
        """A write, once: whatever happens on the way, it carries one key and one body."""
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)}
        if etag is not None:
            headers["If-Match"] = etag
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await self._call(method, path, headers=headers, content=None if body is None else encode(body))
        return answer.json() if answer.content else {}

    async def download(self, path: str, target: Path) -> None:
        """A file, whole or not at all; one that a torn connection cut short is fetched again."""
        until = time.monotonic() + self._patience_s
        while True:
            try:
                await self._stream(path, target.with_suffix(".part"))
                break
            except httpx2.TransportError as error:
                if time.monotonic() > until:
                    raise ApiSilent(f"GET {path}: {error!r}") from error
                await asyncio.sleep(_LONGEST_PAUSE_S)
        target.with_suffix(".part").replace(target)

    async def _stream(self, path: str, part: Path) -> None:
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        async with self._http.stream("GET", path, headers=headers) as answer:
            if not answer.is_success:
                await answer.aread()
                raise _refusal(answer)
            with part.open("wb") as file:
                async for piece in answer.aiter_bytes():
                    file.write(piece)

    async def _call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, content: bytes | None = None
    ) -> httpx2.Response:
        until, pause, last = time.monotonic() + self._patience_s, _FIRST_PAUSE_S, ""
        renewed = False
        while True:
            try:
                bearer = {"Authorization": f"Bearer {await self._bearer()}"}
                answer = await self._http.request(method, path, headers=bearer | (headers or {}), content=content)
            except (httpx2.TransportError, httpx2.StreamError) as error:
                last = repr(error)
            else:
                if answer.is_success:
                    return answer
                refusal = _refusal(answer)
                if answer.status_code == 401 and not renewed:
                    # The token may be over by the host's clock; a new one costs one request.
                    renewed, self._expires = True, 0.0
                    continue
                if answer.status_code not in OPEN_STATUSES and refusal.code != IN_PROGRESS:
                    raise refusal
                last = str(refusal)
            if time.monotonic() + pause > until:
                raise ApiSilent(f"{method} {path}: {last}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _bearer(self) -> str:
        """RFC 7523: an assertion by the client's key becomes an access token."""
        if time.monotonic() < self._expires:
            return self._token
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(self._key, client=self._client, audience=self._server + TOKEN_PATH),
        }
        answer = await self._http.post(TOKEN_PATH, data=form)
        if not answer.is_success:
            raise _refusal(answer)
        found = answer.json()
        self._token = str(found["access_token"])
        self._expires = time.monotonic() + float(found["expires_in"]) - MARGIN_S
        return self._token


def assertion(key: Signer, *, client: str, audience: str) -> str:
    """A JWT of RFC 7523 section 3, used once."""
    payload: Object = {
        "aud": audience,
        "exp": int(time.time()) + ASSERTION_S,
        "iss": client,
        "jti": secrets.token_urlsafe(16),
        "sub": client,
    }
    signed = f"{b64u(encode({'alg': 'ES256', 'typ': 'JWT'}))}.{b64u(encode(payload))}"
    return f"{signed}.{b64u(key.sign(signed.encode()))}"


def _refusal(answer: httpx2.Response) -> ApiRefused:
    """RFC 9457 where the route speaks, RFC 6749 where the token endpoint does."""
    try:
        found: Any = answer.json()
    except ValueError:
        found = {}
    found = found if isinstance(found, dict) else {}
    code = str(found.get("code", found.get("error", "http")))
    return ApiRefused(status=answer.status_code, code=code, detail=str(found.get("detail", "")))
