"""What do the recordings in an evidence file show, by other people's programs?

Reads the file as anybody could: with a ZIP library, ffprobe and a VP8 decoder. Of the product, only the block
code of its clips is used.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from web.demo import blockcode

CLIP_MS = 20_000
FRAME_MS = 150
"""A frame lasts 100 ms, so the last packet of one segment and the first of the next are that far apart."""
Track = tuple[str, str]
"""(room, kind)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """As the log states it; times in ms since the epoch on the server's clock."""

    room: str
    kind: str
    take: int
    number: int
    t0: int
    t1: int
    gaps: tuple[tuple[int, int], ...]

    @property
    def folder(self) -> str:
        return f"recordings/{self.room}/{self.kind}/{self.take:04}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one recorded frame shows, and when it was recorded."""

    room: str
    at_ms: float
    reading: blockcode.Reading


@dataclass(frozen=True, slots=True)
class Probe:
    """ffprobe's view of one take."""

    codec: str
    packets: int
    first_s: float
    last_s: float


class Evidence:
    """An evidence file, opened by the standard library."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        names = sorted(name for name in self._archive.namelist() if name.startswith("proceeding/entries/"))
        self._octets = [self._archive.read(name) for name in names]
        self.entries: list[dict[str, Any]] = [json.loads(data) for data in self._octets]

    def of(self, *types: str) -> list[dict[str, Any]]:
        """All entries of these types."""
        return [entry for entry in self.entries if entry["type"] in types]

    def act(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The payload of the act inside an entry."""
        payload = entry["act"].split(".")[1]
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return found

    def leaf(self, n: int) -> str:
        """The leaf hash of an entry (RFC 6962), base64url."""
        return base64.urlsafe_b64encode(hashlib.sha256(b"\0" + self._octets[n]).digest()).rstrip(b"=").decode()

    def read(self, name: str) -> bytes:
        return self._archive.read(name)

    def segments(self) -> dict[Track, list[Segment]]:
        """Every segment by track, in the order of the recording."""
        found: dict[Track, list[Segment]] = {}
        for entry in self.of("SegmentsClosed"):
            for value in entry["body"]["segments"]:
                segment = Segment(
                    room=value["room"],
                    kind=value["kind"],
                    take=value["take"],
                    number=value["number"],
                    t0=value["t0"],
                    t1=value["t1"],
                    gaps=tuple((gap[0], gap[1]) for gap in value["gaps"]),
                )
                found.setdefault((segment.room, segment.kind), []).append(segment)
        for segments in found.values():
            segments.sort(key=lambda segment: (segment.take, segment.number))
        return found

    def takes(self, folder: Path) -> dict[tuple[str, str, int], Path]:
        """Each take as one playable file: `cat init.webm *.seg`."""
        paths = {}
        for (room, kind), segments in self.segments().items():
            for take in sorted({segment.take for segment in segments}):
                chosen = [segment for segment in segments if segment.take == take]
                path = folder / f"{room}-{kind}-{take}.webm"
                parts = [self.read(f"{chosen[0].folder}/init.webm")]
                parts += [self.read(f"{segment.folder}/{segment.number:06}.seg") for segment in chosen]
                path.write_bytes(b"".join(parts))
                paths[(room, kind, take)] = path
        return paths

    def sights(self) -> Iterator[Sight]:
        """Every seventh recorded camera frame, each segment decoded alone, with the session time it stands for."""
        for (_, kind), segments in self.segments().items():
            if kind != "camera":
                continue
            for segment in segments:
                data = self.read(f"{segment.folder}/init.webm")
                data += self.read(f"{segment.folder}/{segment.number:06}.seg")
                with av.open(io.BytesIO(data), "r") as container:
                    first = None
                    for index, frame in enumerate(container.decode(video=0)):
                        assert frame.time is not None
                        first = frame.time if first is None else first
                        if index % 7:
                            continue
                        luma = np.asarray(frame.to_ndarray(format="gray8"), dtype=np.uint8)
                        reading = blockcode.read(luma)
                        assert reading is not None, f"no block code in {segment}"
                        yield Sight(segment.room, segment.t0 + (frame.time - first) * 1000, reading)


def probe(path: Path) -> Probe:
    """Codec and packet times by ffprobe; fails where ffprobe finds any fault."""
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name:packet=pts_time", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == "", f"{path.name}: {done.stderr}"
    found = json.loads(done.stdout)
    times = [float(packet["pts_time"]) for packet in found["packets"]]
    return Probe(found["streams"][0]["codec_name"], len(times), min(times), max(times))


def phase_ms(sight: Sight) -> float:
    """How far the clip's clock is from the session's, modulo the clip's length."""
    return (sight.at_ms - sight.reading.clip_ms) % CLIP_MS


def spread_ms(phases: list[float]) -> float:
    """The largest distance between any two phases on the circle of one clip."""
    ordered = sorted(phases)
    turns = [after - before for before, after in zip(ordered, [*ordered[1:], ordered[0] + CLIP_MS], strict=True)]
    return CLIP_MS - max(turns)


def uncovered_ms(segments: list[Segment], start: float, end: float) -> float:
    """How much of [start, end] neither a segment covers nor a declared gap."""
    spans = sorted(
        [(segment.t0, segment.t1) for segment in segments] + [gap for segment in segments for gap in segment.gaps]
    )
    missing, reached = 0.0, start
    for first, last in [*spans, (end, end)]:
        hole = min(first, end) - reached
        missing += hole if hole > FRAME_MS else 0
        reached = max(reached, last)
    return missing
