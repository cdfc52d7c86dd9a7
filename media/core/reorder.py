"""Packets in the order in which they were sent, with a bounded wait for those that are being asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media.core.rtp import RtpPacket

# media.md section 3.2: a recorder waits half a second for a repeated packet, then declares a gap.
PATIENCE_MS = 500
# So many packets are more than half a second of any slot; beyond it the sender is not sane.
CAPACITY = 2048


@dataclass(frozen=True, slots=True)
class Lost:
    """So many packets in a row are given up."""

    count: int


class Reorder:
    """One stream's waiting room, by extended sequence number."""

    __slots__ = ("_next", "_waiting")

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: dict[int, tuple[int, RtpPacket, float]] = {}

    def push(self, sequence: int, timestamp: int, packet: RtpPacket, now_ms: float) -> None:
        """Add a packet by its extended numbers; one that is repeated or too late is ignored."""
        if self._next is None:
            self._next = sequence
        if sequence >= self._next:
            self._waiting.setdefault(sequence, (timestamp, packet, now_ms))

    def pop(self, now_ms: float) -> Iterator[tuple[int, RtpPacket] | Lost]:
        """What can be used now, in order."""
        while self._waiting and self._next is not None:
            entry = self._waiting.pop(self._next, None)
            if entry is not None:
                self._next += 1
                yield entry[0], entry[1]
                continue
            first = min(self._waiting)
            if now_ms - self._waiting[first][2] < PATIENCE_MS and len(self._waiting) < CAPACITY:
                return
            lost = Lost(first - self._next)
            self._next = first
            yield lost
