"""docs/protocol.md 11.2, the browser's half: a seat goes on in `/r2`, or stops, in the client's own code under Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.crypto.node import node


def test_a_seat_goes_on_in_the_log_that_continues_its_own_or_stops() -> None:
    script = Path(__file__).with_name("continued.test.ts")
    found = subprocess.run([node(), "--test", script], capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
