"""Skew of page turns: how far apart do all seats see the same turn, beside a bare broadcast in the same run?

    python -m bench.skew [--turns 100]

First three Chromium browsers alone, which are the three rooms' pages and send too; then nine seats that are socket
clients of a process of their own. The main operator turns pages. A page has turned when it is on the screen (the frame
after its picture was drawn): that is what people compare who talk about a page, so the goal is held there. A socket
client has turned when it has read the message; what is in it is looked at later, since nine clients of one process
would wait for each other's work, and in use none does. The skew of a turn is the latest minus the earliest of its
group; told besides is how long after its entry a page stands there (pages show it at a moment of the server's clock,
`screens/turning.ts`). The peer is `websockets.broadcast` from a process of its own to as many clients of the same
kinds, in turns with ours, so that a noisy machine hurts both: its messages are as long as ours, and its pages, in the
same three browsers, parse them and draw the picture, no more. Goals: p95 < 150 ms and at most 1.5 times the bare
broadcast's.

Told without a goal: when the message reached a page's script, where no screen takes part; and the bare broadcast right
after an act that turns no page. After each act the server, its database and its cities work on for some milliseconds,
and here that takes a core from three browsers; in use each of them has a machine of its own. What the first bare
broadcast is ahead of the second is this machine's, and not the product's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserType, Page, async_playwright
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from bench.machines import apart, own, processes
from tests.api.installation import Running, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, bind_seats, link
from web.demo.installation import free_ports
from web.device.client import Client
from web.device.seat import Seat

SEATS = ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5", "operator-2", "operator-3", "supervisor-1", "auditor-1")
# Whose main threads are measured: the two that send, and the nine seats.
SENDERS, SEATED = ("web.server web", "bench.skew --broadcast"), "bench.skew --seats"
BETWEEN_S = 0.3
PATIENCE_S = 180.0
# Three encoders on two cores would measure the encoders: a thumbnail is enough of a camera here.
SMALL = """const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const video = {width: 160, height: 90, frameRate: 2};
navigator.mediaDevices.getUserMedia = wanted => get(wanted.video ? {video} : wanted);
"""
# Every text that may hold a page, and when it came, before the client has read it.
NOTE_MESSAGES = """window.messages = [];
WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({data}) => {
      const at = performance.timeOrigin + performance.now();
      if (window.drawn && data.includes('"page"')) window.messages.push([data, at]);
    });
  }
};
"""
REACHED = """() => {
  const turns = [];
  for (const [data, at] of window.messages) {
    const page = JSON.parse(data).view?.page?.page;
    if (page && turns.at(-1)?.[0] !== page) turns.push([page, at]);
  }
  return turns;
}"""
# When a page's picture stood in the canvas that the client shows: at the next frame, which is what a person sees.
NOTE_DRAWN = """() => {
  window.drawn = [];
  const note = () => {
    const {page, ready} = document.querySelector('canvas[data-page]')?.dataset ?? {};
    if (!ready || window.last === page) return;
    window.last = page;
    requestAnimationFrame(() => window.drawn.push([Number(page), performance.timeOrigin + performance.now()]));
  };
  const what = {subtree: true, childList: true, attributes: true, attributeFilter: ['data-page', 'data-ready']};
  new MutationObserver(note).observe(document.body, what);
}"""
DRAWN = "() => window.drawn"
# How long after a turn's entry, by the clock that all of them have here, the page was on the screen.
AFTER = """() => {
  const stated = window.messages.map(([data]) => Date.parse(JSON.parse(data).view?.page?.at));
  return window.drawn.map(([, at]) => at - Math.max(...stated.filter(each => each < at)));
}"""
PICTURE = "() => document.querySelector('canvas[data-page]').toDataURL()"
# The least that shows a page: a canvas, and the pictures ready.
BARE = """async ([port, addresses]) => {
  [window.reached, window.drawn] = [[], []];
  const pictures = await Promise.all(addresses.map(async each => createImageBitmap(await (await fetch(each)).blob())));
  const canvas = document.body.appendChild(document.createElement('canvas'));
  canvas.style.width = '100%';
  const now = () => performance.timeOrigin + performance.now();
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  socket.onmessage = ({data}) => {
    const at = now();
    const {page} = JSON.parse(data);
    window.reached.push([page, at]);
    [canvas.width, canvas.height] = [pictures[page - 1].width, pictures[page - 1].height];
    canvas.getContext('2d').drawImage(pictures[page - 1], 0, 0);
    requestAnimationFrame(() => window.drawn.push([page, now()]));
  };
  await new Promise(resolve => (socket.onopen = resolve));
}"""
Texts = list[tuple[str | bytes, float]]
Turns = list[tuple[int, float]]
# One of our texts that turn a page; our turns and the peer's.
Heard = tuple[str, list[Turns], list[Turns]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--broadcast", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seats", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.broadcast:
        asyncio.run(_broadcaster(given.broadcast))
        return
    if given.seats:
        asyncio.run(_sit())
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as site:
        asyncio.run(_measure(site, Path(folder), given.turns))


async def _measure(site: Running, folder: Path, turns: int) -> None:
    async with AsyncExitStack() as stack:
        leader, rooms = await bind_seats(stack, site)
        port = await stack.enter_async_context(_broadcasting())
        playwright = await stack.enter_async_context(async_playwright())
        browsers = [await _browser(stack, playwright.chromium) for _ in rooms]
        pages = [await _room(browser, site, room) for browser, room in zip(browsers, rooms, strict=True)]
        # An admitted room is present: its page is open before.
        for room in rooms:
            await leader.perform("room.admit", {"room": room})
        turn = await _advance(leader)
        # Both pages were seen once by everybody: from then on a meeting turns pages.
        pictures = []
        for number in (1, 2):
            await turn(number)
            for page in pages:
                await page.locator(f"canvas[data-page='{number}'][data-ready]").wait_for(timeout=60_000)
            pictures.append(await pages[0].evaluate(PICTURE))
        for page in pages:
            await page.evaluate(NOTE_DRAWN)
        bare_pages = [await (await browser.new_context()).new_page() for browser in browsers]
        for page in bare_pages:
            await page.evaluate(BARE, [port, pictures])
        await turn(1)
        for page in pages:
            await page.wait_for_function("() => window.drawn.length === 1")
        # As long as what our server sends a room, and read as that is.
        text = await pages[0].evaluate("() => window.messages.at(-1)[0]")
        for page in pages:
            await page.evaluate("() => (window.drawn.length = window.messages.length = 0)")
        # The partner cities cosign each turn at once; the leader's device is this process.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        apart(f"city serve --state {folder}")
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as speaker:

            async def take_turns(*, beside: bool = False) -> None:
                for number in [2, 1] * (turns // 2):
                    await turn(number)
                    await asyncio.sleep(BETWEEN_S)
                    bare = json.dumps({"page": number, "text": text})
                    await speaker.send(bare)
                    await asyncio.sleep(BETWEEN_S)
                    if beside:
                        await leader.perform("incident.note", {"seat": None, "text": "bench"})
                        await speaker.send(bare)
                        await asyncio.sleep(BETWEEN_S)

            await take_turns(beside=True)
            after = statistics.median(await pages[0].evaluate(AFTER))
            print(f"a page is on the screen {after:.0f} ms after it was stated")
            for what, ours, peers in (
                ("on the screen", DRAWN, DRAWN),
                ("message reached", REACHED, "() => window.reached"),
            ):
                bare = [await page.evaluate(peers) for page in bare_pages]
                _tell(
                    f"3 Chromium pages, {what}",
                    _skews([await page.evaluate(ours) for page in pages]),
                    _skews([turns[::2] for turns in bare]),
                    _skews([turns[1::2] for turns in bare]),
                    goal=ours is DRAWN,
                )
            apart("chrom", "web.server (media|sign|serve)")
            tell = await stack.enter_async_context(_seats(site, port))
            _two_machines()
            await turn(1)
            text, _, _ = await tell()
            await take_turns()
            _, *heard = await tell()
            _tell("9 socket clients, read", *map(_skews, heard))


def _two_machines() -> None:
    """Who sends has one core, and everybody else the other; on both nobody interrupts who is measured."""
    cores = dict.fromkeys(processes(*SENDERS), 0) | dict.fromkeys(processes(SEATED), 1)
    for process in own():
        for task in map(int, os.listdir(f"/proc/{process}/task")):
            os.sched_setaffinity(task, {cores.get(task, 1)})
            if task in cores:
                os.sched_setscheduler(task, os.SCHED_RR, os.sched_param(1))


async def _browser(stack: AsyncExitStack, chromium: BrowserType) -> Browser:
    found = await chromium.launch(executable_path=CURRENT, args=[*FLAGS, *DEVICES], timeout=60_000)
    stack.push_async_callback(found.close)
    return found


async def _room(browser: Browser, site: Running, room: str) -> Page:
    context = await browser.new_context()
    await context.add_init_script(SMALL + NOTE_MESSAGES)
    page = await context.new_page()
    await page.goto(await asyncio.to_thread(link, site, room))
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    await page.goto(f"{site.url}/room")
    return page


async def _advance(leader: Seat) -> Callable[[int], Coroutine[Any, Any, None]]:
    """Into the first stage in which pages are shown, once each room's sound and picture are in the log; the answer
    turns to a page of the tender's document."""
    until = time.monotonic() + PATIENCE_S
    while "stage.advance" not in (view := await leader.client.view())["todo"]:
        assert time.monotonic() < until, f"the rooms are not recorded: {view['rooms']}, {view['gate']} {view['pauses']}"
        await asyncio.sleep(0.5)
    await leader.perform("stage.advance", {"from": "check-in", "to": "declarations"})
    document = view["documents"][0][0]

    async def turn(page: int) -> None:
        await leader.perform("page.show", {"document": document, "page": page})

    return turn


