"""Documents are dropped onto the page of a tender's set-up, several at once, as a person drags them from a folder."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import typst
from playwright.sync_api import Page, expect, sync_playwright

from evidence.core.canonical import b64u, sha256
from tests.api.installation import Running, running
from tests.chromium.hall import axe, browser, faults
from tests.e2e.test_whole import tongping

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
# What the file manager's part of a drag would hand over; the input's own list stays empty.
CARRIED = """files => {
    const carried = new DataTransfer();
    for (const [name, type, base64] of files) {
        const octets = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
        carried.items.add(new File([octets], name, { type }));
    }
    return carried;
}"""
# Every state of each upload's bar, as the page shows it.
WATCH = """() => {
    window.parts = {};
    const look = () => {
        for (const bar of document.querySelectorAll("li.coming progress")) {
            const parts = (window.parts[bar.ariaLabel] ??= []);
            if (parts.at(-1) !== bar.value) parts.push(bar.value);
        }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
LARGE_OCTETS = 600_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("dropping")) as found:
        yield found


@pytest.fixture
def page(site: Running) -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as current:
        page = current.new_context(viewport={"width": 1366, "height": 860}, locale="zh-CN").new_page()
        page.set_default_timeout(30_000)
        page.goto(tongping("admin-link", "--state", site.installation.main).strip())
        page.wait_for_url("**/administrator")
        yield page


def test_files_are_dropped_together(page: Page) -> None:
    """Each shows how far it is; what is no PDF is refused in words, and the others stand in the list, also later."""
    said = faults(page)
    page.get_by_role("button", name="新建评标项目").click()
    page.get_by_role("button", name="文件", exact=False).first.click()
    large, small = long(typst.compile(b"= A")), bytes(typst.compile(b"= B"))
    zone = page.locator(".drop")
    carried = page.evaluate_handle(
        CARRIED,
        [
            ("招标文件.pdf", "application/pdf", base64.b64encode(large).decode()),
            ("报价清单.xlsx", "application/vnd.ms-excel", base64.b64encode(b"PK\x03\x04 no PDF").decode()),
            ("补充文件.pdf", "application/pdf", base64.b64encode(small).decode()),
        ],
    )
    zone.dispatch_event("dragover", {"dataTransfer": carried})
    expect(zone).to_contain_class("over")
    page.evaluate(WATCH)
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
    zone.dispatch_event("drop", {"dataTransfer": carried})
    expect(zone).not_to_contain_class("over")
    expect(page.locator("li.coming")).to_have_count(3)
    expect(page.get_by_role("progressbar", name="招标文件.pdf")).to_be_visible()
    refused = page.locator("li.coming").filter(has_text="报价清单.xlsx")
    expect(refused).to_contain_text("这不是 PDF 文件。请转换为 PDF 后再上传。")
    names = page.get_by_label("显示名称")
    expect(names).to_have_count(2)
    assert [each.input_value() for each in names.all()] == ["招标文件", "补充文件"]
    assert any(0 < part < 1 for part in page.evaluate("() => window.parts['招标文件.pdf']"))
    assert axe(page) == []
    refused.get_by_role("button", name="知道了").click()
    expect(page.locator("li.coming")).to_have_count(0)

    # What the server found of each is its own hash; a closed window loses none.
    page.reload()
    page.get_by_role("button", name="文件", exact=False).first.click()
    rows = page.locator("tbody tr")
    for row, octets in zip((rows.first, rows.nth(1)), (large, small), strict=True):
        expect(row).to_contain_text(b64u(sha256(octets))[:16])
    # A refused document is answered with an error, which the browser says, too.
    assert [line for line in said if "/v1/uploads" not in line and "status of 4" not in line] == []


def long(octets: bytes) -> bytes:
    """The same document with a long comment before its end, so that it is on its way for a while."""
    _, begin, end = octets.rpartition(b"startxref")
    return octets + b"\n%" + b"x" * LARGE_OCTETS + b"\n" + begin + end
