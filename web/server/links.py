"""One-time links: `<public origin>/sign-in#<token>.<pins>[.<node>]` (docs/adr/0006).

What stands behind the # never reaches a server. `pins` is the digest of the agreement (policy and trust) as the centre
pinned it that hands the link to its seat; the seat's browser refuses every other agreement. `node` is where the city's
own node answers, with which the seat leaves what it signs while the main server is away.
"""

from __future__ import annotations

from evidence.core.canonical import b64u
from sessions.trust import Pins
from web.server.errors import BadSettings

PATH = "/sign-in"


def write_link(origin: str, token: str, pins: Pins, node: str = "") -> str:
    """The link of this token under these pins, for a seat of the city whose node answers at the origin `node`."""
    named = f".{b64u(node.encode())}" if node else ""
    return f"{origin}{PATH}#{token}.{b64u(pins.digest)}{named}"


def rewrite_link(url: str, pins: Pins, node: str) -> str:
    """A link as another centre wrote it, under one's own pins and with one's own node."""
    address, separator, fragment = url.strip().partition("#")
    origin, path, rest = address.rpartition(PATH)
    token = fragment.partition(".")[0]
    if not origin or not path or rest or not separator or not token:
        raise BadSettings("not a one-time link")
    return write_link(origin, token, pins, node)
