"""Pages that a server, a network or an update leaves without something: each says so, and goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

from tests.api.installation import Running, running
from tests.chromium.hall import admit, axe, browser, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
expect.set_options(timeout=60_000)

ME, TICKETS, PART = "**/v1/me", "**/socket-tickets", "**/assets/AuditorPage-*.js"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("outages")) as found:
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
def page(site: Running, current: Browser) -> Iterator[Page]:
    """The hall's page of somebody who looks on."""
    context = current.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    found = sign_in(context, site, "auditor-1", "/rooms")
    expect(found.locator("#stage")).to_be_visible()
    yield found
    context.close()


def away(route: Route) -> None:
    route.abort("connectionrefused")


def gone(route: Route) -> None:
    """What a server says of a file of a build that it has no more."""
    route.fulfill(status=404, body="")


def test_a_reload_while_the_server_is_away_does_not_end_the_session(page: Page) -> None:
    """The session lives in the server: nobody is sent for a new link because it did not answer."""
    page.route(ME, away)
    page.reload()
    expect(page.get_by_text("无法连接服务器，正在重试")).to_be_visible()
    assert page.url.endswith("/rooms")
    assert axe(page) == []
    page.unroute(ME)
    page.get_by_role("button", name="重试").click()
    expect(page.locator("#stage")).to_be_visible()
    assert page.url.endswith("/rooms")


def test_a_first_connection_that_is_blocked_is_told(page: Page) -> None:
    page.route(TICKETS, away)
    page.reload()
    expect(page.get_by_text("还没有连上服务器")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("WebSocket")
    page.unroute(TICKETS)
    page.get_by_role("button", name="立即重连").click()
    expect(page.locator("#stage")).to_be_visible()
    expect(page.get_by_text("还没有连上服务器")).to_have_count(0)


def test_a_link_to_a_part_of_an_older_build_loads_the_page_anew_once(page: Page) -> None:
    loads: list[str] = []
    page.on("domcontentloaded", lambda at: loads.append(at.url))
    page.route(PART, gone)
    page.get_by_role("link", name="同评").click()
    expect(page.get_by_text("系统已更新，正在重新载入")).to_be_visible()
    # It is not there after that either: then it is said, and nothing goes round and round.
    expect(page.get_by_text("页面的一部分未能载入")).to_be_visible()
    assert len(loads) == 1
    page.unroute(PART)
    page.get_by_role("button", name="重新载入").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/auditor")
    expect(page.get_by_text("页面的一部分未能载入")).to_have_count(0)


def test_a_link_while_the_server_is_away_leaves_the_page_that_is_there(page: Page) -> None:
    for each in (PART, ME):
        page.route(each, away)
    page.get_by_role("link", name="同评").click()
    expect(page.get_by_text("连不上服务器，未能打开页面")).to_be_visible()
    assert page.url.endswith("/rooms")
    expect(page.locator("#size")).to_be_visible()
    for each in (PART, ME):
        page.unroute(each)
    page.get_by_role("button", name="重试").click()
    page.wait_for_url("**/auditor")
