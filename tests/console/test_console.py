"""The operator's console in a real browser, in front of the real doors: it leads, answers, stops, and asks back."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from evidence.core.act import Act, thumbprint
from evidence.core.canonical import b64u, sha256
from sessions.core.state import OPERATOR, SUPERVISOR
from sessions.core.view import view
from tests.console.pictures import keep
from tests.replay.site import Site
from tests.replay.test_pages import ANSWER_S, SHOW_MS, bound, people_act, served, signed_in
from tests.sessions.drive import signer_of
from tests.sessions.service_world import DOCUMENT, until

LEADER = "operator-1"
WATCHER = "supervisor-1"


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_an_operator_leads_answers_and_stops(tmp_path: Path) -> None:
    """From the room's admission to the review: who is awaited stands there; help, pause, presenter, in the log."""
    async with served(tmp_path) as (found, browser):
        keeper, ahead = found.keeper, [0.0]
        services = found.app.state.services
        # The clock of the pages, which hear it from the server: requests for help wait by it.
        found.app.state.services = replace(services, clock=lambda: time.time() + ahead[0])
        page = await console(found, browser)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        found.people.absent.add("seat-5")
        await lead(found, page, "declarations")
        # A member who does nothing is named, for what.
        await people_act(found, lambda: set(keeper.state.evaluation.declarations) >= {"seat-1", "seat-2", "seat-3"})
        waits = page.locator(".waits > li")
        await expect(waits.filter(has_text="尚未作回避声明的成员")).to_contain_text("seat-5", timeout=SHOW_MS)
        assert await keep(page, "operator-awaited") == []
        found.people.absent.remove("seat-5")
        await lead(found, page, "chair-election")

        # Help: told at once, yellow after a minute, red after three, gone with the answer.
        asked = found.people.act(keeper, "seat-2", "help.ask", {"kind": "device", "text": "耳机没有声音"})
        await keeper.perform(asked.jws)
        card = page.locator(".help .one")
        await expect(card).to_have_class("one stack busy", timeout=SHOW_MS)
        ahead[0] = 61.0
        await expect(card).to_have_class("one stack warn", timeout=SHOW_MS)
        ahead[0] = 181.0
        await expect(card).to_have_class("one stack bad", timeout=SHOW_MS)
        assert await keep(page, "operator-help") == []
        await card.get_by_label("答复").fill("已派人携备用耳机前往。")
        await card.get_by_role("button", name="答复", exact=True).click()
        await until(lambda: keeper.state.helps[0].answer, ANSWER_S)
        assert (keeper.state.helps[0].answer, keeper.state.helps[0].by) == ("已派人携备用耳机前往。", LEADER)
        await expect(card).to_have_count(0)
        ahead[0] = 0.0

        # A pause needs its reason; while it lasts the page says who ends it.
        await page.get_by_role("button", name="暂停评审").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="暂停评审").click()
        await expect(dialog).to_contain_text("请填写原因")
        assert await keep(page, "operator-pause") == []
        await dialog.get_by_role("textbox").fill("核对会场人员。")
        await dialog.get_by_role("button", name="暂停评审").click()
        await until(lambda: keeper.state.gate == "paused", ANSWER_S)
        await expect(waits).to_contain_text("由您或监督人员恢复评审", timeout=SHOW_MS)
        await page.get_by_role("button", name="恢复评审").click()
        await dialog.get_by_role("textbox").fill("人员无误。")
        await dialog.get_by_role("button", name="恢复评审").click()
        await until(lambda: keeper.state.gate == "open", ANSWER_S)
        assert acts(found, LEADER, "proceeding.") == [{"reason": "核对会场人员。"}, {"reason": "人员无误。"}]

        await page.get_by_role("button", name="交予主讲 seat-1").click(timeout=SHOW_MS)
        await until(lambda: keeper.state.presenter == "seat-1", ANSWER_S)
        row = page.get_by_role("row").filter(has=page.locator("code", has_text="seat-1"))
        await expect(row).to_contain_text("主讲", timeout=SHOW_MS)
        assert await keep(page, "operator-presenter") == []


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_after_a_key_gap_both_state_the_cause(tmp_path: Path) -> None:
    """Each by a form of its own page; only then the seat may come back."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await console(found, browser, WATCHER)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        await lead(found, page, "declarations")
        await wall.goto(f"{found.origin}/supervisor")

        keeper.disconnected("room-2")
        await until(lambda: "venue-2" in keeper.state.lost, ANSWER_S)
        waits = page.locator(".waits > li")
        await expect(waits.filter(has_text="断线后尚未恢复的席位")).to_contain_text("seat-4", timeout=SHOW_MS)
        await lose_an_act(found, "seat-4")
        assert keeper.state.causes == {"seat-4": frozenset()}
        await expect(page.get_by_text("seat-4 断线期间签署的内容有缺失")).to_be_visible(timeout=SHOW_MS)
        assert await keep(page, "operator-gap") == []
        await signs(page, "说明密钥断档的原因 seat-4", "说明密钥断档的原因", "operator-cause", text="停电后硬盘损坏。")
        await until(lambda: keeper.state.causes["seat-4"] == {OPERATOR}, ANSWER_S)
        await expect(page.get_by_text("seat-4 断线期间签署的内容有缺失")).to_have_count(0)
        await expect(waits.filter(has_text="监督人员说明密钥断档的原因")).to_contain_text("seat-4")

        await wall.get_by_role("button", name="说明原因").click(timeout=SHOW_MS)
        await wall.get_by_role("dialog").locator("#act-text").fill("查看了硬盘，情况属实。")
        assert await keep(wall, "supervisor-cause") == []
        await wall.get_by_role("dialog").get_by_role("button", name="说明原因").click()
        await until(lambda: keeper.state.causes["seat-4"] == {OPERATOR, SUPERVISOR}, ANSWER_S)
        await expect(waits.filter(has_text="密钥断档")).to_have_count(0, timeout=SHOW_MS)
        await expect(waits.filter(has_text="尚未核验身份并签到的席位")).to_contain_text("seat-4")


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_an_operator_asks_and_the_supervisor_decides(tmp_path: Path) -> None:
    """A recusal, a bidder's key, a step back: asked on the console, decided on the wall before the very words."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await console(found, browser, WATCHER)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        await lead(found, page, "compliance-review")
        await wall.goto(f"{found.origin}/supervisor")
        decide = wall.locator("#decisions > li")

        await page.get_by_text("其他可做的事项").click()
        assert await keep(page, "operator-acts") == []
        picks = {"seat": "seat-3", "from": "supplier", "ground": "other-relation"}
        await signs(page, "申请成员回避", "申请成员回避", "operator-recusal", picks, text="该成员曾任投标人顾问。")
        asked = re.compile("operator-1 提交（提出人：供应商（投标人）），申请 .*seat-3 回避")
        await expect(decide).to_contain_text(asked, timeout=SHOW_MS)
        await expect(decide).to_contain_text("其他可能影响公平、公正的关系")
        await expect(decide.locator("blockquote")).to_contain_text("该成员曾任投标人顾问。")
        assert await keep(wall, "supervisor-recusal") == []
        await expect(page.get_by_text("监督人员对回避申请作出决定")).to_be_visible(timeout=SHOW_MS)
        await answers(wall, "不予回避", reason="已查明，不属实。")

        # A question that the supervisor let out waits for the bidder's key.
        fixed = keeper.state.evaluation.fixed
        assert fixed is not None
        place = {"document": b64u(sha256(DOCUMENT)), "page": 2}
        body = {"bidder": fixed.scoring.bidders[0][0], "kind": "unclear", "text": "工期是日历天吗？", **place}
        await keeper.perform(found.people.act(keeper, "seat-1", "clarification.ask", body).jws)
        await answers(wall, "批准", minutes="30")
        key = signer_of("bidder-key").jwk
        due = page.locator(".due").get_by_role("button", name="登记投标人密钥")
        await due.click(timeout=SHOW_MS)
        dialog = page.get_by_role("dialog")
        await dialog.locator("#act-jwk").fill('{"kty":"EC"}')
        await dialog.get_by_role("button", name="下一步：核对").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("这不是 P-256 公钥")
        await dialog.locator("#act-jwk").fill(json.dumps({**key, "use": "sig"}))
        await dialog.get_by_role("button", name="下一步：核对").click()
        await expect(dialog.locator(".answers")).to_contain_text(thumbprint(key))
        assert await keep(page, "operator-bidder-key") == []
        await dialog.get_by_role("button", name="登记投标人密钥").click()
        await dialog.wait_for(state="detached")
        assert [each.key for each in keeper.state.evaluation.steps.questions] == [thumbprint(key)]
        await expect(page.get_by_text("投标人答复澄清")).to_be_visible(timeout=SHOW_MS)


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_step_back_is_asked_and_approved(tmp_path: Path) -> None:
    """While it waits the console says for whom, and asks no second time; approved, the stage is the earlier one."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await console(found, browser, WATCHER)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        await lead(found, page, "detailed-review")
        await wall.goto(f"{found.origin}/supervisor")
        await page.get_by_text("其他可做的事项").click()
        reason = "委员会要求复核乙公司的资质材料。"
        await signs(page, "申请退回阶段", "申请退回阶段", "operator-back", {"to": "compliance-review"}, reason=reason)
        await until(lambda: keeper.state.evaluation.steps.back, ANSWER_S)
        waits = page.locator(".waits > li")
        await expect(waits.filter(has_text="监督人员对退回阶段的申请作出决定")).to_be_visible(timeout=SHOW_MS)
        await expect(page.get_by_role("button", name="申请退回阶段")).to_have_count(0)
        decide = wall.locator("#decisions > li").filter(has_text="退回")
        await expect(decide).to_contain_text("operator-1 申请退回到“初步评审”", timeout=SHOW_MS)
        await expect(decide.locator("blockquote")).to_contain_text(reason)
        assert await keep(wall, "supervisor-back") == []
        await answers(wall, "批准", reason="同意复核。")
        await until(lambda: keeper.state.stage == "compliance-review", ANSWER_S)
        await expect(page.locator("[aria-current=step]")).to_contain_text("初步评审", timeout=SHOW_MS)


async def console(found: Site, browser: Browser, *others: str) -> Page:
    """The console of the main operator, whose key was made in this browser; its centre vouches for it. `others` have
    browsers, too, and nobody acts for them meanwhile."""
    keeper = found.keeper
    found.people.absent.update({LEADER, *others})
    page = await signed_in(found, browser, LEADER)
    await page.goto(f"{found.origin}/operator")
    await people_act(found, lambda: keeper.announced.waiting(keeper.state))
    (key,) = keeper.announced.waiting(keeper.state)
    await keeper.vouch(LEADER, key.thumbprint)
    await people_act(found, lambda: {LEADER, "room-1"} <= keeper.state.seat_key.keys())
    return page


async def lead(found: Site, page: Page, stage: str) -> None:
    """The operator presses what the page offers as the next step, and the others do their part, up to this stage."""
    keeper = found.keeper
    step = page.locator(".next .row button")
    while keeper.state.stage != stage:
        await people_act(found, lambda: {"stage.advance", "round.freeze"} & set(due(found)))
        led = len(acts(found, LEADER, ""))
        await step.click(timeout=SHOW_MS)
        await page.get_by_role("dialog").locator("footer button").last.click()
        # The next step may be there at once, as after the tally.
        await until(lambda led=led: len(acts(found, LEADER, "")) > led, ANSWER_S)  # type: ignore[misc]


def due(found: Site) -> list[str]:
    todo: list[str] = view(found.keeper.state, LEADER)["todo"]
    return todo


async def signs(
    page: Page, button: str, last: str, picture: str, picks: dict[str, str] | None = None, **fields: str
) -> None:
    """Open a form of the console, leave it empty, fill it, read the answers once more, sign."""
    await page.get_by_role("button", name=button, exact=True).click(timeout=SHOW_MS)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="下一步：核对").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    assert await keep(page, picture) == []
    for name, value in (picks or {}).items():
        await dialog.locator(f"#act-{name}").select_option(value)
    for name, text in fields.items():
        await dialog.locator(f"#act-{name}").fill(text)
    await dialog.get_by_role("button", name="下一步：核对").click()
    await told(dialog, *fields.values())
    assert await keep(page, f"{picture}-check") == []
    await dialog.get_by_role("button", name=last, exact=True).click()
    await dialog.wait_for(state="detached")


async def told(dialog: Locator, *answers: str) -> None:
    for answer in answers:
        await expect(dialog.locator(".answers")).to_contain_text(answer)


async def answers(wall: Page, button: str, **fields: str) -> None:
    """The supervisor decides with the own key."""
    await wall.get_by_role("button", name=button, exact=True).click(timeout=SHOW_MS)
    dialog = wall.get_by_role("dialog")
    for name, text in fields.items():
        await dialog.locator(f"#act-{name}").fill(text)
    await dialog.get_by_role("button", name=button, exact=True).click()
    await dialog.wait_for(state="detached")


def acts(found: Site, seat: str, family: str) -> list[Any]:
    made = [entry.act for entry in found.keeper.entries if entry.act is not None and entry.act.sub == seat]
    return [act.body for act in made if act.act.startswith(family)]


async def lose_an_act(found: Site, seat: str) -> None:
    """The seat announces two acts that it signed while it was cut off, and the one that comes follows another than the
    log's last one."""
    keeper, people = found.keeper, found.people
    key = keeper.state.keys[keeper.state.seat_key[seat]]

    def made(name: str, body: Any, ctr: int, prev: bytes) -> Act:
        return people.act(keeper, seat, name, body, ctr=ctr, prev=prev)

    lost = made("incident.note", {"seat": None, "text": "停电"}, key.ctr + 1, key.last)
    late = made("incident.note", {"seat": None, "text": "来电"}, key.ctr + 2, lost.id)
    offline = {"offline": [b64u(late.id)], "ctr": late.ctr, "server_ctr": key.ctr}
    await keeper.perform(made("seat.resume", offline, late.ctr + 1, late.id).jws)
    await keeper.perform(late.jws)
