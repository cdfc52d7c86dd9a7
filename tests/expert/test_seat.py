"""An expert in a browser through a whole meeting, and what may go wrong meanwhile (issue 3, "Bad input", "Done when").

The tests stand in the order of the stages and share one meeting; whoever runs one alone gets there by `stage`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from evidence.core.act import SoftwareSigner, make
from tests.api.installation import eventually
from tests.chromium.hall import sign_in
from tests.expert.hall import SEAT, Hall
from tests.expert.papers import ANNEX, BROKEN, ENCRYPTED, SCRIPTED, TWIN
from tests.expert.steps import CHECK, HURRY, choose, clean, confirm, press, seal, to, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

expect.set_options(timeout=60_000)
KEPT = re.compile("草稿已于 .* 加密保存在本机")


@pytest.fixture(scope="module")
def person(hall: Hall) -> Iterator[BrowserContext]:
    """One browser profile, with the seat's key in it."""
    context = hall.context()
    yield context
    context.close()


@pytest.fixture
def page(hall: Hall, person: BrowserContext) -> Iterator[Page]:
    """A window of the seat; it is closed afterwards, and what it held survives."""
    if not hall.bound:
        hall.sit(person).close()
    found = person.new_page()
    found.goto(f"{hall.site.url}/expert")
    found.get_by_role("navigation", name="评审阶段").wait_for()
    yield found
    found.close()


def test_what_is_missing_is_said_and_the_focus_goes_there(hall: Hall, page: Page) -> None:
    """GOV.UK error summary: the focus on it, links to the fields, nothing that was typed is lost."""
    until(hall, page, "declarations")
    to(hall, page, "commitment")
    page.get_by_role("button", name=CHECK).click()
    summary = page.get_by_role("alert").filter(has_text="请先解决以下问题")
    expect(summary).to_be_focused()
    summary.get_by_role("link").click()
    expect(page.get_by_label("我已阅读并同意以上全部承诺")).to_be_focused()
    clean(page)
    to(hall, page, "recusal")
    page.get_by_label("存在应当回避的情形").check()
    clean(page)
    to(hall, page, "")
    clean(page)
    until(hall, page, "compliance-review")


def test_two_windows_of_one_seat(hall: Hall, person: BrowserContext, page: Page) -> None:
    """Two tabs with one key would sign two acts with one counter: the second is told, and may take over."""
    until(hall, page, "compliance-review")
    with closing(person.new_page()) as second:
        second.goto(f"{hall.site.url}/expert")
        expect(second.get_by_role("heading", name="此席位已在另一个窗口中打开")).to_be_visible()
        second.get_by_role("button", name="改在此窗口继续").click()
        expect(second.get_by_role("navigation", name="评审阶段")).to_be_visible()
        expect(page.get_by_role("heading", name="此席位已转到另一个窗口")).to_be_visible()
        # The one that took over acts with the key.
        to(hall, second, "review")
        second.get_by_role("button", name="其余项均符合").first.wait_for()


def test_the_comparison_is_shown_for_reference_only(hall: Hall, page: Page) -> None:
    """实施条例 40: each fact with where it comes from; a motion to reject may cite it, and only such a one."""
    until(hall, page, "compliance-review")
    hall.wait(lambda view: view["advice"])
    to(hall, page, "review")
    panel = page.get_by_role("region", name="串通投标情形比对提示")
    expect(panel.get_by_text("仅供参考，不得作为直接否决依据")).to_be_visible()
    row = panel.get_by_role("row").filter(has_text="投标保证金付款账户相同")
    expect(row).to_contain_text("采购人登记的信息")
    panel.get_by_text("没有比对的文件").click()
    expect(panel.get_by_text("文件加密")).to_be_visible()
    clean(page)
    to(hall, page, "steps")
    page.get_by_role("button", name="提出动议").click()
    kind = page.locator("#motion-kind")
    for option, offered in (("rejection", 1), ("clarification", 0)):
        if kind.locator(f"option[value={option}]").count():
            kind.select_option(option)
            assert page.locator("#motion-document option").filter(has_text="比对提示").count() == offered


