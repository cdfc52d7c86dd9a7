"""What the replay's tests ask of a page that plays: seeks, and how far its pictures are from its clock."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.replay.recording import CLIP_MS, Recorded, Slow, record
from tests.replay.serving import serving
from web.demo import blockcode

HELD_MS = 40
SEEK_MS = 500
# Seeing a room's pictures takes several of them: which one is on the screen when a page looks is chance.
FRAMES = 3
OLD = pytest.param("109", marks=pytest.mark.e2e)
BOTH = pytest.mark.parametrize("page", [OLD, "current"], indirect=True)
ONE = pytest.mark.parametrize("page", ["current"], indirect=True)
"""What does not hang on the browser's age is tried in one; the older browser has its turn in `make e2e`."""


def recorded(folder: Path, *, seconds: int, slow: Slow | None = None) -> Recorded:
    """On a thread of its own: Playwright's loop occupies this one."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, record(folder, seconds=seconds, slow=slow)).result()


def off(page: Page, room: str) -> tuple[float, float]:
    """How far the room's picture is behind the clock, in ms (medians of several pictures): by the element's own time,
    of which each picture's pixels say that it is the true one; and by the moment at which the browser showed it."""
    found: list[dict[str, Any]] = page.evaluate("([room, count]) => replay.frames(room, count)", [room, FRAMES])
    shown = []
    for frame in found:
        luma = np.frombuffer(base64.b64decode(frame["luma"]), dtype=np.uint8).reshape(180, 320)
        reading = blockcode.read(luma)
        assert reading is not None, "no block code in the picture"
        assert f"room-{reading.venue}" == room
        assert abs(apart(frame["media"], reading.clip_ms)) <= 1, "the element's time is not the picture's"
        shown.append(apart(frame["t"], reading.clip_ms))
    return median(frame["drift"] for frame in found), median(shown)


def apart(t: float, clip_ms: int) -> float:
    """Session time against a moment of the clip, whichever round it is in."""
    return (t - clip_ms + CLIP_MS / 2) % CLIP_MS - CLIP_MS / 2


def seek(page: Page, t: float) -> float:
    """Go there and play; how long it took until every room showed its moment."""
    took: float = page.evaluate(
        """async t => {
            const { player, until } = replay;
            player.seek(t);
            player.play();
            await until(() => player.seekTook > 0 && !player.waiting, 10000);
            return player.seekTook;
        }""",
        t,
    )
    return took


@contextmanager
def replaying(page: Page, recorded: Recorded, altered: dict[str, bytes] | None = None) -> Iterator[None]:
    with serving(recorded, altered) as address:
        page.goto(address)
        page.wait_for_function("window.replay")
        yield
        page.goto("about:blank")
