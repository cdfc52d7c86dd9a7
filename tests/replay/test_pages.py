"""The supervisor's wall and the auditor's desk in a real browser, in front of the real doors (issue 3)."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, FilePayload, Page, async_playwright, expect

from evidence.core.canonical import Object, b64u, sha256
from sessions.core.state import CLOSED
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import AXE_TAGS, DEVICES, axe_source
from tests.replay.site import Site, site
from tests.sessions.drive import signer_of
from tests.sessions.service_world import World, until
from web.server.links import write_link
from web.server.wiring import CLIENT

ANSWER_S = 20.0
SHOW_MS = 20_000
# What web/client/src/crypto/browser_store.ts makes, with a key that is there already.
KEEP_KEY = """async ([name, secret]) => {
    const { d, ...shown } = secret;
    const p256 = { name: "ECDSA", namedCurve: "P-256" };
    const privateKey = await crypto.subtle.importKey("jwk", secret, p256, false, ["sign"]);
    const publicKey = await crypto.subtle.importKey("jwk", shown, p256, true, ["verify"]);
    await new Promise((resolve, reject) => {
        const opening = indexedDB.open(name, 1);
        opening.onerror = () => reject(opening.error);
        opening.onupgradeneeded = () => {
            const keys = opening.result.createObjectStore("keys");
            opening.result.createObjectStore("journal", { autoIncrement: true });
            opening.result.createObjectStore("kept");
            keys.put({ privateKey, publicKey }, "seat");
        };
        opening.onsuccess = () => resolve(opening.result.close());
    });
}"""


@asynccontextmanager
async def served(
    folder: Path, world: World | None = None, made: Object | None = None
) -> AsyncIterator[tuple[Site, Browser]]:
    """The doors on a port of this machine, the client that was built, and a browser."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with (
        site(folder, origin=f"http://127.0.0.1:{port}", client=CLIENT, world=world, made=made) as found,
        async_playwright() as playwright,
    ):
        config = uvicorn.Config(found.app, port=port, lifespan="off", log_config=None, ws="websockets-sansio")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        flags = [*FLAGS, *DEVICES]
        browser = await playwright.chromium.launch(executable_path=CURRENT, args=flags, timeout=60_000)
        try:
            yield found, browser
        finally:
            await browser.close()
            found.app.state.services.closing.set()
            server.should_exit = True
            await serving


async def signed_in(found: Site, browser: Browser, seat: str) -> Page:
    """A page of this seat, by its one-time link."""
    page = await opened(browser)
    await enter(found, page, seat)
    return page


async def opened(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    return await context.new_page()


async def enter(found: Site, page: Page, seat: str) -> None:
    token = await found.identity.issue_link(found.id, seat)
    await page.goto(write_link(found.origin, token, found.world.pins))
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def violations(
    page: Page, presses: tuple[str, ...] = ("English", "Large text", "Large text", "中文")
) -> list[Any]:
    """What axe finds on the page, in both languages and in large text."""
    found = []
    await page.evaluate(axe_source())
    for press in ("", *presses):
        if press:
            await page.get_by_role("button", name=press, exact=True).click()
        result = await page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_TAGS)
        found += [(press, each["id"], each["nodes"][0]["html"]) for each in result["violations"]]
    return found


