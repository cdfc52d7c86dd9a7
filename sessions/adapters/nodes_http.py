"""A city node's holder doors over HTTP (docs/protocol.md section 8)."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from evidence.core.canonical import MAX_BYTES, Object, b64u
from sessions.service_errors import NodeRefused, NodeUnavailable

# A node answers an ack in milliseconds once it mirrors the log; the first request of a proceeding replays it whole.
_TIMEOUT_S = 10.0


class HttpHolderNode:
    """A `sessions.ports.HolderNode` at `url`; the client is shared and closed by whoever made it."""

    def __init__(self, url: str, client: httpx2.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def offer(self, origin: str) -> str:
        return await self._ask("holder/offer", {"origin": origin})

    async def ack(self, origin: str, act: bytes) -> str:
        return await self._ask("holder/ack", {"origin": origin, "act": b64u(act)})

    async def release(self, origin: str, freeze: bytes) -> str:
        return await self._ask("holder/release", {"origin": origin, "freeze": b64u(freeze)})

    async def contribute(self, origin: str, opened: bytes) -> str:
        return await self._ask("draw/contribute", {"origin": origin, "opened": b64u(opened)})

    async def reveal(self, origin: str, freeze: bytes) -> str:
        return await self._ask("draw/reveal", {"origin": origin, "freeze": b64u(freeze)})

    async def state(self, origin: str, size: int, root: bytes) -> tuple[str, bytes]:
        answer = await self._answer("log/state", {"origin": origin, "size": size, "root": b64u(root)})
        return str(answer["act"]), str(answer.get("note", "")).encode()

    async def vouch_upon(self, origin: str, check: int) -> str:
        return await self._ask("identity/vouch", {"origin": origin, "check": check})

    async def _ask(self, door: str, question: Object) -> str:
        return str((await self._answer(door, question))["act"])

    async def _answer(self, door: str, question: Object) -> dict[str, Any]:
        """The answer with its act; a node that is away, overloaded or broken is asked again, one that says no is not
        believed to have said anything else than its code."""
        try:
            async with self._client.stream(
                "POST", f"{self._url}/{door}", json=question, timeout=_TIMEOUT_S
            ) as response:
                body = b""
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > 2 * MAX_BYTES:
                        raise NodeUnavailable("the node's answer is too long")
                status = response.status_code
        except httpx2.HTTPError as error:
            raise NodeUnavailable(f"{self._url}: {type(error).__name__}") from error
        answer = _object(body)
        if status == httpx2.codes.OK and isinstance(answer.get("act"), str):
            return answer
        if 400 <= status < 500 and isinstance(answer.get("code"), str):
            raise NodeRefused(str(answer["code"])[:64], str(answer.get("detail", ""))[:200])
        raise NodeUnavailable(f"{self._url} answered {status}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
