"""What a datagram claims to be, by its first byte (RFC 7983 section 7), and what is refused by size alone."""

from __future__ import annotations

from enum import Enum

# An Ethernet frame carries 1500 bytes of IP; pylibsrtp's buffer ends there, and nothing honest is longer.
MAX_DATAGRAM = 1_500


class Datagram(Enum):
    EMPTY = "empty"
    OVERSIZED = "oversized"
    STUN = "stun"
    DTLS = "dtls"
    MEDIA = "media"
    OTHER = "other"


def classify(data: bytes) -> Datagram:
    """Look at length and first byte only."""
    size = len(data)
    if not size:
        return Datagram.EMPTY
    if size > MAX_DATAGRAM:
        return Datagram.OVERSIZED
    first = data[0]
    if 128 <= first <= 191:
        return Datagram.MEDIA
    if first <= 3:
        return Datagram.STUN
    if 20 <= first <= 63:
        return Datagram.DTLS
    return Datagram.OTHER
