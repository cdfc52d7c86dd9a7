"""The device check in a browser whose devices, line or socket fail: each is told in words, and nothing untried passes.

What the judging functions make of figures is in tests/web/test_checkup.py; here the browser's own interfaces give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright

from tests.api.installation import Running, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, axe, browser, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
expect.set_options(timeout=60_000)

DARK_AND_SILENT = """
navigator.mediaDevices.getUserMedia = async wanted => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const context = canvas.getContext("2d");
    setInterval(() => context.fillRect(0, 0, 640, 480), 40);
    const sound = new AudioContext().createMediaStreamDestination();
    return wanted.video ? canvas.captureStream(25) : sound.stream;
};
"""
# 192.0.2.0/24 is nobody's (RFC 5737): packets go out and nothing comes back.
UNREACHABLE = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return set.call(this, { type, sdp: sdp.replace(/(a=candidate:\\S+ \\d \\S+ \\d+ )\\S+/g, "$1192.0.2.1") });
};
"""
# Of four packets that were sent, one is said to be missing at the other end.
LOSSY = """
const stats = RTCPeerConnection.prototype.getStats;
RTCPeerConnection.prototype.getStats = async function () {
    const found = [...(await stats.call(this)).values()].map(each => ({ ...each }));
    const sent = found.filter(each => each.type === "outbound-rtp").reduce((sum, each) => sum + each.packetsSent, 0);
    const [first] = found.filter(each => each.type === "inbound-rtp");
    if (first) first.packetsLost = Math.ceil(sent / 4);
    return found;
};
"""
# The list of devices without what one hears with, until it is plugged in.
DEAF = """
const media = navigator.mediaDevices, list = media.enumerateDevices.bind(media);
let deaf = true;
media.enumerateDevices = async () => (await list()).filter(({ kind }) => !(deaf && kind === "audiooutput"));
window.plug = () => { deaf = false; media.dispatchEvent(new Event("devicechange")); };
"""
# A browser whose question about a device waits for `answer()`; what it gave is in `given`.
ASKING = """
window.asked = [];
window.given = [];
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.permissions.query = async () => ({ state: "prompt" });
navigator.mediaDevices.getUserMedia = async wanted => {
    await new Promise(resolve => asked.push(resolve));
    const stream = await real(wanted);
    given.push(...stream.getTracks());
    return stream;
};
window.answer = () => asked.forEach(resolve => resolve());
"""
# A browser that knows nothing of calls.
OLD = "delete window.RTCRtpSender; delete window.RTCPeerConnection;"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("checkup")) as found:
        yield found


@pytest.fixture(scope="module")
def playwright(site: Running) -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with browser(playwright) as found:
        yield found


@pytest.fixture(scope="module")
def refusing(playwright: Playwright) -> Iterator[Browser]:
    """Camera and microphone are there, and the browser's question is answered with no."""
    found = playwright.chromium.launch(executable_path=CURRENT, args=[*FLAGS, DEVICES[0]])
    yield found
    found.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    found = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    yield found
    found.close()


def row(page: Page, name: str) -> Locator:
    return page.locator("ol > li").filter(has=page.get_by_role("heading", name=name, exact=True))


def checked(page: Page) -> Page:
    """The whole check has run."""
    page.get_by_role("button", name="开始检查").click()
    page.get_by_role("button", name="重新检查").wait_for()
    return page


def test_a_dark_camera_and_a_silent_microphone(site: Running, context: BrowserContext) -> None:
    context.add_init_script(DARK_AND_SILENT)
    page = checked(sign_in(context, site, "seat-1"))
    expect(row(page, "摄像头")).to_contain_text("画面过暗。请检查镜头盖和灯光")
    expect(row(page, "麦克风")).to_contain_text("没有听到声音")
    # The loudspeaker was never tried, and nobody says that it was.
    expect(page.get_by_text("尚未检查：扬声器。")).to_be_visible()
    expect(page.get_by_text("未通过或需要留意：摄像头、麦克风。")).to_be_visible()
    expect(page.get_by_text("全部通过")).to_have_count(0)
    assert axe(page) == []


def test_media_that_does_not_reach_the_server(site: Running, context: BrowserContext) -> None:
    context.add_init_script(UNREACHABLE)
    page = checked(sign_in(context, site, "room-1"))
    expect(row(page, "音视频线路")).to_contain_text("网络可能禁止了 UDP")
    expect(page.get_by_text("请先解决标为“未通过”的项目")).to_be_visible()
    expect(page.get_by_role("button", name="进入评审现场")).to_have_count(0)


def test_a_line_that_loses_packets(site: Running, context: BrowserContext) -> None:
    context.add_init_script(LOSSY)
    page = checked(sign_in(context, site, "room-1"))
    expect(row(page, "音视频线路")).to_contain_text("线路丢包较多")


