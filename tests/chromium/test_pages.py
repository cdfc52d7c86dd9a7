"""The client's own pages in real browsers: sign-in, check-in, the room, and what goes wrong (issue 3, bad input)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

from tests.api.installation import Running, running
from tests.chromium.hall import admit, axe, browser, faults, sign_in, vouch
from tests.e2e.album import Album

START = "开始检查"
DONE_MS = 60_000
# The three ways in which a room is told that it is recorded, as they stand before the eyes.
SIGN = """() => {
    const [frame, line] = [".kiosk", ".kiosk .record"].map((each) => document.querySelector(each));
    const dot = line.querySelector("[aria-hidden=true]");
    const { x, y, width, height } = dot?.getBoundingClientRect() ?? new DOMRect();
    const [shown, around] = [dot ?? line, frame].map((each) => getComputedStyle(each));
    return {
        text: line.innerText.trim(),
        size: Math.min(width, height),
        seen: dot !== null && document.elementFromPoint(x + width / 2, y + height / 2) === dot,
        fill: shown.backgroundColor,
        widths: ["Top", "Right", "Bottom", "Left"].map((side) => parseFloat(around[`border${side}Width`])),
        colours: [...new Set(["Top", "Right", "Bottom", "Left"].map((side) => around[`border${side}Color`]))],
    };
}"""
CLEAR = "rgba(0, 0, 0, 0)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("pages")) as found:
        admit(found, "room-1")
        yield found


@pytest.fixture(scope="module")
def playwright(site: Running) -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def current(playwright: Playwright) -> Iterator[Browser]:
    with browser(playwright) as found:
        yield found


@pytest.fixture
def page(current: Browser) -> Iterator[Page]:
    context = current.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def test_a_used_link_says_what_to_do(site: Running, page: Page) -> None:
    token = site.link("seat-1")
    page.goto(f"{site.url}/sign-in#{token}")
    page.wait_for_url("**/check-in")
    page.goto("about:blank")
    page.goto(f"{site.url}/sign-in#{token}")
    expect(page.get_by_role("alert")).to_contain_text("向现场工作人员索取新的链接")
    assert "#" not in page.url
    assert axe(page) == []


def test_a_device_passes_its_check_with_a_real_line(site: Running, page: Page) -> None:
    """Publish and loopback are real: packets go to the media worker and come back."""
    page = sign_in(page.context, site, "room-1")
    said = faults(page)
    page.wait_for_url("**/check-in")
    page.get_by_role("button", name=START).click()
    enter = page.get_by_role("button", name="进入评审现场")
    enter.wait_for(timeout=DONE_MS)
    rows = page.locator("ol > li")
    assert "千比特/秒" in rows.nth(6).inner_text()
    assert [rows.nth(n).locator(".tag").inner_text() for n in (0, 1, 2, 3, 4, 6)] == ["✓\n通过"] * 6
    page.get_by_role("button", name="播放提示音").click()
    page.get_by_role("button", name="听到了", exact=True).click()
    assert axe(page) == []
    assert said == []


@pytest.mark.e2e
def test_without_permission_the_page_says_how_to_give_it(site: Running, playwright: Playwright) -> None:
    """Nobody answers the prompt of a headless browser, so it is a refusal; the room may not go on."""
    with browser(playwright, devices=False) as found:
        page = sign_in(found.new_context(), site, "room-1")
        page.get_by_role("button", name=START).click()
        page.get_by_text("请先解决").wait_for(timeout=DONE_MS)
        expect(page.get_by_role("button", name="进入评审现场")).to_have_count(0)


def test_a_clock_that_is_off_is_told_and_does_no_harm(site: Running, page: Page) -> None:
    page.context.add_init_script("{ const now = Date.now; Date.now = () => now() + 600_000; }")
    page = sign_in(page.context, site, "auditor-1", "/rooms")
    expect(page.get_by_text("本机时钟与服务器相差 10 分钟")).to_be_visible()


def is_recorded(room: Page) -> None:
    """The room's page sends, says that it is recorded, and shows its picture as the others see it."""
    expect(room.get_by_text("正在传送")).to_be_visible(timeout=DONE_MS)
    expect(room.get_by_text("正在录音录像").first).to_be_visible(timeout=DONE_MS)
    # A made-up camera is green, an empty canvas is black.
    room.wait_for_function(
        "() => document.getElementById('canvas-room-1').getContext('2d').getImageData(9, 9, 1, 1).data[1] > 64"
    )


def test_a_room_sends_and_others_see_it(site: Running, page: Page) -> None:
    """Click to first frame: the watcher's tile shows a picture, and the room swaps its camera without a new line."""
    room = sign_in(page.context, site, "room-1", "/room")
    is_recorded(room)
    assert axe(room) == []
    assert site.view("supervisor-1")["rooms"]["room-1"]["recording"]


def test_a_recorded_room_is_told_by_text_icon_and_frame(site: Running, page: Page) -> None:
    """Each says it alone, for who does not read the words or does not see the colour; a room that waits has none."""
    waiting = sign_in(page.context, site, "room-2", "/room")
    expect(waiting.locator(".kiosk .record")).to_have_text("未在录制")
    off = waiting.evaluate(SIGN)
    assert (off["fill"], off["colours"]) == (CLEAR, [CLEAR])
    room = sign_in(page.context, site, "room-1", "/room")
    is_recorded(room)
    on = room.evaluate(SIGN)
    assert on["text"] == "正在录音录像"
    assert (on["seen"], on["size"] >= 12, min(on["widths"]) >= 4) == (True, True, True)
    assert on["fill"] != CLEAR
    assert on["colours"] == [on["fill"]]


