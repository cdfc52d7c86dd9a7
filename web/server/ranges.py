"""Which octets does a Range header ask for?"""

from __future__ import annotations

import re

from web.server.errors import RangeRefused

_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")


def part(wanted: str, size: int) -> tuple[int, int]:
    """First and last octet of one range (RFC 9110 section 14.1.2); else RangeRefused."""
    found = _RANGE.fullmatch(wanted.strip())
    if found is None:
        raise RangeRefused("one range of bytes from an offset")
    first = int(found[1])
    last = min(int(found[2] or size - 1), size - 1)
    if not first <= last:
        raise RangeRefused("the range lies beyond the end")
    return first, last


def rest(wanted: str, size: int) -> int:
    """The first octet of a range that goes to the end, as whoever takes up a broken download asks; else
    RangeRefused."""
    first, last = part(wanted, size)
    if last != size - 1:
        raise RangeRefused("only all octets from an offset on")
    return first
