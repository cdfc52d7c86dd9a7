"""Which seat had which page on its screen, and for how long: for supervisors and auditors."""

from __future__ import annotations

import asyncio

from evidence.core.canonical import Object
from sessions.core import page_views
from web.server.allow import Caller, Doors

doors = Doors("views")


@doors.open("GET", "/v1/proceedings/{id}/views", operation="getPageViews", permission="views.read")
async def page_times(here: Caller, id: str) -> Object:
    entries = tuple(here.keeper.entries)
    return {"size": len(entries), "views": await asyncio.to_thread(page_views.answer, entries)}
