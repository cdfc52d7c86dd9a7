"""Writes of programs that may be repeated: one key, one request, one answer (docs/protocol.md 10.3).

(1) Every write names an Idempotency-Key; the digest of method, path, If-Match and body goes with it.
(2) The database gives the key to one request at a time. The same request gets the kept answer, another one is refused.
(3) What was decided, refusals too, is kept for a day before it is sent. What was not decided (a defect, a wait, an
    empty bucket) frees the key. A process that dies in between, or a caller that goes away, leaves the key taken for a
    minute; then the request is carried out again, which does no harm: an act is taken once by its own id.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from evidence.core.canonical import b64u, encode, sha256
from sessions.partner_ports import Answer, Running
from web.server.allow import Here, Model
from web.server.errors import KeyInProgress, KeyMismatch, KeyMissing, PreconditionMissing
from web.server.limits import MAX_JSON
from web.server.problems import problem_response

KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = "^[!-~]{1,128}$"
MATCH_PATTERN = '^(\\*|"[!-~]{1,100}")$'
WRITES = ((KEY_HEADER, KEY_PATTERN),)
CHANGES = (*WRITES, ("If-Match", MATCH_PATTERN))
"""Headers of a write, and of a write to something that has a version."""
# draft-ietf-httpapi-idempotency-key-header-07 leaves it to the resource; a day covers a night's outage.
KEEP_S = 24 * 3600
# An append that waits for a locked database gives up after 30 s.
STUCK_S = 60
_KEPT = ("etag", "location", "content-type")


async def once(here: Here, model: type[Model], work: Callable[[Model], Awaitable[Response]]) -> Response:
    """The answer of `work` to the body, or the one that was kept."""
    key = here.request.headers.get(KEY_HEADER, "")  # (1)
    if not re.fullmatch(KEY_PATTERN, key):
        raise KeyMissing("a write has an Idempotency-Key of 1 to 128 visible characters")
    data = await here.octets("application/json", limit=MAX_JSON)
    return await _once(here, key, data, lambda: work(here.read(model, data)))


async def once_of_octets(here: Here, data: bytes, work: Callable[[bytes], Awaitable[Response]]) -> Response:
    """The same for a body that was read, which `work` gets 32 bytes with that are the same whenever the request is:
    what it makes of them, it makes once, even where the first attempt died without an answer."""
    key = here.request.headers.get(KEY_HEADER, "")
    if not re.fullmatch(KEY_PATTERN, key):
        raise KeyMissing("a write has an Idempotency-Key of 1 to 128 visible characters")
    secret = hmac.digest(here.services.administrator, encode([here.tenant, key, b64u(sha256(data))]), "sha256")
    return await _once(here, key, data, lambda: work(secret))


async def once_without_body(here: Here, work: Callable[[], Awaitable[Response]]) -> Response:
    """The same for a request that has no body."""
    key = here.request.headers.get(KEY_HEADER, "")
    if not re.fullmatch(KEY_PATTERN, key):
        raise KeyMissing("a write has an Idempotency-Key of 1 to 128 visible characters")
    return await _once(here, key, b"", work)


async def _once(here: Here, key: str, data: bytes, work: Callable[[], Awaitable[Response]]) -> Response:
    accounts, tenant = here.services.partner_accounts, here.tenant
    asked = [here.request.method, here.request.url.path, here.request.headers.get("if-match", "")]
    digest = hashlib.sha256(encode(asked) + data).digest()
    now = int(here.services.clock())
    known = await asyncio.to_thread(  # (2)
        accounts.begin, tenant, key, digest, now=now, keep_s=KEEP_S, stuck_s=STUCK_S
    )
    if isinstance(known, Answer):
        return Response(known.body, known.status, {**known.headers, "Idempotency-Replayed": "true"})
    if isinstance(known, Running):
        raise KeyInProgress("ask again later") if known.same else KeyMismatch("the key was used for another request")
    try:
        response = await work()
    except Exception as error:
        response = problem_response(error)
        if not _decided(response):
            await asyncio.to_thread(accounts.forget, tenant, key)
            raise
    headers = {name: value for name, value in response.headers.items() if name in _KEPT}
    answer = Answer(response.status_code, headers, bytes(response.body))
    await asyncio.to_thread(accounts.answer, tenant, key, answer)  # (3)
    return response


def version_asked(here: Here) -> str:
    """The version of If-Match; PreconditionMissing where there is none. What is no ETag of ours matches nothing."""
    asked = here.request.headers.get("if-match")
    if asked is None:
        raise PreconditionMissing("say with If-Match which version you read")
    return asked.strip().removeprefix('"').removesuffix('"') if asked.strip() != '""' else " "


def answered(body: BaseModel, status: int = 200, *, version: str | None = None, **headers: str) -> Response:
    """A JSON answer with its ETag."""
    content: Mapping[str, Any] = body.model_dump(mode="json")
    etag = {} if version is None else {"ETag": f'"{version}"'}
    return JSONResponse(content, status, {**etag, **headers})


def _decided(response: Response) -> bool:
    return response.status_code < 500 and response.status_code != 429