def test_a_room_whose_line_is_refused_says_why(site: Running, page: Page) -> None:
    """Until the server takes it, also while the next try is under way; what was refused before is not said any more."""
    publish = "**/rooms/room-1/publish"
    body = json.dumps({"title": "", "status": 503, "code": "media-unavailable", "detail": ""})
    tries: list[Route] = []

    def refuse(route: Route) -> None:
        """The first try at once; the second one waits for its answer."""
        tries.append(route)
        if len(tries) != 2:
            route.fulfill(status=503, content_type="application/problem+json", body=body)

    page.context.route(publish, refuse)
    room = sign_in(page.context, site, "room-1", "/room")
    said = room.get_by_role("alert").filter(has_text="画面和声音未能送出")
    expect(said).to_contain_text("音视频服务正在恢复，请稍候。", timeout=DONE_MS)
    expect(room.get_by_text("正在接通")).to_be_visible(timeout=DONE_MS)
    expect(said).to_be_visible()
    tries[1].fulfill(status=503, content_type="application/problem+json", body=body)
    assert axe(room) == []
    page.context.unroute(publish)
    expect(room.get_by_text("正在传送")).to_be_visible(timeout=DONE_MS)
    expect(said).to_have_count(0)


def test_a_key_that_could_not_be_bound_is_bound_at_the_next_try(site: Running, page: Page) -> None:
    """The record is refused once; the person presses the button and needs no other page."""
    checkpoint = "**/log/checkpoint"
    body = json.dumps({"title": "", "status": 403, "code": "wrong-role", "detail": ""})
    page.context.route(
        checkpoint, lambda route: route.fulfill(status=403, content_type="application/problem+json", body=body)
    )
    seat = sign_in(page.context, site, "seat-2", "/check-in")
    vouch(site, seat, "seat-2")
    failed = seat.locator(".identity [role=alert]")
    expect(failed).to_be_visible(timeout=DONE_MS)
    expect(seat.locator(".identity .tag")).to_contain_text("正在登记")
    page.context.unroute(checkpoint)
    failed.get_by_role("button", name="重试").click()
    expect(seat.locator(".identity .tag")).to_contain_text("本机已登记", timeout=DONE_MS)
    expect(failed).to_have_count(0)
    assert site.view("seat-2")["me"]["bound"]


def test_one_seat_works_in_one_tab(site: Running, page: Page) -> None:
    first = sign_in(page.context, site, "room-1", "/room")
    expect(first.get_by_role("heading", name="本会场")).to_be_visible()
    second = page.context.new_page()
    second.goto(f"{site.url}/room")
    expect(second.get_by_text("此席位已在另一个窗口中打开")).to_be_visible()
    second.get_by_role("button", name="改在此窗口继续").click()
    expect(second.get_by_role("heading", name="本会场")).to_be_visible()
    expect(first.get_by_text("此席位已转到另一个窗口")).to_be_visible()
    assert axe(first) == []


@pytest.mark.e2e
def test_a_page_outlives_a_restart_of_the_server(site: Running, page: Page) -> None:
    """A stale tab counts down, comes back by itself and goes on from the entry that it knows."""
    page = sign_in(page.context, site, "auditor-1", "/rooms")
    expect(page.locator("#stage")).to_have_text("签到")
    before = int(page.locator("#size").inner_text())
    site.kill("web")
    expect(page.get_by_text("与服务器的连接已中断")).to_be_visible()
    expect(page.get_by_text("与服务器的连接已中断")).to_have_count(0, timeout=DONE_MS)
    assert int(page.locator("#size").inner_text()) >= before


@pytest.mark.e2e
@pytest.mark.pictures
def test_every_page_has_its_words_and_no_violation(site: Running, page: Page) -> None:
    """WCAG 2.2 AA by axe, in both languages and in large text; no key of the words shows."""
    album = Album()
    said = faults(page)
    for path in ("nowhere", "sign-in"):
        page.goto(f"{site.url}/{path}")
        page.get_by_role("heading").first.wait_for()
        album.keep(page, path)
    page = sign_in(page.context, site, "room-1")
    for path in ("check-in", "rooms", "room"):
        page.goto(f"{site.url}/{path}")
        page.get_by_role("heading").first.wait_for()
        if path == "room":
            is_recorded(page)
        album.keep(page, f"room-{path}")
    assert album.wrong == {}, json.dumps(album.wrong, ensure_ascii=False, indent=1)
    # `nowhere` is nowhere; and a page asks for pictures before it knows that there is a media worker yet.
    assert [line for line in said if "404" not in line and "503" not in line] == []


def test_a_language_whose_words_cannot_be_had_is_not_switched_to(site: Running, page: Page) -> None:
    """The line is away at the first press: the page goes on in its own language, and the next press finds the words."""
    page.goto(f"{site.url}/sign-in")
    heading = page.get_by_role("heading", level=1)
    said = heading.inner_text()
    page.route("**/assets/en-*.js", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(heading).to_have_text(said)
    page.unroute("**/assets/en-*.js")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(heading).not_to_have_text(said)
