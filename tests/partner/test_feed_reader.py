"""A reader that dies at any moment misses nothing and takes no repetition for news (docs/protocol.md 10.5)."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from evidence.core import disclosure
from evidence.core.canonical import Object
from tests.partner.feed_process import PATH
from tests.partner.world import Site, site
from web.partner_sim.errors import FeedBroken
from web.partner_sim.feed import FeedReader, read_events

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 10_000


class Dead(Exception):
    """A death at this very point."""


def page(size: int, start: int, limit: int) -> Object:
    end = min(start + limit, size)
    events: list[Any] = [{"sequence": n, "index": 3 * n, "type": "session.stage-advanced"} for n in range(start, end)]
    return {"events": events, "cursor": str(end), "more": end < size}


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(5))
async def test_a_death_at_any_point_costs_a_repetition_and_nothing_else(tmp_path: Path, seed: int) -> None:
    """Before the page, within a written line, between the line and the cursor: at random, over 10 000 events."""
    rng, output, kept = random.Random(seed), tmp_path / "events.jsonl", tmp_path / "state.json"
    seen: list[int] = []
    deaths = 0
    while not kept.exists() or json.loads(kept.read_text())["feeds"][PATH]["cursor"] != str(EVENTS):
        state = json.loads(kept.read_text()) if kept.exists() else {}

        async def read(path: str, state: Any = state) -> Object:
            if rng.random() < 0.05:
                raise Dead
            start = int(state["feeds"][PATH]["cursor"] or 0)
            found = page(EVENTS, start, rng.randrange(1, 120))
            seen.extend(event["sequence"] for event in found["events"])
            return found

        def save(state: Any = state) -> None:
            if rng.random() < 0.1:
                if rng.random() < 0.5:
                    with output.open("r+b") as file:
                        file.truncate(file.seek(0, 2) - rng.randrange(1, 60))
                raise Dead
            kept.write_text(json.dumps(state))

        reader = FeedReader(path=PATH, read=read, state=state, save=save, output=output)
        try:
            while (await reader.page())[1]:
                pass
        except Dead:
            deaths += 1
    assert deaths > 10
    assert len(seen) > EVENTS, "some were read twice, so the test sees what it is about"
    assert [event["sequence"] for event in read_events(output, PATH)] == list(range(EVENTS))


@pytest.mark.asyncio
async def test_a_gap_is_seen_and_nothing_behind_it_is_taken(tmp_path: Path) -> None:
    """The control: a host that skips an event does not get away with it."""
    pages = [page(10, 0, 5), page(10, 6, 4)]
    state: dict[str, Any] = {}

    async def read(path: str) -> Object:
        return pages.pop(0)

    reader = FeedReader(path=PATH, read=read, state=state, save=lambda: None, output=tmp_path / "events.jsonl")
    await reader.page()
    with pytest.raises(FeedBroken):
        await reader.page()
    assert [event["sequence"] for event in read_events(tmp_path / "events.jsonl", PATH)] == [0, 1, 2, 3, 4]


@asynccontextmanager
async def listening(found: Site) -> AsyncIterator[str]:
    """The application on a socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(found.app, lifespan="off", ws="none", log_config=None))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def produce(found: Site, invitation: str, count: int) -> None:
    """So many acts of the partner: it names its venue again and again."""
    city, partners = found.zhongshan, found.proceedings.partners
    body: Object = {"invitation": invitation, **found.venue(city)}
    for n in range(count):
        (agreement,) = partners.agreements(city.domain)
        shown = disclosure.make("names", [["专家甲", f"第{n}人", "某单位"]], secrets.token_bytes(16))
        act = city.act(partners.chain(agreement, city.domain), "venue.name", body, sd=(shown.digest,))
        await partners.perform(
            act,
            by=city.domain,
            kinds=frozenset({"venue.name"}),
            subject=invitation,
            version="*",
            disclosures=[shown.text],
        )


@pytest.mark.timeout(240)
@pytest.mark.asyncio
@pytest.mark.parametrize(("count", "least"), [(1_500, 3), pytest.param(EVENTS, 6, marks=pytest.mark.long)])
async def test_kill_9_of_the_reader_of_a_growing_feed_misses_none(tmp_path: Path, count: int, least: int) -> None:
    """Issue 5, "Done when": real acts, real cursors, a real process, killed at random while the log grows."""
    rng, folder, kills = random.Random(9), tmp_path / "reader", 0
    folder.mkdir()
    async with site(tmp_path) as found, listening(found) as url:
        invitation = await found.named(found.zhongshan)
        events = found.proceedings.partners.events(found.zhongshan.domain)
        producing = asyncio.create_task(produce(found, invitation, count - len(events)))
        command = (sys.executable, "-m", "tests.partner.feed_process", url, found.zhongshan.token, str(folder))

        def written() -> int:
            output = folder / "events.jsonl"
            return output.read_bytes().count(b"\n") if output.exists() else 0

        while not producing.done() or written() < count:
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            before, wanted = written(), rng.randrange(count // 50, count // 5)
            async with asyncio.timeout(60):
                while True:
                    if written() >= min(before + wanted, count):
                        break
                    await asyncio.sleep(0.001)
            process.kill()
            await process.wait()
            kills += 1
        await producing
        expected = [event.to_json() for event in events]
    assert len(expected) == count
    assert kills >= least
    assert read_events(folder / "events.jsonl", PATH) == expected
    pages = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines() if line.endswith("]")]
    assert set(chain.from_iterable(pages)) == set(range(count))
    print(f"{kills} kills, {sum(map(len, pages)) - count} events were read twice")
