"""The auditor's desk over real recordings, in a real browser in front of the real doors."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from media.core.record import SegmentRecord
from tests.replay.film import filmed
from tests.replay.playing import SEEK_MS
from tests.replay.recording import START, Recorded, record
from tests.replay.test_pages import SHOW_MS, opened, people_act, served, signed_in, violations

SECONDS = 60
# Goes to the moment of the event with this number in the list, and says when no tile waits any more, in milliseconds.
CLICK = """async number => {
    const button = document.querySelectorAll("section.events ol > li > button")[number];
    const began = performance.now();
    button.click();
    do await new Promise(requestAnimationFrame);
    while (document.querySelector(".tile.waiting"));
    return performance.now() - began;
}"""


async def film(folder: Path) -> Recorded:
    """A minute in whose middle now is: files say nothing of the time of day, and making them takes some."""
    made = await record(folder, seconds=SECONDS)
    later = round(time.time() - SECONDS / 2) * 1000 - START
    records = (
        replace(
            each,
            t0_ms=each.t0_ms + later,
            t1_ms=each.t1_ms + later,
            gaps=tuple((one + later, other + later) for one, other in each.gaps),
        )
        for each in made.records
    )
    return Recorded(tuple(records), (made.gap[0] + later, made.gap[1] + later))


def camera(recorded: Recorded, room: str, at: int) -> SegmentRecord:
    """The room's picture so many milliseconds after the beginning."""
    start = min(each.t0_ms for each in recorded.records)
    found = (each for each in recorded.records if (each.room, each.kind) == (room, "camera"))
    return next(each for each in found if each.t0_ms <= start + at <= each.t1_ms)


