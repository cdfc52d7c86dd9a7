"""The replay in real browsers over real segments (media.md section 4; issue 3, "Done when").

What is on the screen is read from its pixels; what the clock said at that moment comes from the player.
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page

from tests.replay.playing import BOTH, HELD_MS, ONE, SEEK_MS, off, recorded, replaying, seek
from tests.replay.recording import AWAY, START, Recorded

ROOMS = ("room-1", "room-2", "room-3")


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("minute"), seconds=60)


def check_seeks(page: Page, recorded: Recorded, seeks: int, length_ms: int) -> list[float]:
    """So many seeks all over the recording, and what each took; every room is held afterwards.

    What the browser shows comes at its own ticks, which a busy machine without a display draws out to 50 ms; so much
    is added where the screen itself is looked at.
    """
    chance = random.Random(7)
    took, drift, shown = [], [], []
    for _ in range(seeks):
        t = START + chance.uniform(3_000, length_ms - 4_000)
        took.append(seek(page, t))
        for room in ROOMS:
            if room != AWAY or not recorded.gap[0] - 2_500 <= t < recorded.gap[1] + 500:
                one, other = off(page, room)
                drift.append(abs(one))
                shown.append(abs(other))
    tick = page.evaluate("replay.tick()")
    figures = f"seeks {took}, drift {drift}, shown {shown}, tick {tick}"
    assert max(drift) <= HELD_MS, figures
    assert sorted(shown)[len(shown) * 9 // 10] <= HELD_MS + tick, figures
    assert median(took) <= SEEK_MS, figures
    print(
        f"{seeks} seeks: {median(took):.0f} ms (most {max(took):.0f}); drift {median(drift):.1f} ms (most"
        f" {max(drift):.1f}); on the screen {median(shown):.1f} ms (most {max(shown):.1f}), tick {tick:.0f} ms"
    )
    return took


@BOTH
def test_seeks_hold_all_rooms_on_one_clock(page: Page, minute: Recorded) -> None:
    """The same in small as `test_fifty_seeks_in_ten_minutes`."""
    with replaying(page, minute):
        check_seeks(page, minute, 3, 60_000)


@BOTH
@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_fifty_seeks_in_ten_minutes(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Issue 3: replay of a 10 minute session with a declared gap holds 40 ms over 50 seeks."""
    long = recorded(tmp_path_factory.mktemp("long"), seconds=600)
    with replaying(page, long):
        took = check_seeks(page, long, 50, 600_000)
    # Of fifty the slowest two may be whoever was interrupted.
    assert sorted(took)[len(took) * 95 // 100] <= SEEK_MS, took


@ONE
def test_a_declared_gap_holds_up_nobody(page: Page, minute: Recorded) -> None:
    with replaying(page, minute):
        seek(page, minute.gap[0] + 1_000)
        assert page.evaluate("replay.player.state('room-2', 'camera')") == "gap"
        assert page.evaluate("replay.player.state('room-1', 'camera')") == "shown"
        off(page, "room-1")
        # Just before it there is too little left for a decoder to begin with: nobody waits for that, either.
        for before in (50, 250, 600):
            seek(page, minute.gap[0] - 100 - before)
        # It comes back by itself at the end of the gap.
        seek(page, minute.gap[1] - 700)
        page.wait_for_function("replay.player.state('room-2', 'camera') === 'shown'")
        page.wait_for_function("t => replay.player.t > t", arg=minute.gap[1] + 1_500)
        assert abs(off(page, "room-2")[0]) <= HELD_MS


@BOTH
def test_one_altered_byte_is_refused_and_the_rest_plays_on(page: Page, minute: Recorded) -> None:
    """Issue 3; the control is the same moment with the true octets."""
    victim = next(r for r in minute.records if (r.room, r.kind) == ("room-3", "camera") and r.t0_ms > START + 12_000)
    octets = bytearray(Path(victim.path).read_bytes())
    octets[len(octets) // 2] ^= 1
    with replaying(page, minute):
        seek(page, victim.t0_ms + 500)
        assert page.evaluate("replay.player.state('room-3', 'camera')") == "shown"
    at = (victim.t0_ms + 500 - START) / 1000
    with replaying(page, minute, {victim.sha256: bytes(octets)}):
        seek(page, victim.t0_ms + 500)
        page.wait_for_function("replay.player.state('room-3', 'camera') === 'refused'")
        (refusal,) = page.evaluate("replay.player.refusals()")
        assert (refusal["room"], refusal["sha256"]) == ("room-3", victim.sha256)
        assert refusal["span"] == [victim.t0_ms, victim.t1_ms]
        covered = page.evaluate("t => replay.buffered('room-3').some(([from, to]) => from <= t && t < to)", at)
        assert not covered, "the altered octets are in the player"
        assert abs(off(page, "room-1")[0]) <= HELD_MS
        seek(page, victim.t1_ms + 1_500)
        assert abs(off(page, "room-3")[0]) <= HELD_MS


@ONE
@pytest.mark.e2e
@pytest.mark.parametrize("rate", [0.5, 1, 4])
def test_all_speeds_hold_the_clock_too(page: Page, minute: Recorded, rate: float) -> None:
    with replaying(page, minute):
        page.evaluate("rate => { replay.player.rate = rate; }", rate)
        seek(page, START + 6_000)
        page.wait_for_function("t => replay.player.t > t", arg=START + 6_000 + 1_500 * rate)
        worst = page.evaluate("Math.max(...replay.player.drifts().map(Math.abs))")
        # In session time; four times as fast, it is four times as much.
        assert worst * 1000 <= HELD_MS * max(1, rate)


@BOTH
@pytest.mark.e2e
def test_sound_holds_the_clock_for_half_a_minute(page: Page, minute: Recorded) -> None:
    """media.md section 4 at speed 1: whatever was seen of it within the time, sound is within 40 ms of clock and
    picture, and does not drift off; a sound that stands still would be seconds away at the end."""
    with replaying(page, minute):
        seek(page, START + 2_000)
        found = page.evaluate("replay.sound(25000)")
        assert page.evaluate("replay.player.t") > START + 24_000
        for room in ROOMS:
            heard = [each for each in found if each["room"] == room]
            worst = {of: max(abs(each[of]) for each in heard) for of in ("clock", "picture")}
            held = {of: sorted(abs(each[of]) for each in heard)[len(heard) * 95 // 100] for of in worst}
            print(f"{room}: {len(heard)} looks, 95 % {held}, worst {worst}")
            assert len(heard) > 50, (room, len(heard))
            assert max(held.values()) <= HELD_MS, (room, held, worst)
            last = sorted(each["clock"] for each in heard[-21:])[10]
            assert abs(last) <= HELD_MS, (room, last)


@ONE
def test_what_cannot_be_fetched_is_waited_for_by_all(page: Page, minute: Recorded) -> None:
    """The network is away: the clock stands, and goes on when it is back; nothing is called altered."""
    with replaying(page, minute):
        page.route("**/octets/*", lambda route: route.abort())
        page.evaluate("t => { replay.player.seek(t); replay.player.play(); }", START + 45_000)
        page.wait_for_timeout(300)
        assert page.evaluate("replay.player.waiting")
        assert page.evaluate("replay.player.t") == START + 45_000
        page.unroute("**/octets/*")
        page.wait_for_function("t => replay.player.t > t", arg=START + 45_500)
        assert page.evaluate("replay.player.refusals()") == []


@ONE
@pytest.mark.e2e
def test_buffers_are_bounded(page: Page, minute: Recorded) -> None:
    """Wherever one was: no more than a window around the clock stays in memory."""
    with replaying(page, minute):
        for t in (2_000, 20_000, 40_000, 56_000):
            seek(page, START + t)
        page.wait_for_function(
            "replay.recording.rooms.every(r => replay.buffered(r).reduce((sum, [a, b]) => sum + b - a, 0) < 45)"
        )
        assert page.evaluate("replay.buffered('room-1')[0][0]") > 30
