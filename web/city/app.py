"""The routes of a city node (docs/protocol.md section 8).

The holder's routes need no sign-in: what they give out is decided by the witnessed log alone, whoever asks. So it is
with a voucher upon an identity check, which one of the city's own operators signed into the log; vouching for a person
without one is the city's own act, so it takes the operator's token. The journal takes what a seat of this city signed;
its page comes from the main server, so browsers may ask here from that one origin, at that one door. The copies of logs
are for the main centre, which takes back from them what it lost: it shows a token of its identity key.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from evaluation.errors import EvaluationError
from evidence.core.canonical import MAX_BYTES, Object, b64u, decode_object, encode, members, unb64u
from evidence.core.tiles import Tile
from evidence.core.witness import MAX_ADD_CHECKPOINT, MAX_ADD_LOG, Answer
from evidence.errors import EvidenceError, Malformed
from sessions.errors import SessionError
from sessions.node import CityNode
from sessions.node_errors import NodeError
from web.city.errors import BadOperatorToken, CityError, NotMirrored, NotTheMainCentre, TooLarge
from web.server.errors import TokenRefused
from web.server.node_tokens import verify_node_token

_log = structlog.get_logger("city")
Refusal = EvidenceError | NodeError | CityError | SessionError | EvaluationError

SIZE_TYPE = "text/x.tlog.size"
"""C2SP tlog-witness: the body of a 409 is the witness's size."""
# An origin, an id of 32 bytes, a seat: a few hundred bytes.
MAX_JSON = 4_096
# One act of each of nine holders (protocols.md section 3).
MAX_RELEASES = 10 * MAX_BYTES
# A venue with its rooms and seats.
MAX_PARTNERSHIP = 32_768

_ANSWERS = {
    Answer.COSIGNED: 200,
    Answer.MALFORMED: 400,
    Answer.UNSIGNED: 403,
    Answer.UNKNOWN_ORIGIN: 404,
    Answer.CONFLICT: 409,
    Answer.INCONSISTENT: 422,
    Answer.ENDED: 410,
    Answer.CLOCK_BACKWARDS: 503,
}
_STATUSES = {
    "malformed": 400,
    "operator-token-refused": 401,
    "main-token-refused": 401,
    "untrusted": 403,
    "no-quorum": 403,
    "foreign-seat": 403,
    "not-a-holder": 403,
    "not-partnership": 403,
    "unknown-log": 404,
    "not-mirrored": 404,
    "not-yet": 409,
    "not-sealed": 409,
    "log-forked": 409,
    "log-refused": 409,
    "holds-more": 409,
    "other-successor": 409,
    "already-vouched": 409,
    "other-code": 409,
    "already-fixed": 409,
    "freeze-incomplete": 409,
    "release-not-approved": 409,
    "released-elsewhere": 409,
    "release-refused": 409,
    "not-overdue": 409,
    "other-release": 409,
    "share-false": 409,
    "ciphertext-not-kept": 409,
    "reveal-there": 409,
    "venue-not-lost": 409,
    "journal-full": 409,
    "city-request-too-large": 413,
    "clock-backwards": 503,
    "evidence-unavailable": 503,
}
# Somebody shows two histories, or this machine forgot: people must look.
_ALARMS = frozenset(
    {"log-forked", "log-refused", "released-elsewhere", "reveal-there", "holds-more", "other-successor", "share-false"}
)


JOURNAL = "/journal"
# How long a browser remembers that it may (Chromium does for two hours at most): a city that is cut off has its seats
# ask once.
_REMEMBERED_S = 7_200


