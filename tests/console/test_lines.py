"""What a room's line is worth stands on the venue board and on the supervisor's wall (issue 3, the venue board)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.console.pictures import keep
from tests.console.test_console import WATCHER, console, lead
from tests.replay.site import Site
from tests.replay.test_pages import SHOW_MS, bound, served

EVERY_S = 0.1


@dataclass
class Flow:
    """A room's sound, and how many of a hundred of its packets never come."""

    lost: int = 0


@asynccontextmanager
async def flowing(found: Site, room: str) -> AsyncIterator[Flow]:
    """The worker counts what comes of a hundred packets of the room each `EVERY_S`."""
    flow, came, lost = Flow(), 0, 0

    async def run() -> None:
        nonlocal came, lost
        while True:
            came, lost = came + 100 - flow.lost, lost + flow.lost
            found.world.worker.engine.count(room, "mic", packets=came, lost=lost, repeated=0)
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(run())
    try:
        yield flow
    finally:
        task.cancel()


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_line_that_loses_packets_is_told_in_words_with_its_figures(tmp_path: Path) -> None:
    """Round trip and loss as the server measures them: good, weak and bad, on both pages, without a reload."""
    async with served(tmp_path) as (found, browser):
        board = await console(found, browser, WATCHER)
        await board.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        await lead(found, board, "declarations")
        await wall.goto(f"{found.origin}/supervisor")
        card = board.locator(".room").filter(has_text="room-2").locator(".facts")
        tile = wall.locator(".tile").filter(has=wall.locator("#canvas-room-2")).locator(".network")

        hears = found.keeper.clocking.heard
        for clock in range(2):
            hears("room-2", clock, 36)
        async with flowing(found, "room-2") as flow:
            for flow.lost, level, tone in ((0, "良好", "good"), (5, "较弱", "warn"), (30, "差", "bad")):
                words = f"{level} · 往返 36 毫秒 · 丢包"
                await expect(card.locator(f".{tone}").filter(has_text=words)).to_be_visible(timeout=SHOW_MS)
                await expect(tile).to_contain_text(words, timeout=SHOW_MS)
                if tone == "warn":
                    assert await keep(board, "operator-lines", "section:has(> #rooms-heading)") == []
                    assert await keep(wall, "supervisor-lines", ".tiles") == []
            flow.lost = 0
            for clock in range(2, 4):
                hears("room-2", clock, 900)
            await expect(card).to_contain_text("差 · 往返 900 毫秒", timeout=SHOW_MS)
