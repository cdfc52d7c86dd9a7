"""What the supervisor may do by the permission matrix, and what the wall offers: one list (issue 3, item 7)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sessions.core.permission import ACTS
from sessions.core.state import SUPERVISOR

# `seat.bind` stands on the check-in page; `seat.resume` is for the seats of a lost venue, and a supervisor has none.
ELSEWHERE = {"seat.bind", "seat.resume"}


def test_the_wall_offers_what_the_matrix_allows() -> None:
    node = str(Path(sys.executable).parent / "node")
    script = Path(__file__).with_name("offers.ts")
    said = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    allowed = {name for name, rule in ACTS.items() if SUPERVISOR in rule.roles}
    assert set(json.loads(said.stdout)) == allowed - ELSEWHERE
