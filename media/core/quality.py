"""How well a stream arrives: counts, fraction lost and interarrival jitter (RFC 3550 sections 6.4.1 and A.8)."""

from __future__ import annotations


class Quality:
    """Statistics of one incoming stream."""

    __slots__ = (
        "_expected_before",
        "_first",
        "_jitter",
        "_rate",
        "_received_before",
        "_transit",
        "bytes",
        "highest",
        "last_arrival_ms",
        "received",
    )

    def __init__(self, *, clock_rate: int) -> None:
        self._rate = clock_rate
        self._first: int | None = None
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_before = 0
        self._received_before = 0
        self.highest = 0
        self.received = 0
        self.bytes = 0
        self.last_arrival_ms: float | None = None

    def arrived(self, sequence: int, timestamp: int, size: int, now_ms: float) -> None:
        """Note a packet by its extended sequence number and timestamp."""
        if self._first is None or sequence < self._first:
            self._first = sequence
        self.highest = max(self.highest, sequence)
        self.received += 1
        self.bytes += size
        self.last_arrival_ms = now_ms
        transit = now_ms * self._rate / 1000 - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    @property
    def expected(self) -> int:
        return 0 if self._first is None else self.highest - self._first + 1

    @property
    def lost(self) -> int:
        return max(0, self.expected - self.received)

    @property
    def jitter(self) -> int:
        return int(self._jitter)

    @property
    def jitter_ms(self) -> int:
        return round(self._jitter * 1000 / self._rate)

    def fraction_lost(self) -> int:
        """Loss since the last call in 1/256, for the next receiver report."""
        expected = self.expected - self._expected_before
        received = self.received - self._received_before
        self._expected_before, self._received_before = self.expected, self.received
        if expected <= 0 or received >= expected:
            return 0
        return min(255, ((expected - received) << 8) // expected)
