"""What a proceeding's media consists of: its rooms and the fixed slots of every room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from media.errors import BadRequest

Kind = Literal["mic", "camera", "document"]
KINDS: tuple[Kind, ...] = ("mic", "camera", "document")

# A room's name becomes a folder, an SDP token and part of a log entry: letters, digits, '-' and '_'.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
# media.md section 1.4: a worker carries a dozen rooms on one core; twice that is the limit of what was measured.
MAX_ROOMS = 24


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """The rooms of one proceeding; it never changes while the proceeding lasts."""

    proceeding: str
    rooms: tuple[str, ...]
    slots: tuple[Kind, ...] = KINDS

    def __post_init__(self) -> None:
        if not self.proceeding or len(self.proceeding) > 256:
            raise BadRequest("a plan names its proceeding")
        if not 0 < len(self.rooms) <= MAX_ROOMS or len(set(self.rooms)) != len(self.rooms):
            raise BadRequest(f"a plan has 1 to {MAX_ROOMS} different rooms")
        if any(not _NAME.fullmatch(room) for room in self.rooms):
            raise BadRequest("a room's name is 1 to 48 letters, digits, '-' or '_'")
        if not self.slots or len(set(self.slots)) != len(self.slots) or not set(self.slots) <= set(KINDS):
            raise BadRequest("slots are one or more of mic, camera, document")


def kind_of(value: object) -> Kind:
    """A slot's kind from outside."""
    if value != "mic" and value != "camera" and value != "document":
        raise BadRequest("a slot is mic, camera or document")
    return value


def is_video(kind: Kind) -> bool:
    return kind != "mic"


def clock_rate(kind: Kind) -> int:
    """RFC 7587 section 4.1 for Opus, RFC 7741 section 4.1 for VP8."""
    return 90_000 if is_video(kind) else 48_000
