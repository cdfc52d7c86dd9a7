"""Skew of page turns: how far apart do all seats see the same turn, beside a bare broadcast in the same run?

    python -m bench.skew [--turns 30]

Three Chromium browsers are the three rooms' pages, and send too; nine seats are socket clients of this process. The
main operator turns pages; each client notes when the turn reached it: a browser when the picture's address in its page
changed, a socket when the message was read. The skew of a turn is the latest minus the earliest of its group. The peer
is `websockets.broadcast` from a process of its own to as many clients of the same kinds, in turns with ours, so that a
noisy machine hurts both. Goals: p95 < 150 ms and at most 1.5 times the bare broadcast's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserType, Page, async_playwright
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from evidence.core.canonical import Object
from tests.api.installation import Running, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, link, open_meeting
from web.demo.installation import free_ports
from web.device.client import Client
from web.device.live import Live
from web.device.seat import Seat

SEATS = ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5", "operator-2", "operator-3", "supervisor-1", "auditor-1")
ROOMS = ("room-1", "room-2", "room-3")
BETWEEN_S = 0.3
PATIENCE_S = 180.0
# Three encoders on two cores would measure the encoders: a thumbnail is enough of a camera here.
SMALL = """const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const video = {width: 160, height: 90, frameRate: 5};
navigator.mediaDevices.getUserMedia = wanted => get(wanted.video ? {video} : wanted);
"""
NOTE_TURNS = """() => {
  window.turns = [];
  const note = () => {
    const page = document.getElementById('page-image')?.getAttribute('src')?.match(/(\\d+)\\.png$/)?.[1];
    const now = performance.timeOrigin + performance.now();
    if (page && window.turns.at(-1)?.[0] !== Number(page)) window.turns.push([Number(page), now]);
  };
  const what = {subtree: true, childList: true, attributes: true, attributeFilter: ['src']};
  new MutationObserver(note).observe(document.body, what);
}"""
NOTE_TEXTS = """port => new Promise(resolve => {
  window.turns = [];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  socket.onmessage = ({data}) => window.turns.push([JSON.parse(data).page, performance.timeOrigin + performance.now()]);
  socket.onopen = () => resolve();
})"""
Turns = list[tuple[int, float]]
Bare = tuple[Callable[[str], Coroutine[Any, Any, None]], list[Page], list[Turns]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--broadcast", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.broadcast:
        asyncio.run(_broadcaster(given.broadcast))
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as site:
        asyncio.run(_measure(site, given.turns))


async def _measure(site: Running, turns: int) -> None:
    async with AsyncExitStack() as stack:
        leader = await open_meeting(stack, site)
        playwright = await stack.enter_async_context(async_playwright())
        # Seats keep their venues present while the browsers of the rooms start.
        heard: dict[str, Turns] = {name: [] for name in SEATS}
        for name in SEATS:
            await stack.enter_async_context(_listening(site, name, heard[name]))
        browsers = [await _browser(stack, playwright.chromium) for _ in ROOMS]
        pages = [await _room(browser, site, room) for browser, room in zip(browsers, ROOMS, strict=True)]
        await _advance(leader)
        for page in pages:
            await page.evaluate(NOTE_TURNS)
        async with _bare(stack, browsers) as (say, bare_pages, bare_heard):
            for turn in range(turns):
                await _turn(leader, 1 + turn % 2)
                await asyncio.sleep(BETWEEN_S)
                await say(json.dumps({"page": turn}))
                await asyncio.sleep(BETWEEN_S)
            ours = [await page.evaluate("() => window.turns") for page in pages]
            bare = [await page.evaluate("() => window.turns") for page in bare_pages]
        _tell("3 Chromium pages", _skews(ours), _skews(bare))
        _tell("9 socket clients", _skews(list(heard.values())), _skews(bare_heard))


async def _browser(stack: AsyncExitStack, chromium: BrowserType) -> Browser:
    found = await chromium.launch(executable_path=CURRENT, args=[*FLAGS, *DEVICES], timeout=60_000)
    stack.push_async_callback(found.close)
    return found


async def _room(browser: Browser, site: Running, room: str) -> Page:
    context = await browser.new_context()
    await context.add_init_script(SMALL)
    page = await context.new_page()
    await page.goto(await asyncio.to_thread(link, site, room))
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    await page.goto(f"{site.url}/room")
    return page


async def _advance(leader: Seat) -> None:
    """Into the first stage in which pages are shown, once each room's sound and picture are in the log."""
    until = time.monotonic() + PATIENCE_S
    while "stage.advance" not in (view := await leader.client.view())["todo"]:
        assert time.monotonic() < until, f"the rooms are not recorded: {view['rooms']}, {view['gate']} {view['pauses']}"
        await asyncio.sleep(0.5)
    await leader.perform("stage.advance", {"from": "check-in", "to": "declarations"})


