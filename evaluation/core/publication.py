"""Where a tender was announced, and when and where its bids were opened: what a report begins with.

87号令 58 (1) wants the media of the announcement, and date and place of the opening; 12号令 42 wants the opening told.
The opening comes before the evaluation's own log, so the definition says it, whose hash stands in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evidence.core.canonical import JSON, Object, members
from evidence.errors import Malformed

MAX_MEDIA = 10
MAX_TEXT = 120
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Publication:
    """`opened` is the time of the opening in UTC, `2026-11-20T01:00:00Z`; `place` as the announcement says it."""

    media: tuple[str, ...]
    opened: str
    place: str

    @property
    def json(self) -> Object:
        """As the definition says it; `scoring`, which holds no names, repeats the time alone."""
        return {"media": list(self.media), "opened": self.opened, "place": self.place}


def parse(value: JSON) -> Publication:
    """Read it strictly, or Malformed."""
    found = members(value, {"media": list, "opened": str, "place": str})
    media = [_text(each) for each in found["media"]]
    if not 1 <= len(media) <= MAX_MEDIA or len(set(media)) != len(media):
        raise Malformed(f"an announcement has 1 to {MAX_MEDIA} media, each once")
    return Publication(tuple(media), time(found["opened"]), _text(found["place"]))


def time(value: str) -> str:
    """A time in UTC, `2026-11-20T01:00:00Z`, or Malformed."""
    try:
        written = datetime.strptime(value, _TIME).strftime(_TIME)  # noqa: DTZ007 (the form ends in Z)
    except ValueError as error:
        raise Malformed("bids were opened at 2026-11-20T01:00:00Z") from error
    if written != value:
        raise Malformed("bids were opened at 2026-11-20T01:00:00Z")
    return value


def _text(value: JSON) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT or not value.isprintable():
        raise Malformed(f"media and place are texts of 1 to {MAX_TEXT} printable characters")
    return value
