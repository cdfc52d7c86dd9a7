"""Durable appends per second, beside bare SQLite commits of the same rows in the same run.

`python -m bench.appends` appends entries of about 400 bytes to 1, 10 and 100 logs at once (each log waits for its own
last append), through the whole adapter: lease and size checks, leaf hash, outbox message, group commit. The peer is
the least that SQLite can do with the same settings: one prepared INSERT per transaction, no checks. The last column is
the quotient of the two, which the machine's disk cancels out of.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.core.entry import Draft, Entry, write

IN_FLIGHT = (1, 10, 100)
# The two take turns, so that whatever else the machine does slows both.
SLICE_S = 0.5


def entry(origin: str, n: int) -> Entry:
    """About 400 bytes, as most entries of a meeting have."""
    draft = Draft("PageShown", {"document": "A" * 200, "page": n})
    return write(draft, n=n, origin=origin, at="2026-11-21T08:00:00.123Z", salt=n.to_bytes(16, "big"))


class Bare:
    """Transactions of one row each, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE entries (n INTEGER PRIMARY KEY, leaf BLOB, data BLOB) STRICT")
        self._next = 0

    def run(self, seconds: float) -> tuple[int, float]:
        """Commits, and the seconds that they took."""
        first, start = self._next, time.perf_counter()
        while time.perf_counter() - start < seconds:
            row = entry("bench", self._next)
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (row.n, row.leaf, row.data))
            self._connection.execute("COMMIT")
            self._next += 1
        return self._next - first, time.perf_counter() - start

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Appends:
    """`in_flight` logs, each of which waits for its own last append."""

    def __init__(self, ledger: DatabaseLedger, in_flight: int) -> None:
        self._ledger = ledger
        self._sizes = {f"bench-{in_flight}-{i}": 0 for i in range(in_flight)}

    async def run(self, seconds: float) -> tuple[int, float]:
        """Acknowledged appends, and the seconds that they took."""
        epochs = {origin: await self._ledger.lease(origin, "bench", 3600) for origin in self._sizes}
        before, start = sum(self._sizes.values()), time.perf_counter()

        async def keep_appending(origin: str) -> None:
            while time.perf_counter() - start < seconds:
                size = self._sizes[origin]
                self._sizes[origin] = await self._ledger.append(
                    origin, [entry(origin, size)], expected_size=size, epoch=epochs[origin], outbox=[b"appended"]
                )

        await asyncio.gather(*(keep_appending(origin) for origin in self._sizes))
        return sum(self._sizes.values()) - before, time.perf_counter() - start


def measure(folder: Path, in_flight: int, seconds: float) -> tuple[float, float]:
    """Appends and bare commits per second, in turns."""
    url = f"sqlite:///{folder / f'ledger-{in_flight}.sqlite'}"
    prepare(url)
    ledger, bare = DatabaseLedger(url), Bare(folder)
    appends = Appends(ledger, in_flight)
    totals = [[0, 0.0], [0, 0.0]]
    for _ in range(max(1, round(seconds / SLICE_S))):
        for total, (done, took) in zip(totals, (asyncio.run(appends.run(SLICE_S)), bare.run(SLICE_S)), strict=True):
            total[0] += done
            total[1] += took
    ledger.close()
    bare.close()
    return totals[0][0] / totals[0][1], totals[1][0] / totals[1][1]


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = {}
    for n in IN_FLIGHT:
        with tempfile.TemporaryDirectory() as folder:
            rates[n] = measure(Path(folder), n, options.seconds)
    if options.json:
        rows = [{"in_flight": n, "appends_per_s": round(a), "bare_per_s": round(b)} for n, (a, b) in rates.items()]
        sys.stdout.write(json.dumps({"appends": rows}) + "\n")
        return
    sys.stdout.write("in flight   appends/s   bare commits/s   ratio\n")
    for n, (ours, bare) in rates.items():
        sys.stdout.write(f"{n:9d} {ours:11.0f} {bare:16.0f} {ours / bare:7.2f}\n")


if __name__ == "__main__":
    main()
