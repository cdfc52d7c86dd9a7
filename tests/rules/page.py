"""docs/rules.md, made from the rule packs, the checklist and the tests: `python -m tests.rules.page` writes it anew."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from evaluation.core.rules import shelf

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "rules.md"
CHECKLIST = Path(__file__).with_name("checklist.toml")

HEAD = """# The rules and where they are held

Made by `python -m tests.rules.page` from the packs, `tests/rules/checklist.toml` and the tests; a test keeps it so.
Confidence of a source: **V** the text was read, **K** known and to be checked against the text, **U** uncertain.
Nothing here is legal advice: K and U need a person with the official text before anybody relies on them.
"""


def rules() -> list[dict[str, Any]]:
    """The checklist as written."""
    with CHECKLIST.open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["rule"]
    return found


def state(rule: dict[str, Any]) -> str:
    """Held, in part, by a person, or open."""
    if "code" in rule:
        return "in part" if "open" in rule else "held"
    return "a person's" if "person" in rule else "open"


def articles(rule: dict[str, Any]) -> str:
    """The sources with their marks: from the packs' sections, or what the checklist names."""
    found = [str(rule["law"])] if "law" in rule else []
    for section in rule.get("articles", ()):
        for pack in shelf.PACKS.values():
            if pack.form != 2 or section not in pack.value:
                continue
            parts = pack.value["methods"].values() if section == "methods" else [pack.value[section]]
            for part in parts:
                source = f"{part['source']} ({part['mark']})"
                if source not in found and "agreement of the parties" not in source:
                    found.append(source)
    return "; ".join(found)


def missing(rule: dict[str, Any]) -> list[str]:
    """Files, names and tests that the checklist claims and that do not exist."""
    absent = []
    for place in rule.get("code", ()):
        path, _, name = place.partition(":")
        file = ROOT / path
        defined = rf"^\s*(?:async |export )*(?:def|class|function) {re.escape(name)}\b"
        if not file.is_file() or (name and not re.search(defined, file.read_text(), re.MULTILINE)):
            absent.append(place)
    for test in rule.get("tests", ()):
        path, _, name = test.partition("::")
        file = ROOT / "tests" / path
        if not file.is_file() or name not in tests_of(file):
            absent.append(test)
    return absent


def tests_of(file: Path) -> set[str]:
    """The names of a file's test functions."""
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def page() -> str:
    """The whole page."""
    listed = rules()
    counts = {name: sum(state(rule) == name for rule in listed) for name in ("held", "in part", "a person's", "open")}
    lines = [HEAD, "## Rule packs", ""]
    lines += ["| pack | regime | in force | methods | SHA-256 |", "|---|---|---|---|---|"]
    for pack in shelf.PACKS.values():
        methods = ", ".join(pack.value["methods"]) if pack.form == 2 else pack.value["method"]
        force = pack.value["in_force"]["from"] if pack.form == 2 else "as version 2"
        name, version = pack.key
        lines.append(f"| {name} {version} | {pack.regime} | {force} | {methods} | `{pack.sha256.hex()}` |")
    lines += ["", "## From when prices differ in a regular way, as advice (`evaluation/core/regularity.py`)", ""]
    heads = (
        "pack",
        "article",
        "prices known by",
        "bids",
        "one tender in",
        "multiples",
        "lines",
        "unit price",
        "per mille",
    )
    lines += [f"| {' | '.join(heads)} | figures |", f"|{'---|' * 10}"]
    for pack in shelf.PACKS.values():
        if pack.regular is not None:
            found = pack.value["collusion"]["prices"]
            article, known, figures = (
                f"{each['source']} ({each['mark']})" for each in (pack.value["collusion"], found["known"], found)
            )
            numbers = (found[name] for name in ("least", "odds", "multiples", "lines", "unit", "permille"))
            cells = (" ".join(pack.key), article, known, *map(str, numbers), figures)
            lines.append(f"| {' | '.join(cells)} |")
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    lines += ["", f"## The checklist: {told}", ""]
    lines += ["| # | rule | article | state | where enforced | held by |", "|---|---|---|---|---|---|"]
    for rule in listed:
        code = "<br>".join(f"`{place}`" for place in rule.get("code", ())) or "–"
        tests = "<br>".join(f"`{test}`" for test in rule.get("tests", ())) or "–"
        lines.append(f"| {rule['n']} | {rule['text']} | {articles(rule)} | {state(rule)} | {code} | {tests} |")
    lines += ["", "## Left to a person, with the record of it", ""]
    lines += [f"- {rule['n']}: {rule['person']}" for rule in listed if "person" in rule]
    lines += ["", "## Open, in the words of the issue", ""]
    lines += [f"- {rule['n']}: {rule['open']}" for rule in listed if "open" in rule]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
