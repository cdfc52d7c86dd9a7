"""A document whose upload is given up while it waits for its turn is neither sent nor listed (issue 3, item 6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typst
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.api.installation import Running, eventually, running
from tests.chromium.hall import browser
from tests.e2e.test_administrator import pdf
from tests.e2e.test_whole import tongping

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("uploads")) as found:
        yield found


@pytest.fixture
def page(site: Running) -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as current:
        page = current.new_context(viewport={"width": 1366, "height": 860}, locale="zh-CN").new_page()
        page.set_default_timeout(60_000)
        page.goto(tongping("admin-link", "--state", site.installation.main).strip())
        page.wait_for_url("**/administrator")
        yield page


def test_an_upload_that_waits_for_its_turn_is_given_up(page: Page) -> None:
    held: list[Route] = []
    page.route("**/v1/uploads", lambda route: held.append(route))
    page.get_by_role("button", name="新建评标项目").click()
    page.get_by_role("button", name="文件", exact=False).first.click()
    files = [pdf(f"{name}.pdf", bytes(typst.compile(f"= {name}".encode()))) for name in ("first", "second", "third")]
    page.locator("input[type=file]").set_input_files(files)
    eventually(lambda: page.locator("li.coming").count() == 3 and len(held) == 1, 30)
    second = page.locator("li.coming").filter(has_text="second.pdf")
    second.get_by_role("button", name="取消").click()
    expect(second).to_have_count(0)
    held[0].continue_()
    eventually(lambda: page.locator("li.coming").count() == 1 and len(held) == 2, 30)
    held[1].continue_()
    names = page.get_by_label("显示名称")
    expect(names).to_have_count(2)
    assert [each.input_value() for each in names.all()] == ["first", "third"]
    assert len(held) == 2
