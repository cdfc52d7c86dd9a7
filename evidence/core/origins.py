"""How the logs of one proceeding are called: `O`, and `O/r2`, `O/r3`… where it had to go on under another origin."""

from __future__ import annotations

import re

_CONTINUED = re.compile(r"(?P<proceeding>.+/proceedings/[^/]+)/r(?P<number>[2-9]|[1-9][0-9])\Z", re.ASCII)


def proceeding_of(origin: str) -> str:
    """The origin that a proceeding was founded under, of any of its logs; of another log its own."""
    found = _CONTINUED.match(origin)
    return found["proceeding"] if found else origin


def following(origin: str) -> str:
    """The origin under which the log of `origin` goes on."""
    found = _CONTINUED.match(origin)
    return f"{found['proceeding']}/r{int(found['number']) + 1}" if found else f"{origin}/r2"


def begins(earlier: str, origin: str) -> bool:
    """Whether entries of `earlier` may be the first ones of the log `origin`: its own, or one that it continues."""
    while earlier != origin and len(earlier) <= len(origin):
        if not origin.startswith(proceeding_of(earlier)) or earlier.endswith("/r99"):
            return False
        earlier = following(earlier)
    return earlier == origin
