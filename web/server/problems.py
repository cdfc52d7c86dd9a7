"""Errors as RFC 9457 problems: the one place where a code meets an HTTP status.

Every code of every `errors.py` in the tree stands here (a test counts them); a code that does not is a defect and
answers 500 without a text. The `title` is for the people at a seat, `detail` for the engineer who calls the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from evidence.errors import EvidenceError
from web.server.errors import (
    Internal,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    NotJson,
    WebError,
)
from web.server.statuses import status_of

if TYPE_CHECKING:
    from starlette.requests import Request

_log = structlog.get_logger("problems")
MEDIA_TYPE = "application/problem+json"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string"},
    },
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for status, text in (("4XX", "Refused; `code` says why."), ("503", "Ask again later."))
}
"""What every route may answer, for the published description."""
# Long enough for one sentence; an exception that quotes its input must not echo a page.
MAX_DETAIL = 300


def problem_response(error: Exception) -> JSONResponse:
    """The answer to a request that failed with `error`."""
    code = code_of(error)
    status = status_of(code)
    body = {"type": f"urn:tongping:problem:{code}", "title": code.replace("-", " "), "status": status, "code": code}
    if status < 500:
        body["detail"] = str(error)[:MAX_DETAIL]
        # Where in what was handed in: a JSON pointer or a cell (`ImportRefused`).
        if isinstance(place := getattr(error, "place", None), str):
            body["pointer"] = place[:MAX_DETAIL]
    headers = {"WWW-Authenticate": "Session"} if status == 401 else {}
    if status == 429 or status == 503:
        headers["Retry-After"] = str(getattr(error, "after", 1))
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def code_of(error: BaseException) -> str:
    """The stable code of an error, `internal` for a defect."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) and status_of(code) != 500 else Internal.code


async def on_error(request: Request, error: Exception) -> JSONResponse:
    """Handler of every exception that a route lets through."""
    if isinstance(error, RequestValidationError):
        error = MalformedRequest("a parameter is out of form")
    elif isinstance(error, ClientDisconnect):
        error = MalformedRequest("the caller went away")
    elif isinstance(error, HTTPException):
        error = _framework(error)
    response = problem_response(error)
    if response.status_code == 401 and "authorization" in request.headers:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750 section 3
    here = getattr(request.state, "here", None)
    fields = {
        "code": code_of(error),
        "status": response.status_code,
        "method": request.method,
        "route": getattr(request.scope.get("route"), "path", None),
        "seat": getattr(here, "seat", None),
    }
    if response.status_code >= 500:
        _log.error("failed", **fields, kind=type(error).__name__, exc_info=error)
    else:
        _log.info("refused", **fields)
    return response


def _framework(error: HTTPException) -> WebError | EvidenceError:
    match error.status_code:
        case 404:
            return NotFound("no such route")
        case 405:
            return MethodNotAllowed("the path has no such method")
        case 413 | 415:
            return NotJson("not a body of this route")
        case _:
            return MalformedRequest("the request was not understood")
