"""A recorded segment as the log states it (docs/protocol.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evidence.core.canonical import JSON, Object, members, unb64u
from sessions.core.state import Room, Track
from sessions.errors import SegmentRefused

MIC, CAMERA, DOCUMENT = "mic", "camera", "document"
KINDS = frozenset({MIC, CAMERA, DOCUMENT})
REQUIRED = frozenset({MIC, CAMERA})
"""87号令 39: sound and picture of the whole evaluation are recorded."""
_INTEGERS = ("take", "number", "bytes", "t0", "t1", "duration", "packets", "lost")
_FORM: Mapping[str, type] = {
    **dict.fromkeys(("room", "kind", "sha256", "init"), str),
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(("keyframe", "recovered"), bool),
    "gaps": list,
}


def follow(
    tracks: Mapping[Track, int], rooms: Mapping[str, Room], venue: str, segments: Iterable[JSON]
) -> dict[Track, int]:
    """The last number of each track after these segments; SegmentRefused where one is out of form, of another
    venue, or not after the last one of its track."""
    result = dict(tracks)
    count = 0
    for count, value in enumerate(segments, 1):  # noqa: B007 (used below)
        segment = check(value)
        if segment["room"] not in rooms or rooms[segment["room"]].venue != venue:
            raise SegmentRefused("the room is not in this venue")
        track = (segment["room"], segment["kind"], segment["take"])
        if segment["number"] <= result.get(track, -1):
            raise SegmentRefused("the segment is in the log, or comes after its successor")
        result[track] = segment["number"]
    if not count:
        raise SegmentRefused("no segment")
    return result


def check(value: JSON) -> Object:
    """The segment with exactly its members; times in order, counts not negative."""
    segment = members(value, _FORM)
    unb64u(segment["sha256"], 32)
    unb64u(segment["init"], 32)
    if segment["kind"] not in KINDS or any(segment[name] < 0 for name in _INTEGERS):
        raise SegmentRefused("unknown kind, or a negative number")
    if segment["t1"] < segment["t0"]:
        raise SegmentRefused("the segment ends before it begins")
    for gap in segment["gaps"]:
        if not isinstance(gap, list) or len(gap) != 2 or any(type(t) is not int for t in gap) or gap[1] < gap[0]:
            raise SegmentRefused("a gap is [from, to]")
    return segment
