"""What the device check makes of what it measures, with words for each finding; uploads given up; lengths of texts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.crypto.node import node
from tests.e2e.words import word

FOUND = {
    "socket": ("bad",),
    "clock": ("unmeasured", "seconds", "minutes"),
    "picture": ("dark", "asked", "askedLong", "unanswered"),
    "voice": ("silent", "asked", "askedLong", "unanswered"),
    "speaker": ("bad",),
    "line": ("slow", "lossy", "refused", "unreachable", "silent"),
    "fault": ("denied", "missing", "busy", "unplugged", "insecure", "unsupported", "unknown"),
}


@pytest.mark.parametrize("name", ["checkup", "upload"])
def test_the_clients_own_code(name: str) -> None:
    script = str(Path(__file__).with_name(f"{name}.test.ts"))
    found = subprocess.run([node(), "--test", script], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_finding_says_what_to_do(language: str) -> None:
    said = [word(language, f"checkIn.{item}.{code}") for item, codes in FOUND.items() for code in codes]
    assert all(len(each) > 4 for each in said), said
