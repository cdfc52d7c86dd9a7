"""What an auditor reads: every entry that a proceeding's log may hold has its name in both languages."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import sessions.core
from evaluation.core.evolve import EVENTS
from sessions.core.proceeding import EVENT_OF

PAGES = Path(__file__).parents[2] / "web" / "client" / "src" / "pages" / "auditor"


def facts() -> set[str]:
    """What the server states without an act, module by module."""
    modules = [
        importlib.import_module(f"sessions.core.{found.name}") for found in pkgutil.iter_modules(sessions.core.__path__)
    ]
    return {name for module in modules for name in getattr(module, "FACTS", {})}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_entry_has_a_name(language: str) -> None:
    named = set(re.findall(r"^ {2}([A-Z]\w+): \"", (PAGES / f"events.{language}.ts").read_text(), re.MULTILINE))
    known = {*EVENT_OF.values(), *EVENTS, *facts()}
    assert len(known) > 100
    assert known - named == set()
