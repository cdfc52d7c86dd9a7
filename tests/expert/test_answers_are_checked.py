"""What cannot be taken back is read once more before it is signed, and what is typed for it survives (issue 3, item 8).

Motions, votes, questions, more time, corrections and dissent, in a meeting of their own and in the order of its stages.
A vote that waits for the seat holds the stage, so that nothing goes on before a test is through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.api.installation import eventually
from tests.e2e.album import Album
from tests.expert.hall import SEAT, Hall, meeting
from tests.expert.papers import tender_with_papers, under_the_second_pack
from tests.expert.steps import CHECK, clean, confirm, seal, to, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
expect.set_options(timeout=30_000)

FINAL = "提交后不能撤回或修改"
GROUND = "第三章第二节的业绩要求与评分细则互相矛盾，请委员会先定口径。"
AGAINST = "口径在采购文件的澄清中已经写明，\n不需要另作决定。"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with meeting(tmp_path_factory.mktemp("checked"), under_the_second_pack(tender_with_papers())) as found:
        yield found


@pytest.fixture(scope="module")
def person(hall: Hall) -> Iterator[BrowserContext]:
    """One browser profile, with the seat's key in it."""
    context = hall.context()
    yield context
    context.close()


@pytest.fixture
def page(hall: Hall, person: BrowserContext) -> Iterator[Page]:
    if not hall.bound:
        hall.sit(person).close()
    found = person.new_page()
    found.goto(f"{hall.site.url}/expert")
    found.get_by_role("navigation", name="评审阶段").wait_for()
    yield found
    found.close()


def checked(page: Page, heading: str, *values: str) -> Locator:
    """The check step: it has the focus, says everything once more and that it is final."""
    found = page.locator("section.check")
    expect(found.get_by_role("heading", name=heading)).to_be_focused()
    for value in values:
        expect(found).to_contain_text(value)
    expect(found).to_contain_text(FINAL)
    return found


def put_objection(hall: Hall, page: Page, text: str) -> Locator:
    """An objection, as far as its check step."""
    to(hall, page, "steps")
    page.get_by_role("button", name="提出动议").click()
    page.locator("#motion-kind").select_option("objection")
    page.locator("#motion-text").fill(text)
    page.get_by_role("button", name=CHECK).click()
    return checked(page, "请核对动议", "异议", text)


def put_motion(hall: Hall, page: Page, text: str) -> None:
    """An objection, which stands in the record afterwards: who leaves the page earlier may not have put it."""
    put_objection(hall, page, text).get_by_role("button", name="提交动议").click()
    hall.wait(lambda view: text in [motion["about"].get("text") for motion in view["steps"]["motions"]])


def test_the_recusal_says_in_english_what_is_declared(hall: Hall, page: Page) -> None:
    until(hall, page, "declarations")
    to(hall, page, "recusal")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("In the three years before I was neither employed by a supplier")).to_be_visible()
    page.get_by_role("button", name="中文").click()


def test_a_stage_has_one_name(hall: Hall, page: Page) -> None:
    """The top bar's and the stage line's, in both languages."""
    until(hall, page, "compliance-review")
    for name, language in (("初步评审", "English"), ("Compliance review", "中文")):
        expect(page.locator("#stage")).to_have_text(name)
        expect(page.locator("[aria-current=step] .word")).to_have_text(name)
        page.get_by_role("button", name=language).click()


def test_who_learns_of_a_ground_later_finds_the_way_out_and_reads_it_once_more(hall: Hall, page: Page) -> None:
    """实施条例 48: after the declarations, too; nothing is signed before it was read once more."""
    until(hall, page, "compliance-review")
    to(hall, page, "")
    page.get_by_role("link", name="中途回避").click()
    page.get_by_role("button", name=CHECK).click()
    expect(page.get_by_role("alert").filter(has_text="请至少选择一种回避情形")).to_be_focused()
    page.get_by_role("checkbox").first.check()
    clean(page)
    page.get_by_role("button", name=CHECK).click()
    step = checked(page, "请核对：提交后不能撤回", "不能再进入")
    expect(step.get_by_role("button", name="提交并退出评审")).to_be_visible()
    clean(page)


