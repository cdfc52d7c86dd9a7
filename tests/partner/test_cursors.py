"""Cursors (docs/protocol.md 10.5): opaque, of one tenant and one log, without a gap."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from sessions.partner_errors import CursorRefused
from tests.partner.test_whole import read_all
from tests.partner.world import problem, site
from web.server.cursors import Cursors

FEED = "/v1/partner/events"


@pytest.mark.asyncio
async def test_a_cursor_from_elsewhere_is_refused(tmp_path: Path) -> None:
    """Another tenant's, another log's, a changed one and none at all: the same refusal, and nothing is shown."""
    async with site(tmp_path) as found:
        city, other = found.zhongshan, found.zhuhai
        proceeding = await found.convene(await found.named(city))
        session = f"/v1/partner/proceedings/{proceeding}/events"
        mine = (await city.get(f"{FEED}?limit=1"))["cursor"]
        theirs = (await other.get(FEED))["cursor"]
        of_session = (await city.get(session))["cursor"]
        assert (await city.get(f"{FEED}?cursor={mine}"))["events"]
        flipped = [mine[:n] + ("A" if mine[n] != "A" else "B") + mine[n + 1 :] for n in range(len(mine))]
        for cursor in (theirs, of_session, *flipped, mine[:-1], mine + "A", "", "0", "x" * 64, "null"):
            answer = await city.call("GET", f"{FEED}?cursor={cursor}")
            assert problem(answer) == (400, "cursor-refused"), cursor
        assert problem(await city.call("GET", f"{session}?cursor={mine}")) == (400, "cursor-refused")
        for query in ("cursor=" + "x" * 65, "limit=0", "limit=201", "limit=-1", "limit=x", "limit=1e3"):
            assert problem(await city.call("GET", f"{FEED}?{query}")) == (400, "malformed-request"), query


@pytest.mark.asyncio
async def test_pages_of_any_size_tell_the_same_story(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        city = found.zhongshan
        await found.named(city)
        whole = await read_all(city, FEED, limit=200)
        assert len(whole) == 6
        for limit in (1, 2, 3, 4, 5, 6):
            assert await read_all(city, FEED, limit=limit) == whole
        # The last cursor waits for what comes next.
        last = (await city.get(f"{FEED}?limit=200"))["cursor"]
        await found.invite(city, whole[0]["subject"], venue="venue-3")
        page = await city.get(f"{FEED}?cursor={last}")
        assert [event["type"] for event in page["events"]] == ["invitation.offered"]
        assert page["events"][0]["sequence"] == 6


def test_no_tag_opens_another_place() -> None:
    """Ten thousand cursors, none of which opens anything but what it was sealed for."""
    cursors, random = Cursors(b"k" * 32), Random(1)
    for _ in range(10_000):
        place = random.randrange(2**40)
        text = cursors.seal("a.example", "log", place)
        assert cursors.open(text, "a.example", "log") == place
    for tenant, log, key in (("b.example", "log", b"k"), ("a.example", "gol", b"k"), ("a.example", "log", b"j")):
        with pytest.raises(CursorRefused):
            Cursors(key * 32).open(text, tenant, log)
