"""Refusals of the signing process: RFC 9457 problem details that also carry CSC's error members."""

from __future__ import annotations

from fastapi.responses import JSONResponse

# Stable code -> (status, CSC error). Codes not listed are the caller's mistakes: 400 invalid_request.
# CSC 1.0.4.0 (8.4) takes its error names from RFC 6749 (OAuth 2.0, section 5.2 and 4.1.2.1) and RFC 6750.
_ANSWERS: dict[str, tuple[int, str]] = {
    "invalid-token": (401, "invalid_token"),
    "untrusted": (403, "access_denied"),
    "not-authorised": (403, "access_denied"),
    "wrong-act": (403, "access_denied"),
    "wrong-log": (403, "access_denied"),
    "wrong-seat": (403, "access_denied"),
    "wrong-credential": (403, "access_denied"),
    "hashes-differ": (403, "access_denied"),
    "act-from-the-future": (403, "access_denied"),
    "outside-validity": (403, "access_denied"),
    "sad-unknown": (403, "access_denied"),
    "sad-expired": (403, "access_denied"),
    "sad-spent": (403, "access_denied"),
    "unknown-door": (404, "invalid_request"),
    "unknown-credential": (404, "invalid_request"),
    "wrong-method": (405, "invalid_request"),
    "seat-already-bound": (409, "invalid_request"),
    "too-large": (413, "invalid_request"),
    "key-not-readable": (500, "server_error"),
    "internal": (500, "server_error"),
}
BAD_REQUEST = (400, "invalid_request")


def problem(code: str, detail: str) -> JSONResponse:
    """The refusal with this code."""
    status, error = _ANSWERS.get(code, BAD_REQUEST)
    return JSONResponse(
        {
            "type": f"urn:tongping:problem:{code}",
            "title": code.replace("-", " "),
            "status": status,
            "detail": detail,
            "code": code,
            "error": error,
            "error_description": detail,
        },
        status_code=status,
        media_type="application/problem+json",
        headers={"WWW-Authenticate": "Bearer"} if status == 401 else None,
    )
