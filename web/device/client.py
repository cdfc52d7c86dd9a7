"""The main server's routes as a seat calls them (docs/protocol.md section 6).

Every call goes on until the server has decided: a restart of the server, a full bucket or a torn connection is waited
out, which is safe because every route here is idempotent or names its own retry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from evidence.core.canonical import Object, b64u, encode, sha256, unb64, unb64u
from web.device.errors import RecordUntrusted, ServerRefused, ServerSilent

COOKIES = ("__Host-sid", "sid")
"""The session cookie's name under HTTPS, and over plain HTTP on loopback."""
# Statuses that leave the request's fate open: time-outs, full buckets, and everything that a restarting server says.
OPEN_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
# A server under one supervisor is back within seconds; longer pauses between tries only delay a seat.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
# A request that a server has not answered in this time was lost with it.
_ANSWER_S = 15.0
ACT_GAP = "act-gap"
TOO_SOON = "too-soon"
_GAP_PAUSE_S = 0.2
# Reports and evidence are the largest answers; a seat reads no more into memory.
MAX_ANSWER = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to an act; `repeated` where the log held it already."""

    index: int
    id: bytes
    leaf: bytes
    repeated: bool


class Client:
    """One seat's calls. `origin` is the server's public origin, which every request that is no GET must name."""

    def __init__(self, *, base_url: str, origin: str, patience_s: float = 120.0, session: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.origin = origin
        self.session = session
        self.proceeding = ""
        self._patience_s = patience_s
        # One connection per server process: a connection of a killed process must not serve the next request.
        self._http = httpx2.AsyncClient(base_url=self.base_url, timeout=_ANSWER_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, token: str) -> Object:
        """Turn a one-time link's token into the session; returns what `/v1/me` says."""
        answer = await self.call("POST", "/v1/sign-in", json={"token": token})
        self.session = _cookie(answer.headers.get_list("set-cookie"))
        return await self.me()

    async def me(self) -> Object:
        found: Object = (await self.call("GET", "/v1/me")).json()
        self.proceeding = found["proceeding"]
        return found

    async def view(self) -> Object:
        found: Object = (await self.call("GET", self._path(""))).json()
        return found

    async def post_act(self, jws: str) -> Posted:
        """The one door for acts; the same act gives the same answer.

        `act-gap` is waited out: a centre signs through several doors at once, so that an earlier act of its key (its
        node's offer, say) may still be on its way when a vouch is posted. So is `too-soon`: another seat's act, proven
        to come first in a log that goes on, is still to be merged.
        """
        until = time.monotonic() + self._patience_s
        while True:
            try:
                answer = await self.call("POST", self._path("/acts"), json={"act": jws})
                break
            except ServerRefused as refusal:
                if refusal.code not in (ACT_GAP, TOO_SOON) or time.monotonic() > until:
                    raise
            await asyncio.sleep(_GAP_PAUSE_S)
        found = answer.json()
        return Posted(found["index"], unb64u(found["id"], 32), unb64u(found["leaf"], 32), answer.status_code == 200)

    async def put_object(self, data: bytes) -> None:
        await self.call("POST", self._path("/objects"), content=data, content_type="application/octet-stream")

    async def object(self, name: bytes) -> bytes:
        """An object by its SHA-256, which is checked."""
        data: bytes = (await self.call("GET", self._path(f"/objects/{name.hex()}"))).content
        if sha256(data) != name:
            raise RecordUntrusted("the object's octets have another hash")
        return data

    async def page(self, document: bytes, number: int) -> bytes:
        """A server-rendered page as PNG."""
        path = self._path(f"/documents/{document.hex()}/pages/{number}.png")
        data: bytes = (await self.call("GET", path)).content
        return data

    async def checkpoint(self) -> bytes:
        data: bytes = (await self.call("GET", self._path("/log/checkpoint"))).content
        return data

    async def consistency(self, old: int, size: int) -> list[bytes]:
        answer = await self.call("GET", self._path(f"/log/consistency?old={old}&size={size}"))
        return [unb64(line, 32) for line in answer.content.decode("ascii").split()]

    async def entry(self, n: int) -> bytes:
        data: bytes = (await self.call("GET", self._path(f"/log/entries/{n}"))).content
        return data

    async def tile(self, path: str) -> bytes:
        """A tile of the log's hashes (C2SP tlog-tiles)."""
        data: bytes = (await self.call("GET", self._path(f"/log/tile/{path}"))).content
        return data

    async def receipt(self, n: int) -> bytes:
        """The tlog-proof; ServerRefused `not-witnessed-yet` before the quorum."""
        data: bytes = (await self.call("GET", self._path(f"/log/receipts/{n}"))).content
        return data

    async def hand_in(self, entry: bytes, proof: bytes) -> None:
        """An entry that the main server lost, with its receipt."""
        await self.call("POST", self._path("/proofs"), json={"entry": b64u(entry), "proof": proof.decode("utf-8")})

    async def centre_entry(self, n: int) -> bytes:
        data: bytes = (await self.call("GET", f"/v1/centre/log/entries/{n}")).content
        return data

    async def centre_receipt(self, n: int) -> bytes:
        data: bytes = (await self.call("GET", f"/v1/centre/log/receipts/{n}")).content
        return data

    async def publish(self, room: str, sdp: str) -> str:
        """A room's offer; the answer."""
        path = self._path(f"/rooms/{room}/publish")
        answer = await self.call("POST", path, content=sdp.encode(), content_type="application/sdp")
        return str(answer.text)

    async def watch(self) -> Object:
        """The server's offer: subscription, sdp, slots."""
        found: Object = (await self.call("POST", self._path("/watch"), json={})).json()
        return found

    async def answer_watch(self, subscription: str, sdp: str) -> None:
        path = self._path(f"/watch/{subscription}")
        await self.call("PUT", path, content=sdp.encode(), content_type="application/sdp")

    async def prepare_signature(self) -> Object:
        """What `report.sign` is to be signed over; ServerRefused `signing-turn` while another seat signs."""
        found: Object = (await self.call("POST", self._path("/report/signature"), json={})).json()
        return found

    async def evidence(self) -> bytes:
        data: bytes = (await self.call("GET", self._path("/evidence"))).content
        return data

    async def socket_ticket(self) -> str:
        return str((await self.call("POST", self._path("/socket-tickets"), json={})).json()["ticket"])

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        content_type: str = "application/json",
    ) -> httpx2.Response:
        """One request, tried again until it is decided; ServerRefused, or ServerSilent when patience ends."""
        body = encode(json) if json is not None else content
        headers = {"Origin": self.origin} | ({"Content-Type": content_type} if body is not None else {})
        if self.session is not None:
            headers["Cookie"] = self.session
        until = time.monotonic() + self._patience_s
        last = ""
        for pause in pauses():
            try:
                response = await self._http.request(method, path, content=body, headers=headers)
            except (httpx2.TransportError, httpx2.StreamError) as error:
                last = repr(error)
            else:
                if response.is_success and len(response.content) <= MAX_ANSWER:
                    return response
                if response.status_code not in OPEN_STATUSES:
                    raise refusal(response)
                last = f"{response.status_code}"
            if time.monotonic() + pause > until:
                break
            await asyncio.sleep(pause)
        raise ServerSilent(f"{method} {path}: {last}")

    def _path(self, rest: str) -> str:
        return f"/v1/proceedings/{self.proceeding}{rest}"


def pauses() -> Iterator[float]:
    """Seconds between one try and the next."""
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 1.6, _LONGEST_PAUSE_S)


def refusal(response: httpx2.Response) -> ServerRefused:
    """What an answer that is none says, by its problem's code where it has one."""
    code, detail = "http", ""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        found = response.json()
        code, detail = str(found.get("code", code)), str(found.get("detail", ""))
    return ServerRefused(status=response.status_code, code=code, detail=detail)


def _cookie(lines: list[str]) -> str:
    """The session as a Cookie header says it. The cookie is Secure, which no client library sends over plain HTTP to
    loopback as browsers do: so it is kept and sent by hand."""
    for line in lines:
        pair = line.partition(";")[0].strip()
        if pair.partition("=")[0] in COOKIES:
            return pair
    raise ServerRefused(status=200, code="no-session", detail="the sign-in set no session cookie")
