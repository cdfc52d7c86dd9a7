"""The main server's log routes as a city node reads them (docs/protocol.md section 6), over HTTP.

Every request carries a fresh ES256 JWT by the centre's identity key: iss = the node's domain, aud = the main server's
public URL, one minute of life at most. Answers are read up to their legal size and no further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx2

from evidence.core.act import Signer, thumbprint
from evidence.core.canonical import MAX_BYTES, b64u, decode_object, encode, members
from evidence.core.merkle import MAX_PROOF
from evidence.core.note import MAX_NOTE
from evidence.core.tiles import Tile
from evidence.errors import Malformed, Unavailable
from sessions.node_errors import NotYet

# docs/protocol.md section 6 allows 60 s; half of it leaves room for clocks that differ.
TOKEN_S = 30
# An answer that took longer than this was lost with its server; the caller asks again.
ANSWER_S = 10.0
# A base64 hash, its line feed, and the two head lines of a tlog-proof.
MAX_RECEIPT = MAX_NOTE + MAX_PROOF * 45 + 128
# Announced keys of one centre: a hundred seats at most, each with its key.
MAX_KEYS = 64_000
_TYPE = "JWT"


class HttpLogSource:
    """`LogSource` over HTTP; `main_url` is the pinned public URL of the main server."""

    def __init__(self, *, main_url: str, main: str, domain: str, signer: Signer, clock: Callable[[], float]) -> None:
        self._url = main_url.rstrip("/")
        self._main = main
        self._domain = domain
        self._signer = signer
        self._clock = clock
        self._http = httpx2.AsyncClient(base_url=self._url, timeout=ANSWER_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def checkpoint(self, origin: str) -> bytes:
        return await self._required(self._log(origin) + "/checkpoint", MAX_NOTE)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        return await self._required(f"{self._log(origin)}/tile/{tile.path}", tile.width * (MAX_BYTES + 2))

    async def receipt(self, origin: str, n: int) -> bytes:
        return await self._required(f"{self._log(origin)}/receipts/{n}", MAX_RECEIPT)

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        return await self._get(f"{self._proceeding(origin)}/objects/{sha256_.hex()}", size)

    async def announced(self, origin: str) -> Mapping[str, str]:
        data = await self._required(self._proceeding(origin) + "/keys", MAX_KEYS)
        shown = members(decode_object(data, limit=MAX_KEYS), {"keys": list, "origin": str})["keys"]
        found = [members(each, {"seat": str, "thumbprint": str, "code": str}) for each in shown]
        return {each["seat"]: each["thumbprint"] for each in found}

    async def bring(self, origin: str, door: str, act: str) -> None:
        path = f"{self._proceeding(origin)}/{door}"
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = await self._http.post(path, json={"act": act}, headers=headers)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise Unavailable(f"the main server did not answer {path}") from error
        if answer.status_code not in (200, 201):
            raise Unavailable(f"the main server answered {answer.status_code} to {path}")

    def _proceeding(self, origin: str) -> str:
        prefix = self._main + "/proceedings/"
        identity = origin.removeprefix(prefix)
        if identity == origin or not identity.isalnum():
            raise Malformed("not a proceeding of the main centre")
        return f"/v1/proceedings/{identity}"

    def _log(self, origin: str) -> str:
        return self._proceeding(origin) + "/log"

    async def _required(self, path: str, limit: int) -> bytes:
        data = await self._get(path, limit)
        if data is None:
            raise NotYet(f"the main server does not show {path} yet")
        return data

    async def _get(self, path: str, limit: int) -> bytes | None:
        headers = {"Authorization": f"Bearer {self._token()}", "Accept-Encoding": "identity"}
        data = bytearray()
        try:
            async with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code == 404:
                    return None
                if response.status_code != 200:
                    raise Unavailable(f"the main server answered {response.status_code} to {path}")
                async for piece in response.aiter_bytes():
                    data += piece
                    if len(data) > limit:
                        raise Malformed(f"the main server sent more than {limit} bytes for {path}")
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise Unavailable(f"the main server did not answer {path}") from error
        return bytes(data)

    def _token(self) -> str:
        header = {"alg": "ES256", "kid": thumbprint(self._signer.jwk), "typ": _TYPE}
        claims = {"iss": self._domain, "aud": self._url, "exp": int(self._clock()) + TOKEN_S}
        signing_input = f"{b64u(encode(header))}.{b64u(encode(claims))}"
        return f"{signing_input}.{b64u(self._signer.sign(signing_input.encode('ascii')))}"
