"""Numbers that wrap, packets that are lost, clocks that drift, and where recordings are cut."""

from __future__ import annotations

import random

import pytest

from media.core import cut
from media.core.clock import TrackClock, ntp_of
from media.core.datagram import Datagram, classify
from media.core.quality import Quality
from media.core.reorder import PATIENCE_MS, Lost, Reorder
from media.core.rtp import RtpPacket
from media.core.sequence import NACK_LIMIT, NACK_TRIES, REORDER_PATIENCE_MS, Missing, Unwrap

DAY_MS = 1_795_000_000_000.0


@pytest.mark.parametrize("bits", [16, 32])
def test_numbers_are_extended_over_the_wrap_in_both_directions(bits: int) -> None:
    unwrap, turn = Unwrap(bits=bits), 1 << bits
    first = unwrap(turn - 2)
    assert [unwrap(value % turn) - first for value in (turn - 1, turn + 5, turn + 1, turn - 3)] == [1, 7, 3, -1]
    assert unwrap.near(6) == first + 8
    assert unwrap(6) == first + 8
    for step in range(1, 9):
        unwrap((6 + step * turn // 4) % turn)
    assert unwrap(6) == first + 8 + 2 * turn


def test_only_what_stays_missing_is_asked_for_and_not_for_ever() -> None:
    missing = Missing()
    assert not missing.arrived(10, 0)
    missing.arrived(13, 0)
    assert missing.due(0, 60) == []  # it may only be out of order
    assert missing.arrived(11, 5)
    asked = [missing.due(REORDER_PATIENCE_MS + 60 * n, 60) for n in range(NACK_TRIES + 2)]
    assert asked[:NACK_TRIES] == [[12]] * NACK_TRIES
    assert asked[NACK_TRIES:] == [[], []]
    assert (missing.abandoned, missing.pending) == (1, 0)


def test_what_the_line_lost_once_is_told_from_what_came_out_of_order() -> None:
    """A packet that comes only after it was asked for was lost on the way, though the recording has it."""
    missing = Missing()
    for sequence in (1, 4, 2):
        missing.arrived(sequence, 0)
    assert missing.repeated == 0
    assert missing.due(REORDER_PATIENCE_MS, 60) == [3]
    missing.arrived(3, 90)
    assert missing.repeated == 1


def test_an_outage_is_not_asked_for_packet_by_packet() -> None:
    missing = Missing()
    missing.arrived(1, 0)
    missing.arrived(5_000, 0)
    assert missing.pending == 0
    assert missing.abandoned == 4_998
    for sequence in range(5_002, 9_000, 2):
        missing.arrived(sequence, 0)
    assert missing.pending == NACK_LIMIT


def packet(number: int) -> RtpPacket:
    return RtpPacket(96, True, number & 0xFFFF, number * 3_000, 1, b"x")


def test_packets_come_out_in_order_and_a_hole_is_given_up_after_half_a_second() -> None:
    room = Reorder()
    out: list[object] = []
    for sequence, now in ((5, 0), (7, 10), (6, 20), (7, 25), (9, 30), (4, 31)):
        room.push(sequence, sequence, packet(sequence), now)
        out += [item if isinstance(item, Lost) else item[0] for item in room.pop(now)]
    assert out == [5, 6, 7]
    assert list(room.pop(30 + PATIENCE_MS - 1)) == []
    assert list(room.pop(30 + PATIENCE_MS)) == [Lost(1), (9, packet(9))]
    room.push(8, 8, packet(8), 600)
    assert list(room.pop(5_000)) == []


def test_random_loss_and_disorder_lose_exactly_what_was_lost() -> None:
    rng = random.Random(3)
    for rate in (0.0, 0.01, 0.05, 0.3):
        sent = list(range(65_000, 67_000))
        kept = [number for number in sent if rng.random() >= rate or number == sent[0]]
        order = sorted(kept, key=lambda number: number + rng.random() * 8)
        order.remove(sent[0])
        room, out, lost = Reorder(), [], 0
        for now, number in enumerate([sent[0], *order]):
            room.push(number, number, packet(number), now * 5)
            for item in room.pop(now * 5):
                if isinstance(item, Lost):
                    lost += item.count
                else:
                    out.append(item[0])
        for item in room.pop(1e9):
            if isinstance(item, Lost):
                lost += item.count
            else:
                out.append(item[0])
        assert out == kept
        assert lost == kept[-1] - kept[0] + 1 - len(kept)


def run_clock(*, ppm: float, minutes: float, reports: bool, way_ms: float = 30, jitter_ms: float = 15) -> float:
    """The largest error of the mapping after the first ten seconds, relative to the constant way."""
    rng = random.Random(4)
    clock, start, worst = TrackClock(clock_rate=90_000), 3_000_000_000, 0.0
    rate = 90 * (1 + ppm / 1e6)
    for step in range(int(minutes * 60 * 30)):
        true_ms = DAY_MS + step * 1000 / 30
        timestamp = start + round((true_ms - DAY_MS) * rate)
        clock.packet(timestamp, true_ms + way_ms + rng.random() * jitter_ms)
        if reports and step % 30 == 7:
            sender = true_ms + 86_400_000  # the room's own date is wrong by a day: only its pace matters
            clock.report(ntp_of(sender), timestamp)
        if true_ms > DAY_MS + 10_000:
            worst = max(worst, abs(clock.session_ms(timestamp) - true_ms - way_ms))
    return worst


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_a_drifting_room_clock_is_followed_within_a_few_milliseconds(ppm: float) -> None:
    # 100 ppm over the 30 s that the minimum looks back are 3 ms; the rest is the jitter's floor.
    assert run_clock(ppm=ppm, minutes=6, reports=False) < 8
    assert run_clock(ppm=ppm, minutes=6, reports=True) < 6


def test_time_is_known_from_the_first_packet_and_never_lies_in_the_future() -> None:
    clock = TrackClock(clock_rate=48_000)
    assert clock.session_ms(5) == 0.0
    clock.packet(2**32 - 480, DAY_MS + 50)
    assert clock.session_ms(2**32 - 480) == DAY_MS + 50
    clock.packet(2**32 + 480, DAY_MS + 40)
    assert clock.session_ms(2**32 + 480) == DAY_MS + 40
    assert clock.rtp_at(DAY_MS + 1_020) == 2**32 + 480 + 48_000 - 960


def test_senseless_reports_do_not_move_the_clock() -> None:
    clock = TrackClock(clock_rate=90_000)
    for step in range(50):
        clock.packet(step * 3_000, DAY_MS + step * 1000 / 30)
        clock.report(ntp_of(DAY_MS + step * 40), step * 3_000)  # a rate that is wrong by a fifth
        clock.report(0, 0)
    assert abs(clock.session_ms(49 * 3_000) - (DAY_MS + 49 * 1000 / 30)) < 1


def test_a_room_clock_that_is_set_back_is_believed_again() -> None:
    clock = TrackClock(clock_rate=90_000)
    for step in range(100):
        clock.packet(step * 3_000, DAY_MS + step * 1000 / 30)
        set_back = 3_600_000 if step > 50 else 0
        clock.report(ntp_of(DAY_MS - set_back + step * 1000 / 30), step * 3_000)
        assert abs(clock.session_ms(step * 3_000) - (DAY_MS + step * 1000 / 30)) < 1
    assert len(clock._reports) == 20


def test_rfc_3550_a_8_loss_and_jitter_are_counted() -> None:
    quality = Quality(clock_rate=90_000)
    for number in range(100):
        if number % 10 != 9:
            quality.arrived(number, number * 3_000, 100, number * 1000 / 30 + (number % 2) * 3)
    assert (quality.received, quality.expected, quality.lost) == (90, 99, 9)
    assert 20 <= quality.fraction_lost() <= 25
    assert quality.fraction_lost() == 0
    assert 2 <= quality.jitter_ms <= 3


def test_segments_are_cut_at_keyframes_after_four_seconds_or_at_ten_at_the_latest() -> None:
    assert not cut.cut_before(elapsed_ms=3_000, open_ms=3_000, keyframe=True, video=True)
    assert cut.cut_before(elapsed_ms=4_000, open_ms=4_000, keyframe=True, video=True)
    assert not cut.cut_before(elapsed_ms=9_999, open_ms=9_999, keyframe=False, video=True)
    assert cut.cut_before(elapsed_ms=10_000, open_ms=10_000, keyframe=False, video=True)
    assert cut.cut_before(elapsed_ms=4_000, open_ms=4_000, keyframe=False, video=False)
    assert cut.cut_before(elapsed_ms=0, open_ms=20_000, keyframe=False, video=True)
    assert not cut.wants_keyframe(elapsed_ms=5_999, video=True)
    assert cut.wants_keyframe(elapsed_ms=6_000, video=True)
    assert not cut.wants_keyframe(elapsed_ms=6_000, video=False)


def test_rfc_7983_7_datagrams_are_told_apart_by_their_first_byte() -> None:
    assert classify(b"") is Datagram.EMPTY
    assert classify(bytes(1_501)) is Datagram.OVERSIZED
    kinds = {first: classify(bytes([first])) for first in (0, 3, 4, 19, 20, 63, 64, 127, 128, 191, 192, 255)}
    assert [kinds[n] for n in (0, 3)] == [Datagram.STUN] * 2
    assert [kinds[n] for n in (20, 63)] == [Datagram.DTLS] * 2
    assert [kinds[n] for n in (128, 191)] == [Datagram.MEDIA] * 2
    assert {kinds[n] for n in (4, 19, 64, 127, 192, 255)} == {Datagram.OTHER}
