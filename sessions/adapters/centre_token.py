"""Asking another centre's server in the own centre's name (docs/protocol.md section 6): main server and nodes alike.

Every request carries a fresh ES256 JWT by the centre's identity key: iss = the own domain, aud = whom it is for, one
minute of life at most. Answers are read up to their legal size and no further.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from evidence.core.act import Signer, thumbprint
from evidence.core.canonical import b64u, encode
from evidence.errors import Malformed, Unavailable

# docs/protocol.md section 6 allows 60 s; half of it leaves room for clocks that differ.
TOKEN_S = 30
_TYPE = "JWT"


class CentreVoice:
    """`http` knows the other side's address; `audience` is what that side calls itself. Close `http` when done."""

    def __init__(
        self, *, http: httpx2.AsyncClient, signer: Signer, issuer: str, audience: str, clock: Callable[[], float]
    ) -> None:
        self._http = http
        self._signer = signer
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    @property
    def authorization(self) -> str:
        """The header's value, with a fresh token."""
        header = {"alg": "ES256", "kid": thumbprint(self._signer.jwk), "typ": _TYPE}
        claims = {"iss": self._issuer, "aud": self._audience, "exp": int(self._clock()) + TOKEN_S}
        signing_input = f"{b64u(encode(header))}.{b64u(encode(claims))}"
        return f"Bearer {signing_input}.{b64u(self._signer.sign(signing_input.encode('ascii')))}"

    async def get(self, path: str, limit: int) -> bytes | None:
        """The answer; None where there is no such thing. Unavailable, or Malformed beyond `limit` bytes."""
        headers = {"Authorization": self.authorization, "Accept-Encoding": "identity"}
        data = bytearray()
        try:
            async with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code == 404:
                    return None
                if response.status_code != 200:
                    raise Unavailable(f"{self._audience} answered {response.status_code} to {path}")
                async for piece in response.aiter_bytes():
                    data += piece
                    if len(data) > limit:
                        raise Malformed(f"{self._audience} sent more than {limit} bytes for {path}")
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise Unavailable(f"{self._audience} did not answer {path}") from error
        return bytes(data)
