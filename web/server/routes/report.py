"""Signing the report, and the evidence file at the end."""

from __future__ import annotations

from starlette.responses import FileResponse

from sessions.core import looks
from web.server.allow import Caller, Doors
from web.server.schemas.proceeding import SignatureToMake

doors = Doors("report")


@doors.open("POST", "/v1/proceedings/{id}/report/signature", operation="prepareSignature", permission="report.prepare")
async def prepare_signature(here: Caller, id: str) -> SignatureToMake:
    return SignatureToMake.model_validate(await here.keeper.prepare_signature(here.signed_in.seat))


@doors.open("GET", "/v1/proceedings/{id}/evidence", operation="getEvidence", permission="evidence.get")
async def evidence(here: Caller, id: str) -> FileResponse:
    path = here.keeper.evidence_path()
    if here.keeper.looks.looks(here.seat):
        await here.keeper.looks.did(here.signed_in.seat, looks.DOWNLOAD)
    return FileResponse(path, media_type="application/zip", filename=f"{id}.zip")
