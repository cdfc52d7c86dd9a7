"""What came out of a proceeding, read from its evidence file?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidence.core import entry as entry_form
from evidence.core.canonical import Object, decode_object, unb64u
from sessions.core import contents
from sessions.evidence_file import EvidenceFile


@dataclass(frozen=True, slots=True)
class Place:
    """One bidder's line of the result."""

    rank: int
    name: str
    technical: str
    price: str
    total: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One room's recording: its length from first to last packet, and how much of it is a declared gap."""

    room: str
    seconds: float
    gap_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    title: str
    places: tuple[Place, ...]
    recordings: tuple[Recording, ...]
    entries: int
    signatures: int


def read(path: Path, report: Path) -> Outcome:
    """Read an evidence file, and put the report in it beside it."""
    with path.open("rb") as file:
        evidence = EvidenceFile(file)
        entries = [entry_form.parse(data) for data in evidence.entries()]
        last = {entry.type: entry for entry in entries}
        fixed = last["DefinitionFixed"]
        assert fixed.act is not None  # noqa: S101 (the file was verified before)
        definition = decode_object(
            evidence.read(contents.object_name(unb64u(fixed.act.body["sha256"], 32))), limit=1 << 20
        )
        report.write_bytes(evidence.read(contents.REPORT))
    segments = [s for entry in entries if entry.type == "SegmentsClosed" for s in entry.body["segments"]]
    return Outcome(
        title=definition["title"],
        places=_places(definition, last["ScoresTallied"].body, last["RankingFixed"].body),
        recordings=tuple(_recording(room, segments) for room in sorted({s["room"] for s in segments})),
        entries=len(entries),
        signatures=sum(entry.type == "ReportSigned" for entry in entries),
    )


def _places(definition: Object, tallied: Object, ranking: Object) -> tuple[Place, ...]:
    names = {bidder["id"]: bidder["name"] for bidder in definition["bidders"]}
    rows = {row["bidder"]: row for row in tallied["rows"]}
    return tuple(
        Place(rank, names[bidder], rows[bidder]["technical"], rows[bidder]["price"], rows[bidder]["total"])
        for bidder, rank in ranking["ranking"]
    )


def _recording(room: str, segments: list[Object]) -> Recording:
    """The camera stands for the room: sound and picture come from one connection."""
    mine = [s for s in segments if s["room"] == room and s["kind"] == "camera"]
    gaps = sum(end - start for s in mine for start, end in s["gaps"])
    length = max(s["t1"] for s in mine) - min(s["t0"] for s in mine)
    return Recording(room, length / 1000, gaps / 1000)
