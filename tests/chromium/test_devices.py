"""A room's machine whose devices fail, are swapped, and that comes back: what the room says, and what the operator sees
(issue 3, items 3 and 6, and its bad input)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from evidence.core.canonical import Object
from tests.api.installation import Running, eventually, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, axe, by_main, seated, sign_in
from tests.e2e.album import Album

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
expect.set_options(timeout=60_000)

SWAP_S = 60.0
LOST = [["recording-lost", "room-1"]]
# Cameras of Chromium's own making; which of them are there, allowed and give a picture is said by the test. The second
# one measures depth, which is no picture, and is never there.
CAMERAS = (DEVICES[0] + "=device-count=3", DEVICES[1])
SCRIPTED = """
const media = navigator.mediaDevices, list = media.enumerateDevices.bind(media), get = media.getUserMedia.bind(media);
const DEPTH = "fake_device_1";
window.hand = { gone: [], busy: [], denied: sessionStorage.getItem("denied") !== null, tracks: {} };
const refuse = name => { throw new DOMException(name, name); };
const there = async () => (await list()).filter(({ label }) => ![DEPTH, ...hand.gone].includes(label));
media.enumerateDevices = there;
media.getUserMedia = async wanted => {
    if (hand.denied) refuse("NotAllowedError");
    const kind = wanted.video ? "videoinput" : "audioinput";
    const found = (await there()).filter(each => each.kind === kind);
    if (found.length === 0) refuse("NotFoundError");
    const exact = (wanted.video || wanted.audio).deviceId?.exact;
    const asked = exact === undefined ? found[0] : found.find(each => each.deviceId === exact);
    if (!asked) refuse("OverconstrainedError");
    if (hand.busy.includes(asked.label)) refuse("NotReadableError");
    const stream = await get(wanted);
    hand.tracks[kind] = stream.getTracks()[0];
    return stream;
};
hand.unplug = (kind, labels) => {
    hand.gone = labels;
    hand.tracks[kind].stop();
    hand.tracks[kind].dispatchEvent(new Event("ended"));
};
hand.plug = () => { hand.gone = []; media.dispatchEvent(new Event("devicechange")); };
hand.mute = (kind, muted) => {
    Object.defineProperty(hand.tracks[kind], "muted", { value: muted, configurable: true });
    hand.tracks[kind].dispatchEvent(new Event(muted ? "mute" : "unmute"));
};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("devices")) as found:
        yield found


@pytest.fixture(scope="module")
def chromium(site: Running) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CURRENT, args=[*FLAGS, *CAMERAS])
        yield found
        found.close()


@pytest.fixture(scope="module")
def room(site: Running, chromium: Browser) -> Iterator[Page]:
    """The page of the room's machine: its key was made in it, checked by the operator and bound; it sends."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    context.add_init_script(SCRIPTED)
    door = sign_in(context, site, "room-1")
    door.locator("[data-code]").wait_for()
    apart(check_and_admit(site))
    door.get_by_text("本机已登记").wait_for()
    yield sending(site, context, door)
    context.close()


def sending(site: Running, context: BrowserContext, before: Page) -> Page:
    """The room's page at work; its socket is there before that of the other page goes."""
    page = context.new_page()
    page.goto(f"{site.url}/room")
    expect(page.get_by_text("正在传送")).to_be_visible()
    expect(page.get_by_text("正在录音录像").first).to_be_visible()
    before.close()
    return page


@pytest.fixture(scope="module")
def board(site: Running, chromium: Browser) -> Iterator[Page]:
    """The main operator's console on another machine, which looks on without a key."""
    context = chromium.new_context(viewport={"width": 1366, "height": 900}, locale="zh-CN")
    yield sign_in(context, site, "operator-1", "/operator")
    context.close()


