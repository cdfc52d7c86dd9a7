"""Forms of the console and of the wall that other tests do not open: the night, a venue's replacement, a reopening."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FilePayload, expect

from evaluation.core.rules.shelf import Pack
from evidence.core.canonical import Object, b64u, sha256
from sessions.core import night
from sessions.core.commands import BeginNight
from sessions.core.view import view
from tests.console.pictures import keep
from tests.console.test_console import LEADER, WATCHER, acts, console, lead, signs
from tests.evaluation.packs import ANSWERED_PROCUREMENT, PROCUREMENT, second
from tests.replay.test_pages import ANSWER_S, SHOW_MS, bound, keyed, served, violations
from tests.rules.incidents import JIANGSU
from tests.sessions.service_world import tender, until


def second_tender(pack: Pack = PROCUREMENT, **terms: Any) -> Object:
    """A tender under the second rule pack or another one, in whose terms this is said."""
    made = tender()
    definition = {**second(pack), "documents": made["definition"]["documents"]}
    definition["terms"] |= terms
    for name in ("v", "salt", "origin"):
        definition.pop(name, None)
    return made | {"definition": definition}


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_an_area_is_sealed_for_the_night_and_opened_in_the_morning(tmp_path: Path) -> None:
    """夜间休止: the numbers of the seals are asked, read once more and signed; in the morning what became of them."""
    async with served(tmp_path, made=second_tender(incidents=JIANGSU)) as (found, browser):
        keeper, world = found.keeper, found.world
        services = found.app.state.services
        found.app.state.services = replace(services, clock=lambda: time.time() + world.shift.total_seconds())
        page = await console(found, browser)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        await lead(found, page, "declarations")
        falls = night.cut_off(keeper.state)
        assert falls is not None
        world.shift = timedelta(seconds=falls + 60 - time.time())
        await keeper._docket.execute(BeginNight())
        await expect(page.get_by_text("夜间封闭中。")).to_be_visible(timeout=SHOW_MS)
        assert await keep(page, "operator-night") == []

        await page.locator(".due").get_by_role("button", name="封闭区域").click(timeout=SHOW_MS)
        dialog = page.get_by_role("dialog")
        await dialog.locator("#act-seals").fill("A1-0071 A1-0071")
        await dialog.get_by_role("button", name="下一步：核对").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("不重复")
        await dialog.locator("#act-seals").fill("A1-0071，A1-0072")
        await dialog.get_by_role("button", name="下一步：核对").click()
        await expect(dialog.locator(".answers")).to_contain_text("A1-0071  A1-0072")
        assert await keep(page, "operator-seal") == []
        await dialog.get_by_role("button", name="封闭区域", exact=True).click()
        await dialog.wait_for(state="detached")
        (sealed,) = acts(found, LEADER, "area.seal")
        assert sealed == {"venue": "venue-1", "seals": ["A1-0071", "A1-0072"], "note": ""}
        await expect(page.get_by_role("button", name="启封区域")).to_have_count(0)

        asleep = keeper.state.night
        assert asleep is not None
        world.shift = timedelta(seconds=asleep.opens + 60 - time.time())
        await page.get_by_role("button", name="启封区域").click(timeout=SHOW_MS)
        await dialog.locator("#act-whole").select_option("no")
        await dialog.locator("#act-seals").fill("A1-0071")
        await dialog.locator("#act-note").fill("A1-0072 号封条破损。")
        await dialog.get_by_role("button", name="下一步：核对").click()
        await expect(dialog.locator(".answers")).to_contain_text("有破损、缺失或不一致")
        assert await keep(page, "operator-unseal") == []
        await dialog.get_by_role("button", name="启封区域", exact=True).click()
        await dialog.wait_for(state="detached")
        (opened,) = acts(found, LEADER, "area.open")
        assert opened == {"venue": "venue-1", "seals": ["A1-0071"], "intact": False, "note": "A1-0072 号封条破损。"}
        await expect(page.get_by_role("button", name="启封区域")).to_have_count(0)


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_lost_venue_is_replaced_by_another_one(tmp_path: Path) -> None:
    """`venue.replace`: only while a secondary venue is lost, by one that is there; its members are asked for anew."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await console(found, browser, WATCHER)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        await lead(found, page, "declarations")
        await wall.goto(f"{found.origin}/supervisor")
        await wall.get_by_text("其他可做的事项").click(timeout=SHOW_MS)
        await expect(wall.get_by_role("button", name="由另一会场接替")).to_have_count(0)
        keeper.disconnected("room-2")
        await until(lambda: "venue-2" in keeper.state.lost, ANSWER_S)

        await wall.get_by_role("button", name="由另一会场接替").click(timeout=SHOW_MS)
        dialog = wall.get_by_role("dialog")
        assert await dialog.locator("#act-lostVenue option").evaluate_all("all => all.map(each => each.value)") == [
            "venue-2"
        ]
        await dialog.get_by_role("button", name="由另一会场接替").click()
        # What is wrong is said in the page's language, also when that is switched meanwhile.
        for words in ("请写明理由", "Give a reason", "请写明理由"):
            await expect(dialog.get_by_role("alert")).to_contain_text(words)
            await expect(dialog.locator("#act-reason-error")).to_contain_text(words)
            await wall.locator("nav.tools button").nth(1).evaluate("button => button.click()")
        await wall.locator("nav.tools button").nth(1).evaluate("button => button.click()")
        await dialog.locator("#act-takesOver").select_option("venue-3")
        await dialog.locator("#act-reason").fill("全楼停电，当日不能恢复。")
        assert await keep(wall, "supervisor-replace-venue") == []
        await dialog.get_by_role("button", name="由另一会场接替").click()
        await dialog.wait_for(state="detached")
        assert acts(found, WATCHER, "venue.replace") == [
            {"venue": "venue-2", "by": "venue-3", "reason": "全楼停电，当日不能恢复。"}
        ]
        assert keeper.state.seat("seat-4").venue == "venue-3"
        await expect(page.get_by_text("seat-4").first).to_be_visible(timeout=SHOW_MS)
        assert await keep(page, "operator-replaced") == []


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_reopening_is_asked_and_approved(tmp_path: Path) -> None:
    """复评: the legal case is chosen, the supervisor reads the very words, and then nothing is to be signed."""
    async with served(tmp_path, made=second_tender()) as (found, browser):
        keeper, sheets = found.keeper, found.people.sheets
        low = {item: Decimal("0.00") if item[0] == "bidder-4" else mark for item, mark in sheets["seat-5"].items()}
        found.people.sheets = {**sheets, "seat-5": low}
        page = await console(found, browser)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        await lead(found, page, "signing")
        found.people.absent.add(WATCHER)
        wall = await keyed(found, browser, WATCHER)
        await wall.goto(f"{found.origin}/supervisor")
        await page.get_by_text("其他可做的事项").click(timeout=SHOW_MS)
        text = "seat-5 对投标人四评分畸低。"
        await signs(page, "申请复评", "申请复评", "operator-reopening", {"cause": "abnormal"}, text=text)
        decide = wall.locator("#decisions > li").filter(has_text="是否批准复评")
        await expect(decide.locator("blockquote")).to_contain_text(text, timeout=SHOW_MS)
        assert await keep(wall, "supervisor-reopening") == []
        # By the device that leads the supervisor's chain of acts; the form is that of a step back (`test_console`).
        asked = view(keeper.state, WATCHER)["report"]["reopening"][0]
        answer = {"asked": asked, "approve": True, "reason": "由原评标委员会复核。"}
        await keeper.perform(found.people.act(keeper, WATCHER, "reopening.approve", answer).jws)
        assert keeper.state.stage != "signing"
        await expect(page.locator("[aria-current=step]")).not_to_contain_text("签署", timeout=SHOW_MS)
        await expect(decide).to_have_count(0, timeout=SHOW_MS)


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_draw_by_another_authority_is_stated(tmp_path: Path) -> None:
    """`draw.external`: nobody designates, so check-in waits until the wall has said where these experts were drawn."""
    async with served(tmp_path, made=second_tender(ANSWERED_PROCUREMENT)) as (found, browser):
        keeper = found.keeper
        wall = await bound(found, browser, WATCHER)
        await wall.goto(f"{found.origin}/supervisor")
        asked = wall.locator("#decisions > li").filter(has_text="专家由何处抽取")
        opens = asked.get_by_role("button", name="登记外部抽取")
        await opens.click(timeout=SHOW_MS)
        dialog = wall.get_by_role("dialog")
        drawn = view(keeper.state, WATCHER)["undrawn"]
        assert drawn
        await expect(dialog.locator("#act-seats")).to_have_value(", ".join(drawn))
        await dialog.get_by_role("button", name="登记外部抽取").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("请选择记录文件")
        assert await violations(wall, ()) == []
        await wall.keyboard.press("Escape")
        await opens.click()
        await dialog.locator("#act-reference").fill("省综合评标专家库 抽取单 2026-117")
        paper: FilePayload = {"name": "抽取记录.pdf", "mimeType": "application/pdf", "buffer": b"drawn"}
        await dialog.locator("#act-evidence").set_input_files([paper])
        await dialog.locator("code").wait_for()
        assert await keep(wall, "supervisor-draw") == []
        await dialog.get_by_role("button", name="登记外部抽取").click()
        await dialog.wait_for(state="detached")
        stated = {"reference": "省综合评标专家库 抽取单 2026-117", "evidence": b64u(sha256(b"drawn"))}
        assert acts(found, WATCHER, "draw.external") == [{"label": "expert/all", "seats": drawn, **stated}]
        await expect(asked).to_have_count(0)
        assert view(keeper.state, WATCHER)["undrawn"] == []