def create_city_app(
    node: CityNode, *, operator_token: str, pages: str, cosigned: Callable[[str], None] = lambda _: None
) -> FastAPI:
    """The doors of one node; `operator_token` is the city's own operator's, `pages` the origin of the seats' pages.
    `cosigned` is told of which log."""
    cors = {"Access-Control-Allow-Origin": pages, "Vary": "Origin"}
    app = FastAPI(title="Tongping city node", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(EvidenceError)
    @app.exception_handler(NodeError)
    @app.exception_handler(CityError)
    @app.exception_handler(SessionError)
    @app.exception_handler(EvaluationError)
    async def refused(request: Request, error: Refusal) -> JSONResponse:
        status = _status(error)
        say = _log.error if status >= 500 or error.code in _ALARMS else _log.info
        say("refused", path=request.url.path, status=status, code=error.code, detail=str(error))
        problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": error.code}
        shared = cors if request.url.path == JOURNAL else None
        return JSONResponse(problem | {"detail": str(error)}, status, shared, media_type="application/problem+json")

    @app.options(JOURNAL)
    async def may_journal() -> Response:
        may = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
        return Response(status_code=204, headers=cors | may | {"Access-Control-Max-Age": str(_REMEMBERED_S)})

    @app.post(JOURNAL)
    async def journal(request: Request) -> Response:
        asked = await _json(request, {"act": str}, limit=MAX_BYTES)
        await node.journals.keep(asked["act"])
        return Response(status_code=204, headers=cors)

    @app.post("/add-log")
    async def add_log(request: Request) -> Response:
        body = await _read(request, MAX_ADD_LOG)
        await node.continuing.admit(body)
        return PlainTextResponse("")

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        body = await _read(request, MAX_ADD_CHECKPOINT)
        result = await asyncio.to_thread(node.witness.add_checkpoint, body)
        status = _ANSWERS[result.answer]
        if result.answer in (Answer.INCONSISTENT, Answer.CLOCK_BACKWARDS):
            _log.error("not cosigned", answer=result.answer.value, request=body.decode("utf-8", "replace"))
        if result.answer is Answer.CONFLICT:
            return Response(f"{result.size}\n", status, headers={"Content-Type": SIZE_TYPE})
        if result.answer is Answer.COSIGNED:
            cosigned(result.origin)
        return PlainTextResponse(result.line or f"{result.answer.value}\n", status)

    @app.post("/holder/offer")
    async def offer(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str})
        return {"act": await node.offer(asked["origin"])}

    @app.post("/holder/ack")
    async def ack(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str, "act": str})
        return {"act": await node.ack(asked["origin"], unb64u(asked["act"], 32))}

    @app.post("/holder/release")
    async def release(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str, "freeze": str})
        return {"act": await node.release(asked["origin"], unb64u(asked["freeze"], 32))}

    @app.post("/opening/release")
    async def unaided(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str})
        return {"act": await node.opening.release(asked["origin"])}

    @app.post("/opening/open")
    async def opened(request: Request) -> Response:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str, "releases": list}, limit=MAX_RELEASES)
        if not all(isinstance(release, str) for release in asked["releases"]):
            raise Malformed("releases are acts")
        result = await node.opening.open(asked["origin"], asked["releases"])
        return Response(encode(result), media_type="application/json")

    @app.post("/draw/contribute")
    async def contribute(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str, "opened": str})
        return {"act": await node.contribute(asked["origin"], unb64u(asked["opened"], 32))}

    @app.post("/draw/reveal")
    async def reveal(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str, "freeze": str})
        return {"act": await node.reveal(asked["origin"], unb64u(asked["freeze"], 32))}

    @app.post("/draw/pool")
    async def pool(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str, "count": int, "root": str})
        return {"act": await node.freeze_pool(asked["origin"], asked["count"], unb64u(asked["root"], 32))}

    @app.post("/draw/list")
    async def drawn(request: Request) -> dict[str, list[str]]:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str, "draw": str})
        return {"entries": [b64u(data) for data in await node.drawn(asked["origin"], asked["draw"])]}

    @app.post("/draw/answer")
    async def answer(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str, "opened": str, "answers": list})
        return {"act": await node.answer(asked["origin"], unb64u(asked["opened"], 32), asked["answers"])}

    @app.post("/draw/seat")
    async def seat(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        form: dict[str, type] = {"origin": str, "seat": str, "replaces": object, "source": dict, "person": str}
        asked = await _json(request, form)
        replaces = asked["replaces"]
        if replaces is not None and not isinstance(replaces, str):
            raise Malformed("a place is a seat's, or open")
        return {"act": await node.seat(asked["origin"], asked["seat"], replaces, asked["source"], asked["person"])}

    @app.post("/identity/vouch")
    async def vouch(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str}, {"check": int, "seat": str, "thumbprint": str, "code": str})
        origin = asked.pop("origin")
        if asked.keys() == {"check"}:
            return {"act": await node.vouch_upon(origin, asked["check"])}
        _check_operator(request, operator_token)
        if asked.keys() == {"seat", "code"}:
            return {"act": await node.vouch_by_code(origin, asked["seat"], asked["code"])}
        if asked.keys() != {"seat", "thumbprint"}:
            raise Malformed("a check, or a seat with its thumbprint or its comparison code")
        return {"act": await node.vouch(origin, asked["seat"], asked["thumbprint"])}

    @app.post("/identity/partnership")
    async def partnership(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        form: dict[str, type] = {"act": str, "aud": str, "body": dict, "chain": dict, "sd": list}
        asked = await _json(request, form, limit=MAX_PARTNERSHIP)
        chain = members(asked["chain"], {"ctr": int, "prev": str})
        place = (chain["ctr"], unb64u(chain["prev"], 32))
        return {"act": node.partnership(asked["act"], asked["aud"], asked["body"], place, tuple(asked["sd"]))}

    @app.post("/log/state")
    async def state(request: Request) -> dict[str, str]:
        asked = await _json(request, {"origin": str, "size": int, "root": str})
        act, note = await node.continuing.state(asked["origin"], asked["size"], unb64u(asked["root"], 32))
        return {"act": act, "note": note.decode("utf-8")}

    @app.post("/log/confirm")
    async def confirm(request: Request) -> dict[str, str]:
        _check_operator(request, operator_token)
        asked = await _json(request, {"origin": str})
        return {"act": await node.continuing.confirm(asked["origin"])}

    @app.get("/mirror/{origin:path}/checkpoint")
    async def checkpoint(request: Request, origin: str) -> Response:
        _check_main(request, node)
        return _found(await asyncio.to_thread(node.head, origin))

    @app.get("/mirror/{origin:path}/tile/{path:path}")
    async def tile(request: Request, origin: str, path: str) -> Response:
        _check_main(request, node)
        return _found(await asyncio.to_thread(node.bundle, origin, Tile.parse(path)))

    @app.get("/mirror-objects/{name}")
    async def kept(request: Request, name: str) -> Response:
        _check_main(request, node)
        return _found(await asyncio.to_thread(node.kept, unb64u(name, 32)))

    @app.get("/trust")
    async def trust() -> dict[str, Any]:
        return node.trust()

    @app.get("/healthz")
    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"domain": node.domain}

    return app


