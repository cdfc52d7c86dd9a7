"""What a seat may store: nothing of it is ever deleted before its date, so nobody fills the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.partner.world import ORIGIN, problem, site
from tests.sessions.service_people import People
from tests.sessions.service_world import tender
from tests.web.test_continue_commands import Doors
from web.server.limits import OBJECT_RATE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]


async def test_a_member_stores_its_sheets_and_not_the_whole_vault(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        people = People(running.world, await running.proceedings.create(tender()))
        keeper = people.keeper(running.proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "chair-election", 120)
        doors = Doors(running, people.id)
        await doors.seat("seat-1", "GET", "/v1/me")
        headers = {"Cookie": doors.cookies["seat-1"], "Origin": ORIGIN, "Content-Type": "application/octet-stream"}

        async def store(number: int) -> int:
            answer = await running.http.post(f"{doors.path}/objects", content=b"%d" % number, headers=headers)
            if answer.status_code == 429:
                assert problem(answer) == (429, "too-many-requests")
                assert 1 <= int(answer.headers["retry-after"]) <= 1 / OBJECT_RATE.per_second + 1
            return answer.status_code

        assert {await store(number) for number in range(OBJECT_RATE.burst)} == {201}
        assert await store(OBJECT_RATE.burst) == 429
