"""Who pings and never reads (threat table, row 43): what waits for such a line is ended by the answers to its pings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.partner.world import ORIGIN, Site, handshake, site
from tests.sessions.service_people import People
from tests.sessions.service_world import tender
from web.server import live

pytestmark = pytest.mark.asyncio

PING_S = 0.02
SEND_S = 0.1
# Far more than one that is cut off needs.
LONG_S = 5.0


@pytest.mark.parametrize(("limit", "ends"), [(SEND_S, True), (1000.0, False)], ids=["cut off", "without the limit"])
async def test_who_pings_and_reads_nothing_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, ends: bool
) -> None:
    """Entries wait in the way of the pongs; without a limit on these, such a reader stays for as long as it likes."""
    monkeypatch.setattr(live, "SEND_S", limit)
    async with site(tmp_path) as found:
        name = await found.proceedings.create(tender())
        people = People(found.world, name)
        people.connect(found.proceedings.get(name))
        reader = asyncio.create_task(_read_nothing(found, name))
        done, _ = await asyncio.wait([reader], timeout=LONG_S if ends else LONG_S / 5)
        assert bool(done) == ends
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read_nothing(found: Site, name: str) -> None:
    """A socket that takes the snapshot and then nothing any more."""
    identity = found.services.identity
    session, _ = await identity.sign_in(await identity.issue_link(name, "auditor-1"), brought=None)
    cookie = {"Origin": ORIGIN, "Cookie": f"{found.services.cookie}={session}"}
    answer = await found.http.post(f"/v1/proceedings/{name}/socket-tickets", headers=cookie)
    said = [{"type": "websocket.connect"}, _text({"type": "hello", "resume": 0})]
    full = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if said:
            return said.pop(0)
        await asyncio.sleep(PING_S)
        return _text({"type": "ping", "t": 1})

    async def send(message: Mapping[str, Any]) -> None:
        if '"entry"' in str(message.get("text")):
            full.set()
        if full.is_set() and message["type"] == "websocket.send":
            await asyncio.Event().wait()

    await found.app(handshake(f"/v1/proceedings/{name}/live", answer.json()["ticket"]), receive, send)
    assert full.is_set()


def _text(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": json.dumps(message)}
