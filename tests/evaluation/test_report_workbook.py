"""Each expert's detail as a workbook, read by another library; and where each part of the report comes from."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from evaluation.adapters import report_typst, report_workbook
from evaluation.core import report, tender
from evaluation.core.trace import parts
from evaluation.errors import ImportRefused
from evidence.core.canonical import Object, encode
from tests.evaluation.packs import BIDDING, second
from tests.rules.items import untraced
from tests.sessions.drive import Drive, definition
from tests.sessions.test_rule_pack_proceedings import sheets

ACTIVE = '=HYPERLINK("http://127.0.0.1/","x")'


def told(value: dict[str, Any]) -> tuple[Object, Drive]:
    """Up to the report; one bid is rejected, and a member's reason looks like a formula."""
    drive = Drive(definition=value).until("compliance-review")
    item = value["compliance"][0]["id"]
    for seat in ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5"):
        findings = drive.findings([("bidder-3", item)])
        for finding in findings:
            finding[3] = ACTIVE if finding[3] else None
        drive.perform(seat, "review.vote", {"findings": findings})
    drive.advance()
    drive.score(sheets(value))
    drive.advance()
    drive.advance()
    return report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries), drive


@pytest.fixture(scope="module", params=["first", "second", "bidding-law"])
def made(request: pytest.FixtureRequest) -> tuple[Object, Drive]:
    if request.param == "first":
        return told(definition())
    return told(second() if request.param == "second" else second(BIDDING, "comprehensive-evaluation"))


def cells(book: Any) -> Iterator[Any]:
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            yield from row


def test_another_library_finds_every_experts_scores(made: tuple[Object, Drive]) -> None:
    content, _ = made
    book = openpyxl.load_workbook(BytesIO(report_workbook.render(content)))
    assert [s["seat"] for s in content["course"]["sheets"]] == [n for n in book.sheetnames if n.startswith("seat-")]
    for sheet in content["course"]["sheets"]:
        found = [[cell.value for cell in row] for row in book[sheet["seat"]].iter_rows()]
        for i, row in enumerate(sheet["rows"], 1):
            assert found[i][0] == row["bidder"]
            assert found[i][2:] == [*row["scores"], row["sum"]]
    result = [[cell.value for cell in row] for row in book["汇总"].iter_rows()]
    totals = {row[0]: row[6] for row in result[1:]}
    assert totals == {row["bidder"]: row["total"] for row in content["result"]["tally"]["rows"]}


def test_every_cell_is_text_and_nothing_is_computed(made: tuple[Object, Drive]) -> None:
    """A formula in a member's words stays words, and is marked as quoted for whoever edits or exports it."""
    content, _ = made
    found = list(cells(openpyxl.load_workbook(BytesIO(report_workbook.render(content)))))
    assert {cell.data_type for cell in found if cell.value is not None} == {"s"}
    hostile = [cell for cell in found if cell.value == ACTIVE]
    assert len(hostile) == 5
    assert all(cell.quotePrefix for cell in hostile)
    assert not any(cell.quotePrefix for cell in found if cell.value == "95.00")


def test_words_of_a_tender_are_never_taken_for_the_renderers() -> None:
    content, _ = told(definition())
    content = copy.deepcopy(content)
    for i, name in enumerate(("@sum", "sum", "+1", "-1")):
        content["parties"]["bidders"][i]["name"] = name
    shown = {cell.value for cell in cells(openpyxl.load_workbook(BytesIO(report_workbook.render(content))))}
    assert {"@sum", "sum", "+1", "-1"} <= shown


