"""A page asks for the rooms' pictures before it is told anything of the proceeding, and stands corrected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect, sync_playwright

from tests.api.installation import Running, running
from tests.chromium.hall import admit, browser, faults, sign_in

TICKETS, WATCH = "**/socket-tickets", "**/watch"
DONE_MS = 60_000
FRAME = "() => performance.getEntriesByName('tongping-frame-room-1').length > 0"
# How wide the picture was that a page held for a room's first.
FIRST = """
window.widths = [];
const mark = performance.mark;
performance.mark = function (name, ...given) {
    if (name === "tongping-frame-room-1") widths.push(document.getElementById("canvas-room-1").width);
    return mark.call(this, name, ...given);
};
"""
# A broken line asks again each second (`call/watch.ts`).
LONGER_MS = 2500


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("watching")) as found:
        admit(found, "room-1")
        yield found


@pytest.fixture(scope="module")
def current(site: Running) -> Iterator[Browser]:
    """The main room sends in a window of its own."""
    with sync_playwright() as playwright, browser(playwright) as found:
        room = sign_in(found.new_context(), site, "room-1", "/room")
        room.wait_for_function(FRAME, timeout=DONE_MS)
        yield found


@pytest.fixture
def page(site: Running, current: Browser) -> Iterator[Page]:
    context = current.new_context()
    yield sign_in(context, site, "auditor-1")
    context.close()


def hold(page: Page) -> Callable[[], None]:
    """The page gets no ticket for the socket, so nobody tells it anything, until the answer is called."""
    held: list[Route] = []
    page.route(TICKETS, lambda route: held.append(route))

    def release() -> None:
        for route in held:
            route.continue_()
        page.unroute(TICKETS)

    return release


def asked(page: Page) -> list[str]:
    """Each question for the rooms."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if request.url.endswith("/watch") else None)
    return found


def test_rooms_are_asked_for_before_the_socket_is_open(site: Running, page: Page) -> None:
    """The picture is there with the first words; whoever is told the same engine afterwards asks no second time."""
    release = hold(page)
    questions, said = asked(page), faults(page)
    with page.expect_response(lambda answer: answer.url.endswith("/watch")) as answer:
        page.goto(f"{site.url}/rooms")
    assert answer.value.json()["engine"]
    release()
    page.wait_for_function(FRAME, timeout=DONE_MS)
    assert len(questions) == 1
    assert said == []


def test_the_offer_of_another_engine_is_void(site: Running, page: Page) -> None:
    """It was made before the media worker was started anew: its packets would come from nowhere."""
    questions = asked(page)

    def of_another(route: Route) -> None:
        if len(questions) > 1:
            return route.continue_()
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "engine": "another"})

    page.route(WATCH, of_another)
    page.goto(f"{site.url}/rooms")
    page.wait_for_function(FRAME, timeout=DONE_MS)
    assert len(questions) == 2


def test_an_offer_of_a_newer_engine_than_the_page_was_told_stands(site: Running, page: Page) -> None:
    """The media worker was started anew while the socket was away: the page still knows the one before."""

    def late(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send(re.sub(r'(?<="engine":")[^"]+(?=","rooms")', "before", str(text))))

    page.route_web_socket("**/*", late)
    questions = asked(page)
    page.goto(f"{site.url}/rooms")
    # The first offer came before the page was told anything; the second is asked for by one who was told.
    page.wait_for_function("() => document.querySelector('#stage')?.textContent")
    page.wait_for_function(FRAME, timeout=DONE_MS)
    page.wait_for_timeout(LONGER_MS)
    assert len(questions) == 2
    expect(page.locator(".broken")).to_have_count(0)


def test_a_line_that_never_stood_shows_nothing(site: Running, page: Page) -> None:
    """Closed, it gives a black picture of four points, for rooms that share nothing as well; no page shows that."""
    release = hold(page)
    page.add_init_script(FIRST)
    page.route("**/watch/*", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: request.method == "PUT"):
        page.goto(f"{site.url}/rooms")
    page.unroute("**/watch/*")
    page.wait_for_timeout(LONGER_MS)
    release()
    page.wait_for_function(FRAME, timeout=DONE_MS)
    assert page.evaluate("() => widths[0]") > 2


def test_where_there_is_no_engine_nothing_is_broken(site: Running, page: Page) -> None:
    """A proceeding that has no media worker yet: one question, no alarm, and pictures as soon as there is one."""
    release = hold(page)
    questions = asked(page)
    problem = {"type": "about:blank", "title": "…", "status": 503, "code": "media-unavailable"}
    page.route(WATCH, lambda route: route.fulfill(status=503, json=problem, content_type="application/problem+json"))
    with page.expect_response(lambda answer: answer.url.endswith("/watch")):
        page.goto(f"{site.url}/rooms")
    page.wait_for_timeout(LONGER_MS)
    assert len(questions) == 1
    page.unroute(WATCH)
    release()
    page.wait_for_function(FRAME, timeout=DONE_MS)
    expect(page.locator(".broken")).to_have_count(0)
    assert len(questions) == 2