def _status(error: Refusal) -> int:
    """The rules' own refusals (of an act that the node would have signed) are conflicts with the log's state."""
    if isinstance(error, SessionError | EvaluationError):
        return 409
    return _STATUSES.get(error.code, 500)


async def _read(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is too long, whatever its headers promised."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > limit:
            raise TooLarge(f"at most {limit} bytes")
    return bytes(data)


async def _json(
    request: Request, required: dict[str, type], optional: dict[str, type] | None = None, *, limit: int = MAX_JSON
) -> Object:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Malformed("the body must be application/json")
    return members(decode_object(await _read(request, limit), limit=limit), required, optional)


def _found(data: bytes | None) -> Response:
    if data is None:
        raise NotMirrored("this node's copy does not hold that")
    return Response(data, media_type="application/octet-stream")


def _check_main(request: Request, node: CityNode) -> None:
    """A copy goes to the one whose log it is a copy of, and to nobody else."""
    trust = node.pins.trust
    identities = {trust.main: trust.identities[trust.main]}
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme != "Bearer":
            raise TokenRefused("no token")
        verify_node_token(token, identities=identities, audience=node.domain, now=node.now())
    except TokenRefused as error:
        raise NotTheMainCentre(str(error)) from error


def _check_operator(request: Request, token: str) -> None:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise BadOperatorToken("only the city's own operator vouches for its seats")