def test_a_fail_asks_for_ground_words_and_page(hall: Hall, page: Page) -> None:
    """87号令 63: by keyboard and mouse; what is missing is said at its field, nothing that was typed is cut off."""
    until(hall, page, "compliance-review")
    to(hall, page, "review")
    page.locator("canvas[data-page='1']").first.wait_for()
    page.get_by_label("不符合").first.check()
    for each in page.get_by_role("button", name="其余项均符合").all():
        each.click()
    # The page that is open is the evidence until the member says otherwise.
    shown = page.get_by_role("combobox", name="左侧文件").input_value()
    cited = page.locator("select[id^=document-]")
    expect(cited).to_have_value(shown)
    expect(page.locator("input[id^=page-]")).to_have_value("1")
    page.get_by_role("button", name=CHECK).click()
    summary = page.get_by_role("alert").filter(has_text="请先解决以下问题")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    summary.get_by_role("link", name=re.compile("请选择法定情形")).press("Enter")
    ground = page.locator("select[id^=ground-]")
    expect(ground).to_be_focused()
    ground.press("Tab")
    reason = page.locator("textarea[id^=reason-]")
    expect(reason).to_be_focused()
    reason.fill("缺" * 501)
    expect(page.get_by_text("已输入 501 字，最多 500 字")).to_be_visible()
    ground.select_option("not-qualified")
    page.locator("input[id^=page-]").fill("99")
    page.get_by_role("button", name=CHECK).click()
    expect(summary.get_by_role("link")).to_have_count(2)
    expect(summary).to_contain_text("超过 500 字")
    expect(summary).to_contain_text("该文件内的页码")
    assert len(reason.input_value()) == 501
    page.screenshot(path=hall.folder / "expert-fail-errors.png")
    clean(page)
    reason.fill("营业执照已过有效期")
    page.get_by_role("combobox", name="左侧文件").select_option(shown)
    page.get_by_role("button", name="下一页").first.click()
    page.get_by_role("button", name="引用左侧打开的第 2 页").click()
    expect(page.locator("input[id^=page-]")).to_have_value("2")
    page.screenshot(path=hall.folder / "expert-fail.png")
    page.get_by_role("button", name=CHECK).click()
    said = page.get_by_role("listitem").filter(has_text="不具备规定的资格要求；营业执照已过有效期")
    expect(said).to_contain_text("第 2 页")
    page.screenshot(path=hall.folder / "expert-fail-check.png")
    clean(page)


def test_documents_with_one_name_are_told_apart(hall: Hall, page: Page) -> None:
    until(hall, page, "compliance-review")
    to(hall, page, "documents")
    page.get_by_role("combobox", name="左侧文件").wait_for()
    names = page.get_by_role("combobox", name="左侧文件").locator("option").all_inner_texts()
    assert len(set(names)) == len(names) == 7
    page.locator("canvas[data-page]").first.wait_for()
    clean(page)
    to(hall, page, "review")
    page.get_by_label("不符合").first.check()
    clean(page)
    to(hall, page, "steps")
    page.get_by_role("button", name="提出动议").click()
    clean(page)
    assert sum(TWIN in name for name in names) == 2


def test_a_question_to_a_bidder_and_its_answer_stand_in_full(hall: Hall, page: Page) -> None:
    """实施条例 52: asked by the chair, let out by the supervisor, answered with the bidder's signature, which the
    seat's own device checks."""
    until(hall, page, "compliance-review")
    assert hall.view()["chair"] == SEAT
    to(hall, page, "steps")
    page.get_by_role("button", name="提出澄清（组长）").click()
    form = page.locator("section.form")
    form.locator("#motion-bidder").select_option(index=1)
    form.locator("#motion-question").select_option(label="含义不明确")
    form.get_by_label("内容").fill("第二页所写的工期，是日历天还是工作日？")
    form.locator("#motion-document").select_option(index=2)
    form.locator("#motion-page").fill("2")
    form.get_by_role("button", name=CHECK).click()
    form.get_by_role("button", name="提交澄清").click()
    card = page.locator("li.question")
    expect(card.get_by_text("第二页所写的工期，是日历天还是工作日？")).to_be_visible()
    expect(card.get_by_text("等待投标人答复")).to_be_visible()
    expect(card.get_by_text("答复期限")).to_be_visible()
    (question,) = hall.view()["steps"]["questions"]
    signer = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
    session = hall.site.session("operator-1")
    path = f"{hall.site.path}/questions/{question['id']}/vouch"
    assert hall.site.call("POST", path, json={"jwk": signer.jwk}, session=session).status_code == 201
    act = make(
        signer,
        act="clarification.answer",
        aud=hall.site.origin,
        sub=question["bidder"],
        body={"question": question["id"], "text": "日历天。\n自合同签订之日起算。"},
        ctr=1,
        iat=int(time.time()),
    )
    answer = hall.site.call("POST", f"{hall.site.path}/acts", json={"act": act.jws}, session=session)
    assert answer.status_code == 201, answer.text
    expect(card.get_by_text("自合同签订之日起算。")).to_be_visible()
    expect(card.get_by_text("本机已核验")).to_be_visible()
    clean(page)
    card.get_by_role("link").click()
    expect(page.locator(".pane").first.locator("canvas[data-page]")).to_have_attribute("data-page", "2")