async def _turn(leader: Seat, page: int) -> None:
    document = (await leader.client.view())["documents"][0][0]
    await leader.perform("page.show", {"document": document, "page": page})


@asynccontextmanager
async def _listening(site: Running, name: str, heard: Turns) -> AsyncIterator[None]:
    client = Client(base_url=site.url, origin=site.url, patience_s=30)
    await client.sign_in(await asyncio.to_thread(site.link, name))
    live = Live(client=client)

    async def listen() -> None:
        async for message in live.messages():
            _note(message, heard)

    task = asyncio.create_task(listen())
    try:
        yield
    finally:
        live.close()
        await task
        await client.close()


def _note(message: Object, heard: Turns) -> None:
    page = message["view"].get("page") if message["type"] == "entry" and "view" in message else None
    if page and (not heard or heard[-1][0] != page["page"]):
        heard.append((page["page"], time.time() * 1000))


@asynccontextmanager
async def _bare(stack: AsyncExitStack, browsers: list[Browser]) -> AsyncIterator[Bare]:
    """The broadcast's process, a page without ours in each browser, and nine sockets of this process."""
    (port,) = free_ports(socket.SOCK_STREAM, 1)
    command = [sys.executable, "-m", "bench.skew", "--broadcast", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        pages = [await (await browser.new_context()).new_page() for browser in browsers]
        for page in pages:
            await page.evaluate(NOTE_TEXTS, port)
        heard: list[Turns] = [[] for _ in SEATS]
        for turns in heard:
            await stack.enter_async_context(_hearing(port, turns))
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as speaker:
            yield speaker.send, pages, heard
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _hearing(port: int, heard: Turns) -> AsyncIterator[None]:
    async with connect(f"ws://127.0.0.1:{port}", proxy=None) as line:

        async def listen() -> None:
            async for text in line:
                heard.append((json.loads(text)["page"], time.time() * 1000))

        task = asyncio.create_task(listen())
        yield
    await task


async def _broadcaster(port: int) -> None:
    """Whoever says something is heard by everybody."""
    present: set[ServerConnection] = set()

    async def hear(line: ServerConnection) -> None:
        present.add(line)
        try:
            async for text in line:
                broadcast(present, text)
        finally:
            present.discard(line)

    async with serve(hear, "127.0.0.1", port):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


def _skews(clients: list[Turns]) -> list[float]:
    """Latest minus earliest of each turn that every client saw; all see the same turns in the same order."""
    least = min(len(turns) for turns in clients)
    return [max(turns[n][1] for turns in clients) - min(turns[n][1] for turns in clients) for n in range(least)]


def _tell(what: str, ours: list[float], bare: list[float]) -> None:
    p95, floor = _p95(ours), _p95(bare)
    print(
        f"{what}: skew p50 {statistics.median(ours):.1f} ms, p95 {p95:.1f} ms (goal < 150) over {len(ours)} page turns"
    )
    print(f"  bare broadcast: p50 {statistics.median(bare):.1f} ms, p95 {floor:.1f} ms; ratio of p95 {p95 / floor:.2f}")


def _p95(found: list[float]) -> float:
    return sorted(found)[max(0, round(len(found) * 0.95) - 1)]


if __name__ == "__main__":
    main()
