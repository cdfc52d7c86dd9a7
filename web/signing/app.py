"""The signing process over HTTP: the CSC 1.0.4.0 signHash contract, and one door to register a seat's credential.

Every door is a POST with a bearer token; bodies are read strictly and bounded before anything looks at them.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import structlog
from cryptography import x509
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from evidence.core.canonical import MAX_BYTES, Object, b64, decode_object, members, unb64
from evidence.errors import EvidenceError, Malformed
from signing.core.authorisation import ECDSA_SHA256_OID, MAX_HASHES, SHA256_BYTES
from signing.core.authorisation import Request as AuthorisationRequest
from signing.core.certificate import valid_at
from signing.core.credential import Holder
from signing.errors import InvalidRequest, SigningError
from signing.service import SigningService
from web.signing.problems import problem

# A page of ids; CSC 1.0.4.0 (11.4) lets the service bound maxResults.
PAGE = 100
# id-prime256v1 (RFC 5480 2.1.1.1).
P256_OID = "1.2.840.10045.3.1.7"

Door: TypeAlias = Callable[[SigningService, Object], Object]
# What any CSC request may carry besides its own parameters (CSC 1.0.4.0 section 11); we do not read it.
_ANY: Mapping[str, type] = {"lang": str, "clientData": str}


def create_signing_app(service: SigningService, token: str) -> FastAPI:
    """The application; `token` is the bearer token that every request must show."""
    app = FastAPI(title="Tongping signing service", docs_url=None, redoc_url=None, openapi_url=None)
    log = structlog.get_logger("web.signing")

    @app.middleware("http")
    async def demand_token(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        """Before routing, so that no door, known or unknown, answers without the token."""
        given = request.headers.get("authorization", "").encode("utf-8")
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            return problem("invalid-token", "the bearer token is missing or wrong")
        return await call_next(request)

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        code = error.code if isinstance(error, SigningError | EvidenceError) else "internal"
        log.warning("refused", path=request.url.path, code=code, detail=str(error))
        return problem(code, "the service failed" if code == "internal" else str(error))

    async def no_door(request: Request, error: HTTPException) -> JSONResponse:
        return problem("wrong-method" if error.status_code == 405 else "unknown-door", "every door is a known POST")

    app.add_exception_handler(SigningError, refuse)
    app.add_exception_handler(EvidenceError, refuse)
    app.add_exception_handler(Exception, refuse)
    app.add_exception_handler(HTTPException, no_door)  # type: ignore[arg-type]

    def mount(path: str, door: Door) -> None:
        async def endpoint(request: Request) -> JSONResponse:
            body = await _body(request)
            if body is None:
                return problem("too-large", f"at most {MAX_BYTES} bytes")
            # Keys, signatures and fsync take milliseconds: not on the loop.
            return JSONResponse(await run_in_threadpool(door, service, decode_object(body)))

        app.post(path, name=path)(endpoint)

    mount("/csc/v1/info", info)
    mount("/csc/v1/credentials/list", list_credentials)
    mount("/csc/v1/credentials/info", credential_info)
    mount("/csc/v1/credentials/authorize", authorize)
    mount("/csc/v1/signatures/signHash", sign_hash)
    mount("/ra/v1/credentials", register)
    return app


def info(service: SigningService, body: Object) -> Object:
    """CSC 11.1: what this service is."""
    members(body, {}, {"lang": str})
    return {
        "specs": "1.0.4.0",
        "name": "Tongping signing service",
        "logo": "",
        "region": "CN",
        "lang": "zh-CN",
        "description": "One key and certificate per expert and proceeding",
        "authType": ["external"],
        "methods": [
            "credentials/list",
            "credentials/info",
            "credentials/authorize",
            "signatures/signHash",
        ],
    }


def list_credentials(service: SigningService, body: Object) -> Object:
    """CSC 11.4: credential ids, a page at a time; the token is the last id of the page before."""
    members(body, {}, {**_ANY, "userID": str, "maxResults": int, "pageToken": str})
    limit = min(body.get("maxResults", PAGE), PAGE)
    if limit < 1:
        raise InvalidRequest("maxResults must be positive")
    ids = service.credentials.ids(after=body.get("pageToken", ""), limit=limit)
    return {"credentialIDs": list(ids)} | ({"nextPageToken": ids[-1]} if len(ids) == limit else {})


def credential_info(service: SigningService, body: Object) -> Object:
    """CSC 11.5: key and certificates of a credential. `algo` names the combined algorithm, which clients require."""
    members(body, {"credentialID": str}, {**_ANY, "certificates": str, "certInfo": bool, "authInfo": bool})
    wanted = body.get("certificates", "single")
    if wanted not in ("none", "single", "chain"):
        raise InvalidRequest("certificates is none, single or chain")
    chain = service.credentials.get(body["credentialID"]).certificates
    alive = valid_at(x509.load_der_x509_certificate(chain[0]), service.clock())
    shown = {"none": (), "single": chain[:1], "chain": chain}[wanted]
    return {
        "key": {"status": "enabled", "algo": [ECDSA_SHA256_OID], "len": 256, "curve": P256_OID},
        "cert": {
            "status": "valid" if alive else "expired",
            "certificates": [b64(certificate) for certificate in shown],
        },
        "authMode": "explicit",
        # A SAD is bound to hashes (EN 419 241-1, sole control assurance level 2).
        "SCAL": "2",
        "multisign": MAX_HASHES,
        "lang": "zh-CN",
    }


def authorize(service: SigningService, body: Object) -> Object:
    """CSC 11.6: activation data for the act in clientData."""
    members(
        body,
        {"credentialID": str, "numSignatures": int, "hash": list, "clientData": str},
        {"lang": str, "PIN": str, "OTP": str, "description": str},
    )
    sad, seconds = service.authorize(
        AuthorisationRequest(
            credential=body["credentialID"],
            hashes=_hashes(body["hash"]),
            num_signatures=body["numSignatures"],
            act_jws=body["clientData"],
        )
    )
    return {"SAD": sad, "expiresIn": seconds}


def sign_hash(service: SigningService, body: Object) -> Object:
    """CSC 11.9: signatures over authorised hashes."""
    members(
        body,
        {"credentialID": str, "SAD": str, "hash": list, "hashAlgo": str, "signAlgo": str},
        _ANY,
    )
    signatures = service.sign_hash(
        credential=body["credentialID"],
        sad=body["SAD"],
        hashes=_hashes(body["hash"]),
        hash_algo=body["hashAlgo"],
        sign_algo=body["signAlgo"],
    )
    return {"signatures": [b64(signature) for signature in signatures]}


def register(service: SigningService, body: Object) -> Object:
    """The credential of a seat, made at the first call; the web process calls it when the seat is bound."""
    members(body, {"origin": str, "seat": str, "name": str, "organisation": str, "jwk": dict})
    issued = service.register(Holder(**body))
    return {"credential": issued.credential, "certificates": [b64(c) for c in issued.certificates]}


def _hashes(values: list[object]) -> tuple[bytes, ...]:
    if len(values) > MAX_HASHES:
        raise InvalidRequest(f"at most {MAX_HASHES} hashes")
    try:
        return tuple(unb64(value, SHA256_BYTES) for value in values)
    except Malformed as error:
        raise InvalidRequest(f"hash: {error}") from error


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is longer than any request of ours."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)