def apart(work: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def check_and_admit(site: Running) -> None:
    """The main venue's operator looks at the machine's tag and admits its room."""
    async with AsyncExitStack() as stack:
        operator = await seated(stack, site, "operator-1")
        await by_main(site)("operator-1", operator.device.thumbprint)
        await operator.bind()
        waiting = await operator.client.call("GET", f"{site.path}/keys")
        key = next(each for each in waiting.json()["keys"] if each["seat"] == "room-1")
        body: Object = {"document": "inventory-tag", "note": None, "seat": "room-1", "thumbprint": key["thumbprint"]}
        await operator.perform("identity.check", body)
        while not (await operator.client.view())["seats"]["room-1"]["bound"]:  # noqa: ASYNC110 (the browser's deed)
            await asyncio.sleep(0.1)
        await operator.perform("room.admit", {"room": "room-1"})


async def resume(site: Running) -> None:
    async with AsyncExitStack() as stack:
        operator = await seated(stack, site, "operator-1")
        await operator.resume((await operator.client.view())["me"]["ctr"])


def fact(board: Page, name: str) -> Locator:
    """What the board says of room-1's camera or microphone."""
    card = board.locator("li.room").filter(has=board.get_by_text("room-1", exact=True))
    return card.locator("dl > div").filter(has=board.get_by_text(name, exact=True)).locator("dd")


def pauses(site: Running) -> list[list[str]]:
    found: list[list[str]] = site.view("supervisor-1")["pauses"]
    return found


@pytest.mark.pictures
def test_the_board_tells_apart_what_is_wrong_with_a_rooms_devices(site: Running, board: Page, room: Page) -> None:
    """Unplugged, muted and not permitted are three things, and each has another way out. Without a picture or a sound
    the proceeding pauses, until they are back."""
    camera, microphone = fact(board, "摄像机"), fact(board, "话筒")
    expect(camera).to_have_text("✓正常")
    expect(microphone).to_have_text("✓正常")
    room.evaluate("hand.mute('audioinput', true)")
    expect(microphone).to_have_text("!没有输出（静音或遮挡）")
    expect(room.get_by_role("alert")).to_contain_text("静音开关")
    assert axe(room) == []
    room.evaluate("hand.mute('audioinput', false)")
    expect(microphone).to_have_text("✓正常")
    cameras = room.get_by_label("摄像头", exact=True).locator("option").all_inner_texts()
    room.evaluate("labels => hand.unplug('videoinput', labels)", cameras)
    expect(camera).to_have_text("✕已拔出")
    expect(microphone).to_have_text("✓正常")
    eventually(lambda: pauses(site) == LOST)
    album = Album()
    album.keep(board, "operator-devices")
    assert album.wrong == {}
    room.evaluate("hand.plug()")
    expect(camera).to_have_text("✓正常")
    eventually(lambda: pauses(site) == [])
    room.evaluate("sessionStorage.setItem('denied', '')")
    room.reload()
    expect(camera).to_have_text("✕浏览器未授权")
    expect(microphone).to_have_text("✕浏览器未授权")
    eventually(lambda: pauses(site) == LOST)
    room.evaluate("sessionStorage.removeItem('denied')")
    room.reload()
    expect(camera).to_have_text("✓正常")
    eventually(lambda: pauses(site) == [])


def test_a_camera_is_swapped_from_the_spare_in_under_a_minute(site: Running, board: Page, room: Page) -> None:
    """Neither the line nor the recording stops, and others see the spare's pictures."""
    eventually(lambda: pauses(site) == [])
    paused = site.deeds().count("ProceedingPaused")
    choice = room.get_by_label("摄像头", exact=True)
    choice.wait_for()
    before, spare = choice.input_value(), choice.locator("option").nth(1).get_attribute("value") or ""
    assert before != spare
    started = time.monotonic()
    choice.select_option(spare)
    expect(choice).to_have_value(spare)
    seen = moving(board)
    eventually(lambda: moving(board) != seen, SWAP_S)
    assert time.monotonic() - started < SWAP_S
    expect(room.get_by_text("正在传送")).to_be_visible()
    # The spare is pulled out as well: the first one takes over by itself.
    label = choice.locator("option").nth(1).inner_text()
    room.evaluate("label => hand.unplug('videoinput', [label])", label)
    expect(room.get_by_text("已自动改用")).to_be_visible()
    expect(choice).to_have_value(before)
    room.evaluate("hand.plug()")
    assert pauses(site) == []
    assert site.deeds().count("ProceedingPaused") == paused
    assert site.view("supervisor-1")["rooms"]["room-1"]["recording"]


def test_a_substitute_that_is_busy_is_told_and_what_is_plugged_in_again_is_used(board: Page, room: Page) -> None:
    """A chosen spare that another program holds leaves the camera that works; where none is left, the board says what
    is wrong, and whatever works first ends it: the old one plugged in again, or the spare given free."""
    choice, camera = room.get_by_label("摄像头", exact=True), fact(board, "摄像机")
    expect(camera).to_have_text("✓正常")
    used, spare = choice.input_value(), choice.locator("option").nth(1).get_attribute("value") or ""
    first, second = choice.locator("option").all_inner_texts()
    assert used != spare
    room.evaluate("label => (hand.busy = [label])", second)
    choice.select_option(spare)
    expect(room.get_by_role("alert").filter(has_text=f"未能改用“{second}”")).to_contain_text("仍在使用原来的设备")
    expect(choice).to_have_value(used)
    expect(camera).to_have_text("✓正常")
    seen = moving(board)
    eventually(lambda: moving(board) != seen, SWAP_S)

    room.evaluate("label => hand.unplug('videoinput', [label])", first)
    expect(camera).to_have_text("✕被其他程序占用")
    expect(room.get_by_role("alert").filter(has_text="摄像头已断开")).to_be_visible()
    room.evaluate("hand.plug()")
    expect(camera).to_have_text("✓正常")
    expect(choice).to_have_value(used)

    room.evaluate("label => hand.unplug('videoinput', [label])", first)
    expect(camera).to_have_text("✕被其他程序占用")
    # Nobody says so when a program lets go of a device.
    room.evaluate("hand.busy = []")
    expect(camera).to_have_text("✓正常")
    expect(choice).to_have_value(spare)
    room.evaluate("hand.plug()")


def moving(board: Page) -> str:
    """The operator's tile of the room: another string with each of the made-up camera's pictures."""
    return str(board.evaluate("document.getElementById('canvas-room-1').toDataURL()"))


def test_a_rooms_machine_that_was_away_resumes_by_itself(site: Running, room: Page, board: Page) -> None:
    """Nobody sits before it: its key says what it has seen, and the venue goes on once its people have said so, too."""
    machine = room.context
    room.close()
    eventually(lambda: site.view("supervisor-1")["venues"]["venue-1"]["lost"], 60)
    page = machine.new_page()
    page.goto(f"{site.url}/room")
    eventually(lambda: not site.view("supervisor-1")["seats"]["room-1"]["waiting"], 60)
    assert site.view("supervisor-1")["seats"]["operator-1"]["waiting"]
    apart(resume(site))
    eventually(lambda: site.view("supervisor-1")["gate"] == "open", 60)
    expect(page.get_by_text("正在录音录像").first).to_be_visible()
    expect(fact(board, "摄像机")).to_have_text("✓正常")
