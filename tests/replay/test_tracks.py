"""Tracks that are not as one would like them: slow cameras, late keyframes, octets that no browser plays.

Whatever one track is like, the others go on, and what its tile says is true.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page

from media.core.record import SegmentRecord
from media.core.webm import CLUSTER_HEAD_LENGTH
from tests.replay.playing import HELD_MS, ONE, off, recorded, replaying, seek
from tests.replay.recording import START, Recorded, Slow

SHOWN_MS = 10_000
STATE = "([room, kind]) => replay.player.state(room, kind)"


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two pictures a second, as tests/e2e records them; a keyframe when the recorder has asked for one."""
    return recorded(tmp_path_factory.mktemp("slow"), seconds=60, slow=Slow(fps=2, keyframes=13))


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Nobody answers the recorder's wish for a keyframe: every other segment begins without one."""
    return recorded(tmp_path_factory.mktemp("late"), seconds=60, slow=Slow(fps=2, keyframes=40))


def show(page: Page, t: float, room: str = "room-1") -> str:
    """Go there without playing; what the room's picture has come to."""
    page.evaluate("t => { replay.player.pause(); replay.player.seek(t); }", t)
    page.wait_for_function("() => !replay.player.waiting", timeout=SHOWN_MS)
    state: str = page.evaluate(STATE, [room, "camera"])
    return state


def of(recorded: Recorded, room: str) -> list[SegmentRecord]:
    found = (each for each in recorded.records if (each.room, each.kind) == (room, "camera"))
    return sorted(found, key=lambda each: each.t0_ms)


@ONE
def test_a_slow_camera_has_no_gaps_but_the_declared_ones(page: Page, slow: Recorded) -> None:
    """Between a segment's last picture and the next segment's first lies half a second in which that picture stands."""
    one, two, *_ = of(slow, "room-1")
    assert two.t0_ms - one.t1_ms == 500
    with replaying(page, slow):
        marks = """async room => {
            const { holes } = await import("/src/recording.ts");
            return holes(replay.recording.tracks.find(each => each.room === room && each.kind === "camera"));
        }"""
        assert page.evaluate(marks, "room-1") == []
        away = of(slow, "room-2")
        ((last, first),) = ((one, two) for one, two in pairwise(away) if one.take != two.take)
        assert [last.t1_ms, first.t0_ms] in page.evaluate(marks, "room-2")
        # Anywhere in the second half of a segment, up to its successor.
        for t in (one.t1_ms - 300, one.t1_ms + 1, one.t1_ms + 260, two.t0_ms - 1, two.t0_ms):
            assert show(page, t) == "shown", t - one.t1_ms
        seek(page, one.t1_ms - 1_000)
        page.wait_for_function("t => replay.player.t > t", arg=two.t0_ms + 1_500)
        assert abs(off(page, "room-1")[0]) <= HELD_MS
        assert page.evaluate("replay.player.seekTook") < SHOWN_MS


@ONE
def test_a_segment_without_a_keyframe_is_shown_from_the_one_before_it(page: Page, late: Recorded) -> None:
    """The control: its octets alone give the browser no picture."""
    victim = next(each for each in of(late, "room-1") if not each.keyframe)
    with replaying(page, late):
        assert show(page, victim.t0_ms + 4_000) == "shown"
        assert abs(off_paused(page)) <= HELD_MS
        seek(page, victim.t0_ms + 4_000)
        assert abs(off(page, "room-1")[0]) <= HELD_MS
        # Away, far enough that it is forgotten, and back.
        assert show(page, START + 55_000) == "shown"
        assert show(page, victim.t0_ms + 1_000) == "shown"


def off_paused(page: Page) -> float:
    drift: float = page.evaluate(
        "replay.player.t - replay.recording.start - replay.videos.get('room-1').currentTime * 1000"
    )
    return drift


def spoilt(recorded: Recorded, victim: SegmentRecord, how: str, folder: Path) -> tuple[Recorded, str]:
    """The recording as if these had been the victim's octets from the beginning; their hash is true."""
    data = bytearray(Path(victim.path).read_bytes())
    match how:
        case "foreign":
            data[:4] = b"\x1aE\xdf\xa3"
        case "torn":
            del data[len(data) // 2 :]
        case "no blocks":
            data[CLUSTER_HEAD_LENGTH:] = bytes(len(data) - CLUSTER_HEAD_LENGTH)
        case "no pictures":
            # A keyframe's start code and size (RFC 6386 9.1): only the decoder finds out.
            begins = data.index(b"\x9d\x01\x2a")
            data[begins : begins + 7] = bytes(7)
    path = folder / "spoilt.webm"
    path.write_bytes(data)
    name = hashlib.sha256(data).hexdigest()
    records = [replace(each, sha256=name, path=str(path)) if each == victim else each for each in recorded.records]
    return replace(recorded, records=tuple(records)), name


@ONE
@pytest.mark.parametrize(
    "how",
    ["no pictures", *(pytest.param(each, marks=pytest.mark.e2e) for each in ("foreign", "torn", "no blocks"))],
)
def test_a_segment_that_cannot_be_played_is_said_so_and_holds_up_nobody(
    page: Page, slow: Recorded, how: str, tmp_path: Path
) -> None:
    victim = of(slow, "room-1")[2]
    found, name = spoilt(slow, victim, how, tmp_path)
    with replaying(page, found):
        seek(page, victim.t0_ms - 1_500)
        page.wait_for_function("replay.player.refusals().length > 0", timeout=SHOWN_MS)
        (refusal,) = page.evaluate("replay.player.refusals()")
        assert (refusal["why"], refusal["room"], refusal["sha256"]) == ("unplayable", "room-1", name)
        # The clock went on, and so do the others; behind it the room is back.
        page.wait_for_function("t => replay.player.t > t", arg=victim.t0_ms + 1_000, timeout=SHOWN_MS)
        assert abs(off(page, "room-3")[0]) <= HELD_MS
        assert show(page, victim.t0_ms + 3_000) == "unplayable"
        assert page.evaluate(STATE, ["room-3", "camera"]) == "shown"
        seek(page, victim.t1_ms + 2_000)
        assert abs(off(page, "room-1")[0]) <= HELD_MS


@ONE
def test_what_the_server_has_no_more_holds_up_nobody(page: Page, slow: Recorded) -> None:
    """A network that is away is waited for (test_player.py); an answer that there is nothing is not."""
    victim = of(slow, "room-1")[2]
    with replaying(page, slow):
        page.route(f"**/octets/{victim.sha256}", lambda route: route.fulfill(status=404))
        seek(page, victim.t0_ms + 1_000)
        page.wait_for_function("t => replay.player.t > t", arg=victim.t0_ms + 2_000, timeout=SHOWN_MS)
        assert page.evaluate(STATE, ["room-1", "camera"]) == "unplayable"
        page.unroute(f"**/octets/{victim.sha256}")


@ONE
def test_a_browser_without_room_makes_some_or_goes_on_without(page: Page, slow: Recorded) -> None:
    """Where it never has room, its segment is said to be unplayable: nobody waits for ever."""
    full = """times => {
        const { appendBuffer } = SourceBuffer.prototype;
        let left = times;
        SourceBuffer.prototype.appendBuffer = function (data) {
            if (left-- > 0) throw new DOMException("full", "QuotaExceededError");
            appendBuffer.call(this, data);
        };
    }"""
    for times, state in ((3, "shown"), (10_000, "unplayable")):
        with replaying(page, slow):
            page.evaluate(full, times)
            assert show(page, START + 40_000) == state