def test_a_socket_that_is_kept_out(site: Running, context: BrowserContext) -> None:
    """Without the server's time the clock passes no more than the connection does."""
    context.route_web_socket("**/*", lambda socket: socket.close())
    page = checked(sign_in(context, site, "seat-1"))
    expect(row(page, "服务器连接")).to_contain_text("无法与服务器建立实时连接")
    expect(row(page, "时钟")).to_contain_text("本机时钟未能核对")
    expect(row(page, "时钟").locator(".tag")).to_contain_text("请留意")


def test_a_browser_that_was_refused_camera_and_microphone(site: Running, refusing: Browser) -> None:
    """Nobody answers its question with yes: where to allow it is told, and only a room has to."""
    with closing(refusing.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")) as context:
        page = checked(sign_in(context, site, "seat-1"))
        for name in ("摄像头", "麦克风"):
            expect(row(page, name)).to_contain_text("浏览器没有获得使用权限。请点击地址栏左侧的图标")
            expect(row(page, name).get_by_role("button", name="重试此项")).to_be_visible()
        expect(page.get_by_text("未通过或需要留意：摄像头、麦克风。")).to_be_visible()
        assert axe(page) == []
        # Allowed by the icon meanwhile: the same button does it.
        context.grant_permissions(["camera", "microphone"], origin=site.url)
        row(page, "摄像头").get_by_role("button", name="重试此项").click()
        expect(row(page, "摄像头")).to_contain_text("画面正常")


def test_a_machine_without_a_loudspeaker(site: Running, context: BrowserContext) -> None:
    """It is told before anybody listens for a tone in vain, and what is plugged in is tried at once."""
    context.add_init_script(DEAF)
    page = checked(sign_in(context, site, "seat-1"))
    expect(row(page, "扬声器")).to_contain_text("没有找到扬声器或耳机。请连接后播放提示音")
    expect(row(page, "扬声器").locator(".tag")).to_contain_text("请留意")
    expect(page.get_by_text("未通过或需要留意：扬声器。")).to_be_visible()
    assert axe(page) == []
    page.evaluate("plug()")
    expect(page.get_by_text("尚未检查：扬声器。")).to_be_visible()
    row(page, "扬声器").get_by_role("button", name="播放提示音").click()
    row(page, "扬声器").get_by_role("button", name="没听到").click()
    expect(row(page, "扬声器")).to_contain_text("请检查音量、耳机或音箱的连接，然后再次播放")
    row(page, "扬声器").get_by_role("button", name="听到了").click()
    expect(row(page, "扬声器")).to_contain_text("能听到提示音")


def test_a_question_of_the_browser_that_nobody_answers(site: Running, context: BrowserContext) -> None:
    """What it asks is said at once, where it asks a little later; the rest of the check need not wait for it."""
    context.add_init_script(ASKING)
    page = sign_in(context, site, "seat-1")
    page.get_by_role("button", name="开始检查").click()
    camera, microphone = row(page, "摄像头"), row(page, "麦克风")
    expect(camera).to_contain_text("浏览器正在询问是否允许使用摄像头。请点“允许”")
    expect(camera.get_by_role("button", name="再问一次")).to_have_count(0)
    expect(camera).to_contain_text("请点击地址栏左侧的图标")
    assert axe(page) == []
    camera.get_by_role("button", name="再问一次").click()
    page.wait_for_function("() => asked.length === 2")
    page.evaluate("answer()")
    expect(camera).to_contain_text("画面正常")
    # Of two answers one is used.
    page.wait_for_function("() => given.filter(each => each.readyState === 'live').length === 1")
    expect(microphone).to_contain_text("浏览器正在询问是否允许使用麦克风。请点“允许”")
    microphone.get_by_role("button", name="先检查其余项目").click()
    expect(microphone).to_contain_text("浏览器的询问没有得到回答")
    page.get_by_role("button", name="重新检查").wait_for()
    expect(page.get_by_text("未通过或需要留意：麦克风。")).to_be_visible()
    # An answer that comes after that switches nothing on.
    page.evaluate("answer()")
    page.wait_for_function("() => given.length === 3 && given[2].readyState === 'ended'")


def test_a_browser_that_knows_nothing_of_calls(site: Running, context: BrowserContext) -> None:
    context.add_init_script(OLD)
    page = checked(sign_in(context, site, "seat-1"))
    expect(row(page, "浏览器")).to_contain_text("浏览器缺少音视频或密钥功能。请改用 Chromium 内核的浏览器")
    expect(row(page, "音视频线路")).to_contain_text("此浏览器不支持音视频设备")
    expect(page.get_by_text("请先解决标为“未通过”的项目")).to_be_visible()
