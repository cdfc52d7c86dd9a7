"""A browser that plays no sound before somebody has touched the page (Chromium's autoplay policy): a button says so,
works by the keyboard, and goes away once the rooms are heard (issue 3, "The faces")."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright, expect, sync_playwright

from tests.api.installation import Running, eventually, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import axe, browser, sign_in
from tests.chromium.test_devices import apart, check_and_admit, sending

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
expect.set_options(timeout=60_000)

STRICT = [*(flag for flag in FLAGS if "autoplay" not in flag), "--autoplay-policy=user-gesture-required"]
# The tiles' players stand in no document.
PLAYERS = """
window.players = [];
const make = document.createElement.bind(document);
document.createElement = (name, ...more) => {
    const found = make(name, ...more);
    if (name === "video") players.push(found);
    return found;
};
"""
# One of them has something to play: the other rooms' machines are away.
HEARD = """players.filter(({ srcObject, muted, paused, readyState }) =>
    srcObject?.getAudioTracks().length && !muted && !paused && readyState > 1).length"""
BUTTON = "点此打开声音"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sound")) as found:
        yield found


@pytest.fixture(scope="module")
def playwright(site: Running) -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def speaking(site: Running, playwright: Playwright) -> Iterator[Page]:
    """A room whose microphone everybody else hears."""
    with browser(playwright) as found:
        context = found.new_context(locale="zh-CN")
        door = sign_in(context, site, "room-1")
        door.locator("[data-code]").wait_for()
        apart(check_and_admit(site))
        door.get_by_text("本机已登记").wait_for()
        yield sending(site, context, door)


@pytest.fixture(scope="module")
def strict(playwright: Playwright) -> Iterator[Browser]:
    found = playwright.chromium.launch(executable_path=CURRENT, args=STRICT)
    yield found
    found.close()


@pytest.fixture
def person(strict: Browser) -> Iterator[BrowserContext]:
    context = strict.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_init_script(PLAYERS)
    yield context
    context.close()


class Onlooker:
    """Reads the page and never touches it: Playwright's own scripts count as gestures."""

    def __init__(self, page: Page) -> None:
        self._line: CDPSession = page.context.new_cdp_session(page)

    def read(self, expression: str) -> object:
        answer = self._line.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        return answer["result"].get("value")

    def shows(self, words: str) -> bool:
        return words in str(self.read("document.body.innerText"))


def press_by_keyboard(page: Page, onlooker: Onlooker) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if BUTTON in str(onlooker.read("document.activeElement?.innerText")):
            return page.keyboard.press("Enter")
    pytest.fail("the button cannot be reached by Tab")


def test_a_rooms_machine_that_nobody_has_touched(site: Running, speaking: Page, person: BrowserContext) -> None:
    page = sign_in(person, site, "room-2", "/room")
    onlooker = Onlooker(page)
    eventually(lambda: onlooker.shows(BUTTON), 60)
    assert onlooker.shows("浏览器还没有允许播放声音，现在只有画面")
    assert onlooker.read(HEARD) == 0
    press_by_keyboard(page, onlooker)
    eventually(lambda: onlooker.read(HEARD) == 1, 30)
    assert not onlooker.shows(BUTTON)


def test_a_seat_whose_sound_was_switched_on_without_a_touch(
    site: Running, speaking: Page, person: BrowserContext
) -> None:
    """By a program that reads the page aloud, say; whoever presses the button by hand hears the rooms at once."""
    page = sign_in(person, site, "seat-1", "/expert")
    onlooker = Onlooker(page)
    switch = "[...document.querySelectorAll('button')].find(each => each.innerText === '打开声音')"
    eventually(lambda: onlooker.read(f"Boolean({switch})"), 60)
    eventually(lambda: onlooker.read("players.some(({ srcObject }) => srcObject)"), 60)
    onlooker.read(f"{switch}.click()")
    eventually(lambda: onlooker.shows(BUTTON), 60)
    assert onlooker.read(HEARD) == 0
    press_by_keyboard(page, onlooker)
    eventually(lambda: onlooker.read(HEARD) == 1, 30)
    assert not onlooker.shows(BUTTON)
    assert axe(page) == []
    page.reload()
    page.get_by_role("button", name="打开声音").press("Enter")
    eventually(lambda: onlooker.read(HEARD) == 1, 30)
    assert not onlooker.shows(BUTTON)
