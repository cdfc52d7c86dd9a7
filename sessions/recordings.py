"""What was recorded, as the log states it: by track for a player, and by hash for the door that hands octets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence.core.canonical import JSON, Object, unb64u
from evidence.core.entry import Entry
from evidence.errors import ObjectMissing

_SHOWN = ("take", "number", "sha256", "init", "bytes", "t0", "t1", "keyframe", "lost", "recovered", "gaps")


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment's place: room, and the time it covers."""

    room: str
    of: tuple[int, int]


class Recordings:
    """Folded from the log as it grows."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._folded = 0
        self._pieces: dict[str, Piece] = {}
        self._heads: set[str] = set()
        self._tracks: dict[tuple[str, str], list[JSON]] = {}

    def piece(self, name: str) -> Piece | None:
        """Where the segment of this hash lies; None for the head of a take. ObjectMissing where it is neither."""
        self._fold()
        if name in self._heads:
            return None
        if name not in self._pieces:
            raise ObjectMissing(name)
        return self._pieces[name]

    def manifest(self, start: int) -> Object:
        """Segments that entries from `start` on state, by room and kind; `size` is where the next question starts."""
        self._fold()
        tracks: list[JSON] = []
        for (room, kind), segments in sorted(self._tracks.items()):
            found = [segment for segment in segments if isinstance(segment, dict) and segment["n"] >= start]
            if found:
                tracks.append({"room": room, "kind": kind, "segments": found})
        return {"size": self._folded, "tracks": tracks}

    def _fold(self) -> None:
        for entry in self._entries[self._folded :]:
            if entry.type == "SegmentsClosed":
                for segment in entry.body["segments"]:
                    self._take(entry.n, segment)
        self._folded = len(self._entries)

    def _take(self, n: int, segment: Object) -> None:
        room, kind = segment["room"], segment["kind"]
        self._pieces.setdefault(_hex(segment["sha256"]), Piece(room, (segment["t0"], segment["t1"])))
        self._heads.add(_hex(segment["init"]))
        self._tracks.setdefault((room, kind), []).append({"n": n} | {name: segment[name] for name in _SHOWN})


def _hex(text: str) -> str:
    return unb64u(text, 32).hex()
