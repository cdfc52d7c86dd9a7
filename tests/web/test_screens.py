"""The shared screen and the check of page images (docs/protocol.md section 7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from evidence.core.canonical import b64u, sha256
from sessions.core.state import Proceeding
from sessions.errors import UnknownPage
from sessions.keeper import ProceedingKeeper
from sessions.page_errors import PageMissing
from sessions.viewing import Shown
from tests.sessions.drive import DOCUMENT, Drive
from web.server.errors import NotAllowed, NotOurImage, ScreenStale, UnknownMessage
from web.server.messages import MAX_MARKS, Screen, Viewing, read_message
from web.server.page_images import PageImages
from web.server.screens import Screens


@pytest.fixture(scope="module")
def state() -> Proceeding:
    drive = Drive().until("declarations")
    drive.perform("operator-1", "presenter.hand-over", {"to": "seat-1"})
    return drive.state


def text(**changed: Any) -> str:
    screen = {
        "type": "screen",
        "document": b64u(DOCUMENT),
        "page": 2,
        "viewport": {"x": 0, "y": 2500, "width": 10000},
        "highlight": [[100, 200, 3000, 150]],
        "sequence": 1,
    }
    return json.dumps(screen | changed)


def screen(**changed: Any) -> Screen:
    message, permission = read_message(text(**changed))
    assert isinstance(message, Screen)
    assert permission == "screen"
    return message


@pytest.mark.parametrize(
    "changed",
    [
        {"document": "x"},
        {"document": "!" * 43},
        {"page": 0},
        {"page": 1.5},
        {"page": "1"},
        {"viewport": {}},
        {"viewport": {"x": 0, "y": 0, "width": 0}},
        {"viewport": {"x": 10_001, "y": 0, "width": 10_000}},
        {"viewport": {"x": 0, "y": 0, "width": 10_000, "z": 1}},
        {"viewport": {"x": 0, "y": 0, "width": 10_000, "height": 499}},
        {"highlight": None},
        {"highlight": [[1, 2, 3]]},
        {"highlight": [[1, 2, 3, -4]]},
        {"highlight": [[0, 0, 1, 1]] * (MAX_MARKS + 1)},
        {"sequence": -1},
        {"sequence": None},
        {"seat": "seat-2"},
    ],
    ids=lambda changed: str(changed)[:30],
)
def test_a_screen_out_of_form_is_no_message(changed: Any) -> None:
    with pytest.raises(UnknownMessage):
        read_message(text(**changed))


def test_a_viewing_out_of_form_is_no_message() -> None:
    image = {"document": b64u(DOCUMENT), "page": 1, "image": b64u(DOCUMENT)}
    message, permission = read_message(json.dumps({"type": "viewing", "images": [image, image]}))
    assert isinstance(message, Viewing)
    assert permission == "viewing"
    for images in (None, [image] * 3, [image | {"page": 0}], [image | {"seat": "seat-2"}], [{"page": 1}]):
        with pytest.raises(UnknownMessage):
            read_message(json.dumps({"type": "viewing", "images": images}))


def test_only_the_presenter_shares_a_page_that_exists_and_newer_than_the_last(state: Proceeding) -> None:
    screens = Screens()
    for seat in ("seat-2", "operator-1"):
        with pytest.raises(NotAllowed):
            screens.publish(state, seat, screen())
    for changed in ({"page": 4}, {"document": b64u(sha256(b"another"))}):
        with pytest.raises(UnknownPage):
            screens.publish(state, "seat-1", screen(**changed))
    assert screens.newest(state.origin) is None
    screens.publish(state, "seat-1", screen(sequence=7))
    for sequence in (7, 6, 0):
        with pytest.raises(ScreenStale):
            screens.publish(state, "seat-1", screen(sequence=sequence))
    newest = screens.newest(state.origin)
    assert newest is not None
    assert (newest["seat"], newest["page"], newest["sequence"]) == ("seat-1", 2, 7)
    assert screens.newest("another") is None


def test_the_height_of_the_presenters_part_is_told_where_his_page_says_it(state: Proceeding) -> None:
    """A kiosk fits all of that part into its window; a page of before says no height, and none is made up."""
    screens = Screens()
    part = {"x": 0, "y": 2_500, "width": 10_000}
    for n, viewport in enumerate((part, part | {"height": 4_000}), 1):
        screens.publish(state, "seat-1", screen(sequence=n, viewport=viewport))
        newest = screens.newest(state.origin)
        assert newest is not None
        assert newest["viewport"] == viewport


@pytest.mark.asyncio
async def test_a_slow_follower_sees_the_newest_and_the_presenter_not_his_own(state: Proceeding) -> None:
    screens = Screens()
    follower, own = screens.follow(state.origin, "seat-2"), screens.follow(state.origin, "seat-1")
    hears, echo = asyncio.ensure_future(anext(follower)), asyncio.ensure_future(anext(own))
    await asyncio.sleep(0)
    for n in range(1, 50):
        screens.publish(state, "seat-1", screen(sequence=n))
    assert (await hears)["sequence"] == 49
    await asyncio.sleep(0)
    assert not echo.done()
    echo.cancel()


class Pages:
    """Renders by a rule; counts."""

    def __init__(self) -> None:
        self.rendered = 0

    async def png(self, name: str, page: int, load: Callable[[], Awaitable[bytes]]) -> bytes:
        self.rendered += 1
        if page == 3:
            raise PageMissing("broken")
        return f"{name} {page}".encode()


class Keeper:
    def __init__(self, state: Proceeding) -> None:
        self.state = state


@pytest.mark.asyncio
async def test_an_image_counts_only_if_it_was_rendered_here(state: Proceeding) -> None:
    """Without this check a seat could claim any page; with it, it must at least have the octets or their hash."""
    pages = Pages()
    images, keeper = PageImages(), cast(ProceedingKeeper, Keeper(state))
    ours = Shown(DOCUMENT, 1, sha256(f"{DOCUMENT.hex()} 1".encode()))
    for _ in range(3):
        await images.check(pages, keeper, "seat-1", ours)
    assert pages.rendered == 1
    with pytest.raises(NotOurImage):
        await images.check(pages, keeper, "seat-1", Shown(DOCUMENT, 2, ours.image))
    with pytest.raises(PageMissing):
        await images.check(pages, keeper, "seat-1", Shown(DOCUMENT, 3, ours.image))
    for document, page in ((DOCUMENT, 4), (sha256(b"another"), 1)):
        with pytest.raises(UnknownPage):
            await images.check(pages, keeper, "seat-1", Shown(document, page, ours.image))
