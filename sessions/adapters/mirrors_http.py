"""A city's copy of our logs over HTTP, as its node shows it to the main centre (docs/protocol.md section 8)."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from evidence.core.act import Signer
from evidence.core.canonical import MAX_BYTES, b64u
from evidence.core.note import MAX_NOTE
from evidence.core.tiles import Tile
from evidence.errors import Unavailable
from sessions.adapters.centre_token import CentreVoice

# Ciphertexts of seals: docs/protocol.md section 6.
MAX_OBJECT = 1024 * 1024


class HttpMirror:
    """A `sessions.ports.LogMirror` of the node of `domain` at `url`; `main` and `signer` are the main centre's own, and
    the client is the caller's to close."""

    def __init__(
        self,
        *,
        client: httpx2.AsyncClient,
        url: str,
        domain: str,
        main: str,
        signer: Signer,
        clock: Callable[[], float],
    ) -> None:
        self._url = url.rstrip("/")
        self._voice = CentreVoice(http=client, signer=signer, issuer=main, audience=domain, clock=clock)

    async def checkpoint(self, origin: str) -> bytes | None:
        return await self._voice.get(f"{self._url}/mirror/{origin}/checkpoint", MAX_NOTE)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        path = f"{self._url}/mirror/{origin}/tile/{tile.path}"
        data = await self._voice.get(path, tile.width * (MAX_BYTES + 2))
        if data is None:
            raise Unavailable(f"the copy has no {tile.path}")
        return data

    async def object(self, sha256_: bytes) -> bytes | None:
        return await self._voice.get(f"{self._url}/mirror-objects/{b64u(sha256_)}", MAX_OBJECT)
