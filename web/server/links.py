"""One-time links: `<public origin>/sign-in#<token>.<pins>` (docs/adr/0006).

What stands behind the # never reaches a server. `pins` is the digest of the agreement (policy and trust) as the centre
pinned it that hands the link to its seat; the seat's browser refuses every other agreement.
"""

from __future__ import annotations

from evidence.core.canonical import b64u
from sessions.trust import Pins
from web.server.errors import BadSettings

PATH = "/sign-in"


def write_link(origin: str, token: str, pins: Pins) -> str:
    """The link of this token under these pins."""
    return f"{origin}{PATH}#{token}.{b64u(pins.digest)}"


def rewrite_link(url: str, pins: Pins) -> str:
    """A link as another centre wrote it, under one's own pins."""
    address, separator, fragment = url.strip().partition("#")
    origin, path, rest = address.rpartition(PATH)
    token = fragment.partition(".")[0]
    if not origin or not path or rest or not separator or not token:
        raise BadSettings("not a one-time link")
    return write_link(origin, token, pins)
