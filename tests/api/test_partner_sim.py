"""A partner city's program against a real installation, by nothing but the partner API (docs/protocol.md 10)."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from evidence.core.canonical import Object
from tests.api.installation import Running
from web.demo.documents import tender
from web.demo.partner import VENUE, Partner, apart
from web.demo.tender import case
from web.partner_sim.feed import read_events
from web.partner_sim.program import PARTNERSHIP


async def play(site: Running) -> tuple[Partner, list[Any], Object, int]:
    said: list[Any] = []
    body, guests = apart(tender(case(None)), VENUE)

    async def write(path: str, value: Object) -> Object:
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        bearer = site.installation.administrator_token
        answer = await asyncio.to_thread(site.call, "POST", path, json=value, bearer=bearer, headers=headers)
        assert answer.is_success, answer.text
        found: Object = answer.json()
        return found

    async def read(path: str) -> Object:
        bearer = site.installation.administrator_token
        found: Object = (await asyncio.to_thread(site.call, "GET", path, bearer=bearer)).json()
        return found

    def heard(line: Any) -> None:
        said.append(line)
        if line["what"].startswith("accepts") and not kills:
            kills.append(line)
            partner.kill()

    kills: list[Any] = []
    partner = Partner(site.installation, guests, heard)
    try:
        invitation = await partner.convene(write, read, until="convened")
        created = await write("/v1/proceedings", body | {"invitations": [invitation]})
        async with asyncio.timeout(30):
            status = await partner.ended()
    finally:
        await partner.stop()
    return partner, said, created, status


def test_a_second_city_signs_accepts_names_and_watches_by_itself(site: Running) -> None:
    """Although its program is killed with -9 on the way: it signs nothing twice and reads on where it was."""
    partner, said, created, status = asyncio.run(play(site))
    assert status == 0
    done = [line["act"] for line in said if "act" in line]
    assert done == ["agreement.sign", "invitation.accept", "venue.name"]
    events = read_events(partner.folder / "events.jsonl", PARTNERSHIP)
    assert [event["type"] for event in events] == [
        *("agreement.offered", "agreement.signed", "agreement.signed"),
        *("invitation.offered", "invitation.accepted", "venue.named", "venue.convened"),
    ]
    assert [event["sequence"] for event in events] == list(range(7))
    (heard,) = (line["what"] for line in said if line["what"].startswith("heard"))
    assert int(heard.split()[1]) >= 1
    # The roster is what it would be, had the host entered everything itself.
    whole = case(None)
    view = site.call(
        "GET", f"/v1/proceedings/{created['id']}", session=site.fresh_session("supervisor-1", created["id"])
    )
    assert {seat["id"] for seat in whole.seats} == set(view.json()["seats"])
    assert json.dumps(view.json()).count(VENUE) > 0
