"""Signing the report, and the evidence file at the end."""

from __future__ import annotations

from starlette.responses import FileResponse, Response

from sessions.core import looks
from web.server.allow import Caller, Doors
from web.server.schemas.proceeding import SignatureToMake

doors = Doors("report")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@doors.open("POST", "/v1/proceedings/{id}/report/signature", operation="prepareSignature", permission="report.prepare")
async def prepare_signature(here: Caller, id: str) -> SignatureToMake:
    return SignatureToMake.model_validate(await here.keeper.prepare_signature(here.signed_in.seat))


@doors.open("GET", "/v1/proceedings/{id}/evidence", operation="getEvidence", permission="evidence.get")
async def evidence(here: Caller, id: str) -> FileResponse:
    path = here.keeper.evidence_path()
    if here.keeper.looks.looks(here.seat):
        await here.keeper.looks.did(here.signed_in.seat, looks.DOWNLOAD)
    return FileResponse(path, media_type="application/zip", filename=f"{id}.zip")


@doors.open(
    "GET",
    "/v1/proceedings/{id}/workbook",
    operation="getWorkbook",
    permission="workbook.get",
    response_class=Response,
    responses={200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def workbook(here: Caller, id: str) -> Response:
    data = await here.keeper.workbook()
    # Always a download: a spreadsheet is opened by a program, never shown by us.
    headers = {"Content-Disposition": f'attachment; filename="{id}.xlsx"'}
    return Response(data, media_type=XLSX, headers=headers)
