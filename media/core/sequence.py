"""Sequence numbers that wrap: extend them, notice what is missing, ask for it again."""

from __future__ import annotations

# A packet that is only out of order arrives within this time; asking sooner would ask for nothing (Galène: 20 ms).
REORDER_PATIENCE_MS = 20
# mediasoup's NackGenerator: resend every RTT, not faster than 40 ms, ten times at most.
NACK_INTERVAL_MS = 40
NACK_TRIES = 10
# More missing than this is an outage, not a loss: nobody's history reaches back so far.
NACK_LIMIT = 512


class Unwrap:
    """Extends a counter of `bits` bits to one that never wraps, by taking the nearest continuation."""

    __slots__ = ("_half", "_last", "_range")

    def __init__(self, *, bits: int) -> None:
        self._range = 1 << bits
        self._half = self._range >> 1
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        if self._last is None:
            # One full turn of head room: what was sent before the first packet seen keeps a positive number.
            self._last = value + self._range
            return self._last
        extended = self.near(value)
        self._last = max(self._last, extended)
        return extended

    def near(self, value: int) -> int:
        """The same without remembering it, for numbers that come from a report and not from a packet."""
        if self._last is None:
            return value + self._range
        step = (value - self._last) % self._range
        return self._last + (step - self._range if step >= self._half else step)


class Missing:
    """The packets of one stream that were sent but did not arrive, and when to ask for each again."""

    __slots__ = ("_asked", "_highest", "abandoned", "repeated")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._asked: dict[int, tuple[float, int]] = {}  # sequence -> (next time to ask, times asked)
        self.abandoned = 0
        self.repeated = 0
        """Packets that came only after they were asked for: the line lost them once."""

    @property
    def pending(self) -> int:
        return len(self._asked)

    def arrived(self, sequence: int, now_ms: float) -> bool:
        """Note an extended sequence number; True if it is a packet that was missing."""
        if self._highest is None:
            self._highest = sequence
            return False
        if sequence <= self._highest:
            asked = self._asked.pop(sequence, None)
            self.repeated += asked is not None and asked[1] > 0
            return asked is not None
        first = self._highest + 1
        self._highest = sequence
        if sequence - first > NACK_LIMIT:
            self.abandoned += sequence - first + len(self._asked)
            self._asked.clear()
            return False
        for missing in range(first, sequence):
            self._asked[missing] = (now_ms + REORDER_PATIENCE_MS, 0)
        while len(self._asked) > NACK_LIMIT:
            del self._asked[next(iter(self._asked))]
            self.abandoned += 1
        return False

    def due(self, now_ms: float, round_trip_ms: float) -> list[int]:
        """What to ask for now, in order; what was asked too often is abandoned."""
        due: list[int] = []
        for sequence, (when, tries) in list(self._asked.items()):
            if when > now_ms:
                continue
            if tries >= NACK_TRIES:
                del self._asked[sequence]
                self.abandoned += 1
                continue
            self._asked[sequence] = (now_ms + max(round_trip_ms, NACK_INTERVAL_MS), tries + 1)
            due.append(sequence)
        return due
