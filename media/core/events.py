"""What an engine tells: facts about rooms, tracks and recordings, and their JSON form {event, ...}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from media.core.plan import Kind, kind_of
from media.core.record import SegmentRecord
from media.errors import BadRequest


@dataclass(frozen=True, slots=True)
class EngineStarted:
    """First event of every subscription; another id than before means that the engine was restarted and forgot all."""

    engine: str


@dataclass(frozen=True, slots=True)
class RoomConnected:
    room: str
    peer: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class RoomLost:
    """`cause` is closed (by the room), silent (no packet), dropped (by us) or failed (no handshake)."""

    room: str
    peer: str
    cause: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class TrackStalled:
    room: str
    kind: Kind
    at_ms: int


@dataclass(frozen=True, slots=True)
class TrackResumed:
    room: str
    kind: Kind
    at_ms: int


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    record: SegmentRecord


@dataclass(frozen=True, slots=True)
class RecorderAlarm:
    """`cause` is disk-stalled, disk-failed, disk-nearly-full or disk-ok (the alarm is over)."""

    cause: str
    detail: str
    at_ms: int


Event = EngineStarted | RoomConnected | RoomLost | TrackStalled | TrackResumed | SegmentClosed | RecorderAlarm

_NAMES: dict[str, type[Event]] = {
    "engine-started": EngineStarted,
    "room-connected": RoomConnected,
    "room-lost": RoomLost,
    "track-stalled": TrackStalled,
    "track-resumed": TrackResumed,
    "segment-closed": SegmentClosed,
    "recorder-alarm": RecorderAlarm,
}
_NAME_OF = {kind: name for name, kind in _NAMES.items()}


def to_json(event: Event) -> dict[str, Any]:
    body = {"record": event.record.to_json()} if isinstance(event, SegmentClosed) else asdict(event)
    return {"event": _NAME_OF[type(event)]} | body


def from_json(value: Mapping[str, Any]) -> Event:
    """Read what `to_json` wrote; anything else is refused."""
    try:
        given = dict(value)
        kind = _NAMES[given.pop("event")]
        if kind is SegmentClosed:
            return SegmentClosed(SegmentRecord.from_json(given["record"]))
        if "kind" in given:
            given["kind"] = kind_of(given["kind"])
        return kind(**given)
    except (TypeError, KeyError) as wrong:
        raise BadRequest("not an event") from wrong
