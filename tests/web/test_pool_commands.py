"""`tongping pool …` refuses what it cannot rest on, in one line, and leaves nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.core import conflicts
from evaluation.core import pool as pools
from evidence.core.canonical import decode_object, encode
from sessions.core import drawn_list
from tests.commands import typed
from tests.evaluation.test_import import book
from tests.evaluation.test_pool import HEAD, POOL, ROWS
from tests.sessions.drive import CODES, Drive
from tests.sessions.test_drawn_list import IT, LAW, drawn, listed, of_types


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool's folder, of a workbook."""
    folder = tmp_path_factory.mktemp("pool")
    table = folder / "experts.xlsx"
    table.write_bytes(book([HEAD, *([row[name] for name in HEAD] for row in ROWS)]))
    status, said, _ = typed("pool", "make", table, "--out", folder / "pool")
    assert (status, "12" in said) == (0, True)
    return folder / "pool"


FACTS = ("--bidder", CODES[0], "--stratum", "law=法律", "--quota", "law=1")


def refused(*words: object, code: str = "bad-settings") -> str:
    status, said, complaint = typed("pool", *words)
    assert (status, said) == (2, "")
    assert complaint.startswith(f"tongping: {code}: ")
    assert len(complaint.splitlines()) == 1
    return complaint


def test_a_wrong_cell_makes_no_pool(tmp_path: Path) -> None:
    table = tmp_path / "experts.xlsx"
    table.write_bytes(book([HEAD, [*([ROWS[0][name] for name in HEAD[:-1]]), "=A1"]]))
    assert "experts.xlsx!J2" in refused("make", table, "--out", tmp_path / "pool", code="import-refused")
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (("--quota", "law=1"), "bad-settings"),
        (("--quota", "it=1"), "bad-settings"),
        (("--quota", "it=x"), "bad-settings"),
        (("--stratum", "it=信息技术"), "bad-settings"),
        (("--stratum", "it"), "bad-settings"),
        (("--exclude", "E-000=declared=missing.pdf"), "bad-settings"),
        (("--exclude", "E-000=declared"), "bad-settings"),
        (("--day", "2026-11-31"), "malformed"),
        (("--bidder", "914403001922038217"), "malformed"),
        (("--stratum", "it=天文", "--quota", "it=1"), "draw-refused"),
    ],
)
def test_a_draw_that_is_not_clear_is_not_prepared(
    made: Path, tmp_path: Path, changed: tuple[str, ...], code: str
) -> None:
    refused("facts", made, *FACTS, *changed, "--out", tmp_path / "draw", code=code)
    assert not (tmp_path / "draw").exists()


def test_what_was_prepared_is_never_replaced(made: Path, tmp_path: Path) -> None:
    assert typed("pool", "facts", made, *FACTS, "--out", tmp_path / "draw")[0] == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "draw").iterdir()}
    refused("facts", made, *FACTS, "--out", tmp_path / "draw")
    assert {file.name: file.read_bytes() for file in (tmp_path / "draw").iterdir()} == before
    told = conflicts.read_facts(before["facts.json"])
    assert len(told.candidates) == 12


def test_a_pool_that_others_may_read_or_that_was_changed_is_refused(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "pool"
    copy.mkdir()
    (copy / "pool.json").write_bytes((made / "pool.json").read_bytes())
    (copy / "leaves.json").write_bytes((made / "leaves.json").read_bytes())
    (copy / "leaves.json").chmod(0o644)
    assert "0600" in refused("facts", copy, *FACTS, "--out", tmp_path / "draw")
    (copy / "leaves.json").chmod(0o600)
    assert typed("pool", "facts", copy, *FACTS, "--out", tmp_path / "draw")[0] == 0
    value = decode_object((copy / "leaves.json").read_bytes(), limit=pools.MAX_BYTES)
    value["experts"][0]["name"] = "朋友"
    (copy / "leaves.json").write_bytes(encode(value))
    assert "not the pool" in refused("facts", copy, *FACTS, "--out", tmp_path / "other")


def test_a_result_from_another_pool_names_nobody(made: Path, tmp_path: Path) -> None:
    drive = Drive().until("declarations")
    drawn(drive, LAW, IT)
    file = tmp_path / "experts.drawn.json"
    file.write_bytes(listed(*of_types(drive, *drawn_list.TYPES)))
    assert "another pool" in refused("who", made, file)
    mine = tmp_path / "pool"
    mine.mkdir()
    (mine / "pool.json").write_bytes(encode(POOL.public))
    (mine / "leaves.json").write_bytes(pools.write(POOL))
    (mine / "leaves.json").chmod(0o600)
    status, said, _ = typed("pool", "who", mine, file)
    assert (status, said.count("抽中")) == (0, 3)
    for wrong in ("expert/law=accepted", "expert/tax:0=accepted", "expert/law:0=declined", "expert/law:-1=accepted"):
        refused("answer", mine, file, "--say", wrong, "--out", tmp_path / "answers.json")
    refused("seat", mine, file, "--at", "expert/law:99", "--seat", "seat-4", "--out", tmp_path / "seat.json")
    file.write_bytes(b"x" * (drawn_list.MAX_FILE + 1))
    assert "too large" in refused("who", mine, file)
