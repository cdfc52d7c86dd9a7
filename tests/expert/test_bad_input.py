"""What goes wrong at an expert's seat (issue 3, "Bad input"): each has its words and its way out, and loses nothing.

two tabs of one expert:
    test_seat.py::test_two_windows_of_one_seat
a stale tab after a restart:
    test_seat.py::test_a_stale_window_after_the_server_was_killed
a clock off by minutes:
    test_seat.py::test_help_is_asked_and_answered_though_the_clock_is_off
the network away for 1 s, 10 s and 10 min in mid-score:
    test_seat.py::test_a_network_that_is_away_in_mid_score, and for as long as it takes to seal
    test_seat.py::test_the_scores_are_sealed_while_the_network_is_away
camera unplugged:
    test_a_camera_that_is_unplugged_in_the_check
permission denied:
    test_without_permission_the_check_says_how_to_give_it
a 300 MB PDF:
    test_a_document_of_300_mb_comes_in_pieces_and_survives_a_broken_line
a PDF with scripts:
    test_seat.py::test_a_document_with_scripts_opens_without_them
an encrypted PDF:
    test_seat.py::test_a_document_that_cannot_be_opened_says_why_and_has_a_way_out
a bid document named like another:
    test_seat.py::test_documents_with_one_name_are_told_apart
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from evidence.core.canonical import b64u, sha256
from tests.api.installation import Running, eventually
from tests.chromium.hall import axe
from tests.expert.hall import Hall
from tests.expert.papers import large, pdf
from web.demo.documents import tender
from web.demo.tender import case

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
expect.set_options(timeout=60_000)

LARGE, NAME = 300_000_000, "技术标扫描件"
# A page image and the part of the file that it lies in come and go; the file as a whole would be three times this.
ROOM_MB = 100
DENIED = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); };
"""
UNPLUGGED = """
const made = [];
navigator.mediaDevices.getUserMedia = async wanted => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const context = canvas.getContext("2d");
    setInterval(() => {
        context.fillStyle = `hsl(${Math.random() * 360} 90% 60%)`;
        context.fillRect(0, 0, 640, 480);
    }, 40);
    const sound = new AudioContext().createMediaStreamDestination();
    const stream = wanted.video ? canvas.captureStream(25) : sound.stream;
    if (wanted.video) made.push(...stream.getTracks());
    return stream;
};
window.unplug = () => made.forEach(track => { track.stop(); track.dispatchEvent(new Event("ended")); });
"""


@dataclass
class Quiet:
    """A proceeding in which nothing happens yet, with one document of 300 MB."""

    site: Running
    id: str
    name: str
    pages: int

    def enter(self, context: BrowserContext, path: str) -> Page:
        answer = self.site.administer(f"/v1/proceedings/{self.id}/links", {"seat": "seat-1"})
        page = context.new_page()
        page.goto(str(answer.json()["url"]))
        page.wait_for_url("**/check-in")
        if path != "/check-in":
            page.goto(f"{self.site.url}{path}")
        return page