@asynccontextmanager
async def _seats(site: Running, port: int) -> AsyncIterator[Callable[[], Coroutine[Any, Any, Heard]]]:
    """A process of the nine seats' sockets, and of as many that hear the broadcast; asked, it tells what they noted."""
    links = {name: await asyncio.to_thread(site.link, name) for name in SEATS}
    command = [sys.executable, "-m", "bench.skew", "--seats"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line_in, line_out = process.stdin, process.stdout

    async def ask(question: object) -> Any:
        line_in.write(json.dumps(question).encode() + b"\n")
        return json.loads(await line_out.readline())

    async def tell() -> Heard:
        text, ours, bare = await ask("heard")
        return text, ours, bare

    try:
        await ask({"url": site.url, "links": links, "port": port})
        yield tell
    finally:
        line_in.close()
        await process.wait()


async def _sit() -> None:
    """The process of the seats: listens from the first line on; each further line asks for what was heard since."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # who started it is not measured, this one is
    given = json.loads(await asyncio.to_thread(sys.stdin.readline))
    ours: list[Texts] = [[] for _ in SEATS]
    bare: list[Texts] = [[] for _ in SEATS]
    async with AsyncExitStack() as stack:
        for token, turns in zip(given["links"].values(), ours, strict=True):
            await stack.enter_async_context(_listening(given["url"], token, turns))
        for turns in bare:
            await stack.enter_async_context(_hearing(given["port"], turns))
        print(json.dumps("listening"), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            text = max((str(text) for text, _ in ours[0]), key=len)
            print(json.dumps([text, *([_turns(each) for each in group] for group in (ours, bare))]), flush=True)
            for turns in (*ours, *bare):
                turns.clear()


@asynccontextmanager
async def _listening(url: str, token: str, heard: Texts) -> AsyncIterator[None]:
    client = Client(base_url=url, origin=url, patience_s=30)
    await client.sign_in(token)
    address = f"{url.replace('http', 'ws', 1)}/v1/proceedings/{client.proceeding}/live"
    address += f"?ticket={await client.socket_ticket()}"
    headers = {"Cookie": client.session or ""}
    async with connect(
        address, origin=Origin(url), additional_headers=headers, proxy=None, compression=None, max_size=1 << 20
    ) as line:
        await line.send('{"type":"hello","resume":null}')

        async def ping() -> None:
            while True:
                await asyncio.sleep(1)
                await line.send('{"type":"ping","t":0}')

        async def listen() -> None:
            with suppress(ConnectionClosed):
                async for text in line:
                    heard.append((text, time.time() * 1000))

        tasks = asyncio.create_task(ping()), asyncio.create_task(listen())
        yield
        tasks[0].cancel()
    await asyncio.wait(tasks)
    await client.close()


def _turns(heard: Texts) -> Turns:
    """The first text of each turned page, and when it came."""
    found: Turns = []
    for text, at in heard:
        message = json.loads(text)
        page = message.get("page") or (message.get("view") or {}).get("page", {}).get("page")
        if page and (not found or found[-1][0] != page):
            found.append((page, at))
    return found


@asynccontextmanager
async def _broadcasting() -> AsyncIterator[int]:
    """The broadcast's process, on this port."""
    (port,) = free_ports(socket.SOCK_STREAM, 1)
    command = [sys.executable, "-m", "bench.skew", "--broadcast", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield port
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _hearing(port: int, heard: Texts) -> AsyncIterator[None]:
    async with connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None) as line:

        async def listen() -> None:
            with suppress(ConnectionClosed):
                async for text in line:
                    heard.append((text, time.time() * 1000))

        task = asyncio.create_task(listen())
        yield
    await task


async def _broadcaster(port: int) -> None:
    """Whoever says something is heard by everybody else."""
    present: set[ServerConnection] = set()

    async def hear(line: ServerConnection) -> None:
        present.add(line)
        try:
            async for text in line:
                broadcast(present - {line}, text)
        finally:
            present.discard(line)

    async with serve(hear, "127.0.0.1", port):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


def _skews(clients: list[Turns]) -> list[float]:
    """Latest minus earliest of each turn that every client saw; all see the same turns in the same order."""
    least = min(len(turns) for turns in clients)
    return [max(turns[n][1] for turns in clients) - min(turns[n][1] for turns in clients) for n in range(least)]


def _tell(
    what: str, ours: list[float], bare: list[float], beside: list[float] | None = None, *, goal: bool = True
) -> None:
    p95 = _p95(ours)
    skew, ratio = (" (goal < 150)", " (goal <= 1.5)") if goal else ("", "")
    print(f"{what}: skew p50 {statistics.median(ours):.1f} ms, p95 {p95:.1f} ms{skew} over {len(ours)} page turns")
    for name, floor, of in (("bare broadcast", bare, ratio), ("the same right after an act", beside or [], "")):
        if floor:
            print(
                f"  {name}: p50 {statistics.median(floor):.1f} ms, p95 {_p95(floor):.1f} ms;"
                f" ratio of p95 {p95 / _p95(floor):.2f}{of}"
            )


def _p95(found: list[float]) -> float:
    return sorted(found)[max(0, round(len(found) * 0.95) - 1)]


if __name__ == "__main__":
    main()
