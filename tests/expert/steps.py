"""The part that the seat plays, stage by stage, by what its pages offer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.hall import axe
from tests.expert.hall import Hall

CHECK = "下一步：核对"
HURRY = """
const [now, timeout] = [Date.now, window.setTimeout];
let [began, at, speed] = [now(), now(), 1];
Date.now = () => at + (now() - began) * speed;
window.setTimeout = (work, ms, ...more) => timeout(work, ms / speed, ...more);
window.hurry = to => { [at, began, speed] = [Date.now(), now(), to]; };
"""


def to(hall: Hall, page: Page, place: str) -> None:
    page.goto(f"{hall.site.url}/expert/{place}")


def clean(page: Page) -> None:
    """axe finds no violation of WCAG 2.2 A and AA, in either language and in large text."""
    page.get_by_role("heading", level=1).first.wait_for()
    assert axe(page) == []
    page.get_by_role("button", name="关怀模式").click()
    assert axe(page) == []
    page.get_by_role("button", name="关怀模式").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="中文").wait_for()
    assert axe(page) == []
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="English").wait_for()


def seal(page: Page, action: str, done: str) -> None:
    page.get_by_role("button", name=action).click()
    page.get_by_role("heading", name=done).wait_for(timeout=180_000)
    # The view may say so before the answer with the place in the record has come.
    expect(page.get_by_text("记录序号")).to_be_visible()


def begin(hall: Hall, page: Page) -> None:
    hall.until("declarations")


def declare(hall: Hall, page: Page) -> None:
    hall.until("declarations")
    to(hall, page, "commitment")
    page.get_by_label("我已阅读并同意以上全部承诺").check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "签署承诺书", "承诺书已签署")
    to(hall, page, "recusal")
    page.get_by_label("不存在上述情形").check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "提交申报：不需要回避", "回避申报已提交")


def elect(hall: Hall, page: Page) -> None:
    hall.due("ballot.seal")
    to(hall, page, "chair")
    page.locator("input[name=choice]").first.check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "密封并投出这一票", "您的一票已密封投出")
    confirm(hall, page)


def confirm(hall: Hall, page: Page) -> None:
    hall.due("freeze.ok")
    to(hall, page, "freeze")
    expect(page.get_by_text("清单中您的封存件与本机签署的一致")).to_be_visible()
    seal(page, "确认清单无误", "您已确认封存清单")


def review(hall: Hall, page: Page) -> None:
    hall.due("review.vote")
    to(hall, page, "review")
    page.get_by_role("button", name="其余项均符合").first.wait_for()
    for each in page.get_by_role("button", name="其余项均符合").all():
        each.click()
    # What another test left in the draft stands until it is changed.
    for each in page.get_by_label("符合", exact=True).all():
        each.check()
    page.get_by_role("button", name=CHECK).click()
    seal(page, "提交初步评审意见", "初步评审意见已提交")


STEPS: dict[str, Callable[[Hall, Page], None]] = {
    "check-in": begin,
    "declarations": declare,
    "chair-election": elect,
    "compliance-review": review,
}


def until(hall: Hall, page: Page, stage: str) -> None:
    """Play the seat's part until this stage begins."""
    while (now := hall.view()["stage"]) != stage:
        assert now in STEPS, f"{stage} is over"
        STEPS[now](hall, page)
        hall.wait(lambda view, now=now: view["stage"] != now)  # type: ignore[misc]


def choose(page: Page, name: str, side: str = "左侧文件") -> None:
    box = page.get_by_role("combobox", name=side)
    box.wait_for()
    label = next(each for each in box.locator("option").all_inner_texts() if name in each)
    box.select_option(label=label)


def press(page: Page, name: str) -> None:
    """A button by Tab and Enter."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if name in str(page.evaluate("document.activeElement?.innerText")):
            return page.keyboard.press("Enter")
    pytest.fail(f"{name} cannot be reached by Tab")
