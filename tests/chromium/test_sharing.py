"""What everybody looks at: a room's shared screen, and the pages that the presenter shows, in the browsers of two seats
and a room (the console that leads, an expert, a kiosk)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright

from evidence.core.canonical import Object
from tests.api.installation import AHEAD, Running, eventually, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, axe, bind_others, browser, seated, sign_in, vouch
from tests.e2e.album import Album
from tests.expert.papers import ANNEX, ENCRYPTED, tender_with_papers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
expect.set_options(timeout=60_000)

ROOMS = ("room-1", "room-2", "room-3")
# Three cameras and a dozen decoders on two cores: small pictures, seldom.
SMALL = """
const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = wanted =>
    get(wanted.video ? { video: { width: 160, height: 90, frameRate: 2 } } : wanted);
"""
# What a person would choose in the browser's own dialog, which no test can press: a screen, red left and blue right.
SCREEN = """
navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const context = canvas.getContext("2d");
    setInterval(() => {
        for (const [n, color] of ["rgb(220 0 0)", "rgb(0 0 220)"].entries()) {
            context.fillStyle = color;
            context.fillRect(320 * n, 0, 320, 360);
        }
    }, 500);
    return canvas.captureStream(2);
};
"""
PIXELS = """room => {
    const canvas = document.getElementById(`shared-${room}`);
    if (!canvas || canvas.width !== 640) return null;
    return [160, 480].map(x => [...canvas.getContext("2d").getImageData(x, 180, 1, 1).data.slice(0, 3)]);
}"""
# What a page says it has on its screen: the pages' numbers, newest last.
SAID = """
window.said = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
    const message = JSON.parse(text);
    if (message.type === "viewing") said.push(message.images.map(image => image.page));
    send.call(this, text);
};
"""
# The part of the page that stands in a frame, and in the window: top and bottom edge, in parts of the page's height.
PART = """() => {
    const [frame, page] = [".frame", ".frame canvas"].map(each => document.querySelector(each).getBoundingClientRect());
    const [top, bottom] = [Math.max(frame.top, 0), Math.min(frame.bottom, innerHeight)];
    return [top, bottom].map(edge => Math.min(1, Math.max(0, (edge - page.top) / page.height)));
}"""
# Sockets that a test can cut; a browser that is set offline keeps those that it has.
CUT = """
window.lines = [];
WebSocket = class extends WebSocket { constructor(...given) { super(...given); lines.push(this); } };
"""


@dataclass
class Hall:
    """Its windows; the console, the expert and the supervisor each in a profile of its own."""

    site: Running
    browser: Browser
    playwright: Playwright
    pages: dict[str, Page] = field(default_factory=dict)

    def context(self, *scripts: str) -> BrowserContext:
        found = self.browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        found.set_default_timeout(60_000)
        for script in scripts:
            found.add_init_script(script)
        return found

    def open(self, seat: str, path: str, *scripts: str) -> Page:
        self.pages[seat] = sign_in(self.context(*scripts), self.site, seat, path)
        return self.pages[seat]

    def vouch(self, seat: str) -> None:
        vouch(self.site, self.pages[seat], seat)
        eventually(lambda: self.site.view(seat)["me"]["bound"], 60)

    def act(self, name: str, body: Object) -> None:
        """The supervisor acts, whose device is no browser."""
        apart(_act(self.site, name, body))


async def _act(site: Running, name: str, body: Object) -> None:
    async with AsyncExitStack() as stack:
        await (await seated(stack, site, "supervisor-1")).perform(name, body)


def apart(work: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _bind(site: Running) -> None:
    async with AsyncExitStack() as stack:
        await bind_others(stack, site, {"operator-1", "seat-1"})


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """In the declarations, the first stage in which pages are shown; what leads there is pressed in the console."""
    folder = tmp_path_factory.mktemp("sharing")
    with running(folder / "site", tender_with_papers(), AHEAD) as site, sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=CURRENT, args=[*FLAGS, *DEVICES])
        found = Hall(site, window, playwright)
        try:
            lead_in(found)
            yield found
        finally:
            for seat, page in found.pages.items():
                with suppress(Exception):
                    page.screenshot(path=folder / f"{seat}.png", full_page=True)
            window.close()


def lead_in(hall: Hall) -> None:
    apart(_bind(hall.site))
    console = hall.open("operator-1", "/operator", CUT)
    hall.vouch("operator-1")
    hall.open("seat-1", "/expert/shared", CUT)
    hall.vouch("seat-1")
    for room in ROOMS:
        hall.open(room, "/room", SMALL, SCREEN, SAID)
        console.get_by_role("button", name=f"准许接入 {room}").click()
    step = console.get_by_role("button", name="进入“承诺与回避”")
    step.click()
    console.get_by_role("dialog").get_by_role("button", name="进入“承诺与回避”").click()
    eventually(lambda: hall.site.view("seat-1")["stage"] == "declarations", 60)


def near(found: list[list[int]] | None) -> bool:
    """Red left, blue right, as far as a lossy codec keeps them."""
    if found is None:
        return False
    left, right = found
    return left[0] > 150 > 90 > left[2] and right[2] > 150 > 90 > right[0]


@pytest.mark.pictures
def test_a_rooms_shared_screen_is_seen_everywhere(hall: Hall) -> None:
    """By its pixels, at the seat, the console, the supervisor's wall, the hall's page and another room; and large."""
    kiosk = hall.pages["room-1"]
    others = [hall.pages["seat-1"], hall.pages["operator-1"], hall.pages["room-2"]]
    others += [hall.open("supervisor-1", "/supervisor"), hall.open("auditor-1", "/rooms")]
    for page in others:
        expect(page.locator("#shared-room-1")).to_be_hidden()
    kiosk.get_by_role("button", name="共享屏幕画面").click()
    expect(kiosk.locator(".tag").filter(has_text="正在共享屏幕画面")).to_be_visible()
    for page in others:
        picture = page.locator("#shared-room-1")
        expect(picture).to_be_visible()
        expect(page.locator("figcaption").get_by_text("主场 · 呼和浩特 正在共享屏幕画面")).to_be_visible()
        eventually(lambda page=page: near(page.evaluate(PIXELS, "room-1")), 60)  # type: ignore[misc]
        shared, tile = picture.bounding_box(), page.locator("#canvas-room-1").bounding_box()
        assert shared is not None
        assert tile is not None
        assert shared["width"] > 1.5 * tile["width"], page.url
    # Its own screen would show itself in itself without end.
    expect(kiosk.locator("#shared-room-1")).to_have_count(0)
    pictured({"supervisor-shared-picture": hall.pages["supervisor-1"], "expert-shared-picture": hall.pages["seat-1"]})
    fold = hall.pages["seat-1"].get_by_role("button", name="收起画面")
    fold.click()
    expect(hall.pages["seat-1"].locator("#shared-room-1")).to_be_hidden()
    hall.pages["seat-1"].get_by_role("button", name="展开画面").click()
    kiosk.get_by_role("button", name="停止共享").click()
    for page in others:
        expect(page.locator("#shared-room-1")).to_be_hidden()
    for seat in ("supervisor-1", "auditor-1"):
        hall.pages.pop(seat).context.close()


@pytest.mark.parametrize("which", ["109", "current"])
def test_the_baseline_browser_shows_the_shared_screen_and_the_page(hall: Hall, which: str) -> None:
    """Chromium 109, which some centres' machines have: the shared picture by its pixels, at a member's seat."""
    kiosk = hall.pages["room-1"]
    kiosk.get_by_role("button", name="共享屏幕画面").click()
    with browser(hall.playwright, which) as other:
        context = other.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(60_000)
        page = sign_in(context, hall.site, "seat-2", "/rooms")
        expect(page.locator("#shared-room-1")).to_be_visible()
        eventually(lambda: near(page.evaluate(PIXELS, "room-1")), 60)
        kiosk.get_by_role("button", name="停止共享").click()
        expect(page.locator("#shared-room-1")).to_be_hidden()
        context.close()


def pictured(pages: dict[str, Page]) -> None:
    """A copy of each for the guide; axe looks at it."""
    album = Album()
    for name, page in pages.items():
        album.keep(page, name)
    assert album.wrong == {}


def presented(page: Page) -> Locator:
    return page.locator("canvas[data-page][data-ready]")


# The page on show ends where the rooms begin.
BESIDE = """() => {
    const [page, rooms] = [".frame", ".tiles"].map((each) => document.querySelector(each).getBoundingClientRect());
    return page.right <= rooms.left;
}"""


def marks(page: Page) -> list[str]:
    """Where the marks stand on the page."""
    found: list[str] = page.locator(".sheet .mark").evaluate_all("all => all.map(each => each.getAttribute('style'))")
    return found


def choose(page: Page, name: str) -> None:
    box = page.locator(".turner select")
    expect(box.locator("option").filter(has_text=name)).to_have_count(1)
    label = next(each for each in box.locator("option").all_inner_texts() if name in each)
    box.select_option(label=label)


@pytest.mark.pictures
def test_pages_are_turned_marked_and_handed_over(hall: Hall) -> None:
    """The console presents first; a seat follows, looks on its own, comes back, takes over; the kiosk shows it all."""
    console, seat, kiosk = (hall.pages[name] for name in ("operator-1", "seat-1", "room-1"))
    expect(console.get_by_text("您是主讲人")).to_be_visible()
    choose(console, "招标文件")
    for page in (console, seat, kiosk):
        expect(presented(page)).to_have_attribute("data-page", "1")
    expect(seat.get_by_text("招标文件（摘要） · 第 1 页，共 2 页")).to_be_visible()
    # A room's machine may not read the definition: the server tells it what the document on show is called.
    expect(kiosk.get_by_text("招标文件（摘要） · 第 1 页，共 2 页")).to_be_visible()
    # By keys alone; at the last page the focus stays where it was.
    after = console.get_by_role("button", name="下一页")
    after.press("Enter")
    for page in (console, seat, kiosk):
        expect(presented(page)).to_have_attribute("data-page", "2")
    expect(after).to_be_disabled()
    expect(after).to_be_focused()
    console.keyboard.press("Enter")
    expect(console.locator(".turner [role=alert]")).to_have_count(0)
    console.get_by_role("button", name="标出一处").press("Enter")
    handle = console.get_by_role("application")
    expect(handle).to_be_focused()
    for key in ("ArrowUp", "ArrowRight", "Shift+ArrowDown", "Enter"):
        console.keyboard.press(key)
    for page in (console, seat, kiosk):
        expect(page.locator(".sheet .mark")).to_have_count(1)
    assert marks(seat) == marks(kiosk) == marks(console)
    pictured({"operator-presents": console, "expert-follows": seat, "room-shared": kiosk})
    # In large text there is less place for the page, and the rooms still stand beside it.
    text = kiosk.locator("nav.tools button").first
    text.click()
    kiosk.wait_for_function(BESIDE)
    text.click()
    kiosk.wait_for_function(BESIDE)

    # On one's own, and back.
    seat.get_by_role("button", name="自行浏览").click()
    seat.get_by_role("button", name="上一页").click()
    expect(presented(seat)).to_have_attribute("data-page", "1")
    expect(seat.get_by_text("主讲人在第 2 页")).to_be_visible()
    expect(seat.locator(".sheet .mark")).to_have_count(0)
    expect(presented(kiosk)).to_have_attribute("data-page", "2")
    seat.get_by_role("button", name="回到主讲人的画面").click()
    expect(presented(seat)).to_have_attribute("data-page", "2")
    expect(seat.locator(".sheet .mark")).to_have_count(1)

    # What the presenter does while a seat's line is down is there once it is back.
    seat.route("**/socket-tickets", lambda route: route.abort())
    seat.evaluate("lines.at(-1).close()")
    expect(seat.get_by_text("与服务器的连接已中断")).to_be_visible()
    console.get_by_role("button", name="清除标记").click()
    expect(kiosk.locator(".sheet .mark")).to_have_count(0)
    assert len(marks(seat)) == 1
    seat.unroute("**/socket-tickets")
    expect(seat.locator(".sheet .mark")).to_have_count(0)

    # And a server that lost what it was told is told again.
    console.get_by_role("button", name="标出一处").press("Enter")
    console.keyboard.press("Enter")
    expect(kiosk.locator(".sheet .mark")).to_have_count(1)
    hall.site.kill("web")
    eventually(hall.site.ready, 60)
    seat.reload()
    expect(seat.locator(".sheet .mark")).to_have_count(1)
    eventually(lambda: hall.site.view("seat-1")["gate"] == "open", 60)

    console.get_by_label("主讲权移交给").select_option("seat-1")
    console.get_by_role("button", name="移交", exact=True).click()
    expect(seat.get_by_text("您是主讲人")).to_be_visible()
    expect(console.get_by_text("您是主讲人")).to_have_count(0)
    # Whoever takes over has the marks that everybody sees.
    expect(seat.get_by_role("button", name="清除标记")).to_be_visible()
    # By dragging, and by pressing two corners; a click more marks nothing.
    frame = seat.locator(".frame")
    frame.evaluate("frame => frame.scrollIntoView()")
    box = frame.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 3, box["y"] + 60
    seat.mouse.move(x, y)
    seat.mouse.down()
    seat.mouse.move(x + 200, y + 40, steps=4)
    seat.mouse.up()
    expect(kiosk.locator(".sheet .mark")).to_have_count(2)
    seat.get_by_role("button", name="标出一处").click()
    frame.evaluate("frame => frame.scrollIntoView()")
    seat.mouse.click(x, y + 80)
    seat.mouse.click(x + 200, y + 120)
    expect(kiosk.locator(".sheet .mark")).to_have_count(3)
    assert marks(kiosk) == marks(seat)
    seat.mouse.click(x, y + 160)
    expect(seat.locator(".sheet .mark")).to_have_count(3)
    assert axe(seat) == []


def test_a_kiosk_shows_all_of_the_presenters_part_and_says_so_only_then(hall: Hall) -> None:
    """Nobody scrolls at a kiosk: what the presenter shows stands in its window, whatever size that has (issue 3); what
    does not is not said to be on the screen (`PagesViewed` is evidence)."""
    seat, kiosk = hall.pages["seat-1"], hall.pages["room-1"]
    seat.locator(".frame").evaluate("frame => { frame.scrollIntoView(); frame.scrollTo(0, frame.scrollHeight / 3); }")

    def shows() -> bool:
        (top, bottom), (first, last) = seat.evaluate(PART), kiosk.evaluate(PART)
        return bool(first <= top + 0.02 and bottom - 0.02 <= last and kiosk.evaluate("said.at(-1)") == [2])

    for size in ((1920, 1080), (1366, 768), (1440, 900)):
        kiosk.set_viewport_size({"width": size[0], "height": size[1]})
        eventually(shows, 30)
    # The control: a window in which it cannot stand.
    kiosk.set_viewport_size({"width": 1440, "height": 200})
    eventually(lambda: kiosk.evaluate("said.at(-1)") == [], 30)
    kiosk.set_viewport_size({"width": 1440, "height": 900})
    eventually(shows, 30)
    pictured({"room-shared-whole": kiosk})


def test_a_turn_that_is_refused_says_so(hall: Hall) -> None:
    seat, kiosk = hall.pages["seat-1"], hall.pages["room-1"]
    hall.act("proceeding.pause", {"reason": "短暂休息"})
    expect(seat.get_by_text("评审已暂停").first).to_be_visible()
    seat.get_by_role("button", name="上一页").click()
    expect(seat.get_by_role("alert").filter(has_text="未能翻页。")).to_contain_text("评审已暂停，恢复后可以继续")
    expect(presented(seat)).to_have_attribute("data-page", "2")
    # What is cleared in a pause is told once it is over: the server takes no screen in between.
    seat.get_by_role("button", name="清除标记").click()
    expect(seat.locator(".sheet .mark")).to_have_count(0)
    hall.act("incident.note", {"seat": None, "text": "停电三分钟"})
    expect(kiosk.locator(".sheet .mark")).to_have_count(3)
    hall.act("proceeding.resume", {"reason": "继续"})
    eventually(lambda: hall.site.view("seat-1")["gate"] == "open", 60)
    expect(kiosk.locator(".sheet .mark")).to_have_count(0)
    seat.get_by_role("button", name="上一页").click()
    expect(presented(kiosk)).to_have_attribute("data-page", "1")
    expect(seat.get_by_text("未能翻页。")).to_have_count(0)
    # Two presses are two pages, though a page that is stated is shown a moment later.
    choose(seat, ANNEX)
    expect(seat.locator(".turner")).to_contain_text("/ 3")
    for _ in range(2):
        seat.get_by_role("button", name="下一页").click()
    for page in (seat, kiosk):
        expect(presented(page)).to_have_attribute("data-page", "3")


def test_a_document_that_cannot_be_shown_says_why_and_offers_help(hall: Hall) -> None:
    """An encrypted file on the shared screen: the shell has its words, so the kiosk says them as well."""
    seat, kiosk = hall.pages["seat-1"], hall.pages["room-1"]
    choose(seat, ENCRYPTED)
    for page in (seat, kiosk):
        expect(page.get_by_role("alert").filter(has_text="可能设有密码，或已损坏")).to_be_visible()
    assert axe(seat) == []
    seat.get_by_role("button", name="通知工作人员").click()
    dialog = seat.get_by_role("dialog", name="请求协助")
    expect(dialog.get_by_role("textbox")).to_have_value(re.compile(ENCRYPTED))
    dialog.get_by_role("button", name="取消").click()
    choose(seat, "招标文件")
    expect(presented(kiosk)).to_have_attribute("data-page", "1")