def said(found: Site, kind: str) -> list[Any]:
    """The acts of the supervisor with this event."""
    return [
        entry.act.body
        for entry in found.keeper.entries
        if entry.type == kind and entry.act is not None and entry.act.sub == "supervisor-1"
    ]


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_supervisor_sees_alarms_first_and_signs_with_a_reason(tmp_path: Path) -> None:
    """Bound in this browser; a lost venue comes first; an empty reason is refused; what is heard is logged."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await supervising(found, browser)
        await expect(page.get_by_text("没有告警")).to_be_visible()
        await expect(page.get_by_text("评分在开启前对任何人（包括您）保密。")).to_be_visible()
        assert await violations(page) == []

        # A venue is cut off: the alarm says so, before anything else.
        keeper.disconnected("room-2")
        await expect(page.locator("#alarms > li").first).to_contain_text("会场失去连接", timeout=SHOW_MS)
        assert await violations(page) == []
        keeper.connected("room-2")
        await people_act(found, lambda: keeper.state.gate == "open")
        await expect(page.get_by_text("没有告警")).to_be_visible(timeout=SHOW_MS)

        # A pause without a reason is refused on the spot, and nothing was signed.
        await page.get_by_role("button", name="暂停评审").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="暂停评审").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("请写明理由")
        assert said(found, "ProceedingPaused") == []
        assert await violations(page, ()) == []
        await dialog.get_by_role("textbox").fill("有人在会场内使用手机，须先查明。")
        await dialog.get_by_role("button", name="暂停评审").click()
        await until(
            lambda: said(found, "ProceedingPaused") == [{"reason": "有人在会场内使用手机，须先查明。"}], ANSWER_S
        )
        await expect(page.locator("#alarms")).to_contain_text("已按指令暂停")

        # What the page plays is stated in the log.
        await page.get_by_role("button", name=re.compile("收听 副场 2.* room-3")).click()
        await until(lambda: ("listen", "room-3") in looks(found), ANSWER_S)
        # It has written nothing else.
        acts = [e.act.act for e in keeper.entries if e.act is not None and e.act.sub == "supervisor-1"]
        assert acts == ["seat.bind", "proceeding.pause"]


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_each_form_of_the_wall_reaches_the_log(tmp_path: Path) -> None:
    """What is chosen and typed stands in the act; a name goes into a disclosure and not into the act."""
    async with served(tmp_path) as (found, browser):
        page = await supervising(found, browser)
        await page.get_by_text("其他可做的事项").click()
        assert await violations(page) == []

        async def signs(button: str, picks: dict[str, str], fields: dict[str, str], event: str) -> Any:
            await page.get_by_role("button", name=button, exact=True).click()
            dialog = page.get_by_role("dialog")
            for name, value in picks.items():
                await dialog.locator(f"#act-{name}").select_option(value)
            assert await violations(page, ()) == []
            for name, text in fields.items():
                await dialog.locator(f"#act-{name}").fill(text)
            if event == "ExternalDraw":
                paper: FilePayload = {"name": "抽取记录.pdf", "mimeType": "application/pdf", "buffer": b"drawn"}
                await dialog.locator("input[type=file]").set_input_files([paper])
                await dialog.locator("code").wait_for()
            before = len(said(found, event))
            await dialog.get_by_role("button", name=button, exact=True).click()
            await until(lambda: len(said(found, event)) > before, ANSWER_S)
            await dialog.wait_for(state="detached")
            return said(found, event)[-1]

        noted = await signs("记入说明", {"about": "seat-2"}, {"text": "设备已更换。"}, "IncidentNoted")
        assert noted == {"seat": "seat-2", "text": "设备已更换。"}
        asked = await signs(
            "申请成员回避", {"seat": "seat-2", "ground": "other-relation"}, {"text": "曾任顾问。"}, "RecusalRequested"
        )
        assert (asked["seat"], asked["from"], asked["ground"]) == ("seat-2", "supervisor", "other-relation")
        assert (await signs("不予回避", {}, {"reason": "已经查明，不存在。"}, "RecusalDecided"))["recuse"] is False
        removed = await signs(
            "请成员退出", {"seat": "seat-2", "leaving": "unfit"}, {"reason": "身体不适。"}, "MemberRemoved"
        )
        assert removed == {"seat": "seat-2", "ground": "unfit", "reason": "身体不适。"}
        drawn = await signs(
            "登记外部抽取", {}, {"label": "expert/software", "reference": "省库 2026-118"}, "ExternalDraw"
        )
        assert drawn["evidence"] == b64u(sha256(b"drawn"))
        # The place is filled by whom the other authority drew.
        person = {"person": "吴佳宁", "organisation": "电子政务学会", "label": "expert/software"}
        seated = await signs("由外部抽取产生", {}, person, "MemberSeated")
        assert (seated["replaces"], seated["source"]) == ("seat-2", {"kind": "external", "label": "expert/software"})
        assert (await found.keeper.names("supervisor-1"))[seated["seat"]] == ("吴佳宁", "电子政务学会")
        lost = found.keeper.state.holders[-1]
        replaced = await signs(
            "更换保管方", {"lost": lost, "successor": "own"}, {"reason": "机房失火。"}, "HoldersReplaced"
        )
        assert (replaced["lost"], replaced["by"]) == ([lost], [lost])
        declared = await signs(
            "申报会场故障", {"venue": "venue-3", "failure": "power"}, {"text": "全楼停电。"}, "IncidentDeclared"
        )
        assert declared == {"venue": "venue-3", "kind": "power", "text": "全楼停电。"}
        await expect(page.locator("#alarms > li").first).to_contain_text("会场失去连接", timeout=SHOW_MS)
        await page.get_by_role("button", name="放行席位").first.click()
        await page.get_by_role("dialog").locator("#act-reason").fill("席位设备已毁。")
        await page.get_by_role("dialog").get_by_role("button", name="放行席位").click()
        await until(lambda: said(found, "SeatReleased"), ANSWER_S)
        assert await violations(page) == []
        await signs("终止评审", {}, {"reason": "不能继续。"}, "ProceedingAborted")


async def supervising(found: Site, browser: Browser) -> Page:
    """The wall of a supervisor whose key was made in this browser, while bids are reviewed."""
    page = await bound(found, browser, "supervisor-1")
    await people_act(found, lambda: found.keeper.state.stage == "compliance-review")
    await page.goto(f"{found.origin}/supervisor")
    await expect(page.locator("[aria-current=step]")).to_contain_text("初步评审", timeout=SHOW_MS)
    return page


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_each_sees_and_states_what_follows(tmp_path: Path) -> None:
    """A secondary venue hands over with the key of the meeting; then each office sees what is its to see and do."""
    async with served(tmp_path) as (found, browser):
        keeper = found.keeper
        page = await bound(found, browser, "operator-2")
        # Its own operator lets the room's device in, once that has its key.
        await people_act(found, lambda: "room-2" in keeper.state.seat_key)
        await page.goto(f"{found.origin}/operator")
        admits = page.get_by_role("button", name="准许接入")
        await expect(admits).to_be_enabled(timeout=SHOW_MS)
        await admits.click()
        await until(lambda: "room-2" in keeper.state.admitted, ANSWER_S)
        await page.goto(f"{found.origin}/after")
        await expect(page.get_by_text("评审结束后，这里会列出")).to_be_visible(timeout=SHOW_MS)
        await people_act(found, lambda: keeper.state.gate == CLOSED)
        await found.finish()

        # The list is checked, read once more, and signed with the key that the browser has from the meeting.
        await page.get_by_role("button", name="下一步：核对").click(timeout=SHOW_MS)
        await expect(page.get_by_role("alert")).to_contain_text("请填写第 1 项的名称")
        assert await violations(page) == []
        await page.get_by_label("名称").fill("评标报告副本")
        await page.get_by_label("封条编号").fill("F-0118 F-0119")
        await page.get_by_role("button", name="下一步：核对").click()
        await expect(page.locator(".check")).to_contain_text("F-0118、F-0119")
        assert await violations(page) == []
        await page.get_by_role("button", name="签署并移交").click()
        await expect(page.get_by_text("等待主场接收")).to_be_visible(timeout=SHOW_MS)
        await expect(page.locator("#stated")).to_be_focused()
        after = found.proceedings.after
        (given,) = after.view(keeper.state, "supervisor-1")["hand_overs"]
        assert (given["items"], given["seals"]) == ([["paper", "评标报告副本", 1, None]], ["F-0118", "F-0119"])

        # The main venue's operator counts and takes it, states the first milestone, and rates an expert.
        main = await keyed(found, browser, "operator-1")
        await expect(main.locator("#due > li")).to_have_count(3, timeout=SHOW_MS)
        assert await violations(main) == []
        await signs(main, "接收，全部齐全 venue-2", "接收，全部齐全")
        await signs(main, "登记：评审报告送交采购人（招标人）", "登记")
        await main.get_by_role("button", name=re.compile("评价 .*seat-1")).click()
        await main.get_by_role("button", name="下一步：核对").click()
        await expect(main.get_by_role("alert").locator("li")).to_have_count(16)
        assert await violations(main) == []
        await main.locator("#q-came-in-time-no").check()
        await main.get_by_role("button", name="其余各项均为“是”").click()
        await main.get_by_label("擅离职守（扣 4 分）").check()
        await main.locator("#breach-left-the-post").fill("擅离职守四十分钟。")
        await main.locator("#rating-text").fill("其余尽职。")
        await main.get_by_role("button", name="下一步：核对").click()
        await expect(main.locator(".check")).to_contain_text("扣 5 分")
        assert await violations(main) == []
        await main.get_by_role("button", name="签署评价").click()
        await expect(main.get_by_text("还有 3 位专家没有评价。")).to_be_visible(timeout=SHOW_MS)

        # The member appeals, the supervisor lowers it, and records a complaint that came in writing.
        member = await keyed(found, browser, "seat-1")
        await expect(member.get_by_text("擅离职守四十分钟。")).to_be_visible(timeout=SHOW_MS)
        await expect(member.get_by_text("评标报告副本")).to_have_count(0)
        assert await violations(member) == []
        await signs(member, "申诉 seat-1", "申诉", reason="因停电离席，有记录。")
        watching = await keyed(found, browser, "supervisor-1")
        await watching.get_by_role("button", name="减轻扣分 seat-1").click(timeout=SHOW_MS)
        dialog = watching.get_by_role("dialog")
        await dialog.locator("#act-points").fill("5")
        await dialog.locator("#act-reason").fill("停电属实。")
        await dialog.get_by_role("button", name="减轻扣分").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("请填写 0 至 4 的整数。")
        assert await violations(watching, ()) == []
        await dialog.locator("#act-points").fill("1")
        await dialog.get_by_role("button", name="减轻扣分").click()
        await dialog.wait_for(state="detached")
        await signs(watching, "登记质疑、异议或投诉", of="乙公司", text="对业绩有异议。")
        assert await violations(watching) == []

        shown = after.view(keeper.state, "supervisor-1")
        assert [(each["milestone"], each["day"]) for each in shown["milestones"]] == [("report-sent", shown["today"])]
        assert [(each["points"], each["decision"]["upheld"]) for each in shown["ratings"]] == [(1, False)]
        assert [(each["kind"], each["of"]) for each in shown["cases"]] == [("complaint", "乙公司")]
        (given,) = shown["hand_overs"]
        assert (given["taken"], given["missing"]) == (shown["today"], None)

        # A browser without the key of the meeting reads, and is told why it cannot sign.
        other = await signed_in(found, browser, "seat-4")
        await other.goto(f"{found.origin}/after")
        await expect(other.get_by_text("本机没有您评审时使用的密钥")).to_be_visible(timeout=SHOW_MS)
        await expect(other.get_by_text("擅离职守")).to_have_count(0)
        assert await violations(other) == []


async def signs(page: Page, button: str, last: str = "", **fields: str) -> None:
    """Open a form, fill it, and sign; the confirmation then has the focus."""
    await page.get_by_role("button", name=button, exact=True).click(timeout=SHOW_MS)
    dialog = page.get_by_role("dialog")
    assert await violations(page, ()) == []
    for name, text in fields.items():
        await dialog.locator(f"#act-{name}").fill(text)
    await dialog.get_by_role("button", name=last or button, exact=True).click()
    await dialog.wait_for(state="detached")
    await expect(page.locator("#stated")).to_be_focused()


async def keyed(found: Site, browser: Browser, seat: str) -> Page:
    """The page of what follows in the browser that has this seat's key of the meeting."""
    page = await opened(browser)
    await page.goto(f"{found.origin}/sign-in")
    numbers = signer_of(seat).key.private_numbers()
    secret = signer_of(seat).jwk | {"d": b64u(numbers.private_value.to_bytes(32, "big"))}
    await page.evaluate(KEEP_KEY, [f"tongping-seat/{found.keeper.state.origin}/{seat}", secret])
    await page.goto("about:blank")
    await enter(found, page, seat)
    await page.goto(f"{found.origin}/after")
    return page


