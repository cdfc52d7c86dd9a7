"""The house rules that no linter holds."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("evidence", "signing", "evaluation", "media", "sessions", "web")
# Rule 1 of the house: a longer file answers more than one question.
HARD_LIMIT = 500
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "util", "helper", "managers"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_passes_the_hard_limit() -> None:
    long = {str(p.relative_to(ROOT)): n for p in tracked("*.py") if (n := len(p.read_text().splitlines())) > HARD_LIMIT}
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [p for p in tracked("*.py") if p.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in tracked(f"{package}/*.py", f"{package}/**/*.py")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize("package", PACKAGES)
def test_only_settings_reads_the_environment(package: str) -> None:
    reading = [
        str(path.relative_to(ROOT))
        for path in tracked(f"{package}/*.py", f"{package}/**/*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text()) and path != ROOT / "web/server/settings.py"
    ]
    assert reading == []


def test_evaluation_and_money_know_no_binary_floats() -> None:
    """TV2 of the domain study: a float's rounding names the wrong winner."""
    floats = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in tracked("evaluation/core/*.py", "evaluation/core/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert floats == []


def test_no_chinese_below_the_doors() -> None:
    """Rule 2 of the house; the law's own words in report templates are the one exception."""
    packs = {str(path.relative_to(ROOT)) for path in tracked("evaluation/core/rules/*.py")}
    allowed = {"evaluation/core/report.py", *packs}
    chinese = {
        name
        for package in PACKAGES[:-1]
        for path in tracked(f"{package}/*.py", f"{package}/**/*.py")
        if (name := str(path.relative_to(ROOT))) not in allowed
        if any(re.search(r"[\u4e00-\u9fff]", text) for text in spoken(ast.parse(path.read_text())))
    }
    assert chinese == set()


def spoken(tree: ast.AST) -> list[str]:
    """String constants that are not docstrings."""
    silent = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    return [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in silent
    ]


def test_no_registry_host_stands_in_the_locks() -> None:
    for name in ("requirements.lock", "requirements-uv.lock", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text(), name


CLIENT = ROOT / "web" / "client" / "src"
# What the client's parts without a page are made of (ARCHITECTURE.md, "A page").
WITHOUT_VUE = ("api", "call", "crypto", "live", "ranking", "replay")
PAGE_LIBRARIES = re.compile(r"@?vue(use)?\b|pinia|element-plus|@element-plus")
IMPORTS = re.compile(r"""(?:\bfrom|\bimport|\bimport\(|\bURL\()\s*["']([^"'\n]+)["']""")


def test_the_clients_lower_parts_know_no_vue() -> None:
    """Neither they nor anything that they import, however far: they run in a worker and in Node as well."""
    first = [path for part in WITHOUT_VUE for path in sorted((CLIENT / part).rglob("*.ts"))]
    assert {path.relative_to(CLIENT).parts[0] for path in first} == set(WITHOUT_VUE)
    wrong, seen, waiting = [], set(first), first
    while waiting:
        path = waiting.pop()
        for name in IMPORTS.findall(path.read_text()):
            if name.endswith(".vue") or PAGE_LIBRARIES.match(name):
                wrong.append(f"{path.relative_to(CLIENT)}: {name}")
            elif name.startswith(".") and (found := (path.parent / name).resolve()).suffix == ".ts":
                assert found.is_file(), f"{path}: {name}"
                waiting += [found] * (found not in seen)
                seen.add(found)
    assert wrong == []
