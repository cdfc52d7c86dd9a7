"""The signing service as the web process calls it: CSC 1.0.4.0 over HTTP, through pyHanko's own client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from pyhanko.sign.general import SigningError as PdfSigningError
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCCredentialInfo,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)

from evidence.core.canonical import unb64
from signing.adapters.pades import check_act, embed
from signing.core.credential import Holder
from signing.core.prepared import Prepared
from signing.errors import PreparedMismatch, SigningRefused, SigningUnavailable
from signing.ports import Issued

# The service answers in milliseconds; a restart takes seconds, and the caller retries.
TIMEOUT_SECONDS = 15


class CscCloudSigner:
    """A `CloudSigner` for the service at `url` (before /csc/v1). Close it with `aclose`."""

    def __init__(self, *, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def register(self, holder: Holder) -> Issued:
        request = {
            "jwk": holder.jwk,
            "name": holder.name,
            "organisation": holder.organisation,
            "origin": holder.origin,
            "seat": holder.seat,
        }
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = await _post(self._http(), f"{self._url}/ra/v1/credentials", headers, request)
        try:
            return Issued(answer["credential"], tuple(unb64(c) for c in answer["certificates"]))
        except (KeyError, TypeError) as error:
            raise SigningUnavailable("the signing service's answer is out of form") from error

    async def finish(self, prepared: Prepared, *, act_jws: str) -> bytes:
        """The prepared revision with its signature.

        (1) The act is over exactly this hash and this report, by this seat; else the service is not even asked.
        (2) The credential's certificate is the one that was prepared.
        (3) pyHanko's CSC client authorises with the act and has the prepared attributes' hash signed.
        (4) The signature holds under the certificate and goes into the hole.
        """
        # (1)
        credential = check_act(prepared, act_jws)
        service = CSCServiceSessionInfo(self._url, credential, oauth_token=self._token)
        http = self._http()
        try:
            # (2)
            info = await fetch_certs_in_csc_credential(http, service, timeout=TIMEOUT_SECONDS)
            if info.signing_cert.dump() != prepared.certificates[0]:
                raise PreparedMismatch("the revision was prepared for another certificate")
            # (3)
            signer = CSCSigner(http, _ActAuthorisation(service, info, act_jws, http), sign_timeout=TIMEOUT_SECONDS)
            signature = await signer.async_sign_raw(prepared.signed_attributes, "sha256")
        except (PdfSigningError, TimeoutError) as error:
            cause = error.__cause__
            if isinstance(cause, aiohttp.ClientResponseError) and 400 <= cause.status < 500:
                raise SigningRefused(f"http-{cause.status}", str(error)) from error
            raise SigningUnavailable(f"the signing service did not sign: {error}") from error
        # (4)
        return embed(prepared, signature)

    def _http(self) -> aiohttp.ClientSession:
        # Made at the first call, because a session belongs to the loop it is made in.
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        return self._session


class _ActAuthorisation(CSCAuthorizationManager):
    """Asks for activation data with the person's act as `clientData`."""

    def __init__(
        self, service: CSCServiceSessionInfo, credential: CSCCredentialInfo, act_jws: str, http: aiohttp.ClientSession
    ) -> None:
        super().__init__(service, credential)
        self._act_jws = act_jws
        self._http = http

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        request = self.format_csc_auth_request(hash_b64s=hash_b64s, client_data=self._act_jws)
        url: str = self.csc_session_info.endpoint_url("credentials/authorize")  # type: ignore[no-untyped-call]
        return self.parse_csc_auth_response(await _post(self._http, url, self.auth_headers, request))


async def _post(
    http: aiohttp.ClientSession, url: str, headers: Mapping[str, str], request: dict[str, Any]
) -> dict[str, Any]:
    """The service's answer; SigningRefused with its code for a 4xx, SigningUnavailable for everything else."""
    try:
        async with http.post(url, headers=headers, json=request) as response:
            status, answer = response.status, await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise SigningUnavailable(f"the signing service did not answer: {error}") from error
    if not isinstance(answer, dict) or not (status == 200 or 400 <= status < 500):
        raise SigningUnavailable(f"the signing service answered {status}")
    if status != 200:
        raise SigningRefused(str(answer.get("code", f"http-{status}")), str(answer.get("detail", "")))
    return answer