@pytest.mark.pictures
def test_a_motion_is_read_once_more_before_it_is_put(hall: Hall, page: Page) -> None:
    until(hall, page, "compliance-review")
    to(hall, page, "steps")
    page.get_by_role("button", name="提出动议").click()
    page.locator("#motion-kind").select_option("objection")
    # Too long is said and counted, and nothing is cut off.
    page.locator("#motion-text").fill("长" * 4003)
    expect(page.get_by_text("已输入 4003 字，最多 4000 字")).to_be_visible()
    page.get_by_role("button", name=CHECK).click()
    expect(page.get_by_role("alert").get_by_role("link")).to_contain_text("超出 3 字")
    assert page.locator("#motion-text").input_value() == "长" * 4003
    check = put_objection(hall, page, GROUND)
    keep(page, "expert-motion-check")
    assert hall.view()["steps"]["motions"] == []
    check.get_by_role("button", name="返回修改").click()
    expect(page.locator("#motion-text")).to_have_value(GROUND)
    page.get_by_role("button", name=CHECK).click()
    check.get_by_role("button", name="提交动议").click()
    expect(page.locator("section.motion")).to_contain_text(GROUND)


@pytest.mark.pictures
def test_a_vote_and_its_reason_survive_a_reload_and_are_checked(hall: Hall, person: BrowserContext, page: Page) -> None:
    """And a vote that was signed when the line broke is shown as that: nobody votes a second time, or otherwise."""
    until(hall, page, "compliance-review")
    if not hall.view()["steps"]["motions"]:
        put_motion(hall, page, GROUND)
    to(hall, page, "steps")
    card = page.locator("section.motion")
    card.get_by_role("button", name=CHECK).click()
    expect(card.get_by_text("请选择赞成或者反对")).to_be_visible()
    with kept(page):
        card.get_by_label("反对").check()
    card.get_by_role("button", name=CHECK).click()
    expect(card.get_by_text("请写明理由")).to_be_visible()
    reason = card.get_by_role("textbox")
    with kept(page):
        reason.fill(AGAINST)
    page.reload()
    expect(reason).to_have_value(AGAINST)
    expect(card.get_by_label("反对")).to_be_checked()
    card.get_by_role("button", name=CHECK).click()
    check = checked(page, "请核对您的一票：异议", GROUND, "反对", AGAINST)
    clean(page)
    (motion,) = hall.view()["steps"]["motions"]
    assert SEAT not in motion["voted"]
    page.route("**/acts", lambda route: route.abort())
    with page.expect_request("**/acts"):
        check.get_by_role("button", name="投出反对票").click()
    person.set_offline(True)
    try:
        expect(page.get_by_role("heading", name="“表决”已在本机签署，尚未得到服务器答复")).to_be_visible()
        waits = page.locator("section.away")
        expect(waits.get_by_text("正在等待网络恢复")).to_be_visible()
        for told in (GROUND, "反对", AGAINST):
            expect(waits).to_contain_text(told)
        expect(page.get_by_text("与服务器的连接已中断")).to_be_visible()
        expect(page.get_by_role("button", name="返回修改")).to_have_count(0)
        expect(page.get_by_label("赞成")).to_have_count(0)
        keep(page, "expert-vote-away")
    finally:
        person.set_offline(False)
    page.unroute("**/acts")
    page.get_by_role("button", name="再次发送").click()
    # The others are for it; the last of the five votes decides.
    hall.wait(lambda view: view["steps"]["motions"][0]["carried"])
    expect(page.get_by_role("listitem").filter(has_text=GROUND)).to_contain_text("通过")
    eventually(lambda: not any("/vote-" in name for name in page.evaluate(NAMES)), 15)


def keep(page: Page, name: str) -> None:
    """Into the guide's pictures, where axe looks at it as well."""
    album = Album()
    album.keep(page, name)
    assert album.wrong == {}


