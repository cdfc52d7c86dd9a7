"""An administrator sets up a tender in a real browser, with everything that goes wrong on the way (issue 3, item 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typst
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

from tests.api.installation import Running, running
from tests.chromium.hall import axe, browser
from tests.e2e.album import Album
from tests.e2e.test_whole import tongping

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
CODES = ("914403001922038216", "9144030071526726XG", "91330100799655058B")
NAMES = ("云帆教育科技有限公司", "启航信息技术有限公司", "明德软件有限公司")
PRICES = ("2311110.40", "2296472", "2299360.00")
MEMBERS = {1: ("赵文博", "钱雅静", "孙思远"), 2: ("李志明",), 3: ("周晓岚",)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("administrator")) as found:
        yield found


@pytest.fixture(scope="module")
def page(site: Running) -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as current:
        page = current.new_context(viewport={"width": 1366, "height": 860}, locale="zh-CN").new_page()
        page.set_default_timeout(60_000)
        page.goto(tongping("admin-link", "--state", site.installation.main).strip())
        page.wait_for_url("**/administrator")
        yield page


def keep(page: Page, name: str) -> None:
    """A copy of the page in both languages and in large text; axe finds nothing."""
    album = Album()
    album.keep(page, name)
    assert album.wrong == {}


@pytest.mark.pictures
def test_a_tender_is_set_up_step_by_step(page: Page) -> None:
    page.get_by_role("link", name="教育信息化运行维护服务项目").wait_for()
    keep(page, "administrator-tenders")
    page.get_by_role("button", name="新建评标项目").click()
    price_formula(page)
    # The rules speak beside the field, with their article.
    page.locator("#price").fill("5")
    page.locator("#technical").fill("95")
    expect(page.locator("#technical-error")).to_contain_text("第五十五条")
    page.locator("#price").fill("20.00")
    page.locator("#technical").fill("80")
    page.locator("#title").fill("教育信息化运行维护服务项目（二）")
    page.locator("#kind").select_option("rehearsal")
    page.locator("#announced").click()
    expect(page.get_by_role("dialog")).to_have_attribute("aria-label", re.compile("公告"))
    page.wait_for_function("() => document.getAnimations().length === 0")
    assert axe(page) == []
    page.locator("#announced").fill("2026-10-10")
    page.locator("#announced").press("Enter")
    page.locator("#media").fill("中国政府采购网；内蒙古自治区公共资源交易网")
    # A day chosen before its hour has that of a morning, whatever the device's clock says.
    page.locator("#opened").click()
    page.get_by_role("dialog", name=re.compile("开标")).locator("td.available").first.click()
    expect(page.locator("#opened")).to_have_value(re.compile(r"-01 09:00$"))
    page.locator("#opened").fill("2026-11-20 09:30")
    page.locator("#opened").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#place").fill("呼和浩特市公共资源交易中心开标一室")
    page.locator("#budget").fill("２５０００００")
    expect(page.locator("#budget-error")).to_contain_text("半角")
    page.locator("#budget").fill("2500000")
    keep(page, "tender-project")
    page.get_by_role("button", name="下一步：投标人").click()
    bidders(page)
    page.get_by_role("button", name="下一步：评审标准").click()
    criteria(page)
    page.get_by_role("button", name="下一步：文件").click()
    documents(page)
    page.get_by_role("button", name="下一步：会场与席位").click()
    seats(page)
    page.get_by_role("button", name="下一步：核对与立项").click()
    keep(page, "tender-check")
    # A closed window loses nothing.
    page.reload()
    expect(page.locator("#title")).to_have_value("教育信息化运行维护服务项目（二）")
    page.get_by_role("button", name="核对与立项").click()
    page.get_by_role("button", name="提交检查").click()
    page.get_by_text("检查通过").wait_for()
    page.get_by_role("button", name="立项", exact=True).click()
    page.get_by_role("button", name="立项并写入记录").click()
    page.wait_for_url(re.compile("/administrator/[a-z2-7]{26}$"))
    page.get_by_text("已就绪").wait_for()
    page.get_by_role("button", name=re.compile("^生成")).click()
    page.get_by_text("生成时间").wait_for()
    assert page.locator("article.slip svg").count() == 13
    keep(page, "tender-links")


def price_formula(page: Page) -> None:
    """Under the bidding law a benchmark has its parameters, each with its error; then back to order 87."""
    page.locator("#pack").select_option("cn-bidding-law/4")
    page.locator("#method").select_option("comprehensive-evaluation")
    page.locator("#price-kind").select_option("deviation")
    page.locator("#base").select_option("ceiling-mix")
    expect(page.locator("#share-error")).to_contain_text("大于 0")
    expect(page.locator("#ceiling-error")).to_contain_text("请填写最高限价")
    page.locator("#ceiling").fill("2400000")
    page.locator("#share").fill("40")
    page.locator("#drop").fill("11")
    expect(page.locator("#drop-error")).to_contain_text("10.00")
    page.locator("#drop").fill("2.5")
    page.get_by_role("button", name="增加一段 高于基准价").click()
    page.locator("#above-0-up-to").fill("5")
    page.locator("#above-1-points").fill("0.3")
    expect(page.locator("#above-0-points-error")).to_contain_text("E1 > E2")
    page.locator("#above-1-points").fill("2")
    expect(page.locator(".error")).to_have_count(0)
    keep(page, "tender-price")
    page.locator("#pack").select_option("cn-government-procurement/5")
    page.locator("#ceiling").fill("")
    expect(page.locator("#method")).to_have_value("comprehensive-scoring")
    expect(page.locator("#price-kind")).to_have_value("lowest")


def bidders(page: Page) -> None:
    for n, (name, code, price) in enumerate(zip(NAMES, CODES, PRICES, strict=True), 1):
        page.get_by_label(f"投标人名称 {n}").fill(name)
        page.get_by_label(f"统一社会信用代码 {n}").fill(code)
        page.get_by_label(f"投标报价（元） {n}").fill(price)
    page.get_by_label("统一社会信用代码 1").fill("914403001922038217")
    page.get_by_text("校验位不符").wait_for()
    page.get_by_label("统一社会信用代码 1").fill(CODES[1])
    page.get_by_text("该代码已填写过").first.wait_for()
    page.get_by_label("统一社会信用代码 1").fill(CODES[0])
    keep(page, "tender-bidders")


def criteria(page: Page) -> None:
    page.get_by_label("评审项名称 1", exact=True).fill("技术方案")
    for _ in range(2):
        page.get_by_role("button", name="下级项 1", exact=True).click()
    for n, points in ((1, "30"), (2, "20")):
        page.get_by_label(f"评审项名称 1.{n}").fill(f"方案之{n}")
        page.get_by_label(f"满分 1.{n}").fill(points)
    page.get_by_role("button", name="添加评审项").click()
    page.get_by_label("评审项名称 2").fill("项目团队")
    page.get_by_label("满分 2").fill("20")
    page.get_by_text("还差 10.00 分").wait_for()
    page.get_by_label("满分 1.2").fill("30")
    page.get_by_text("与技术商务分值一致").wait_for()
    page.get_by_label("审查项 1").fill("营业执照与资格证明")
    keep(page, "tender-criteria")


def documents(page: Page) -> None:
    good = pdf("招标文件.pdf", bytes(typst.compile(b"= A\n#pagebreak()\n= B")))
    other = pdf("招标文件 .pdf", bytes(typst.compile(b"= C")))
    chosen = page.locator("input[type=file]")
    chosen.set_input_files([good, pdf("坏文件.pdf", b"%PDF-1.7\nbroken")])
    page.get_by_text("文件已损坏或不完整").wait_for()
    page.get_by_role("button", name="知道了").click()
    chosen.set_input_files([good])
    page.get_by_text("内容完全相同的文件已经列入").wait_for()
    page.get_by_role("button", name="知道了").click()
    chosen.set_input_files([other])
    page.get_by_text("与同一归属的另一文件重名").first.wait_for()
    page.get_by_label("显示名称 2").fill("补充文件")
    keep(page, "tender-documents")


def pdf(name: str, octets: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": octets}


def seats(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("button", name="添加副场").click()
    for venue, names in MEMBERS.items():
        for n, name in enumerate(names, 1):
            page.get_by_label(f"姓名 {venue}-{n}").fill(name)
            page.get_by_label(f"单位 {venue}-{n}").fill("电子政务学会")
    page.get_by_role("button", name="添加成员").first.click()
    page.get_by_text("应为单数").wait_for()
    page.get_by_label("姓名 1-4").locator("..").get_by_role("button").click()
    page.get_by_text("人数与构成符合规定").wait_for()
    keep(page, "tender-seats")
