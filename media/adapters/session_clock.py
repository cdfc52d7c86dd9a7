"""The worker's clock: the wall clock's date, read once, and the monotonic clock's pace ever after.

It cannot jump while a proceeding runs, and on Linux both clocks are slewed by the same NTP discipline.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


def session_clock() -> Clock:
    """A function that returns session time in milliseconds since 1970."""
    origin = time.time() * 1000 - time.monotonic() * 1000
    return lambda: origin + time.monotonic() * 1000