NAMES = """() => new Promise(done => {
    const open = indexedDB.open("tongping-drafts");
    open.onsuccess = () => {
        const all = open.result.transaction("drafts").objectStore("drafts").getAllKeys();
        all.onsuccess = () => {
            open.result.close();
            done(all.result);
        };
    };
})"""
STORED = """() => new Promise(done => {
    const open = indexedDB.open("tongping-drafts");
    open.onsuccess = () => {
        const all = open.result.transaction("drafts").objectStore("drafts").getAll();
        all.onsuccess = () => {
            open.result.close();
            done(JSON.stringify(all.result.map(each => Object.values(each).map(part => [...new Uint8Array(part)]))));
        };
    };
})"""


@contextmanager
def kept(page: Page) -> Iterator[None]:
    """What is typed in the block is on this device's disk after it; nothing else was on its way there before."""
    before = page.evaluate(STORED)
    yield
    eventually(lambda: page.evaluate(STORED) != before, 15)


def test_a_question_and_a_request_for_time_are_checked(hall: Hall, person: BrowserContext, page: Page) -> None:
    """A question that is put and answered stands in test_seat.py. The line breaks when the request is signed: the form
    shows that one, and takes no second."""
    until(hall, page, "compliance-review")
    to(hall, page, "steps")
    page.get_by_role("button", name="提出澄清（组长）").click()
    page.locator("#motion-bidder").select_option(index=1)
    page.locator("#motion-question").select_option(label="含义不明确")
    page.locator("#motion-text").fill("工期是日历天还是工作日？")
    page.locator("#motion-document").select_option(index=2)
    page.locator("#motion-page").fill("2")
    page.get_by_role("button", name=CHECK).click()
    check = checked(page, "请核对澄清问题", "含义不明确", "工期是日历天还是工作日？", "第 2 页")
    check.get_by_role("button", name="返回修改").click()
    page.get_by_role("button", name="取消").click()
    assert hall.view()["steps"]["questions"] == []
    page.get_by_role("button", name="申请延长评审时间").click()
    page.locator("#motion-text").fill("文件较多，需要更多时间。")
    page.get_by_role("button", name=CHECK).click()
    check = checked(page, "请核对延长申请", "文件较多，需要更多时间。")
    page.route("**/acts", lambda route: route.abort())
    with page.expect_request("**/acts"):
        check.get_by_role("button", name="提交申请").click()
    person.set_offline(True)
    try:
        waits = page.locator("section.away")
        expect(waits.get_by_role("heading", name="“申请延长时间”已在本机签署，尚未得到服务器答复")).to_be_visible()
        expect(waits.get_by_text("正在等待网络恢复")).to_be_visible()
        expect(page.locator("#motion-text")).to_have_count(0)
    finally:
        person.set_offline(False)
    page.unroute("**/acts")
    waits.get_by_role("button", name="再次发送").click()
    hall.wait(lambda view: SEAT in view["steps"]["hurried"])
    expect(page.get_by_role("button", name="申请延长评审时间")).to_have_count(0)
    eventually(lambda: not any("/steps-time" in name for name in page.evaluate(NAMES)), 15)


@pytest.mark.pictures
def test_what_is_typed_in_one_window_goes_on_in_the_other(hall: Hall, person: BrowserContext, page: Page) -> None:
    """Two windows of one seat: the one that takes over has what was typed in the first."""
    until(hall, page, "compliance-review")
    to(hall, page, "review")
    page.get_by_label("不符合").first.check()
    page.get_by_label("理由").first.fill("营业执照已经过期")
    with closing(person.new_page()) as second:
        second.goto(f"{hall.site.url}/expert/review")
        expect(second.get_by_role("heading", name="此席位已在另一个窗口中打开")).to_be_visible()
        keep(second, "expert-elsewhere")
        second.get_by_role("button", name="改在此窗口继续").click()
        expect(page.get_by_role("heading", name="此席位已转到另一个窗口")).to_be_visible()
        keep(page, "expert-taken")
        expect(second.get_by_label("不符合").first).to_be_checked()
        expect(second.get_by_label("理由").first).to_have_value("营业执照已经过期")


