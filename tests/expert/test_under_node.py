"""The seat's own code under Node: typed scores (no binary fraction ever stands for points), and bidders' signatures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["scores", "questions", "review", "withdraw", "freeze"])
def test_the_seats_own_code(name: str) -> None:
    node = str(Path(sys.executable).parent / "node")
    found = subprocess.run(
        [node, "--test", str(HERE / f"{name}.test.ts")], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
