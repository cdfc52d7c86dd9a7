"""A real browser: it watches two rooms that aiortc peers publish, and publishes a room itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from media.core.plan import RoomPlan
from media.core.record import SegmentRecord
from tests.media.clips import BITS, RATE, WIDTH, make_clip
from tests.media.test_vp8_webm import probe
from tests.media.worlds import Worker, content_of, join, until_status, worker

CHROMIUM = "/usr/bin/chromium"
PLAN = RoomPlan("centre.example/proceedings/1", ("main", "east"))

WATCH = """async sdp => {
  const pc = window.pc = new RTCPeerConnection(); window.videos = {};
  pc.ontrack = event => {
    if (event.track.kind !== 'video') return;
    const video = document.createElement('video');
    video.muted = video.autoplay = true;
    video.srcObject = new MediaStream([event.track]);
    document.body.append(video);
    window.videos[event.transceiver.mid] = video;
  };
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""

# The venue and the frame's number that a video shows now, read from its pixels.
READ = f"""mid => {{
  const video = window.videos[mid];
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext('2d', {{willReadFrequently: true}});
  context.drawImage(video, 0, 0);
  return [0, 1].map(row => {{
    let value = 0;
    for (let bit = 0; bit < {BITS}; bit++) {{
      const x = bit * {WIDTH // BITS} + {WIDTH // BITS // 2};
      if (context.getImageData(x, row * 40 + 20, 1, 1).data[0] > 127) value |= 1 << bit;
    }}
    return value;
  }});
}}"""

PUBLISH = """async () => {
  const pc = window.publisher = new RTCPeerConnection();
  const audio = new AudioContext(), tone = audio.createOscillator(), out = audio.createMediaStreamDestination();
  tone.connect(out); tone.start();
  const canvas = document.createElement('canvas'); [canvas.width, canvas.height] = [640, 480];
  const context = canvas.getContext('2d'); let hue = 0;
  setInterval(() => { context.fillStyle = `hsl(${hue++ % 360},80%,50%)`; context.fillRect(0, 0, 640, 480); }, 50);
  const stream = canvas.captureStream(20);
  pc.addTransceiver(out.stream.getTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(stream.getTracks()[0], {direction: 'sendonly'});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""

LOSS = """async () => [...(await window.pc.getStats()).values()].filter(one => one.type === 'inbound-rtp')
  .reduce((sum, one) => sum + one.packetsLost, 0)"""


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield await browser.new_page()
        await browser.close()


@pytest_asyncio.fixture
async def process(tmp_path: Path) -> AsyncIterator[Worker]:
    async with worker(tmp_path) as one:
        yield one


async def shown(page: Page, mid: str, venue: int) -> int:
    """The frame's number, once the video shows this venue."""
    handle = await page.wait_for_function(
        f"([mid, venue]) => {{ const code = ({READ})(mid); return code && code[0] === venue ? [code[1]] : null; }}",
        arg=[mid, venue],
        timeout=15_000,
    )
    found: list[int] = await handle.json_value()
    return found[0]


def mid_of(slots: Any, room: str, kind: str) -> str:
    return next(str(slot.mid) for slot in slots if (slot.room, slot.kind) == (room, kind))


@pytest.mark.asyncio
async def test_a_browser_sees_each_room_move_in_its_own_slot_also_after_it_came_back(
    page: Page, process: Worker, clip: Path, tmp_path: Path
) -> None:
    engine = await process.connect()
    await engine.open(PLAN)
    main = await join(engine, "main", clip)
    east = await join(engine, "east", make_clip(tmp_path / "east.webm", venue=2))
    offer = await engine.watch("seat-1")
    await engine.answer(offer.subscription, await page.evaluate(WATCH, offer.sdp))
    mids = {room: mid_of(offer.slots, room, "camera") for room in PLAN.rooms}
    before = {room: await shown(page, mids[room], venue) for room, venue in (("main", 1), ("east", 2))}
    # One look at both: the same clip in phase, so their frames are near each other, also on a busy machine.
    first, second = await page.evaluate(f"mids => mids.map({READ})", [mids["main"], mids["east"]])
    apart = (first[1] - second[1]) % (4 * RATE)
    assert min(apart, 4 * RATE - apart) <= 5
    await page.wait_for_function(f"([mid, was]) => ({READ})(mid)[1] !== was", arg=[mids["main"], before["main"]])
    await page.wait_for_function(f"([mid, was]) => ({READ})(mid)[1] !== was", arg=[mids["east"], before["east"]])

    await main.leave()
    back = await join(engine, "main", make_clip(tmp_path / "back.webm", venue=3))
    was = await shown(page, mids["main"], 3)
    await page.wait_for_function(f"([mid, was]) => ({READ})(mid)[1] !== was", arg=[mids["main"], was])
    assert await page.evaluate(LOSS) < 50  # a break in the numbers would count as thousands lost
    for room in (back, east):
        await room.leave()
    await engine.close()


@pytest.mark.asyncio
async def test_a_browser_publishes_a_room_and_keyframes_come_when_the_recorder_asks(
    page: Page, process: Worker, tmp_path: Path
) -> None:
    engine = await process.connect()
    await engine.open(PLAN)
    await engine.start_recording(["east"])
    answer = await engine.publish("east", await page.evaluate(PUBLISH))
    await page.evaluate("sdp => window.publisher.setRemoteDescription({type: 'answer', sdp})", answer)
    # A browser makes a keyframe only on demand: the first segment ends when the recorder has asked, after six seconds.
    await until_status(engine, lambda found: found["unacknowledged"] >= 2)
    await page.wait_for_timeout(2_500)
    await engine.stop_recording(["east"])
    records = sorted(await engine.unacknowledged(), key=lambda record: record.number)
    camera = [record for record in records if record.kind == "camera"]
    assert len(camera) >= 2
    assert all(record.keyframe and not record.lost for record in camera)
    assert 5_900 <= camera[0].duration_ms <= 7_500
    for kind, codec in (("mic", "opus"), ("camera", "vp8")):
        assert joined_codec([record for record in records if record.kind == kind], tmp_path) == codec
    await engine.close()


def joined_codec(records: list[SegmentRecord], folder: Path) -> str:
    path = folder / f"{records[0].kind}.webm"
    path.write_bytes(content_of(records[0].init_path) + b"".join(content_of(record.path) for record in records))
    stream, times = probe(path)
    assert times[-1] - times[0] > 6
    return str(stream["codec_name"])