@pytest.fixture(scope="module")
def quiet(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    site, path = hall.site, tmp_path_factory.mktemp("papers") / "scan.pdf"
    pages = large(path, LARGE)
    headers = {
        "Origin": site.url,
        "Authorization": f"Bearer {site.installation.administrator_token}",
        "Content-Type": "application/pdf",
        "Content-Length": str(path.stat().st_size),
        "Idempotency-Key": secrets.token_urlsafe(16),
    }
    with path.open("rb") as data:
        answer = site.http.post(
            "/v1/uploads", content=iter(lambda: data.read(1 << 20), b""), headers=headers, timeout=300
        )
    assert answer.status_code == 201, answer.text
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").digest()
    path.unlink()
    body = tender(case(None))
    # The two panes open the first two documents by themselves; the large one comes when it is chosen.
    small = pdf("Small", pages=1)
    body["files"].append(base64.b64encode(small).decode())
    body["definition"]["documents"] += [
        {"sha256": b64u(sha256(small)), "name": "报价表", "bidder": "bidder-1", "pages": 1},
        {"sha256": b64u(digest), "name": NAME, "bidder": "bidder-1", "pages": pages},
    ]
    return Quiet(site, site.open_proceeding(body=body)["id"], NAME, pages)


@pytest.fixture
def context(hall: Hall) -> Iterator[BrowserContext]:
    found = hall.context()
    yield found
    found.close()


def row(page: Page, name: str) -> Locator:
    return page.locator("ol > li").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_without_permission_the_check_says_how_to_give_it(quiet: Quiet, context: BrowserContext) -> None:
    """An expert's picture comes from the room, so the seat may go on; what to press stands beside it."""
    context.add_init_script(DENIED)
    page = quiet.enter(context, "/check-in")
    page.get_by_role("button", name="开始检查").click()
    for name in ("摄像头", "麦克风"):
        expect(row(page, name)).to_contain_text("请点击地址栏左侧的图标，允许使用摄像头和麦克风，然后重试")
        expect(row(page, name).get_by_role("button", name="重试此项")).to_be_visible()
    expect(page.get_by_text("您可以先处理，也可以进入后再请工作人员协助")).to_be_visible()
    expect(page.get_by_role("button", name="仍要进入")).to_be_visible()
    assert axe(page) == []


def test_a_camera_that_is_unplugged_in_the_check(quiet: Quiet, context: BrowserContext) -> None:
    context.add_init_script(UNPLUGGED)
    page = quiet.enter(context, "/check-in")
    page.get_by_role("button", name="开始检查").click()
    camera = row(page, "摄像头")
    expect(camera).to_contain_text("画面正常")
    page.get_by_role("button", name="仍要进入").wait_for()
    page.evaluate("unplug()")
    expect(camera).to_contain_text("设备已被拔出。请重新连接，或在上方选择另一个设备")
    camera.get_by_role("button", name="重试此项").click()
    expect(camera).to_contain_text("画面正常")


def status_mb(pid: int, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def renderers(hall: Hall) -> list[int]:
    told = hall.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return [each["id"] for each in told["processInfo"] if each["type"] == "renderer"]


def test_a_document_of_300_mb_comes_in_pieces_and_survives_a_broken_line(
    hall: Hall, quiet: Quiet, context: BrowserContext
) -> None:
    """How far it has come is said, a broken line is taken up where it broke, and neither the page nor the server holds
    the file in its memory, also not once it was searched through."""
    page = quiet.enter(context, "/expert/documents")
    pane = page.locator(".pane").first
    expect(pane.get_by_text("/ 2")).to_be_visible()
    # What axe takes in the page is not the document's: it has it before anything is measured.
    assert axe(page) == []
    server = quiet.site.pid("web")
    before = {pid: status_mb(pid, "VmRSS") for pid in (server, *renderers(hall))}
    for pid in before:
        # proc(5): from now on VmHWM is the peak since now.
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    line = context.new_cdp_session(page)

    def throttle(octets_per_s: int) -> None:
        speed = {"downloadThroughput": octets_per_s, "uploadThroughput": -1}
        line.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **speed})

    # Slow enough that it is still under way when the line breaks.
    throttle(15_000_000)
    box = page.get_by_role("combobox", name="左侧文件")
    label = next(each for each in box.locator("option").all_inner_texts() if quiet.name in each)
    box.select_option(label=label)
    expect(pane.get_by_text(re.compile("正在接收文件：已收到 [1-9]\\d* MB，共 29\\d MB"))).to_be_visible()
    assert axe(page) == []
    os.kill(server, 9)
    waits = pane.get_by_text(re.compile("网络中断，已收到的 [1-9]\\d* MB（共 29\\d MB）不会丢失"))
    expect(waits).to_be_visible()
    eventually(lambda: quiet.site.pid("web") not in (0, server), 60)
    eventually(quiet.site.ready, 60)
    # A leased line of 200 Mbit/s from here on.
    throttle(25_000_000)
    pane.locator("canvas:visible").wait_for(timeout=180_000)
    pane.get_by_role("textbox", name="页码").fill(str(quiet.pages))
    pane.get_by_role("textbox", name="页码").press("Enter")
    expect(pane.locator("canvas")).to_have_attribute("data-page", str(quiet.pages))
    pane.get_by_role("searchbox").fill(f"number {quiet.pages}.")
    pane.get_by_role("button", name="查找", exact=True).click()
    expect(pane.get_by_text("第 1 处，共 1 处")).to_be_visible(timeout=180_000)
    expect(pane.locator("canvas")).to_have_attribute("data-page", str(quiet.pages))
    # The server's successor had only the rest to give: from where the line broke. The page's collector runs behind, so
    # its peak says only that the file was never there as a whole; what it holds is what is left after a collection.
    assert status_mb(quiet.site.pid("web"), "VmHWM") - before[server] < ROOM_MB
    line.send("HeapProfiler.collectGarbage")
    pages = [pid for pid in before if pid != server]
    eventually(lambda: all(status_mb(pid, "VmRSS") - before[pid] < ROOM_MB for pid in pages), 20)
    assert max(status_mb(pid, "VmHWM") - before[pid] for pid in pages) < LARGE >> 20
    # Looked at again it is there at once: no second download.
    other = next(each for each in box.locator("option").all_inner_texts() if quiet.name not in each)
    box.select_option(label=other)
    expect(pane.get_by_text("/ 2")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    box.select_option(label=label)
    expect(pane.get_by_text(f"/ {quiet.pages}")).to_be_visible()
    expect(pane.locator("canvas")).to_be_visible()
    assert [url for url in asked if "/objects/" in url] == []
