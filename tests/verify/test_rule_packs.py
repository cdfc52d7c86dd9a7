"""A proceeding under the bidding law through the real service: its evidence is valid, and its ranking is made twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evidence.core.canonical import b64u, sha256
from tests.evaluation.packs import BIDDING, second
from tests.ranking import second as other
from tests.sessions.service_world import DOCUMENT, tender
from tests.verify.finished import finish, judged, pack


def equal_bidders() -> dict[str, Any]:
    """经评审的最低投标价法: two equal bidders, whom the tender sends to the lot; one deviation; one correction."""
    value = second(BIDDING, "reviewed-lowest-price", prices=("100.00", "100.00", "90.00", "120.00"))
    value["terms"]["tie"] = "lot"
    value["bidders"][2]["plus"] = "20.00"
    value["bidders"][3]["quote"] = {
        "opening": "120.00",
        "figures": "120.00",
        "words": "121.00",
        "lines": [],
        "confirmed": True,
    }
    value["documents"] = [{"sha256": b64u(sha256(DOCUMENT)), "name": "招标文件.pdf", "bidder": None, "pages": 3}]
    return {name: part for name, part in value.items() if name not in ("v", "salt", "origin")}


def test_equal_bidders_of_a_works_tender_are_drawn_by_the_cities_and_the_file_is_valid(tmp_path: Path) -> None:
    """12号令 30-33 and protocols.md section 4, from the tender handed in to the verdict."""
    made = finish(tmp_path, case=tender(definition=equal_bidders()))
    verdict = judged(pack(made.files), made.policy)
    assert verdict.outcome == "valid"
    entries = [entry.data for entry in made.entries]
    told = other.ask({"entries": [json.loads(data) for data in entries]})
    ranks = {bidder: rank for bidder, _, rank in verdict.ranking}
    assert sorted((ranks["bidder-1"], ranks["bidder-2"])) == [1, 2]
    assert (ranks["bidder-3"], ranks["bidder-4"]) == (3, 4)
    assert told["ranking"] == told["stated"]["ranking"]
    assert [row["evaluated"] for row in told["rows"]] == ["100.00", "100.00", "110.00", "121.00"]
