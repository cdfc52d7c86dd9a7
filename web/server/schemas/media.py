"""Bodies of watching."""

from __future__ import annotations

from web.server.schemas.form import Body


class Slot(Body):
    mid: str
    room: str
    kind: str


class Watch(Body):
    engine: str | None
    subscription: str
    sdp: str
    slots: list[Slot]
