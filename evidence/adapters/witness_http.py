"""A witness over HTTP: C2SP tlog-witness `add-checkpoint`, and our `add-log`."""

from __future__ import annotations

import httpx2

from evidence.core.canonical import decimal
from evidence.core.note import MAX_NOTE, VerifierKey
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import Malformed, Unavailable, UnknownLog, WitnessConflict, WitnessRefused

# A witness answers within one flush of its disk; one that takes longer is asked again later.
TIMEOUT_S = 5.0


class HttpWitness:
    """An `evidence.ports.Witness` at a submission prefix; `client` is the caller's to close."""

    def __init__(self, *, client: httpx2.AsyncClient, prefix: str, vkey: VerifierKey) -> None:
        self._client = client
        self._prefix = prefix.rstrip("/")
        self._vkey = vkey

    @property
    def vkey(self) -> VerifierKey:
        return self._vkey

    async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
        status, kind, body = await self._post("add-checkpoint", bytes(request))
        if status == 200:
            return body.splitlines(keepends=True)
        if status == 409 and kind == "text/x.tlog.size":
            try:
                size = decimal(body.removesuffix("\n"))
            except Malformed as error:
                raise Unavailable("the witness's size is no size") from error
            raise WitnessConflict(size)
        raise _refusal(status, body)

    async def add_log(self, request: AddLog) -> None:
        status, _, body = await self._post("add-log", bytes(request))
        if status != 200:
            raise _refusal(status, body)

    async def _post(self, name: str, body: bytes) -> tuple[int, str, str]:
        """Status, media type and text of the answer, which is read no further than an honest one can reach."""
        try:
            async with self._client.stream(
                "POST", f"{self._prefix}/{name}", content=body, timeout=TIMEOUT_S, follow_redirects=False
            ) as response:
                answer = b""
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > MAX_NOTE:
                        raise Unavailable(f"{self._vkey.name} answered with too much")
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                return response.status_code, kind, answer.decode("utf-8")
        except (httpx2.HTTPError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self._vkey.name} did not answer: {type(error).__name__}") from error


def _refusal(status: int, body: str) -> Exception:
    """400, 403, 409 without a size, 410 and 422 are verdicts; everything else is a machine that has trouble."""
    if status == 404:
        return UnknownLog("the witness does not know this log")
    if status in (400, 403, 409, 410, 422):
        return WitnessRefused(f"status {status}: {body[:200]!r}")
    return Unavailable(f"status {status}")