async def bound(found: Site, browser: Browser, seat: str) -> Page:
    """A page of this seat, whose key was made in this browser, vouched for by its centre and bound."""
    keeper = found.keeper
    found.people.absent.add(seat)
    page = await signed_in(found, browser, seat)
    await page.wait_for_url("**/check-in")
    await people_act(found, lambda: keeper.announced.waiting(keeper.state))
    (key,) = keeper.announced.waiting(keeper.state)
    holder = found.world.holders[keeper.state.seat(seat).centre]
    await keeper.perform(await holder.vouch(keeper.state.origin, seat, key.thumbprint))
    await people_act(found, lambda: seat in keeper.state.seat_key)
    return page


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_an_auditor_finds_the_minute_and_verifies(tmp_path: Path) -> None:
    """An archived proceeding: events found by words of the page's language, and the verdict with one click."""
    async with served(tmp_path) as (found, browser):
        await found.finish()
        page = await signed_in(found, browser, "auditor-1")
        await page.goto(f"{found.origin}/auditor")
        search = page.get_by_label("查找事件")
        await search.fill("组长产生")
        await search.press("Enter")
        events = page.locator("ol li > button")
        await expect(events).to_have_count(1, timeout=SHOW_MS)
        await events.first.click()
        await expect(page.get_by_text("记录哈希")).to_be_visible()
        assert await violations(page) == []
        for tab in ("图表", "核验与下载"):
            await page.get_by_role("tab", name=tab).click()
            assert await violations(page) == []
        await page.get_by_role("button", name="开始核验").click()
        await expect(page.locator("#verdict")).to_contain_text("有效", timeout=240_000)


async def people_act(found: Site, done: Callable[[], Any]) -> None:
    """Everybody but the supervisor goes on until `done`."""
    async with asyncio.timeout(240):
        while not done():
            if not await found.people.step(found.keeper):
                await asyncio.sleep(0.01)


def looks(found: Site) -> set[tuple[str, str]]:
    noted = [entry.body["looks"] for entry in found.keeper.entries if entry.type == "LookNoted"]
    under_way = found.keeper.looks._under_way
    return {(look["kind"], look.get("room", "")) for each in noted for look in each} | {key[1:] for key in under_way}
