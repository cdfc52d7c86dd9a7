"""The door of the live socket; see `web.server.live`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from web.server.live import serve_live

router = APIRouter()


@router.websocket("/v1/proceedings/{id}/live")
async def live(socket: WebSocket, id: str) -> None:
    """Its permission is `socket`, demanded in the handshake; each message demands its own (`web.server.messages`)."""
    await serve_live(socket, id)