def test_a_document_is_searched_and_stands_beside_another(hall: Hall, page: Page) -> None:
    until(hall, page, "compliance-review")
    to(hall, page, "documents")
    pane = page.locator(".pane").first
    for name, said in ((TWIN, "没有找到"), (ANNEX, "第 1 处，共 3 处")):
        choose(page, name)
        pane.get_by_text("/ 3").wait_for()
        pane.get_by_role("searchbox").fill("NEEDLE")
        pane.get_by_role("button", name="查找", exact=True).click()
        expect(pane.get_by_text(said)).to_be_visible()
    pane.get_by_role("button", name="下一处").click()
    expect(pane.get_by_text("第 2 处，共 3 处")).to_be_visible()
    expect(pane.locator("canvas")).to_have_attribute("data-page", "2")
    assert pane.locator(".hit").count() >= 1
    assert page.locator(".pane").nth(1).locator("canvas").get_attribute("data-page") == "1"


def test_a_document_with_scripts_opens_without_them(hall: Hall, page: Page) -> None:
    """Its script would never end: the page answers, so it did not run."""
    until(hall, page, "compliance-review")
    to(hall, page, "documents")
    choose(page, SCRIPTED)
    expect(page.get_by_text("此文件带有脚本")).to_be_visible()
    assert page.evaluate("1 + 1") == 2
    expect(page.locator(".pane").first.get_by_text("/ 3")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "says", "way"),
    [
        (ENCRYPTED, "此文件设有密码，无法打开", "通知工作人员"),
        (BROKEN, "此文件无法在阅读器中打开", "改看页面图片"),
    ],
)
def test_a_document_that_cannot_be_opened_says_why_and_has_a_way_out(
    hall: Hall, page: Page, name: str, says: str, way: str
) -> None:
    until(hall, page, "compliance-review")
    to(hall, page, "documents")
    choose(page, name)
    alert = page.get_by_role("alert").filter(has_text=says)
    expect(alert).to_be_visible()
    expect(alert.get_by_role("button", name=way)).to_be_visible()
    alert.get_by_role("button", name="通知工作人员").click()
    dialog = page.get_by_role("dialog", name="请求协助")
    expect(dialog.get_by_role("textbox")).to_have_value(re.compile(name))
    dialog.get_by_role("button", name="取消").click()


def test_the_record_says_which_page_a_seat_and_a_room_had_on_their_screens(hall: Hall, page: Page) -> None:
    """Issue 3, item 5; a window in the background counts nothing is held by tests/sessions."""
    until(hall, page, "compliance-review")
    to(hall, page, "shared")
    page.locator("canvas[data-ready]").wait_for()
    clean(page)
    document = hall.view()["page"]["document"]

    kiosk = sign_in(hall.context(), hall.site, "room-2", "/room")
    kiosk.locator("canvas[data-ready]").wait_for()

    def seen(seat: str) -> int:
        answer = hall.site.call("GET", f"{hall.site.path}/views", session=hall.site.session("supervisor-1"))
        rows = {(seat, name, number): ms for seat, name, number, ms in answer.json()["views"]}
        return int(rows.get((seat, document, hall.view()["page"]["page"]), 0))

    eventually(lambda: seen(SEAT) > 0 and seen("room-2") > 0, 60)
    kiosk.context.close()
    refused = hall.site.call("GET", f"{hall.site.path}/views", session=hall.site.session(SEAT))
    assert refused.status_code == 403


def test_help_is_asked_and_answered_though_the_clock_is_off(hall: Hall, page: Page) -> None:
    """A clock that is off by minutes is told, and what the seat signs counts all the same."""
    page.add_init_script("{ const now = Date.now; Date.now = () => now() + 7 * 60_000; }")
    to(hall, page, "")
    expect(page.get_by_text("本机时钟与服务器相差 7 分钟")).to_be_visible()
    expect(page.get_by_text("时间以服务器为准，评审不受影响")).to_be_visible()
    page.get_by_role("button", name="请求协助").click()
    dialog = page.get_by_role("dialog", name="请求协助")
    dialog.get_by_label("设备、声音或画面").check()
    dialog.get_by_role("textbox").fill("耳机没有声音")
    dialog.get_by_role("button", name="发出请求").click()
    expect(page.get_by_text("已请求协助")).to_be_visible()
    requests = hall.wait(lambda view: view["help"]["requests"])["help"]["requests"]
    assert [(each["kind"], each["text"]) for each in requests] == [("device", "耳机没有声音")]
    # How long it has waited is counted by the server's clock.
    expect(page.get_by_text(re.compile(r"已等待 \d{1,2} 秒"))).to_be_visible()


