"""Vault objects: ciphertexts in, documents and ciphertexts out; and documents' pages as images."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Path
from starlette.responses import Response, StreamingResponse

from evaluation.core import conflicts
from web.server.allow import Caller, Doors
from web.server.errors import NotFound
from web.server.limits import MAX_OBJECT
from web.server.ranges import rest
from web.server.schemas.proceeding import DocumentTold, Stored
from web.server.window import documents

doors = Doors("objects")
OCTETS = "application/octet-stream"
# An object's bytes are fixed by its name, so whoever has them may keep them; no shared cache may (`private`).
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
PageNumber = Annotated[int, Path(ge=1, le=100_000)]


@doors.open(
    "POST",
    "/v1/proceedings/{id}/objects",
    operation="putObject",
    permission="objects.put",
    reads=OCTETS,
    status_code=201,
)
async def put_object(here: Caller, id: str) -> Stored:
    here.services.object_buckets.take(here.signed_in.digest)
    data = await here.octets(OCTETS, limit=MAX_OBJECT)
    return Stored(sha256=await here.keeper.put_object(data), size=len(data))


@doors.open(
    "POST",
    "/v1/proceedings/{id}/pool-facts",
    operation="putPoolFacts",
    permission="facts.put",
    reads=OCTETS,
    status_code=201,
)
async def put_pool_facts(here: Caller, id: str) -> Stored:
    data = await here.octets(OCTETS, limit=conflicts.MAX_BYTES)
    conflicts.read_facts(data)
    return Stored(sha256=await here.keeper.put_object(data), size=len(data))


@doors.open("GET", "/v1/proceedings/{id}/objects/{sha256}", operation="getObject", permission="objects.get")
async def get_object(here: Caller, id: str, sha256: Sha256) -> Response:
    size = await here.keeper.object_size(sha256, here.seat)
    wanted = here.request.headers.get("range")
    first = 0 if wanted is None else rest(wanted, size)
    pieces = here.keeper.object_pieces(sha256, here.seat, first)
    # What fails at once is a refusal in words; what fails later ends the answer before its length is reached.
    head = await anext(pieces, b"")
    headers = FOR_EVER | {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"', "Content-Length": str(size - first)}
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
    return StreamingResponse(_joined(head, pieces), 200 if wanted is None else 206, headers, OCTETS)


async def _joined(head: bytes, more: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in more:
        yield piece


@doors.open("GET", "/v1/proceedings/{id}/documents/{sha256}", operation="getDocument", permission="pages.get")
async def document(here: Caller, id: str, sha256: Sha256) -> DocumentTold:
    tender = await here.keeper.tender()
    if tender is None or sha256 not in tender.documents:
        raise NotFound("no document of this proceeding's definition")
    return DocumentTold(name=tender.documents[sha256])


@doors.open(
    "GET", "/v1/proceedings/{id}/documents/{sha256}/pages/{page}.png", operation="getPageImage", permission="pages.get"
)
async def page_image(here: Caller, id: str, sha256: Sha256, page: PageNumber) -> Response:
    keeper, seat = here.keeper, here.seat
    if sha256 not in documents(keeper.state):
        raise NotFound("no document of this proceeding")
    image = await here.services.pages.png(sha256, page, lambda: keeper.get_object(sha256, seat))
    return Response(image, media_type="image/png", headers=FOR_EVER)
