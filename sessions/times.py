"""How long things take: the clocks of the main server's part of a meeting, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from evidence.witnessing import Pace
from sessions.errands import Pauses
from sessions.recording import RecordingTimes


@dataclass(frozen=True, slots=True)
class Times:
    """`venue_lost`: a venue whose room has no socket for so long is lost (protocols.md 6). `grace`: after our own start
    everybody gets twice that. `heartbeat`: `Witnessed` while a session is live (protocols.md 2). `look`: how often
    presence and packets are looked at; small against `venue_lost`. `gate`: one attempt to reach a quorum. `chain`: how
    long an act of a node waits for the one before it. `opening`: how long whoever opens a proceeding waits. `turn`:
    reading the check page and touching a key takes under a minute; whoever leaves loses the turn, nothing else.
    `looks`: how long looks of supervisors and auditors are gathered before they are stated.
    `views`: after so long what is on the screens is stated anew; a page that was turned, after `views_least`.
    `attention`: how often what is noticed at the seats is stated."""

    venue_lost: float = 5.0
    grace: float = 10.0
    heartbeat: float = 60.0
    look: float = 0.5
    gate: float = 30.0
    chain: float = 5.0
    opening: float = 20.0
    turn: float = 60.0
    looks: float = 30.0
    views: float = 30.0
    views_least: float = 2.0
    attention: float = 10.0
    recording: RecordingTimes = field(default_factory=RecordingTimes)
    clocks: float = 10.0
    pauses: Pauses = field(default_factory=Pauses)
    pace: Pace = field(default_factory=Pace)
