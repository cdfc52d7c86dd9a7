"""Every cause of a pause, and everybody who is awaited, has its words in both languages."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sessions.core
from sessions.core.awaited import PAUSES, WHYS

CLIENT = Path(__file__).parents[2] / "web" / "client" / "src"
CORE = Path(sessions.core.__file__).parent
LANGUAGES = ("zh", "en")


def causes() -> set[str]:
    """What the rules write as the cause of a pause: beside the key "cause" of an entry, or first in a pair."""
    found: set[str] = set()
    for path in CORE.glob("*.py"):
        module = importlib.import_module(f"sessions.core.{path.stem}")
        named: list[ast.expr] = []
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                named += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "cause"]
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Name):
                named.append(node.elts[0])
        values = [getattr(module, each.id, None) for each in named if isinstance(each, ast.Name)]
        found |= {value for value in values if value in set(PAUSES)}
        stray = [each for each in named if isinstance(each, ast.Constant)]
        assert not stray, f"{path.name}: a cause that no name stands for"
    return found


@cache
def words(language: str, file: str) -> Any:
    """A word file as JSON: Node takes the types off."""
    code = f"import words from {json.dumps(str(CLIENT / file.format(language)))}; console.log(JSON.stringify(words))"
    node = str(Path(sys.executable).parent / "node")
    said = subprocess.run([node, "--input-type=module", "-e", code], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_the_list_of_causes_is_what_the_rules_write() -> None:
    assert causes() == set(PAUSES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_of_a_pause_has_its_words(language: str) -> None:
    """On the banner of every page, and on the supervisor's wall."""
    assert set(PAUSES) == set(words(language, "i18n/shell.{}.ts")["causes"])
    assert set(PAUSES) <= set(words(language, "pages/supervisor/{}.ts")["alarms"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_who_is_awaited_is_told_in_words(language: str) -> None:
    assert set(WHYS) == set(words(language, "pages/operator/{}.ts")["missing"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_of_the_console_has_its_words(language: str) -> None:
    """Its button, what it means, what is chosen and typed."""
    console = words(language, "pages/operator/{}.ts")
    assert {f"{label}Text" for label in console["labels"]} <= set(console["control"])
    source = (CLIENT / "pages/operator/initiatives.ts").read_text()
    for label in console["labels"]:
        assert f'label: "{label}"' in source
