"""Every cause of a pause, and everybody who is awaited, has its words in both languages; every word has its place."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
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


LITERAL = re.compile(r"""["'`]([A-Za-z][\w-]*(?:\.[\w-]+)*)["'`]|\barea="([\w.-]+)""")
FIXED = re.compile(r"[\w.-]*")


def keys(tree: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in tree.items():
        yield from keys(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]


def sources() -> list[str]:
    """All that can name a word: no word file, and nothing that a program wrote."""
    files = [path for path in CLIENT.rglob("*") if path.suffix in (".ts", ".vue") and "generated" not in path.parts]
    return [path.read_text() for path in files if path.stem.rpartition(".")[2] not in LANGUAGES]


def templates(text: str) -> Iterator[tuple[str, ...]]:
    """The fixed parts of each `...${}...` that could be a key."""
    for begin in re.finditer("`", text):
        at, parts = begin.end(), [""]
        while at < len(text) and text[at] != "`":
            if not text.startswith("${", at):
                parts[-1] += text[at]
                at += 1
                continue
            at, depth = at + 2, 1
            while depth and at < len(text):
                depth += (text[at] == "{") - (text[at] == "}")
                at += 1
            parts.append("")
        if len(parts) > 1 and any(part.strip(".") for part in parts) and all(map(FIXED.fullmatch, parts)):
            yield tuple(parts)


def test_every_word_has_its_place() -> None:
    """A key that no source names, whole or with parts to be filled in, is nobody's: what begins with such a part is
    looked for below the names that stand somewhere as a text of their own."""
    named = set(keys(words("zh", "i18n/{}.ts")))
    above = {".".join(key.split(".")[:n]) for key in named for n in range(1, key.count(".") + 1)}
    texts = sources()
    said = {whole or area for text in texts for whole, area in LITERAL.findall(text)}
    begins = "|".join(map(re.escape, sorted(above & said)))
    forms = [
        re.compile(f"(?:{begins})" * (parts[0] == "") + "[^.]+".join(map(re.escape, parts[parts[0] == "" :])))
        for parts in {found for text in texts for found in templates(text)}
    ]
    assert sorted(key for key in named - said if not any(form.fullmatch(key) for form in forms)) == []


def test_no_field_cuts_what_is_typed() -> None:
    """`maxlength` takes the end off a pasted text without a word; a length is told instead (`parts/length.ts`)."""
    assert [path.name for path in CLIENT.rglob("*.vue") if "maxlength" in path.read_text()] == []
