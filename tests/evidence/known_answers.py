"""The known answers of protocols.md section 10, kept in tests/vectors/protocols.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors" / "protocols.json"


def known_answers(section: str) -> dict[str, Any]:
    """One section of the file."""
    found: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))[section]
    return found
