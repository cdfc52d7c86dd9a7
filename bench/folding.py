"""Folding a log of 100 000 events, beside the floor of hashing the same bytes.

`python -m bench.folding` makes a log as a long meeting leaves it (pages shown by their presenter's acts, segments of
every room, a checkpoint's quorum every minute), then measures reading it from its bytes and folding it to the state.
The floor is SHA-256 over the same bytes, which whoever verifies the log has to do in any case. Signatures and deciding
again are not in it: they are the verifier's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from evidence.core import entry as entry_form
from evidence.core.canonical import b64u, sha256
from evidence.core.entry import Entry
from sessions.core.commands import CloseSegments
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from tests.rules.generated import Swift
from tests.sessions.drive import DOCUMENT
from tests.sessions.example import segment

EVENTS = 100_000
# Of a meeting's entries most are segments (three rooms, one announcement each in ten seconds) and shown pages.
PAGES, ROOMS, WITNESSED = 6, 3, 1


def log(events: int) -> list[Entry]:
    """The entries; the state between them is not looked at."""
    drive = Swift()
    drive.until("declarations")
    number = 1
    while len(drive.entries) < events:
        for page in range(PAGES):
            drive.perform("operator-1", "page.show", {"document": b64u(DOCUMENT), "page": page % 3 + 1})
        for room in range(1, ROOMS + 1):
            closed = tuple(segment(f"room-{room}", kind, number) for kind in ("mic", "camera"))
            drive.execute(CloseSegments(f"venue-{room}", closed))
        for _ in range(WITNESSED):
            drive.witness()
        number += 1
    return drive.entries[:events]


def fold(entries: Sequence[Entry]) -> Proceeding:
    """The state that these entries lead to."""
    state = EMPTY
    for entry in entries:
        state = evolve(state, entry)
    return state


def main() -> int:
    """Print the table; `--json` for machines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=EVENTS)
    options = parser.parse_args()
    data = [entry.data for entry in log(options.events)]
    start = time.perf_counter()
    for part in data:
        sha256(part)
    floor = time.perf_counter() - start
    start = time.perf_counter()
    entries = [entry_form.parse(part) for part in data]
    read = time.perf_counter() - start
    start = time.perf_counter()
    state = fold(entries)
    folded = time.perf_counter() - start
    size = sum(map(len, data))
    if state.size != options.events:
        raise AssertionError("the fold lost entries")
    if options.json:
        sys.stdout.write(json.dumps({"events": options.events, "floor": floor, "read": read, "fold": folded}) + "\n")
        return 0
    sys.stdout.write(f"a log of {options.events} events, {size / 1e6:.0f} MB; floor: SHA-256 of the same bytes\n")
    for name, took in (("hash", floor), ("read", read), ("fold", folded)):
        per = took / options.events * 1e6
        sys.stdout.write(f"  {name:<5} {took:7.2f} s  {per:7.1f} µs each  x{took / floor:.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