def test_a_vote_whose_answer_does_not_come_waits_as_it_is(hall: Hall, person: BrowserContext, page: Page) -> None:
    """It may have reached the server: an edited one would be refused after it, so nothing of it can be edited."""
    until(hall, page, "compliance-review")
    hall.due("review.vote")
    to(hall, page, "review")
    page.get_by_role("button", name="其余项均符合").first.wait_for()
    for each in page.get_by_role("button", name="其余项均符合").all():
        each.click()
    for each in page.get_by_label("符合", exact=True).all():
        each.check()
    page.get_by_role("button", name=CHECK).click()
    page.route("**/acts", lambda route: route.abort())
    with page.expect_request("**/acts"):
        page.get_by_role("button", name="提交初步评审意见").click()
    person.set_offline(True)
    try:
        waits = page.get_by_role("heading", name="“初步评审”已在本机签署，尚未得到服务器答复")
        expect(waits).to_be_visible()
        expect(page.get_by_text("正在等待网络恢复")).to_be_visible()
        expect(page.get_by_role("button", name="返回修改")).to_have_count(0)
    finally:
        person.set_offline(False)
    expect(page.get_by_role("button", name="再次发送")).to_be_visible()
    clean(page)
    page.unroute("**/acts")
    seal(page, "再次发送", "初步评审意见已提交")
    assert SEAT in hall.view()["voted"]
    hall.wait(lambda view: view["stage"] != "compliance-review")


