"""Ranking 500 bidders x 15 experts x 200 criteria, beside the floor of hashing the bytes of the same sheets.

`python -m bench.ranking` builds a tender far beyond any legal one (99 bidders, one sealed part) and ranks it by every
kind of price; the floor is SHA-256 over the canonical bytes of the sheets, which whoever ranks has to read in any case.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from evaluation.core.benchmark import Benchmark
from evaluation.core.outcome import outcome
from evaluation.core.rules import shelf
from evaluation.core.sheet import Sheet
from evaluation.core.tender import Scoring
from evaluation.core.terms import Bid, Price, Terms
from evidence.core.canonical import encode, sha256

BIDDERS, EXPERTS, CRITERIA = 500, 15, 200
TIMES = 3


def scoring(price: Price, order: tuple[str, ...]) -> Scoring:
    """A tender of this size, prices around a million."""
    chance = random.Random(2016)
    names = [f"bidder-{i}" for i in range(BIDDERS)]
    pack = shelf.PACKS["cn-bidding-law", "1"]
    return Scoring(
        regime=pack.regime,
        method="comprehensive-evaluation",
        category="works",
        technical=Decimal("60.00"),
        price=Decimal("40.00"),
        bidders=tuple((name, Decimal(chance.randrange(80_000_000, 120_000_000)) / 100) for name in names),
        criteria=tuple((f"c-{i}", Decimal("0.30")) for i in range(CRITERIA)),
        compliance=("licence",),
        documents=(),
        terms=Terms(
            pack=(*pack.key, pack.sha256),
            price=price,
            trim_sheets=7,
            order=order,
            tie="buyer",
            same_brand=False,
            ranked=True,
            candidates=3,
            members=5,
            bidders=3,
            bids=tuple(Bid(name) for name in names),
        ),
    )


def sheets() -> list[Sheet]:
    """Fifteen members' scores for everything."""
    chance = random.Random(1)
    items = [(f"bidder-{i}", f"c-{j}") for i in range(BIDDERS) for j in range(CRITERIA)]
    return [Sheet(f"seat-{n}", {item: Decimal(chance.randrange(31)) / 100 for item in items}) for n in range(EXPERTS)]


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> int:
    """Print the table; `--json` for machines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    made = sheets()
    rows = [[bidder, item, f"{score:.2f}", None] for sheet in made for (bidder, item), score in sheet.scores.items()]
    data = [encode(rows[start : start + 100]) for start in range(0, len(rows), 100)]
    floor = fastest(lambda: [sha256(part) for part in data])
    mean = Benchmark("trimmed-mean", 5, None, Decimal("0.00"), Decimal("0.00"))
    deviation = Price("deviation", mean, ((None, Decimal("1.00")),), ((None, Decimal("0.50")),))
    found = []
    for name, price, order in (
        ("lowest", Price("lowest"), ("total", "price")),
        ("deviation", deviation, ("total", "price")),
        ("order", Price("order"), ("evaluated", "price")),
    ):
        tender = scoring(price, order)
        names = [bidder for bidder, _ in tender.bidders]
        took = fastest(lambda tender=tender, names=names: outcome(tender, names, made))  # type: ignore[misc]
        found.append({"price": name, "seconds": took, "floor": floor, "ratio": took / floor})
    if as_json:
        print(json.dumps(found))
        return 0
    size = sum(map(len, data)) / 1e6
    print(f"ranking {BIDDERS} bidders x {EXPERTS} experts x {CRITERIA} criteria; floor: SHA-256 of {size:.0f} MB")
    for row in found:
        print(f"  {row['price']:<10} {row['seconds']:6.2f} s   floor {row['floor']:5.2f} s   x{row['ratio']:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
