"""The token endpoint (RFC 6749): its answers and errors have the form of that standard."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from web.server.allow import PUBLIC, Caller, Doors
from web.server.oauth import ACCESS_S, ENDPOINT, MAX_FORM, OAuthRefused
from web.server.schemas.partner import OAuthError, Token

doors = Doors("partner")
KIND = "Bearer"
FORM = "application/x-www-form-urlencoded"


@doors.open(
    "POST",
    ENDPOINT,
    operation="issueToken",
    permission=PUBLIC,
    reads=FORM,
    response_model=Token,
    responses={400: {"model": OAuthError}, 401: {"model": OAuthError}},
)
async def issue_token(here: Caller) -> Response:
    address = here.request.client
    here.services.token_buckets.take(address.host if address else "")
    form = await here.octets(FORM, limit=MAX_FORM)
    try:
        issued = await here.services.partners.issue(form)
    except OAuthRefused as refused:
        return JSONResponse({"error": refused.error}, 401 if refused.error == "invalid_client" else 400)
    body = Token(
        access_token=issued.access_token,
        token_type=KIND,
        expires_in=ACCESS_S,
        scope=" ".join(sorted(issued.scopes)),
    )
    return JSONResponse(body.model_dump())
