"""What is recorded is what was sent; what is missing is declared, in session time, in the segment that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from media.core import cut, webm
from media.core.plan import Kind
from media.core.record import SegmentKey
from media.core.rtp import RtpPacket
from media.core.vp8 import FrameAssembler, Size
from media.ports import TrackKey
from media.recorder import IDLE_CLOSE_MS, TrackRecorder
from media.relay import IncomingTrack
from tests.media.fakes import Camera, FakeSink
from tests.media.test_vp8_webm import frames_of

NOW = 1_795_000_000_000.0
Frames = list[tuple[int, bool, bytes]]


@dataclass
class Studio:
    """A recorder, its sink, and a publisher to feed it."""

    kind: Kind
    sink: FakeSink
    recorder: TrackRecorder
    asked: list[bytes]
    now: float = NOW
    up: IncomingTrack | None = None

    def publish(self, ssrc: int = 5) -> None:
        def send(data: bytes) -> bool:
            self.asked.append(data)
            return True

        if self.up is not None:
            self.up.leave(self.recorder)
        self.up = IncomingTrack(room="main", kind=self.kind, ssrc=ssrc, own_ssrc=1, send_rtcp=send, now_ms=self.now)
        self.up.join(self.recorder, self.now, cached=False)

    def send(self, packets: list[tuple[float, bool, RtpPacket]], start: float) -> None:
        assert self.up is not None
        for at, _, packet in packets:
            self.now = start + at
            self.up.packet(packet, self.now)
            self.recorder.tick(self.now)

    def stop(self) -> None:
        self.recorder.source(None)

    @property
    def keys(self) -> list[SegmentKey]:
        return list(self.sink.tails)

    def gaps(self) -> list[tuple[int, int]]:
        """All declared gaps, in milliseconds since NOW."""
        return [
            (round(a - NOW), round(b - NOW)) for key in self.keys for a, b in self.sink.tails[key].gaps
        ]  # fmt: skip

    def frames(self, key: SegmentKey) -> int:
        head = self.sink.heads[key]
        whole = webm.cluster_head(0) + b"".join(self.sink.blocks[key])
        found = webm.scan(whole)
        assert found.end == len(whole)
        assert found.begins_with_keyframe == head.keyframe
        return found.blocks


def studio(kind: Kind = "camera", *, since: float = NOW) -> Studio:
    sink = FakeSink()
    found = Studio(kind, sink, None, [])  # type: ignore[arg-type]
    found.recorder = TrackRecorder(room="main", kind=kind, sink=sink, since_ms=since, clock=lambda: found.now)
    return found


@pytest.fixture
def frames(clip: Path) -> Frames:
    return frames_of(clip, "video")


@pytest.fixture
def sounds(clip: Path) -> Frames:
    return frames_of(clip, "audio")


def test_segments_of_four_seconds_begin_on_keyframes_and_hold_every_frame(frames: Frames) -> None:
    one = studio()
    one.publish()
    one.send(list(Camera(frames).packets(15 * 14)), NOW)
    one.stop()
    assert [one.frames(key) for key in one.keys] == [60, 60, 60, 30]
    assert all(one.sink.heads[key].keyframe for key in one.keys)
    assert [key.number for key in one.keys] == [1, 2, 3, 4]
    assert {key.take for key in one.keys} == {1}
    tails = [one.sink.tails[key] for key in one.keys]
    assert one.gaps() == []
    assert [tail.lost for tail in tails] == [0] * 4
    for before, after in pairwise(tails):
        assert 60 <= after.t0_ms - before.t1_ms <= 75  # one frame of 15 per second
    assert abs(tails[0].t0_ms - NOW) <= 1
    assert abs(tails[-1].t1_ms - NOW - 13_934) <= 2
    assert one.sink.inits[TrackKey("main", "camera"), 1] == webm.init_video(Size(320, 240))


def test_audio_is_cut_at_four_seconds_and_never_waits(sounds: Frames) -> None:
    one = studio("mic")
    one.publish()
    one.send(list(Camera(sounds).packets(500, video=False)), NOW)
    one.stop()
    assert sum(one.frames(key) for key in one.keys) == 500
    assert len(one.keys) == 3
    assert one.gaps() == []


def test_loss_is_a_gap_up_to_the_next_keyframe_and_a_keyframe_is_asked_for(frames: Frames) -> None:
    one = studio()
    one.publish()
    packets = list(Camera(frames).packets(15 * 8))
    lost = [entry for entry in packets if 2_400 <= entry[0] < 2_500]
    one.send([entry for entry in packets if entry not in lost], NOW)
    one.stop()
    assert lost
    ((start, end),) = one.gaps()
    assert abs(start - 2_333) <= 2
    assert abs(end - 3_000) <= 2
    assert sum(one.sink.tails[key].lost for key in one.keys) == len(lost)
    # 2.400 to 2.934 are nine frames that cannot be shown.
    assert sum(one.frames(key) for key in one.keys) == 15 * 8 - 9
    assert one.asked


class Careless(FrameAssembler):
    """The control of the test before, switched off."""

    def lost(self) -> None: ...


def test_without_the_gap_rule_the_broken_frames_would_be_recorded(frames: Frames) -> None:
    one = studio()
    one.publish()
    one.recorder._frames = Careless()
    packets = list(Camera(frames).packets(15 * 8))
    one.send([entry for entry in packets if not 2_400 <= entry[0] < 2_500], NOW)
    one.stop()
    assert sum(one.frames(key) for key in one.keys) > 15 * 8 - 9


def test_a_repeated_packet_within_half_a_second_leaves_no_trace(frames: Frames) -> None:
    one = studio()
    one.publish()
    packets = list(Camera(frames).packets(15 * 5))
    late = packets.pop(40)
    at = next(index for index, entry in enumerate(packets) if entry[0] >= late[0] + 300)
    one.send(packets[:at], NOW)
    assert one.up is not None
    one.up.packet(late[2], one.now)
    one.send(packets[at:], NOW)
    one.stop()
    assert one.gaps() == []
    assert sum(one.frames(key) for key in one.keys) == 75


def test_lost_audio_is_a_gap_from_the_last_to_the_next_packet(sounds: Frames) -> None:
    one = studio("mic")
    one.publish()
    packets = [entry for entry in Camera(sounds).packets(300, video=False) if not 1_000 <= entry[0] < 1_400]
    one.send(packets, NOW)
    one.stop()
    ((start, end),) = one.gaps()
    assert 960 <= start < 1_000
    assert 1_400 <= end <= 1_420


def test_silence_without_loss_is_not_a_gap_but_the_segment_is_sealed(sounds: Frames) -> None:
    one = studio("mic")
    one.publish()
    packets = list(Camera(sounds).packets(50, video=False))
    one.send(packets, NOW)
    one.now = NOW + 1_000 + IDLE_CLOSE_MS
    one.recorder.tick(one.now)
    assert len(one.keys) == 1


def test_what_is_missing_between_the_start_and_the_first_frame_is_declared(frames: Frames) -> None:
    one = studio(since=NOW - 5_000)
    one.publish()
    camera = Camera(frames)
    one.send(list(camera.packets(20, start=7)), NOW)  # begins between two keyframes
    one.stop()
    ((start, end),) = one.gaps()
    assert start == -5_000
    assert abs(end - 1_000) <= 1


def test_a_publisher_that_comes_back_begins_a_new_take_and_its_absence_is_declared(frames: Frames) -> None:
    one = studio()
    one.publish()
    one.send(list(Camera(frames).packets(30)), NOW)
    one.recorder.source(None)
    one.publish(ssrc=6)
    one.send(list(Camera(frames, ssrc=6, sequence=9).packets(30)), NOW + 12_000)
    one.stop()
    assert [(key.take, key.number) for key in one.keys] == [(1, 1), (2, 1)]
    ((start, end),) = one.gaps()
    assert abs(start - 1_934) <= 1
    assert abs(end - 12_000) <= 1
    assert one.sink.tails[one.keys[1]].gaps


def test_after_a_restart_the_downtime_is_declared(frames: Frames) -> None:
    one = studio(since=NOW + 9_000)
    one.sink.ends[TrackKey("main", "camera")] = round(NOW) - 2_000
    one.recorder = TrackRecorder(room="main", kind="camera", sink=one.sink, since_ms=NOW + 9_000, clock=lambda: one.now)
    one.publish()
    one.send(list(Camera(frames).packets(15)), NOW + 9_500)
    one.stop()
    assert one.gaps() == [(-2_000, 9_500)]


def test_a_picture_of_another_size_begins_a_new_take(frames: Frames) -> None:
    one = studio()
    one.publish()
    small = [(at, key, data[:6] + b"\x80\x00\x60\x00" + data[10:] if key else data) for at, key, data in frames]
    camera = Camera(frames)
    one.send(list(camera.packets(15)), NOW)
    other = Camera(small, sequence=camera.sequence)
    one.send(list(other.packets(15, start=15)), NOW)
    one.stop()
    assert [(key.take, key.number) for key in one.keys] == [(1, 1), (2, 1)]
    assert one.sink.inits[TrackKey("main", "camera"), 2] == webm.init_video(Size(128, 96))
    assert one.gaps() == []


def test_without_keyframes_one_is_asked_for_after_six_seconds_and_the_cut_is_forced_at_ten(frames: Frames) -> None:
    one = studio()
    one.publish()
    still = [frames[0], *[(at, False, data) for at, key, data in frames if not key]]
    endless = [still[0]] + [(number * 67, False, still[1 + number % 50][2]) for number in range(1, 400)]
    packets = list(Camera(endless).packets(320))
    one.send([entry for entry in packets if entry[0] < 5_500], NOW)
    one.asked.clear()
    one.send([entry for entry in packets if 5_500 <= entry[0] < 5_990], NOW)
    assert one.asked == []
    one.send([entry for entry in packets if entry[0] >= 5_990], NOW)
    assert 2 <= len(one.asked) <= 60
    one.stop()
    first, _second, *_ = [one.sink.tails[key] for key in one.keys]
    assert 9_900 <= first.duration_ms < 10_000
    assert not one.sink.heads[one.keys[1]].keyframe
    assert one.gaps() == []


def test_a_disk_that_does_not_follow_costs_a_declared_gap(frames: Frames) -> None:
    one = studio()
    one.publish()
    packets = list(Camera(frames).packets(15 * 6))
    one.send([entry for entry in packets if entry[0] < 1_500], NOW)
    one.sink.full = True
    one.send([entry for entry in packets if 1_500 <= entry[0] < 2_500], NOW)
    one.sink.full = False
    one.send([entry for entry in packets if entry[0] >= 2_500], NOW)
    one.stop()
    ((start, end),) = one.gaps()
    assert abs(start - 1_467) <= 2
    assert abs(end - 3_000) <= 2


def test_a_picture_that_keeps_changing_its_size_does_not_make_a_take_each_time(frames: Frames) -> None:
    one = studio()
    one.publish()
    keyframe = frames[0][2]
    flicker = [
        (number * 50, True, keyframe[:6] + bytes([64 + number % 50, 0, 48, 0]) + keyframe[10:]) for number in range(60)
    ]
    one.send(list(Camera(flicker).packets(60)), NOW)
    one.stop()
    assert 1 <= len({key.take for key in one.keys}) <= 3


def test_a_keyframe_that_could_not_be_recorded_is_asked_for_again(frames: Frames) -> None:
    """A camera that sends keyframes only when asked, and the disk was full just when one came. Nothing was lost."""
    one = studio()
    one.publish()
    still = [data for _, key, data in frames if not key]
    endless = [frames[0]] + [(number * 67, False, still[number % 50]) for number in range(1, 60)]
    packets = list(Camera(endless).packets(50))
    one.sink.full = True
    one.send([entry for entry in packets if entry[0] < 1_000], NOW)
    one.sink.full = False
    one.asked.clear()
    one.send([entry for entry in packets if entry[0] >= 1_000], NOW)
    assert one.asked


def test_timestamps_that_stand_still_do_not_make_one_endless_segment(sounds: Frames) -> None:
    one = studio("mic")
    one.publish()
    packets = list(Camera(sounds).packets(50 * 60, video=False))
    first = packets[0][2].timestamp
    one.send([(at, key, packet._replace(timestamp=first)) for at, key, packet in packets], NOW)
    one.stop()
    assert len(one.keys) >= 2
    assert all(one.frames(key) <= 50 * 21 for key in one.keys)


def test_timestamps_that_leap_do_not_make_a_segment_each(sounds: Frames) -> None:
    one = studio("mic")
    one.publish()
    packets = list(Camera(sounds).packets(50 * 10, video=False))
    leaping = [
        (at, key, packet._replace(timestamp=(packets[0][2].timestamp + number * 48_000 * 5) % 2**32))
        for number, (at, key, packet) in enumerate(packets)
    ]
    one.send(leaping, NOW)
    one.stop()
    assert 1 <= len(one.keys) <= 10_000 / cut.LEAST_MS + 1
    assert all(offset < 2**15 for key in one.keys for offset in [one.sink.tails[key].duration_ms])
