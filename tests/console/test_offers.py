"""What an operator may do by the permission table, and what its console offers: one list."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from sessions.core.permission import ACTS
from sessions.core.state import OPERATOR

PAGES = Path(__file__).parents[2] / "web" / "client" / "src" / "pages"
# Bound on the check-in's part of the page; come back by the notice after a cut; drawn and shown on pages of their own.
ELSEWHERE = {"seat.bind", "seat.resume", "draw.open", "page.show"}


@cache
def offers() -> dict[str, Any]:
    node = str(Path(sys.executable).parent / "node")
    script = Path(__file__).with_name("offers.ts")
    said = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_the_console_offers_what_the_table_allows() -> None:
    """Forms, and the buttons that act at once or with a reason of their own."""
    buttons = {
        name
        for path in (PAGES / "operator").glob("*.vue")
        for name in re.findall(r"desk\.act\([\"'`]([a-z.-]+)[\"'`]", path.read_text())
    }
    pausing = {f"proceeding.{name}" for name in ("pause", "resume")}
    forms = {each.split()[0] for each in offers()["offered"]} - {"bidder.vouch"}
    allowed = {name for name, rule in ACTS.items() if OPERATOR in rule.roles}
    assert forms | buttons | pausing == allowed - ELSEWHERE


def test_the_bidders_key_is_named_where_a_question_waits_for_it() -> None:
    assert "bidder.vouch bidderKey" in offers()["offered"]


def test_what_is_not_possible_is_not_offered() -> None:
    """Secondary venues do not lead; areas are opened in the morning, once; one step back waits at a time."""
    lacking = offers()["not"]
    assert not {"stage.back back", "bidder.vouch bidderKey"} & set(lacking["secondary"])
    assert "incident.declare declare" in lacking["secondary"]
    assert "area.open open" not in lacking["early"] + lacking["opened"]
    assert "stage.back back" not in lacking["waits"]
    assert lacking["closed"] == []
