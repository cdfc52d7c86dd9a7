"""The main server's log routes as a city node reads them (docs/protocol.md section 6), over HTTP. Requests are the
centre's own (`centre_token`), for the main server's public URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx2

from evidence.core.act import Signer
from evidence.core.canonical import MAX_BYTES, decode_object, members
from evidence.core.merkle import MAX_PROOF
from evidence.core.note import MAX_NOTE
from evidence.core.origins import proceeding_of
from evidence.core.tiles import Tile
from evidence.errors import Malformed, Unavailable
from sessions.adapters.centre_token import CentreVoice
from sessions.node_errors import NotYet

# An answer that took longer than this was lost with its server; the caller asks again.
ANSWER_S = 10.0
# A base64 hash, its line feed, and the two head lines of a tlog-proof.
MAX_RECEIPT = MAX_NOTE + MAX_PROOF * 45 + 128
# Announced keys of one centre: a hundred seats at most, each with its key.
MAX_KEYS = 64_000


class HttpLogSource:
    """`LogSource` over HTTP; `main_url` is the pinned public URL of the main server."""

    def __init__(self, *, main_url: str, main: str, domain: str, signer: Signer, clock: Callable[[], float]) -> None:
        url = main_url.rstrip("/")
        self._main = main
        self._http = httpx2.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False)
        self._voice = CentreVoice(http=self._http, signer=signer, issuer=domain, audience=url, clock=clock)

    async def close(self) -> None:
        await self._http.aclose()

    async def checkpoint(self, origin: str) -> bytes:
        return await self._required(self._log(origin) + "/checkpoint", MAX_NOTE)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        return await self._required(f"{self._log(origin)}/tile/{tile.path}", tile.width * (MAX_BYTES + 2))

    async def receipt(self, origin: str, n: int) -> bytes:
        return await self._required(f"{self._log(origin)}/receipts/{n}", MAX_RECEIPT)

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        return await self._voice.get(f"{self._proceeding(origin)}/objects/{sha256_.hex()}", size)

    async def announced(self, origin: str) -> Mapping[str, str]:
        data = await self._required(self._proceeding(origin) + "/keys", MAX_KEYS)
        shown = members(decode_object(data, limit=MAX_KEYS), {"keys": list, "origin": str})["keys"]
        found = [members(each, {"seat": str, "thumbprint": str, "code": str}) for each in shown]
        return {each["seat"]: each["thumbprint"] for each in found}

    async def bring(self, origin: str, door: str, act: str) -> None:
        path = f"{self._proceeding(origin)}/{door}"
        headers = {"Authorization": self._voice.authorization}
        try:
            answer = await self._http.post(path, json={"act": act}, headers=headers)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise Unavailable(f"the main server did not answer {path}") from error
        if answer.status_code not in (200, 201):
            raise Unavailable(f"the main server answered {answer.status_code} to {path}")

    def _proceeding(self, origin: str) -> str:
        prefix = self._main + "/proceedings/"
        name = proceeding_of(origin)
        identity = name.removeprefix(prefix)
        if identity == name or not identity.isalnum():
            raise Malformed("not a proceeding of the main centre")
        return f"/v1/proceedings/{identity}"

    def _log(self, origin: str) -> str:
        return "/v1/centre/log" if origin == f"{self._main}/centre" else self._proceeding(origin) + "/log"

    async def _required(self, path: str, limit: int) -> bytes:
        data = await self._voice.get(path, limit)
        if data is None:
            raise NotYet(f"the main server does not show {path} yet")
        return data
