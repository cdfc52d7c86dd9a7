"""What the supervisor may do by the permission matrix, and what the wall offers: one list (issue 3, item 7)."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import draw
from sessions.core.permission import ACTS
from sessions.core.state import SUPERVISOR
from tests.e2e.words import text

# `seat.bind` stands on the check-in page; `seat.resume` is for the seats of a lost venue, and a supervisor has none.
ELSEWHERE = {"seat.bind", "seat.resume"}


@cache
def offered() -> dict[str, Any]:
    node = str(Path(sys.executable).parent / "node")
    script = Path(__file__).with_name("offers.ts")
    said = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_the_wall_offers_what_the_matrix_allows() -> None:
    allowed = {name for name, rule in ACTS.items() if SUPERVISOR in rule.roles}
    assert set(offered()["acts"]) == allowed - ELSEWHERE


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_countersigned_is_said_in_words(language: str) -> None:
    """Answers of experts are stated in codes; who signs them, too, reads words (issue 3: what is being approved)."""
    countersign, absent = offered()["stated"]["countersign"], offered()["stated"]["drawFreeze"]
    (line,) = countersign["stated"]
    assert countersign["quote"] == ""
    assert line == {
        "words": "proved",
        "terms": {"label": "expert/law", "position": 0, "evidence": "e"},
        "coded": {"said": "draw.said.declined"},
    }
    assert absent == {"quote": "", "stated": [{"words": "absent", "who": "b"}]}
    for key in ("answer", "proved", "absent"):
        assert text(language, f"supervisor.stated.{key}")
    for answer in draw.ANSWERS:
        assert text(language, f"draw.said.{answer}")
