"""Bidders' answers on the console, in the client's own code under Node."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_bidders_answer_is_looked_at_before_it_is_handed_in() -> None:
    node = str(Path(sys.executable).parent / "node")
    script = Path(__file__).with_name("answers.test.ts")
    found = subprocess.run([node, "--test", str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
