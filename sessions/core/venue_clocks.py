"""The clocks of seats against the server's: estimates, in batches, whenever one has moved (the domain study, rule 39).

Order in the log is the index and nothing else. But who asks years later what a device's own clock showed when something
happened finds here how far it was from the server's, and within which bounds: the server's `at` less the offset, give
or take half the round trip (protocols.md section 2: entries on a change of more than 500 ms). A device that lies about
its clock misleads about itself alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.canonical import members
from evidence.core.entry import Draft, Entry
from sessions.core.commands import ClockSample, NoteOffsets
from sessions.core.state import Proceeding
from sessions.errors import CommandRefused, NotBound

LEAST_CHANGE_MS = 500
"""Below this a clock counts as unmoved (protocols.md section 2, "Time")."""
MAX_RTT_MS = 10_000
"""A round trip of more bounds nothing; such a line is lost anyway."""
MAX_SAMPLES = 200


def note(state: Proceeding, command: NoteOffsets) -> tuple[Draft, ...]:
    """Bound seats in order, each once, whose clock is new here or has moved."""
    names = [sample.seat for sample in command.samples]
    if not 1 <= len(names) <= MAX_SAMPLES or names != sorted(set(names)):
        raise CommandRefused(f"1 to {MAX_SAMPLES} seats in order, each once")
    for sample in command.samples:
        if state.seat(sample.seat).id not in state.seat_key:
            raise NotBound(f"{sample.seat} has no key yet")
        if not 0 <= sample.rtt <= MAX_RTT_MS or sample.clock < 0:
            raise CommandRefused("a round trip takes from 0 to 10 s, and a clock counts from 0")
        if not moved(state, sample):
            raise CommandRefused(f"the clock of {sample.seat} has not moved")
    clocks = [[sample.seat, sample.clock, sample.offset, sample.rtt] for sample in command.samples]
    return (Draft("ClockOffsets", {"clocks": clocks}),)


def moved(state: Proceeding, sample: ClockSample) -> bool:
    """Whether the estimate is new, or further from the last one than both round trips explain."""
    known = state.clocks.get(sample.seat)
    if known is None:
        return True
    return abs(sample.offset - known.offset) > LEAST_CHANGE_MS + (sample.rtt + known.rtt) // 2


def on_noted(state: Proceeding, entry: Entry) -> Proceeding:
    return replace(state, clocks={**state.clocks, **{sample.seat: sample for sample in parse(entry)}})


def parse(entry: Entry) -> tuple[ClockSample, ...]:
    """The estimates of an entry `ClockOffsets`."""
    listed = members(entry.body, {"clocks": list})["clocks"]
    return tuple(ClockSample(seat, clock, offset, rtt) for seat, clock, offset, rtt in listed)


FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {"ClockOffsets": on_noted}
