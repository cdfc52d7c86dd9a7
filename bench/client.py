"""The client in a real browser: click to first frame, page weight and time to interactive of a seat's page.

    python -m bench.client [--rounds 20]

A room sends from one Chromium, an auditor's seat opens the page of all rooms in another, each time without any cache.
The first frame is the first picture that the tile has drawn, counted from the beginning of the navigation: page,
session, socket, offer, ICE, DTLS and the first keyframe lie between. The viewer's machine has a Chinese font of the
page's list, as nearly all do; a second run shows one that has none of them and fetches ours. The sending Chromium and
the partner cities' nodes, which have machines of their own in use, run when nobody else would. The floor is a bare pair
of peer connections inside one empty page of the same browser in the same run: no server, no page. Weighed is an
expert's page. Goals: p95 < 1.5 s; the expert's page <= 900 kB compressed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import Counter
from pathlib import Path

import manimgx_fonts_cjk
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.machines import apart
from tests.api.installation import Running, running
from tests.chromium.hall import admit, browser, sign_in

PATIENCE_MS = 120_000
# A seat that asks to watch more than once a second is refused after a while (`SDP_RATE`), and asks again a bit later.
BETWEEN_MS = 1000
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""
FIRST_FRAME = "performance.getEntriesByName('tongping-frame-room-1')[0]?.startTime ?? null"
# Two peers in one page, a canvas between them, until the first frame that was decoded.
BARE = """async () => {
  const begun = performance.now();
  const canvas = document.createElement('canvas'); canvas.width = 640; canvas.height = 360;
  const pen = canvas.getContext('2d'); let hue = 0;
  const timer = setInterval(() => { pen.fillStyle = `hsl(${hue++ % 360} 80% 50%)`; pen.fillRect(0, 0, 640, 360); }, 40);
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.onicecandidate = ({candidate}) => candidate && to.addIceCandidate(candidate);
  to.onicecandidate = ({candidate}) => candidate && from.addIceCandidate(candidate);
  const video = document.createElement('video'); video.muted = true;
  const shown = new Promise(resolve => video.requestVideoFrameCallback(resolve));
  to.ontrack = ({track}) => { video.srcObject = new MediaStream([track]); video.play(); };
  from.addTrack(canvas.captureStream(25).getTracks()[0]);
  await from.setLocalDescription(); await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription(); await from.setRemoteDescription(to.localDescription);
  await shown;
  clearInterval(timer); from.close(); to.close();
  return performance.now() - begun;
}"""
# Interactive: the heading stands, and the main thread has had no long task since.
INTERACTIVE = """async () => {
  const tasks = [];
  new PerformanceObserver(list => tasks.push(...list.getEntries())).observe({type: 'longtask', buffered: true});
  await new Promise(resolve => setTimeout(resolve, 1500));
  const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
  return Math.max(painted, ...tasks.map(task => task.startTime + task.duration));
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as site:
        admit(site, "room-1")
        with sync_playwright() as playwright, browser(playwright) as sender:
            _send(site, sender)
            apart("chrom", "city serve")
            with browser(playwright, environment=_fonts(Path(folder))) as viewer:
                _tell("click to first frame", *_first_frames(site, viewer, rounds))
            with browser(playwright) as viewer:
                _tell("click to first frame, fonts to be fetched", *_first_frames(site, viewer, rounds))
                _weigh(site, viewer)


def _fonts(folder: Path) -> dict[str, str]:
    """What makes a browser find the machine's fonts, and a Chinese one of the page's list (`design/tokens.css`)."""
    config = folder / "fonts.conf"
    config.write_text(FONTS.format(fonts=Path(manimgx_fonts_cjk.__file__).parent, cache=folder / "fonts"))
    return {"FONTCONFIG_FILE": str(config)}


def _send(site: Running, sender: Browser) -> None:
    """The main room, until its picture is seen by itself."""
    room = sign_in(sender.new_context(), site, "room-1", "/room")
    room.wait_for_function(f"() => ({FIRST_FRAME}) !== null", timeout=PATIENCE_MS)


def _first_frames(site: Running, viewer: Browser, rounds: int) -> tuple[list[float], list[float]]:
    """In turns, so that a noisy machine hurts both."""
    bare, page = viewer.new_context().new_page(), sign_in(viewer.new_context(), site, "auditor-1")
    _devtools(page)
    frames, floor = [], []
    for _ in range(rounds):
        # In a window that is open: a new one costs Chromium half a second of processor for its own surface. The page
        # has a process of its own each time, so nothing of it is compiled before, and plays nothing beside the floor.
        page.goto("about:blank")
        floor.append(float(bare.evaluate(BARE)))
        page.wait_for_timeout(BETWEEN_MS)
        page.goto(f"{site.url}/rooms")
        page.wait_for_function(f"() => ({FIRST_FRAME}) !== null", timeout=PATIENCE_MS)
        frames.append(float(page.evaluate(FIRST_FRAME)))
    page.close()
    return frames, floor


def _devtools(page: Page) -> CDPSession:
    """The page finds nothing in the cache from now on."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return devtools


def _tell(what: str, found: list[float], floor: list[float]) -> None:
    p50, p95, bare = statistics.median(found), _p95(found), statistics.median(floor)
    print(f"{what}: p50 {p50:.0f} ms, p95 {p95:.0f} ms (goal < 1500) over {len(found)}")
    print(f"  bare pair of peers in one page: p50 {bare:.0f} ms, p95 {_p95(floor):.0f} ms; ratio {p50 / bare:.1f}")


def _p95(found: list[float]) -> float:
    return sorted(found)[max(0, round(len(found) * 0.95) - 1)]


def _weigh(site: Running, viewer: Browser) -> None:
    """Octets on the wire by kind, for an expert's page that was never opened before."""
    page = sign_in(viewer.new_context(), site, "seat-1")
    page.goto("about:blank")
    octets: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    devtools = _devtools(page)
    devtools.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: e["type"]}))
    devtools.on(
        "Network.loadingFinished",
        lambda e: octets.update({kinds.get(e["requestId"], "Other"): round(e["encodedDataLength"])}),
    )
    page.goto(f"{site.url}/expert")
    page.wait_for_selector("main h1, main h2", timeout=PATIENCE_MS)
    interactive = float(page.evaluate(INTERACTIVE))
    total = sum(octets.values())
    parts = ", ".join(f"{kind.lower()} {size / 1000:.0f}" for kind, size in octets.most_common())
    light = (total - octets["Font"]) / 1000
    print(f"seat's page: {total / 1000:.0f} kB compressed (goal <= 900), without fonts {light:.0f} kB")
    print(f"  {parts}")
    print(f"  interactive after {interactive:.0f} ms")


if __name__ == "__main__":
    main()