def test_two_processes_render_the_same_bytes(made: tuple[Object, Drive], tmp_path: Path) -> None:
    """The report's PDF and its workbook, from the same content, here and in a process of its own."""
    content, _ = made
    file = tmp_path / "content.json"
    file.write_bytes(encode(content))
    program = (
        "import sys, hashlib, pathlib\n"
        "from evaluation.adapters import report_typst, report_workbook\n"
        "from evidence.core.canonical import decode_object\n"
        "content = decode_object(pathlib.Path(sys.argv[1]).read_bytes(), limit=10**7)\n"
        "for made in (report_typst.render(content), report_workbook.render(content)):\n"
        "    print(hashlib.sha256(made).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], check=True, capture_output=True, text=True)
    here = [sha256(made).hexdigest() for made in (report_typst.render(content), report_workbook.render(content))]
    assert done.stdout.split() == here


def test_a_workbook_that_says_something_else_is_found(made: tuple[Object, Drive]) -> None:
    content, _ = made
    data = report_workbook.render(content)
    assert report_workbook.same(data, content)
    changes: tuple[Callable[[Any], Any], ...] = (
        lambda c: c["course"]["sheets"][1]["rows"][0]["scores"].__setitem__(0, "0.00"),
        lambda c: c["result"]["tally"]["rows"][0].update(total="100.00"),
        lambda c: c["course"]["sheets"].pop(),
        lambda c: c["trace"].pop(),
    )
    for change in changes:
        other = copy.deepcopy(content)
        change(other)
        assert not report_workbook.same(data, other)
    with pytest.raises(ImportRefused):
        report_workbook.same(b"no workbook", content)


def test_each_part_names_its_article_and_the_entries_it_rests_on(made: tuple[Object, Drive]) -> None:
    """12号令 42, 87号令 58: nothing without its source."""
    content, drive = made
    kinds = {entry.n: entry.type for entry in drive.entries}
    rows = {row["part"]: row for row in content["trace"]}
    # Nothing was compared in these proceedings; what is not there has no part.
    assert list(rows) == [name for name, _, _ in parts() if name != "advice"]
    assert all(row["article"] for row in rows.values())
    allowed = {name: types for name, _, types in parts()}
    for name, row in rows.items():
        assert all(kinds[n] in allowed[name] for n in row["from"])
    # Nothing is empty that this proceeding had.
    for name in set(rows) - {"clarifications", "corrections", "incidents", "motions", "steps", "dissent"}:
        assert rows[name]["from"], name
    opened = [n for n in rows["sheets"]["from"] if kinds[n] == "SheetsOpened"]
    assert [drive.entries[n].body["purpose"] for n in opened] == ["sheet"]
    assert len(rows["committee"]["from"]) == 1 + len(content["parties"]["members"])


def test_reports_frozen_before_there_were_workbooks_read_as_they_did() -> None:
    """And those frozen before every rejection had its ground and page: verifiers make the old forms again."""
    value = definition()
    content, drive = told(value)
    arguments = tender.parse(encode(value)), drive.state.evaluation, drive.entries
    old, traced = (report.content(*arguments, form=form) for form in (report.UNTRACED, report.TRACED))
    assert old == {name: part for name, part in traced.items() if name != "trace"} | {"v": 1}
    (rejected,) = traced["course"]["review"]["rejected"]
    words = [{"seat": f"seat-{n}", "reason": ACTIVE} for n in range(1, 6)]
    assert rejected == {"bidder": "bidder-3", "item": value["compliance"][0]["id"], "against": words}
    assert [row["part"] for row in traced["trace"]] == [name for name, _, _ in parts(whole=False) if name != "advice"]
    assert (traced["v"], content["v"]) == (3, report.FORM)
    assert report_workbook.same(report_workbook.render(traced), traced)
    assert b"%PDF" in report_typst.render(traced)


def test_a_sheet_that_was_dealt_anew_is_in_the_trace_and_was_not_before_form_5() -> None:
    """87号令 58: each line of the report is traced to its entry; a log of an earlier release reads as it did."""
    value = definition()
    _, drive = told(value)
    sealed = next(entry for entry in drive.entries if entry.type == "SheetSealed")
    entries = [replace(entry, type="SheetResealed") if entry is sealed else entry for entry in drive.entries]
    assert not any(
        "sheets" in found
        for found in untraced(
            report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries), drive.entries
        )
    )
    arguments = tender.parse(encode(value)), drive.state.evaluation, entries
    for form, traced in ((report.FORM, True), (report.WHOLE, False)):
        content = report.content(*arguments, form=form)
        assert content["v"] == form
        (row,) = (row for row in content["trace"] if row["part"] == "sheets")
        assert (sealed.n in row["from"]) is traced
        assert (f"sheets: {sealed.n}" in untraced(content, entries)) is not traced