def test_scores_by_the_keyboard_alone(hall: Hall, page: Page) -> None:
    """From the task list to the check page without a mouse: Tab, arrows, Enter, Space."""
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    page.get_by_role("link", name="详细评审打分").focus()
    page.keyboard.press("Enter")
    page.locator("input[data-cell]").first.wait_for()
    # Tab from the top of the page: nothing on the way traps the focus.
    page.locator("#main").focus()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.cell") == "0/0":
            break
    assert page.evaluate("document.activeElement?.dataset.cell") == "0/0"
    rows = page.locator("tbody tr:has(input)").count()
    cells = page.locator("input[data-cell]").count()
    for n in range(cells):
        page.keyboard.type("99" if n == 0 else "３" if n == 1 else "4.5")
        page.keyboard.press("Enter")
    expect(page.locator('[data-cell="1/0"]')).to_have_value("3.00")
    expect(page.get_by_text(re.compile("超过满分")).first).to_be_visible()
    last = page.evaluate("document.activeElement?.dataset.cell")
    assert last == f"{rows - 1}/{cells // rows - 1}"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement?.dataset.cell") == f"{rows - 2}/{cells // rows - 2}"
    press(page, CHECK)
    summary = page.get_by_role("alert").filter(has_text="请先解决以下问题")
    expect(summary).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement?.dataset.cell") == "0/0"
    page.keyboard.press("Control+A")
    page.keyboard.type("5")
    press(page, CHECK)
    expect(page.get_by_role("heading", name="请逐项核对评分")).to_be_focused()
    clean(page)
    page.get_by_role("button", name="返回修改").focus()
    page.keyboard.press("Enter")
    clean(page)


def test_a_draft_survives_a_killed_page(hall: Hall, person: BrowserContext, page: Page) -> None:
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    to(hall, page, "score")
    cell = page.locator('[data-cell="2/1"]')
    cell.fill("7.25")
    expect(page.get_by_text(KEPT)).to_be_visible()
    with page.expect_event("crash"), suppress(PlaywrightError):
        page.goto("chrome://crash")
    again = person.new_page()
    again.goto(f"{hall.site.url}/expert/score")
    expect(again.locator('[data-cell="2/1"]')).to_have_value("7.25")
    again.close()


@pytest.mark.parametrize("seconds", [1, 10, 600])
def test_a_network_that_is_away_in_mid_score(hall: Hall, person: BrowserContext, page: Page, seconds: int) -> None:
    """The page's clock hurries, so that ten minutes take one second."""
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    page.add_init_script(HURRY)
    to(hall, page, "score")
    cell, points = page.locator('[data-cell="3/2"]'), f"3.{seconds % 97:02}"
    cell.wait_for()
    person.set_offline(True)
    try:
        left = page.evaluate("speed => { hurry(speed); return Date.now(); }", seconds)
        cell.fill(points)
        page.wait_for_function("until => Date.now() > until", arg=left + seconds * 1000)
        if seconds > 5:
            expect(page.get_by_text("与服务器的连接已中断")).to_be_visible()
        page.locator('[data-cell="4/2"]').fill("2.50")
    finally:
        page.evaluate("hurry(1)")
        person.set_offline(False)
    expect(page.get_by_text("与服务器的连接已中断")).to_be_hidden(timeout=60_000)
    expect(cell).to_have_value(points)
    expect(page.locator('[data-cell="4/2"]')).to_have_value("2.50")
    page.reload()
    expect(page.locator('[data-cell="3/2"]')).to_have_value(points)


def test_a_stale_window_after_the_server_was_killed(hall: Hall, page: Page) -> None:
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    to(hall, page, "score")
    page.locator('[data-cell="5/0"]').fill("1.75")
    before = hall.site.pid("web")
    os.kill(before, 9)
    eventually(lambda: hall.site.pid("web") not in (0, before), 60)
    eventually(hall.site.ready, 60)
    hall.wait(lambda view: view["gate"] == "open")
    expect(page.get_by_text("与服务器的连接已中断")).to_be_hidden(timeout=60_000)
    expect(page.locator('[data-cell="5/0"]')).to_have_value(re.compile("1.75"))


def test_the_score_table_at_twice_the_size(hall: Hall, page: Page) -> None:
    """WCAG 1.4.4 and 1.4.10: at 200 % nothing is cut off but what scrolls by itself, and every cell is reached."""
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    page.set_viewport_size({"width": 720, "height": 450})
    to(hall, page, "score")
    page.locator("input[data-cell]").first.wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    last = page.locator("input[data-cell]").last
    last.focus()
    box = last.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 720 - box["width"]
    assert 0 <= box["y"] <= 450 - box["height"] / 2
    expect(page.get_by_role("button", name=CHECK)).to_be_visible()


def test_the_scores_are_sealed_while_the_network_is_away(hall: Hall, person: BrowserContext, page: Page) -> None:
    """protocols.md section 6: sealed on the device, a crash of the window in between, handed in on return."""
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    to(hall, page, "score")
    page.locator("input[data-cell]").first.wait_for()
    for cell in page.locator("input[data-cell]").all():
        cell.fill("4.5")
    page.get_by_role("button", name=CHECK).click()
    page.get_by_role("heading", name="请逐项核对评分").wait_for()
    person.set_offline(True)
    try:
        alone = page.get_by_role("button", name="在本机封存 4 份投标的评分（网络中断）")
        expect(alone).to_be_visible()
        expect(page.get_by_text("填写的内容不会丢失")).to_be_visible()
        clean(page)
        alone.click()
        expect(page.get_by_role("heading", name="评分已在本机封存，尚未交上")).to_be_visible()
        expect(page.get_by_text("正在等待网络恢复")).to_be_visible()
        clean(page)
        page.close()
    finally:
        person.set_offline(False)
    assert hall.view()["round"]["mine"] is None
    with closing(person.new_page()) as again:
        again.goto(f"{hall.site.url}/expert/score")
        expect(again.get_by_role("heading", name="评分已在本机封存，尚未交上")).to_be_visible()
        seal(again, "交上评分", "评分已封存")
    assert hall.view()["round"]["mine"] is not None


def test_the_report_is_signed(hall: Hall, page: Page) -> None:
    """The rest of the way; each step ends with its place in the record and its digest. This device's clock is an hour
    ahead, and what it signs carries the server's time: the signing service refuses a time to come."""
    page.add_init_script("{ const now = Date.now; Date.now = () => now() + 3_600_000; }")
    confirm(hall, page)
    view = hall.wait(lambda view: {"report.sign", "ranking.confirm"} & set(view["todo"]))
    to(hall, page, "sign")
    if "ranking.confirm" in view["todo"]:
        page.get_by_role("button", name="核对排名").click()
        hall.due("report.sign")
    clean(page)
    page.get_by_label("我已阅读评审报告全文").check()
    page.get_by_role("button", name="下一步：签署").click()
    seal(page, "签署评审报告", "您已签署评审报告")
    hall.wait(lambda view: view["gate"] == "closed")
    expect(page.get_by_text("评审已关闭")).to_be_visible()
