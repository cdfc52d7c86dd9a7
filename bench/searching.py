"""The auditor's search over 1 000 proceedings, beside the floor of looking at each of their events once.

`python -m bench.searching` makes as many proceedings as one office audits in years: each with a log as a meeting leaves
it, and a definition of its own as a file. It asks what finds nothing, for only that looks at everything: words that are
in no tender, first with definitions that nobody has read yet, and a kind of event that never happened. The floor is one
comparison for each event, which a search without an index has to do in any case.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bench.folding import fold, log
from evidence.adapters.vault_files import FileVault
from evidence.core.canonical import encode
from sessions import auditing
from sessions.core.audited import Query, Tender
from sessions.tender import MAX_DEFINITION
from tests.sessions.drive import FINANCE, definition

PROCEEDINGS, EVENTS = 1000, 1000
NOWHERE = "照明"


async def proceedings(folder: Path, count: int, events: int) -> Any:
    """As much of `sessions.service.Proceedings` as a search sees. All share one log, which is looked at for each."""
    entries = log(events)
    state, vault = fold(entries), FileVault(folder)
    keepers: dict[str, Any] = {}
    for n in range(count):
        name = await vault.put(encode(definition() | {"title": f"第 {n} 号采购项目"}))
        keepers[f"p{n}"] = SimpleNamespace(id=f"p{n}", state=state, entries=entries, tender=reader(vault, name))
    openings = {f"x/proceedings/{name}": SimpleNamespace(n=n) for n, name in enumerate(keepers)}
    centre = SimpleNamespace(openings=openings, purged={})
    return SimpleNamespace(centre=centre, get=keepers.__getitem__)


def reader(vault: FileVault, name: str) -> Callable[[], Any]:
    """A keeper's `tender`: read once."""
    kept: list[Tender] = []

    async def tender() -> Tender:
        if not kept:
            kept.append(Tender.read(await vault.get(name), MAX_DEFINITION))
        return kept[0]

    return tender


async def measure(count: int, events: int) -> dict[str, float]:
    """Seconds of each search."""
    with tempfile.TemporaryDirectory() as folder:
        made = cast(Any, await proceedings(Path(folder), count, events))
        found = {}
        for name, query in {
            "words, read the first time": Query(text=NOWHERE),
            "words": Query(text=NOWHERE),
            "kind of event": Query(types=frozenset({"NoSuchEvent"})),
        }.items():
            began = time.perf_counter()
            page = await auditing.search(made, FINANCE, query, before=None, most=20)
            found[name] = time.perf_counter() - began
            assert page.hits == []
        entries = made.get("p0").entries
        began = time.perf_counter()
        assert not any(entry.type == "NoSuchEvent" for _ in range(count) for entry in entries)
        return found | {"floor: each event compared": time.perf_counter() - began}


def main() -> int:
    """Print the table; `--json` for machines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proceedings", type=int, default=PROCEEDINGS)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    auditing.LOOKS = given.proceedings
    found = asyncio.run(measure(given.proceedings, given.events))
    if given.json:
        print(json.dumps(found))
        return 0
    for name, seconds in found.items():
        print(f"{name:<32} {seconds * 1000:8.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
