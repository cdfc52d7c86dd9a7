"""The integrator's guide as a program reads it: its commands, and a shell in which `tongping` is this tree."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide" / "integrator.md"
BLOCK = re.compile(r"^```(\w+)( demo)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, *, demo: bool = False) -> list[str]:
    """The guide's blocks of this language, in their order; `demo` are those of its first section."""
    return [b[2] for b in BLOCK.findall(GUIDE.read_text()) if b[0] == language and bool(b[1]) == demo]


def environment(folder: Path) -> dict[str, str]:
    """An environment whose `tongping` runs this tree, as an installed one would; `folder` gets its `bin` and `var`."""
    (folder / "bin").mkdir()
    (folder / "var").mkdir()
    tongping = folder / "bin" / "tongping"
    tongping.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m web.server "$@"\n')
    tongping.chmod(0o755)
    return os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