def test_a_page_of_a_document_has_its_words_beside_the_picture(hall: Hall, page: Page) -> None:
    """WCAG 1.1.1: what the canvas shows is there for who cannot see it, page by page."""
    until(hall, page, "compliance-review")
    to(hall, page, "documents")
    pane = page.locator(".pane").first
    box = page.get_by_role("combobox", name="左侧文件")
    box.wait_for()
    box.select_option(label=next(name for name in box.locator("option").all_inner_texts() if "附件" in name))
    words = pane.locator("[data-words]")
    expect(words).to_have_text("Alpha annex needle page 1")
    pane.get_by_role("button", name="下一页").click()
    expect(words).to_have_text("Alpha annex needle page 2")


def test_a_correction_is_a_draft_until_it_is_checked(hall: Hall, page: Page) -> None:
    """Sums that lie far off the others': the member corrects its own, or leaves it."""
    until(hall, page, "detailed-review")
    hall.due("sheet.seal")
    put_motion(hall, page, "请在汇总之前再议一次。")
    to(hall, page, "score")
    page.locator("input[data-cell]").first.wait_for()
    # Too much that was pasted is told, and nothing is cut off.
    first = page.locator("input[data-cell]").first
    first.focus()
    page.keyboard.insert_text("123456789012345678")
    expect(first).to_have_value("123456789012345678")
    expect(first).to_have_accessible_description(re.compile("超过满分"))
    for cell in page.locator("input[data-cell]").all():
        cell.fill("1.5")
    page.get_by_role("button", name=CHECK).click()
    seal(page, "封存 4 份投标的评分", "评分已封存")
    confirm(hall, page)
    hall.wait(lambda view: view["steps"]["checks"]["abnormal"])
    to(hall, page, "results")
    card = page.locator("section.advice")
    with kept(page):
        card.get_by_label("更正哪一项？").select_option(index=1)
    card.get_by_role("button", name=CHECK).click()
    expect(card.get_by_role("alert").get_by_role("link")).to_have_count(2)
    with kept(page):
        card.get_by_label("更正后的分数").fill("８")
    with kept(page):
        card.get_by_label("理由").fill("漏看了第二章的方案说明。")
    page.reload()
    expect(card.get_by_label("理由")).to_have_value("漏看了第二章的方案说明。")
    expect(card.get_by_label("更正后的分数")).to_have_value("８")
    card.get_by_role("button", name=CHECK).click()
    check = checked(page, "请核对更正", "8.00", "与其他成员的评分相差较大", "漏看了第二章的方案说明。")
    clean(page)
    assert hall.view()["steps"]["corrected"] == []
    check.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已记入评审记录。").last).to_be_visible()
    ((seat, _, _, ground),) = hall.view()["steps"]["corrected"]
    assert (seat, ground) == (SEAT, "abnormal")
    to(hall, page, "steps")
    page.locator("section.motion").get_by_label("赞成").check()
    page.get_by_role("button", name=CHECK).click()
    checked(page, "请核对您的一票", "赞成").get_by_role("button", name="投出赞成票").click()
    hall.wait(lambda view: view["stage"] != "detailed-review")


def test_a_dissent_is_a_draft_until_it_is_checked(hall: Hall, page: Page) -> None:
    hall.until("signing")
    to(hall, page, "sign")
    page.get_by_role("button", name="不同意，写明异议").click()
    reason = page.get_by_label("理由")
    # A character outside the first plane counts once, as the server counts it.
    with kept(page):
        reason.fill("𠮷" * 501)
    expect(page.get_by_text("已输入 501 字，最多 500 字")).to_be_visible()
    page.get_by_role("button", name=CHECK).click()
    expect(page.get_by_role("alert").get_by_role("link")).to_contain_text("超出 1 字")
    with kept(page):
        reason.fill("价格分的计算口径与采购文件不一致。")
    page.get_by_role("button", name=CHECK).click()
    check = checked(page, "请核对书面异议", "价格分的计算口径与采购文件不一致。")
    page.reload()
    page.get_by_role("button", name="不同意，写明异议").click()
    expect(reason).to_have_value("价格分的计算口径与采购文件不一致。")
    page.get_by_role("button", name=CHECK).click()
    check.get_by_role("button", name="提交书面异议").click()
    hall.wait(lambda view: SEAT in view["steps"]["dissents"])
    expect(page.get_by_text("您已提交书面异议。")).to_be_visible()
    eventually(lambda: not any(name.endswith("/dissent") for name in page.evaluate(NAMES)), 15)
