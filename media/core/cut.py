"""Where a recording is cut into segments."""

from __future__ import annotations

# Issue 2 and architecture section 4: target 4 s, begins on a keyframe, forced cut at 10 s.
TARGET_MS = 4_000
FORCED_MS = 10_000
# With the target passed and still no keyframe, ask for one after this time (media.md section 3.2).
ASK_AFTER_MS = 2_000
# A camera's clock jitters; without this a keyframe at 3.999 s would make segments of five seconds.
SLACK_MS = 100
# A room's timestamps decide neither how long a segment's file gets nor how many there are: where they stand still, our
# clock cuts; where they leap, what would begin another segment within this time is lost.
OPEN_MS = 2 * FORCED_MS
LEAST_MS = 500


def cut_before(*, elapsed_ms: int, open_ms: float, keyframe: bool, video: bool) -> bool:
    """Whether a block that lies `elapsed_ms` behind the segment's first one by its own timestamp, and `open_ms` by our
    clock, begins the next segment."""
    if elapsed_ms >= FORCED_MS or open_ms >= OPEN_MS:
        return True
    return elapsed_ms >= TARGET_MS - SLACK_MS and (keyframe or not video)


def wants_keyframe(*, elapsed_ms: int, video: bool) -> bool:
    """Whether the segment is waiting for a keyframe to end on."""
    return video and elapsed_ms >= TARGET_MS + ASK_AFTER_MS
