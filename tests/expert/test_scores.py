"""What is typed into the score table, in the client's own code (no binary fraction ever stands for points)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_typed_scores_and_keys() -> None:
    node = str(Path(sys.executable).parent / "node")
    found = subprocess.run(
        [node, "--test", str(HERE / "scores.test.ts")], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
