"""The wizard takes what the definition supports, by keyboard alone: brands, prices in words, the night, drawn seats.

Issue 4: brands (87号令 31), corrections (87号令 59), the province's overnight rule, strata of the pool (实施条例 46).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import typst
from playwright.sync_api import Page, expect, sync_playwright

from evidence.core.canonical import Object
from tests.api.installation import Running, running
from tests.chromium.hall import browser
from tests.e2e.album import Album
from tests.e2e.test_administrator import CODES, MEMBERS, NAMES, PRICES, pdf
from tests.e2e.test_whole import tongping

pytestmark = [pytest.mark.e2e, pytest.mark.pictures, pytest.mark.timeout(300)]
NIGHT = ("21:00", "08:00", "江苏省公共资源交易中心 2025年9月通知")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("setting-up")) as found:
        yield found


@pytest.fixture(scope="module")
def page(site: Running) -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as current:
        page = current.new_context(viewport={"width": 1366, "height": 860}, locale="zh-CN").new_page()
        page.set_default_timeout(30_000)
        page.goto(tongping("admin-link", "--state", site.installation.main).strip())
        page.wait_for_url("**/administrator")
        yield page


def keep(page: Page, name: str) -> None:
    """A copy of the page in both languages and in large text; axe finds nothing."""
    album = Album()
    album.keep(page, name)
    assert album.wrong == {}


def typed(page: Page, *texts: str) -> None:
    """Each text into the field that has the focus, and on with the tabulator."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")


def onward(page: Page, step: str) -> None:
    page.get_by_role("button", name=f"下一步：{step}").press("Enter")


def test_everything_that_a_definition_supports_is_typed_and_founded(page: Page, site: Running) -> None:
    page.get_by_role("button", name="新建评标项目").press("Enter")
    project(page)
    onward(page, "投标人")
    bidders(page)
    onward(page, "评审标准")
    page.get_by_label("评审项名称 1", exact=True).fill("技术方案")
    page.get_by_label("满分 1").fill("80")
    page.get_by_label("审查项 1").fill("营业执照与资格证明")
    onward(page, "文件")
    # Without a page the correction cannot be put to its bidder.
    page.get_by_role("button", name="核对与立项").press("Enter")
    said = page.locator(".fault li button")
    expect(said).to_contain_text("第五十九条")
    said.press("Enter")
    expect(page.locator("#bidder-0-figures-error")).to_contain_text("请先上传文件")
    page.get_by_role("button", name="文件").press("Enter")
    page.locator("input[type=file]").set_input_files([pdf("投标文件.pdf", bytes(typst.compile(b"= A")))])
    page.get_by_text("已列入的文件（1）").wait_for()
    onward(page, "会场与席位")
    seats(page)
    onward(page, "核对与立项")
    expect(page.locator(".answers")).to_contain_text("抽取（law）")
    keep(page, "tender-supported-check")
    page.get_by_role("button", name="提交检查").press("Enter")
    page.get_by_text("检查通过").wait_for()
    page.get_by_role("button", name="立项", exact=True).press("Enter")
    page.get_by_role("button", name="立项并写入记录").press("Enter")
    page.get_by_text("已就绪").wait_for()
    # Seats have names that people say: venue, role, city.
    row = page.get_by_role("row").filter(has=page.locator("code", has_text="operator-3"))
    expect(row).to_contain_text("副场 2 操作员 · ")
    expect(page.get_by_role("checkbox", name="副场 2 操作员")).to_be_visible()
    keep(page, "tender-seat-names")
    definition = kept(site, "教育信息化运行维护服务项目（三）")
    assert [each["brand"] for each in definition["bidders"]] == ["brand-1", "brand-1", "lenovo"]
    assert definition["terms"]["brand"] == "technical"
    line = {"quantity": "2.00", "unit": "1000000.00", "amount": "2311110.40", "misplaced": True}
    words = {"figures": "2311110.40", "words": "2300000.00", "opening": "2311110.40"}
    assert definition["bidders"][0]["quote"] == {**words, "lines": [line]}
    night = definition["terms"]["incidents"]
    assert (night["cut_off"], night["opens"], night["source"]) == NIGHT
    # Whoever is drawn is not named.
    assert [each["seat"] for each in definition["members"]] == [f"seat-{n}" for n in range(1, 5)]


def kept(site: Running, title: str) -> Object:
    """The definition of this title, read back from the installation's vault."""
    files = (path for path in (site.installation.main / "data" / "vault").rglob("*") if path.is_file())
    objects = [json.loads(data) for path in files if (data := path.read_bytes()).startswith(b"{")]
    # What was handed in is kept beside the definition, which lies in it.
    (found,) = [each for each in objects if each.get("title") == title and "bidders" in each]
    definition: Object = found
    return definition


def project(page: Page) -> None:
    page.locator("#title").fill("教育信息化运行维护服务项目（三）")
    for field, day in (("announced", "2026-10-10"), ("opened", "2026-11-20 09:30")):
        page.locator(f"#{field}").fill(day)
        page.locator(f"#{field}").press("Enter")
    page.locator("#media").fill("中国政府采购网")
    page.locator("#place").fill("开标一室")
    page.locator("#budget").fill("2500000")
    page.locator("#cut-off").focus()
    typed(page, "21:00")
    # The other time is missing, and the text by which the day ends.
    expect(page.locator("#opens-error")).to_contain_text("条")
    expect(page.locator("#night-source-error")).to_be_visible()
    typed(page, *NIGHT[1:])
    expect(page.locator("#opens-error, #cut-off-error, #night-source-error")).to_have_count(0)
    keep(page, "tender-night")


def bidders(page: Page) -> None:
    for n, (name, code, price) in enumerate(zip(NAMES, CODES, PRICES, strict=True), 1):
        page.get_by_label(f"投标人名称 {n}").focus()
        typed(page, name, code, price, ("联想", "联想", "Lenovo")[n - 1])
    page.locator("#brand").select_option("technical")
    page.get_by_text("报价前后不一致").press("Enter")
    page.locator("#bidder-0-figures").focus()
    typed(page, "2311110.40", "230")
    page.locator("#bidder-0-words").fill("２３０")
    expect(page.locator("#bidder-0-words-error")).to_contain_text("半角")
    page.locator("#bidder-0-words").fill("2300000")
    page.get_by_role("button", name=f"添加清单行 {NAMES[0]}").press("Enter")
    expect(page.locator("#bidder-0-line-0-quantity")).to_be_focused()
    typed(page, "2", "1000000", "2311110.40")
    page.keyboard.press("Space")
    keep(page, "tender-quotes")


def seats(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("button", name="添加副场").press("Enter")
    for venue, names in MEMBERS.items():
        for n, name in enumerate(names, 1):
            page.get_by_label(f"姓名 {venue}-{n}").fill(name)
            page.get_by_label(f"单位 {venue}-{n}").fill("电子政务学会")
    page.get_by_label("产生方式 3-1").select_option("drawn")
    expect(page.get_by_text("请填写小写字母或数字")).to_be_visible()
    page.get_by_label("抽取组代号 3-1").fill("law")
    page.get_by_text("从专家库这一组中随机抽取").wait_for()
    keep(page, "tender-drawn-seats")
