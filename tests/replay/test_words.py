"""What an auditor reads: every entry that a proceeding's log may hold has its name in both languages."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import sessions.core
from evaluation.core.evolve import EVENTS
from sessions import verify, verify_continued
from sessions.core import venue_journal
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


def flags() -> set[str]:
    """Every flag that a verdict may carry, read from where they are given."""
    kinds = re.findall(r"Finding\(\"([a-z]+)\"", inspect.getsource(venue_journal))
    found = {f"journal-{kind}" for kind in kinds}
    for module in (verify, verify_continued):
        names = vars(module)
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            # They stand in lists of their own: [], or one name.
            if isinstance(node, ast.List) and len(node.elts) == 1:
                (only,) = node.elts
                value = only.value if isinstance(only, ast.Constant) else names.get(getattr(only, "id", ""))
                found |= {value} if isinstance(value, str) else set()
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_flag_of_a_verdict_has_words(language: str) -> None:
    (block,) = re.findall(r"\n    flag: \{\n(.*?)\n    \},", (PAGES / f"{language}.ts").read_text(), re.DOTALL)
    named = set(re.findall(r"^ {6}\"?([a-z-]+)\"?: \"", block, re.MULTILINE))
    assert {"continued", "lost-below-quorum", "designated-members", "aborted"} <= flags()
    assert flags() == named
