"""RTP time to session time, the same for every room.

Session time is the server's wall clock in milliseconds. A room's own clock is never trusted for the date, only for its
rate: the packets themselves say when they arrived, and the fastest of them shows the constant part of the way.

(1) Until four sender reports are known, the nominal clock rate maps RTP time to milliseconds. Waiting for reports would
    lose the first seconds (a fault seen in other recorders).
(2) From then on, a line through the last twenty reports (RTP, sender's NTP) gives the true rate.
(3) In both cases the shortest way seen lately (minimum of arrival minus mapped time) is added, per stream.
"""

from __future__ import annotations

from collections import deque

# LiveKit's synchronizer: ready at four reports, regression over the last twenty.
REPORTS_NEEDED = 4
REPORTS_KEPT = 20
# The minimum is taken over two buckets of this length, so that drift is followed and a single slow packet is not.
MINIMUM_BUCKET_MS = 15_000
# Sound cards are within 100 ppm of nominal; a line that says otherwise comes from a confused or hostile sender.
RATE_TOLERANCE = 0.001

_NTP_SECOND = 1 << 32


class TrackClock:
    """The mapping of one incoming stream."""

    __slots__ = ("_anchor", "_bucket_end", "_minimum", "_nominal", "_older", "_rate_per_ms", "_reports")

    def __init__(self, *, clock_rate: int) -> None:
        self._nominal = clock_rate / 1000
        self._rate_per_ms = self._nominal
        self._anchor: int | None = None  # RTP time of the first packet, keeps the floats small
        self._reports: deque[tuple[float, int]] = deque(maxlen=REPORTS_KEPT)  # (sender's ms, RTP)
        self._minimum: float | None = None
        self._older: float | None = None
        self._bucket_end = 0.0

    def packet(self, timestamp: int, arrival_ms: float) -> None:
        """Note the arrival of a packet with this extended RTP time."""
        if self._anchor is None:
            self._anchor = timestamp
        way = arrival_ms - self._media_ms(timestamp)
        if self._minimum is None or arrival_ms >= self._bucket_end:
            self._older, self._minimum = self._minimum, way
            self._bucket_end = arrival_ms + MINIMUM_BUCKET_MS
        elif way < self._minimum:
            self._minimum = way

    def report(self, ntp: int, timestamp: int) -> None:
        """Note a sender report whose RTP time was extended by the caller."""
        sender_ms = ntp * 1000 / _NTP_SECOND
        if self._reports and sender_ms < self._reports[-1][0]:
            self._reports.clear()  # the room's clock was set back: what it said before is about another clock
        if self._reports and (sender_ms == self._reports[-1][0] or timestamp <= self._reports[-1][1]):
            return  # repeated, or sent while nothing was sent: says nothing about the rate
        self._reports.append((sender_ms, timestamp))
        if len(self._reports) < REPORTS_NEEDED or self._anchor is None:
            return
        rate = self._slope()
        if abs(rate / self._nominal - 1) > RATE_TOLERANCE:
            return
        # The way was measured with the old rate: turn the anchor to now, so that the mapping is continuous here.
        moved = self._media_ms(timestamp)
        self._rate_per_ms = rate
        self._anchor = timestamp
        if self._minimum is not None:
            self._minimum += moved
        if self._older is not None:
            self._older += moved

    def session_ms(self, timestamp: int) -> float:
        """The session time of an extended RTP time; of an unknown stream, zero."""
        if self._minimum is None:
            return 0.0
        way = self._minimum if self._older is None else min(self._minimum, self._older)
        return self._media_ms(timestamp) + way

    def rtp_at(self, session_ms: float) -> int:
        """The RTP time that belongs to a session time (for the sender reports that we make)."""
        if self._anchor is None or self._minimum is None:
            return 0
        way = self._minimum if self._older is None else min(self._minimum, self._older)
        return self._anchor + round((session_ms - way) * self._rate_per_ms)

    def _media_ms(self, timestamp: int) -> float:
        return (timestamp - (self._anchor or 0)) / self._rate_per_ms

    def _slope(self) -> float:
        count = len(self._reports)
        first_ms, first_rtp = self._reports[0]
        xs = [ms - first_ms for ms, _ in self._reports]
        ys = [float(rtp - first_rtp) for _, rtp in self._reports]
        mean_x, mean_y = sum(xs) / count, sum(ys) / count
        spread = sum((x - mean_x) ** 2 for x in xs)
        return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread


def ntp_of(session_ms: float) -> int:
    """Session time (ms since 1970) as 32.32 NTP time (seconds since 1900, RFC 5905 section 6)."""
    return int((session_ms / 1000 + 2_208_988_800) * _NTP_SECOND)
