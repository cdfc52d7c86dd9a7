"""Where an expert's page leads nowhere else: a definition that did not come, a seal of another device, a dispute that
was hasty, a draft that the disk does not take. In a meeting of its own and in the order of its stages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.chromium.hall import axe
from tests.expert.hall import SEAT, Hall, meeting
from tests.expert.steps import CHECK, seal, to, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
expect.set_options(timeout=60_000)

OBJECTS = "**/objects/*"
UNREACHED = "无法连接服务器。请检查网络后重试"
IN_USE = "此席位正在另一个窗口中使用"
DISPUTED = "您已对封存清单提出异议"
UNSAVED, UNREAD = "草稿没有保存到本机", "没能读出保存在本机的草稿"
KEPT = re.compile("草稿已于 .* 加密保存在本机")
# Sockets that a test can cut.
CUT = """
window.lines = [];
WebSocket = class extends WebSocket { constructor(...given) { super(...given); lines.push(this); } };
"""
# A device that has the seat's key and nothing of what was signed with it: so does one that came in place of another.
FORGETFUL = """
const all = IDBObjectStore.prototype.getAll;
IDBObjectStore.prototype.getAll = function (...given) {
    return all.apply(this, this.name === "journal" ? [-1] : given);
};
"""
# A disk that is full, and one that cannot be read, for drafts.
FULL = """
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...given) {
    if (window.full && this.name === "drafts") throw new DOMException("", "QuotaExceededError");
    return put.apply(this, given);
};
"""
TORN = """
window.torn = true;
const get = IDBObjectStore.prototype.get;
IDBObjectStore.prototype.get = function (...given) {
    if (torn && this.name === "drafts") throw new DOMException("", "DataError");
    return get.apply(this, given);
};
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with meeting(tmp_path_factory.mktemp("ways-back")) as found:
        yield found


@pytest.fixture(scope="module")
def person(hall: Hall) -> Iterator[BrowserContext]:
    """One browser profile, with the seat's key in it."""
    context = hall.context()
    yield context
    context.close()


@pytest.fixture
def page(hall: Hall, person: BrowserContext) -> Iterator[Page]:
    if not hall.bound:
        hall.sit(person).close()
    found = person.new_page()
    yield found
    found.close()


def away(route: Route) -> None:
    route.abort("connectionrefused")


def vote(hall: Hall, page: Page) -> dict[str, Any]:
    """The seat's ballot is in the list of seals, and not confirmed."""
    until(hall, page, "chair-election")
    if "ballot.seal" in hall.wait(lambda view: {"ballot.seal", "freeze.ok"} & set(view["todo"]))["todo"]:
        to(hall, page, "chair")
        page.locator("input[name=choice]").first.check()
        page.get_by_role("button", name=CHECK).click()
        seal(page, "密封并投出这一票", "您的一票已密封投出")
    return hall.due("freeze.ok")


def test_a_definition_that_did_not_come_is_asked_for_again(hall: Hall, page: Page) -> None:
    """By the button, and by itself with the line: the seat stays open, and nobody is told of another window."""
    hall.due("commitment.sign")
    page.add_init_script(CUT)
    page.route(OBJECTS, away)
    to(hall, page, "documents")
    expect(page.get_by_role("alert")).to_contain_text(UNREACHED)
    expect(page.locator(".work").get_by_role("combobox")).to_have_count(0)
    assert axe(page) == []
    page.unroute(OBJECTS)
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_role("combobox", name="左侧文件")).to_be_visible()
    page.route(OBJECTS, away)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(UNREACHED)
    page.unroute(OBJECTS)
    page.evaluate("lines.at(-1).close()")
    expect(page.get_by_role("combobox", name="左侧文件")).to_be_visible()
    # In the very same window the seat acts.
    page.locator("a.task").first.click()
    page.get_by_label("我已阅读并同意以上全部承诺").check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "签署承诺书", "承诺书已签署")
    expect(page.get_by_text(IN_USE)).to_have_count(0)
    to(hall, page, "recusal")
    page.get_by_label("不存在上述情形").check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "提交申报：不需要回避", "回避申报已提交")


def test_a_seal_of_another_device_is_no_alarm(hall: Hall, page: Page) -> None:
    """What this device has no copy of, it neither confirms nor doubts; the seal's name in the record is shown."""
    listed = dict(vote(hall, page)["round"]["listed"])
    page.add_init_script(FORGETFUL)
    to(hall, page, "freeze")
    told = page.locator(".match")
    expect(told).to_contain_text("本机没有它的副本")
    expect(told).to_contain_text(listed[SEAT])
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("与本机签署的")).to_have_count(0)
    assert axe(page) == []


def test_a_dispute_is_checked_first_and_can_be_taken_back(hall: Hall, page: Page) -> None:
    vote(hall, page)
    to(hall, page, "freeze")
    expect(page.get_by_text("清单中您的封存件与本机签署的一致")).to_be_visible()
    page.get_by_role("button", name="提出异议").click()
    check = page.locator("section.check")
    expect(check.get_by_role("heading", name="请核对异议")).to_be_focused()
    expect(check).to_contain_text("开启之前您可以改为确认")
    expect(check).not_to_contain_text("不能撤回")
    assert axe(page) == []
    check.get_by_role("button", name="返回修改").click()
    assert hall.view()["round"]["disputed"] == []
    page.get_by_role("button", name="提出异议").click()
    check.get_by_role("button", name="提出异议").click()
    expect(page.get_by_role("heading", name=DISPUTED)).to_be_visible()
    assert hall.wait(lambda view: view["round"]["disputed"])["round"]["disputed"] == [SEAT]
    # Who has left the page finds it again.
    to(hall, page, "")
    page.get_by_role("link", name="封存清单").click()
    expect(page.get_by_role("heading", name=DISPUTED)).to_be_visible()
    assert axe(page) == []
    seal(page, "改为确认", "您已确认封存清单")
    hall.until("compliance-review")


def test_a_draft_that_is_not_kept_is_told_and_kept_later(hall: Hall, page: Page) -> None:
    until(hall, page, "compliance-review")
    hall.due("review.vote")
    page.add_init_script(FULL)
    to(hall, page, "review")
    page.get_by_role("button", name="其余项均符合").first.wait_for()
    page.evaluate("window.full = true")
    page.get_by_role("button", name="其余项均符合").first.click()
    expect(page.get_by_role("alert")).to_contain_text(UNSAVED)
    assert axe(page) == []
    page.evaluate("window.full = false")
    # Nobody presses anything.
    expect(page.get_by_text(KEPT)).to_be_visible()
    expect(page.get_by_text(UNSAVED)).to_have_count(0)


def test_a_draft_that_cannot_be_read_is_told_and_read_later(hall: Hall, page: Page) -> None:
    until(hall, page, "compliance-review")
    hall.due("review.vote")
    page.add_init_script(TORN)
    to(hall, page, "review")
    expect(page.get_by_role("alert")).to_contain_text(UNREAD)
    assert axe(page) == []
    page.evaluate("window.torn = false")
    page.get_by_role("button", name="重试").click()
    restored = page.get_by_text("已恢复保存在本机的草稿")
    expect(restored).to_be_visible()
    expect(page.get_by_text(UNREAD)).to_have_count(0)
    # Nothing was typed, so nothing is kept anew, and the words stay.
    page.wait_for_timeout(1000)
    expect(restored).to_be_visible()
