"""Cursors: a place in one tenant's feed of one log, sealed, so that it opens nothing else.

A cursor is the position and an HMAC-SHA256 over tenant, log and position, cut to 192 bits. It is not secret; it cannot
be made by whoever was not given it, and a tenant that shows another one's learns only that it is no cursor of its own.
"""

from __future__ import annotations

import hashlib
import hmac

from evidence.core.canonical import b64u, encode, unb64u
from evidence.errors import Malformed
from sessions.partner_errors import CursorRefused

_POSITION, _TAG = 8, 24


class Cursors:
    """Seals and opens; `key` outlives the process, so that cursors do."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, tenant: str, log: str, position: int) -> str:
        """The cursor of the next event to be read."""
        place = position.to_bytes(_POSITION, "big")
        return b64u(place + self._tag(tenant, log, place))

    def open(self, text: str, tenant: str, log: str) -> int:
        """The position, or CursorRefused."""
        try:
            data = unb64u(text, _POSITION + _TAG)
        except Malformed as error:
            raise CursorRefused("not a cursor of this feed") from error
        place, tag = data[:_POSITION], data[_POSITION:]
        if not hmac.compare_digest(tag, self._tag(tenant, log, place)):
            raise CursorRefused("not a cursor of this feed")
        return int.from_bytes(place, "big")

    def _tag(self, tenant: str, log: str, place: bytes) -> bytes:
        return hmac.digest(self._key, encode([tenant, log]) + place, hashlib.sha256)[:_TAG]
