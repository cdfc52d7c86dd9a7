"""What the log says of each recording: takes, segments, lengths and declared gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evidence.core.canonical import Object
from evidence.core.entry import Entry
from evidence.errors import Untrusted
from sessions.core.continued import CONTINUED


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
    """The tracks by room and kind; Untrusted where a segment is missing, out of order or ends before it begins. What
    was stated in entries that are gone (docs/protocol.md 11.2) is a declared gap, at that very place of the log."""
    found: dict[tuple[str, str], list[tuple[int, Object]]] = {}
    log = 0
    for entry in entries:
        log += entry.type == CONTINUED
        if entry.type == "SegmentsClosed":
            for segment in entry.body["segments"]:
                found.setdefault((segment["room"], segment["kind"]), []).append((log, segment))
    return tuple(_track(room, kind, segments) for (room, kind), segments in sorted(found.items()))


def _track(room: str, kind: str, stated: list[tuple[int, Object]]) -> Track:
    last: dict[int, int] = {}
    lost: list[tuple[int, int]] = []
    before: tuple[int, Object] | None = None
    for log, segment in sorted(stated, key=lambda pair: (pair[1]["take"], pair[1]["number"])):
        take, number = segment["take"], segment["number"]
        # A take begins with its segment 1 (media/recorder.py); number 0 is nobody's successor.
        expected = last.get(take, min(number, 1) - 1) + 1
        skipped = before is not None and take not in last and take != before[1]["take"] + 1
        if (number != expected or skipped) and (before is None or before[0] == log):
            what = "a take is missing" if skipped else f"segment {expected} of take {take} is missing"
            raise Untrusted(f"{room} {kind}: {what}")
        if (number != expected or skipped) and before is not None and before[1]["t1"] < segment["t0"]:
            lost.append((before[1]["t1"], segment["t0"]))
        last[take], before = number, (log, segment)
        if not segment["t0"] <= segment["t1"]:
            raise Untrusted(f"{room} {kind}: segment {number} of take {take} ends before it begins")
    segments, takes = [segment for _, segment in stated], sorted(last)
    gaps = sorted([*lost, *((start, end) for segment in segments for start, end in segment["gaps"])])
    return Track(
        room,
        kind,
        len(segments),
        len(takes),
        min(s["t0"] for s in segments),
        max(s["t1"] for s in segments),
        tuple(gaps),
    )
