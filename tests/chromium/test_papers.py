"""Bid documents on a seat's screen: a damaged page among good ones, and whose clock stands in the watermark."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from evidence.core.canonical import b64u, sha256
from sessions.core.night import CHINA
from tests.api.installation import Running, running
from tests.chromium.hall import axe, browser, sign_in
from tests.expert.papers import damaged, pdf
from web.demo.documents import tender
from web.demo.tender import case

NAME = "缺页的文件"
# A device whose clock is a day ahead, and what is written on its canvases.
AHEAD = """
{
    const now = Date.now;
    Date.now = () => now() + 86_400_000;
    window.written = [];
    // Two letters that look alike: neither is there, and a box stands for each.
    const boxes = font => new Set(["年", "评"].map(letter => {
        const context = new OffscreenCanvas(40, 40).getContext("2d", { willReadFrequently: true });
        context.font = font;
        OffscreenCanvasRenderingContext2D.prototype.fillText.call(context, letter, 5, 30);
        return context.getImageData(0, 0, 40, 40).data.join();
    })).size < 2;
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        written.push(text.includes("年") && boxes(this.font) ? `${text} in boxes` : text);
        return fillText.call(this, text, ...place);
    };
}
"""
# A browser that refuses to read what it has received, as Chromium does now and then with a large one.
REFUSING = """
{
    window.refuse = 0;
    const { arrayBuffer } = Blob.prototype;
    Blob.prototype.arrayBuffer = function () {
        if (refuse === 0) return arrayBuffer.call(this);
        refuse -= 1;
        return Promise.reject(new DOMException("", "NotReadableError"));
    };
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Nothing happens in its proceeding: documents can be read before the start."""
    body, data = tender(case(None)), damaged(pdf("Gap bid", pages=4), 3)
    document = {"sha256": b64u(sha256(data)), "name": NAME, "bidder": "bidder-1", "pages": 4}
    body["files"].append(base64.b64encode(data).decode())
    body["definition"]["documents"].append(document)
    with running(tmp_path_factory.mktemp("papers"), body) as found:
        yield found


@pytest.fixture(scope="module")
def page(site: Running) -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as chromium:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(30_000)
        context.add_init_script(AHEAD + REFUSING)
        yield sign_in(context, site, "seat-1", "/expert/documents")


@pytest.fixture
def pane(page: Page) -> Locator:
    """The left document: the one with a page that cannot be read."""
    box = page.get_by_role("combobox", name="左侧文件")
    box.wait_for()
    box.select_option(label=next(each for each in box.locator("option").all_inner_texts() if NAME in each))
    found = page.locator(".pane").first
    found.get_by_text("/ 4").wait_for()
    return found


def test_a_search_goes_past_a_damaged_page_and_says_so(pane: Locator) -> None:
    seek(pane)
    expect(pane.get_by_text("第 1 处，共 3 处")).to_be_visible()
    expect(pane.get_by_text("无法读取、因而没有查找的页：第 3 页")).to_be_visible()


def seek(pane: Locator) -> None:
    pane.get_by_role("searchbox").fill("GAP BID")
    pane.get_by_role("button", name="查找", exact=True).click()


def test_a_search_waits_for_a_file_that_cannot_be_read_for_a_moment(page: Page, pane: Locator) -> None:
    expect(pane.locator("canvas")).to_be_visible()
    page.evaluate("refuse = 3")
    seek(pane)
    expect(pane.get_by_text("第 1 处，共 3 处")).to_be_visible()
    assert page.evaluate("refuse") == 0


def test_a_file_that_cannot_be_read_any_more_is_received_anew(page: Page, pane: Locator) -> None:
    """pdf.js would wait for ever; the person is told, and "try again" asks the server."""
    expect(pane.locator("canvas")).to_be_visible()
    page.evaluate("refuse = 1e9")
    seek(pane)
    lost = pane.get_by_role("alert").filter(has_text="本机读不出已收到的文件")
    expect(pane.get_by_text("正在查找")).to_be_visible()
    # It is tried for fourteen seconds.
    expect(lost).to_be_visible(timeout=30_000)
    assert axe(page) == []
    page.evaluate("refuse = 0")
    with page.expect_request(re.compile("/objects/")):
        lost.get_by_role("button", name="重试").click()
    expect(pane.locator("canvas")).to_be_visible()
    seek(pane)
    expect(pane.get_by_text("第 1 处，共 3 处")).to_be_visible()


def test_a_damaged_page_has_two_ways_out_and_leaves_the_others_readable(page: Page, pane: Locator) -> None:
    """By the keyboard: the focus stays, so PageDown goes on past the page."""
    frame = pane.get_by_role("group")
    alert = pane.get_by_role("alert").filter(has_text="第 3 页无法读取")
    frame.focus()
    for at in (2, 3):
        page.keyboard.press("PageDown")
        expect(frame).to_have_accessible_name(re.compile(f"{NAME}，第 {at} 页"))
    expect(alert).to_be_visible()
    assert axe(page) == []
    page.keyboard.press("PageDown")
    expect(pane.locator("canvas")).to_be_visible()
    expect(alert).to_have_count(0)
    expect(pane.locator("[data-words]")).to_have_text("Gap bid page 4")
    after = pane.get_by_role("button", name="下一页")
    after.focus()
    expect(after).to_be_disabled()
    page.keyboard.press("Enter")
    expect(after).to_be_focused()
    page.keyboard.press("Shift+Tab")

    pane.get_by_role("button", name="上一页").click()
    alert.get_by_role("button", name="通知工作人员").click()
    dialog = page.get_by_role("dialog", name="请求协助")
    expect(dialog.get_by_role("textbox")).to_have_value(re.compile(f"文件第 3 页无法读取：.*{NAME}"))
    dialog.get_by_role("button", name="取消").click()
    # The server's reader cannot make a picture of this one, either; there is still somebody to be told.
    alert.get_by_role("button", name="改看这一页的图片").click()
    expect(pane.get_by_role("alert").get_by_role("button", name="通知工作人员")).to_be_visible()
    pane.get_by_role("button", name="上一页").click()
    expect(pane.locator("[data-words]")).to_have_text("Gap bid page 2")


def test_a_watermark_has_the_servers_time(page: Page, pane: Locator) -> None:
    expect(page.get_by_text("本机时钟与服务器相差")).to_be_visible()
    pane.get_by_role("textbox", name="页码").fill("4")
    pane.get_by_role("textbox", name="页码").press("Enter")
    expect(pane.locator("[data-words]")).to_have_text("Gap bid page 4")
    # Marks of one second are written once; the page's own letters come one by one.
    mark = page.evaluate("() => written.findLast(text => text.includes('年'))")
    today = datetime.now(CHINA)
    assert f"{today.year}年{today.month}月{today.day}日" in mark
    # On a machine without a Chinese font, as this may be one, its letters are ours.
    assert "boxes" not in mark