async def move(page: Page, t: int) -> None:
    """Put the time line's slider there."""
    await page.locator(".lanes input[type=range]").evaluate(
        "(it, t) => { it.value = t; it.dispatchEvent(new Event('input')); }", t
    )


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_an_auditor_watches_what_the_log_states(tmp_path: Path) -> None:
    """Events go to their moment at once; gaps, speed; what is not the log's is refused with words."""
    recorded = await film(tmp_path)
    async with served(tmp_path, filmed(tmp_path, recorded)) as (found, browser):
        await found.finish()
        page = await signed_in(found, browser, "auditor-1")
        await page.goto(f"{found.origin}/auditor")
        start = min(each.t0_ms for each in recorded.records)
        await move(page, start + 15_000)
        await expect(page.locator("figure.tile.shown")).to_have_count(3, timeout=SHOW_MS)
        await expect(page.locator("#standing")).to_contain_text("都在多家中心见证过的记录中核对后才播放")

        # Each event is one click from its moment, and its moment is there at once.
        times = await page.locator("section.events ol > li > button time").evaluate_all(
            "times => times.map(each => [Date.parse(each.dateTime), each.textContent])"
        )
        inside = [n for n, (at, _) in enumerate(times) if start + 4_000 < at < start + (SECONDS - 4) * 1000]
        took = []
        for number in inside[:: max(1, len(inside) // 8)]:
            took.append(await page.evaluate(CLICK, number))
            await expect(page.locator("#replay-time")).to_contain_text(times[number][1])
        print(f"{len(took)} clicks on events: {[round(each) for each in took]} ms")
        assert took
        assert max(took) < SEEK_MS, took

        # Room 2 was away: marked, and said in its tile, while the others are seen.
        await expect(page.locator(".lanes rect.gap").first).to_be_attached()
        await move(page, (recorded.gap[0] + recorded.gap[1]) // 2)
        await expect(page.locator("figure.tile.gap")).to_contain_text("此时段无信号（已记入日志）")
        await expect(page.locator("figure.tile.shown")).to_have_count(2)

        await _speed(page, start)
        await _refusals(page, recorded)
        await page.screenshot(path=tmp_path / "desk.png", full_page=True)


async def _speed(page: Page, start: int) -> None:
    await move(page, start + 6_000)
    await page.get_by_label("速度").select_option("2")
    await page.get_by_role("button", name="播放", exact=True).click()
    media = "document.querySelector('#replay-room-1').currentTime"
    await page.wait_for_function(f"{media} > 7")
    ratio = await page.evaluate(f"""async () => {{
        const [from, at] = [performance.now(), {media}];
        await new Promise(resolve => setTimeout(resolve, 2000));
        return ({media} - at) * 1000 / (performance.now() - from);
    }}""")
    assert 1.8 < ratio < 2.2
    await page.get_by_role("button", name="暂停", exact=True).click()


async def _refusals(page: Page, recorded: Recorded) -> None:
    """Other octets under the true hash; and true octets that the server's list puts in another place than the log."""
    altered = camera(recorded, "room-3", 45_000)
    octets = bytearray(await asyncio.to_thread(Path(altered.path).read_bytes))
    octets[len(octets) // 2] ^= 1

    async def lie(route: Route) -> None:
        await route.fulfill(body=bytes(octets), content_type="video/webm")

    async def swap(route: Route) -> None:
        answer = await route.fetch()
        manifest: Any = await answer.json()
        (track,) = (each for each in manifest["tracks"] if (each["room"], each["kind"]) == ("room-1", "camera"))
        one, two = [each for each in track["segments"] if each["t0"] >= altered.t0_ms - 4_000][:2]
        for name in ("sha256", "bytes"):
            one[name], two[name] = two[name], one[name]
        await route.fulfill(body=json.dumps(manifest), content_type="application/json")

    await page.route(f"**/recordings/{altered.sha256}", lie)
    await page.route("**/recordings", swap)
    await page.reload()
    await move(page, altered.t0_ms + 500)
    for number in (0, 2):
        tile = page.locator("figure.tile").nth(number)
        await expect(tile.get_by_role("alert")).to_have_text("此段录像与日志不符，已拒绝播放", timeout=SHOW_MS)
    await expect(page.locator("figure.tile").nth(1)).to_have_class("tile shown")
    await expect(page.get_by_text("的记载不一致，可能被改动，未予播放").first).to_be_visible()
    await expect(page.locator(".lanes rect.refused").first).to_be_attached()


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_desk_says_what_it_could_not_check(tmp_path: Path) -> None:
    """By a link without pins one may look on, and reads what that is worth; a server that shows another agreement than
    the link's is not believed, and nothing is played."""
    recorded = await film(tmp_path)
    async with served(tmp_path, filmed(tmp_path, recorded)) as (found, browser):
        await found.finish()
        start = min(each.t0_ms for each in recorded.records)
        bare = await opened(browser)
        token = await found.identity.issue_link(found.id, "auditor-1")
        await bare.goto(f"{found.origin}/sign-in#{token}")
        await bare.wait_for_url(lambda url: "/sign-in" not in url)
        await bare.goto(f"{found.origin}/auditor")
        await move(bare, start + 15_000)
        await expect(bare.locator("#standing")).to_contain_text("没有用带固定公钥的席位链接登录", timeout=SHOW_MS)
        await expect(bare.locator("figure.tile.shown")).to_have_count(3, timeout=SHOW_MS)
        assert await violations(bare) == []
        await bare.screenshot(path=tmp_path / "unpinned.png", full_page=True)

        page = await signed_in(found, browser, "auditor-1")

        async def other(route: Route) -> None:
            answer = await route.fetch()
            shown: Any = await answer.json()
            shown["policy"] += "# another\n"
            await route.fulfill(body=json.dumps(shown), content_type="application/json")

        await page.route("**/v1/trust", other)
        await page.goto(f"{found.origin}/auditor")
        await move(page, start + 15_000)
        await expect(page.get_by_text("服务器出示的日志与本席位链接固定的公钥不符")).to_be_visible(timeout=SHOW_MS)
        await expect(page.locator("figure.tile.refused")).to_have_count(3, timeout=SHOW_MS)
        await expect(page.locator("figure.tile.shown")).to_have_count(0)
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / "untrusted.png", full_page=True)


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_what_is_new_comes_without_losing_the_place(tmp_path: Path) -> None:
    """The button loads entries and recordings; pictures, time, speed and motion are those from before."""
    recorded = await film(tmp_path)
    async with served(tmp_path, filmed(tmp_path, recorded)) as (found, browser):
        keeper = found.keeper
        await people_act(found, lambda: len(keeper.recordings.manifest(0)["tracks"]) >= 6)
        page = await signed_in(found, browser, "auditor-1")
        await page.goto(f"{found.origin}/auditor")
        await expect(page.locator("figure.tile")).to_have_count(3, timeout=SHOW_MS)
        before = int(await page.locator(".lanes input[type=range]").get_attribute("max") or 0)
        start = min(each.t0_ms for each in recorded.records)
        await page.get_by_label("速度").select_option("0.5")
        await move(page, min(before - 1_000, start + 3_500))
        place = await page.locator("#replay-time").inner_text()
        await people_act(found, lambda: keeper.state.stage == "compliance-review")
        await page.get_by_role("button", name="载入新内容").click(timeout=SHOW_MS)
        await page.wait_for_function(
            "before => Number(document.querySelector('.lanes input[type=range]').max) > before", arg=before
        )
        await expect(page.locator("figure.tile.shown").first).to_be_visible(timeout=SHOW_MS)
        assert await page.locator("#replay-time").inner_text() == place
        assert await page.get_by_label("速度").input_value() == "0.5"
        await page.get_by_role("button", name="播放", exact=True).click()
        await page.wait_for_function("place => document.querySelector('#replay-time').textContent !== place", arg=place)
        assert await page.locator("#replay-room-1").evaluate("it => it.currentTime") > 3
