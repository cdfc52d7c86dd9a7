"""What the pages say, read from the client's own words: a test names the key and looks for what a person reads."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

from tests.crypto.node import node

CLIENT = Path(__file__).parents[2] / "web" / "client"
TELL = "import words from './src/i18n/{}.ts'; console.log(JSON.stringify(words))"


@cache
def _words(language: str) -> dict[str, object]:
    command = [node(), "--input-type=module", "--eval", TELL.format(language)]
    found: dict[str, object] = json.loads(subprocess.run(command, cwd=CLIENT, capture_output=True, check=True).stdout)
    return found


def word(language: str, key: str) -> str:
    """The word under `area.group.name`; what it would be filled with is cut off."""
    return text(language, key).partition("{")[0].strip()


def text(language: str, key: str) -> str:
    """All of it, with the places that are filled."""
    found: object = _words(language)
    for name in key.split("."):
        assert isinstance(found, dict), key
        found = found[name]
    assert isinstance(found, str), key
    return found
