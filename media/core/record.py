"""What is said about a closed segment, and how it travels as JSON (integers, strings and booleans only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from media.core.plan import Kind, kind_of
from media.errors import BadRequest


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """Which segment of a worker's whole life: idempotent by these four."""

    room: str
    kind: Kind
    take: int
    number: int


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A sealed segment. `t0_ms` and `t1_ms` are session time (server's wall clock) of its first and last packet;
    `rtp0` and `rtp1` the same in RTP time, extended beyond 32 bits; `gaps` what is missing before or inside it."""

    room: str
    kind: Kind
    take: int
    number: int
    path: str
    init_path: str
    sha256: str
    init_sha256: str
    bytes: int
    t0_ms: int
    t1_ms: int
    rtp0: int
    rtp1: int
    duration_ms: int
    packets: int
    lost: int
    keyframe: bool
    recovered: bool
    gaps: tuple[tuple[int, int], ...]

    @property
    def key(self) -> SegmentKey:
        return SegmentKey(self.room, self.kind, self.take, self.number)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"gaps": [list(gap) for gap in self.gaps]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SegmentRecord:
        """Read what `to_json` wrote; anything else is refused."""
        try:
            given = dict(value)
            given["kind"] = kind_of(given["kind"])
            given["gaps"] = tuple((int(a), int(b)) for a, b in given["gaps"])
            return cls(**given)
        except (TypeError, KeyError, ValueError) as wrong:
            raise BadRequest("not a segment record") from wrong


def key_from_json(value: Any) -> SegmentKey:
    """A segment key as it is acknowledged: {room, kind, take, number}."""
    try:
        return SegmentKey(str(value["room"]), kind_of(value["kind"]), int(value["take"]), int(value["number"]))
    except (TypeError, KeyError, ValueError) as wrong:
        raise BadRequest("not a segment key") from wrong
