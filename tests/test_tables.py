"""The tables of the specification that a test file lists in its docstring: each row is there, and its tests exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = {
    "tests.sessions.test_holder_cases": (
        "amended before the freeze",
        "member recused or replaced",
        "after opening",
        "holder lost before the freeze",
        "more than n-k holders lost after the freeze",
        "seat machine dies",
        "main server dies at any point",
        "s right, but ct or P bad",
    ),
    "tests.sessions.test_cut_off": (
        "seal of a round still open, seat unchanged, confirmed",
        "round closed meanwhile",
        "expert moved to another seat, old key's act merges later",
        "`replaces` is not the current sheet",
        "two acts with one `ctr` (cloned profile)",
        "gap in `ctr`, wrong `prev`",
        "recusal declared offline",
        "seat lost with its disk",
    ),
    "tests.sessions.test_node_journal": tuple(f"J{n} " for n in range(1, 9)),
    "tests.sessions.test_draw": (
        "1 Pool",
        "2 `DrawOpened`, gate D1",
        "3 Contribution",
        "4 `DrawFrozen`, gate D2",
        "5 Reveal",
        "6 Seed",
        "7 `DrawResolved`",
        "8 `DrawAnswered`",
        "10 `ExternalDraw`",
    ),
    "tests.expert.test_bad_input": (
        "two tabs of one expert",
        "a stale tab after a restart",
        "a clock off by minutes",
        "the network away for 1 s, 10 s and 10 min in mid-score",
        "camera unplugged",
        "permission denied",
        "a 300 MB PDF",
        "a PDF with scripts",
        "an encrypted PDF",
        "a bid document named like another",
    ),
    "tests.verify.test_checks": tuple(f"V{n} " for n in range(1, 14)),
}
"""The first words of each row, as protocols.md sections 3, 6, 4 and 8, issue 3 ("Bad input") and the recipe of
`sessions.node_journal` have them."""
_NAME = re.compile(r"((?:[\w/]+/)?test_\w+\.py)?(?:::)?(test_\w+)?")


def rows(text: str) -> dict[str, str]:
    """Heading -> what is indented below it."""
    found: dict[str, str] = {}
    heading = ""
    for line in text.splitlines()[2:]:
        if line.startswith("    "):
            found[heading] += line + "\n"
        elif line.strip():
            heading = line.removesuffix(":")
            found[heading] = ""
    return found


def missing(below: str, own: Path) -> list[str]:
    """Tests that a row names and that do not exist; a name without a file is of its own file or of the last one."""
    lost, last, named = [], own, 0
    for file, name in _NAME.findall(below):
        if file:
            last = TESTS.parent / file if file.startswith("tests/") else own.parent / file
        if not last.is_file():
            lost.append(file)
            continue
        named += bool(file or name)
        if name and not any(f"def {name}(" in path.read_text() for path in {last, own}):
            lost.append(name)
    return lost if named else [*lost, "no test"]


@pytest.mark.parametrize("module", ROWS)
def test_every_row_of_the_table_has_a_test_that_exists(module: str) -> None:
    found = importlib.import_module(module)
    listed = rows(found.__doc__ or "")
    for row in ROWS[module]:
        assert [heading for heading in listed if heading.startswith(row)], row
    assert found.__file__ is not None
    own = Path(found.__file__)
    assert {heading: lost for heading, below in listed.items() if (lost := missing(below, own))} == {}


def test_a_test_that_does_not_exist_is_noticed() -> None:
    """The control switched off."""
    own = TESTS / "sessions" / "test_cut_off.py"
    assert missing("    test_of_nothing", own)
    assert missing("    test_acts.py::test_of_nothing", own)
    assert missing("    tests/sessions/test_nothing.py", own)
    assert missing("    in words only", own)
    assert not missing("    test_acts.py::test_a_right_act_passes, test_each_wrong_act_has_its_code", own)
