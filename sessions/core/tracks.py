"""What the log says of each recording: takes, segments, lengths and declared gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evidence.core.canonical import Object
from evidence.core.entry import Entry
from evidence.errors import Untrusted


@dataclass(frozen=True, slots=True)
class Track:
    """One room's microphone, camera or document picture. Times in ms since the epoch, on the server's clock."""

    room: str
    kind: str
    segments: int
    takes: int
    start: int
    end: int
    gaps: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """From the first packet to the last, in ms, declared gaps left out."""
        return self.end - self.start - sum(end - start for start, end in self.gaps)

    @property
    def as_json(self) -> Object:
        """The track for programs."""
        return {
            "room": self.room,
            "kind": self.kind,
            "segments": self.segments,
            "takes": self.takes,
            "start": self.start,
            "end": self.end,
            "length": self.length,
            "gaps": [list(gap) for gap in self.gaps],
        }


def tracks(entries: Iterable[Entry]) -> tuple[Track, ...]:
    """The tracks by room and kind; Untrusted where a segment is missing, out of order or ends before it begins."""
    found: dict[tuple[str, str], list[Object]] = {}
    for entry in entries:
        if entry.type == "SegmentsClosed":
            for segment in entry.body["segments"]:
                found.setdefault((segment["room"], segment["kind"]), []).append(segment)
    return tuple(_track(room, kind, segments) for (room, kind), segments in sorted(found.items()))


def _track(room: str, kind: str, segments: list[Object]) -> Track:
    last: dict[int, int] = {}
    for segment in sorted(segments, key=lambda s: (s["take"], s["number"])):
        take, number = segment["take"], segment["number"]
        # A take begins with its segment 1 (media/recorder.py); number 0 is nobody's successor.
        expected = last.get(take, min(number, 1) - 1) + 1
        if number != expected:
            raise Untrusted(f"{room} {kind}: segment {expected} of take {take} is missing")
        last[take] = number
        if not segment["t0"] <= segment["t1"]:
            raise Untrusted(f"{room} {kind}: segment {number} of take {take} ends before it begins")
    takes = sorted(last)
    if takes != list(range(takes[0], takes[0] + len(takes))):
        raise Untrusted(f"{room} {kind}: a take is missing")
    gaps = sorted((start, end) for segment in segments for start, end in segment["gaps"])
    return Track(
        room,
        kind,
        len(segments),
        len(takes),
        min(s["t0"] for s in segments),
        max(s["t1"] for s in segments),
        tuple(gaps),
    )
