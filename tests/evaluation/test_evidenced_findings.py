"""A fail of the review names the article's ground, the words, and the page that shows it (87号令 63, 实施条例 51).

Packs before these wanted words only; their logs are read as they were written.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from evaluation.adapters import report_workbook
from evaluation.adapters.report_typst import render
from evaluation.core import compliance, legal_items, report, tender
from evaluation.core.rejection import UNEXPLAINED
from evaluation.core.rules.shelf import Pack
from evaluation.errors import DefinitionRefused, FindingsRefused, TermsRefused
from evaluation.step_errors import RejectionRefused
from evidence.core.canonical import JSON, Object, b64u, encode, sha256
from tests.evaluation.packs import (
    ABROAD,
    ANSWERED_ABROAD,
    BIDDING,
    NEW_BIDDING,
    NEW_PROCUREMENT,
    PROCUREMENT,
    parsed,
    second,
)
from tests.evaluation.test_report import words
from tests.sessions.drive import DOCUMENT, MEMBERS, Drive
from tests.sessions.test_rule_pack_proceedings import sheets

NEW = [NEW_PROCUREMENT, NEW_BIDDING]
OLD = [PROCUREMENT, BIDDING, ABROAD]
METHOD = {"government-procurement": "comprehensive-scoring", "bidding-law": "comprehensive-evaluation"}
HERE = b64u(DOCUMENT)


def by_law(pack: Pack) -> str:
    return pack.key[0]


def tendered(pack: Pack, **terms: Any) -> dict[str, Any]:
    value = second(pack, METHOD.get(pack.regime, "coefficients"))
    value["terms"] |= terms
    return value


def found(definition: tender.Definition, *fail: JSON) -> list[JSON]:
    """The first bidder fails in the first item, with what stands after "fail"; all else passes."""
    asked = [
        [bidder, item, "pass", None]
        for bidder, _ in definition.scoring.bidders
        for item in definition.scoring.compliance
    ]
    asked[0] = [*asked[0][:2], "fail", *fail]
    return list(asked)


@pytest.mark.parametrize("pack", [*NEW, ANSWERED_ABROAD], ids=by_law)
def test_a_fail_names_ground_document_and_page(pack: Pack) -> None:
    definition = parsed(tendered(pack))
    ground = pack.rejection_grounds[2]
    first, second_, *_ = compliance.parse(found(definition, "未提供", ground, HERE, 3), definition.scoring)
    assert first == ("bidder-1", "licence", False, "未提供", ground, DOCUMENT, 3)
    assert second_ == ("bidder-1", "letter", True, None, None, None, None)


@pytest.mark.parametrize("pack", [*NEW, ANSWERED_ABROAD], ids=by_law)
@pytest.mark.parametrize(
    "fail",
    [
        ("未提供",),
        ("未提供", "not-qualified"),
        ("未提供", "not-qualified", HERE),
        ("未提供", "because", HERE, 1),
        ("未提供", None, HERE, 1),
        ("未提供", "not-qualified", HERE, 0),
        ("未提供", "not-qualified", HERE, 4),
        ("未提供", "not-qualified", HERE, True),
        ("未提供", "not-qualified", HERE, "1"),
        ("未提供", "not-qualified", b64u(sha256(b"another document")), 1),
        ("未提供", "not-qualified", "no hash", 1),
        ("未提供", "not-qualified", None, None),
        ("未提供", "not-qualified", HERE, 1, 1),
        (" ", "not-qualified", HERE, 1),
        ("x" * 501, "not-qualified", HERE, 1),
    ],
    ids=str,
)
def test_a_fail_without_ground_or_page_is_refused(pack: Pack, fail: tuple[JSON, ...]) -> None:
    definition = parsed(tendered(pack))
    with pytest.raises(FindingsRefused):
        compliance.parse(found(definition, *fail), definition.scoring)


@pytest.mark.parametrize("pack", OLD, ids=by_law)
def test_under_older_packs_a_fail_has_words_only_and_is_read_as_before(pack: Pack) -> None:
    definition = parsed(tendered(pack))
    assert compliance.parse(found(definition, "未提供"), definition.scoring)[0].ground is None
    with pytest.raises(FindingsRefused):
        compliance.parse(found(definition, "未提供", "not-qualified", HERE, 1), definition.scoring)


def test_a_pass_has_nothing_beside_it() -> None:
    definition = parsed(tendered(NEW_PROCUREMENT))
    rows = found(definition, "未提供", "not-qualified", HERE, 1)
    rows[1] = ["bidder-1", "letter", "pass", None, "not-qualified", HERE, 1]
    with pytest.raises(FindingsRefused):
        compliance.parse(rows, definition.scoring)


def test_a_tender_without_documents_has_no_page_to_show() -> None:
    value = tendered(NEW_PROCUREMENT)
    value["documents"] = []
    definition = parsed(value)
    first, *_ = compliance.parse(found(definition, "未提供", "not-qualified", None, None), definition.scoring)
    assert (first.ground, first.document, first.page) == ("not-qualified", None, None)
    with pytest.raises(FindingsRefused):
        compliance.parse(found(definition, "未提供", "not-qualified", HERE, 1), definition.scoring)


def test_a_price_is_unexplained_only_where_an_explanation_was_asked_for() -> None:
    """87号令 60: as for a motion to reject."""
    drive = Drive(definition=tendered(NEW_PROCUREMENT)).until("compliance-review")
    size = len(drive.entries)
    rows = found(parsed(drive.definition), "报价过低", UNEXPLAINED, HERE, 1)
    with pytest.raises(RejectionRefused):
        drive.perform("seat-1", "review.vote", {"findings": rows})
    assert len(drive.entries) == size


@pytest.mark.parametrize("pack", NEW, ids=by_law)
def test_the_report_tells_ground_words_page_and_vote_of_each_rejection(pack: Pack) -> None:
    """Four of five find the bid wanting, each with its own entry; the fifth dissents."""
    value = tendered(pack)
    drive = Drive(definition=value).until("compliance-review")
    ground = "not-qualified"
    failed: list[JSON] = ["bidder-4", "letter", "fail", "投标函未盖章", ground, HERE, 3]
    clean = drive.findings()
    for seat in MEMBERS:
        given = clean if seat == "seat-5" else [failed if row[:2] == failed[:2] else row for row in clean]
        drive.perform(seat, "review.vote", {"findings": given})
    drive.advance()
    drive.until("report", sheets(value))
    content = report.content(parsed(value), drive.state.evaluation, drive.entries)
    kinds = {entry.n: entry.type for entry in drive.entries}
    (rejected,) = content["course"]["review"]["rejected"]
    assert (rejected["by"], rejected["bidder"], kinds[rejected["n"]]) == ("review", "bidder-4", "ReviewConcluded")
    assert rejected["source"] == pack.source("rejection")
    assert [said["seat"] for said in rejected["against"]] == list(MEMBERS[:4])
    for said in rejected["against"]:
        entry = drive.entries[said["n"]]
        assert (entry.type, entry.act.sub if entry.act else None) == ("ReviewVoted", said["seat"])
        assert (said["ground"], said["text"], said["document"], said["page"]) == (ground, "投标函未盖章", HERE, 3)
    text = words(render(content))
    for shown in ("不具备规定的资格条件", "投标函未盖章", "招标文件.pdf第3页", HERE, "4名成员认为不通过"):
        assert shown in text, shown
    (dissent,) = content["other"]["dissent"]
    assert (dissent["seat"], kinds[dissent["n"]]) == ("seat-5", "ReviewVoted")
    assert [row["from"] for row in content["trace"] if row["part"] == "dissent"] == [[dissent["n"]]]
    book = openpyxl.load_workbook(BytesIO(report_workbook.render(content)))
    cells = [[cell.value for cell in row] for row in book["否决情况"].iter_rows()]
    assert [row[0] for row in cells[1:]] == ["bidder-4"] * 4
    assert cells[1][4:10] == ["专家1", ground, "投标函未盖章", "招标文件.pdf", "3", HERE]


@pytest.mark.parametrize("pack", NEW, ids=by_law)
def test_what_the_law_itself_makes_invalid_has_a_ground_of_the_pack(pack: Pack) -> None:
    value = tendered(pack, ceiling="2311110.39")
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(parsed(value), drive.state.evaluation, drive.entries)
    (law,) = content["course"]["review"]["rejected"]
    assert (law["by"], law["bidder"], law["item"]) == ("law", "bidder-1", "above-ceiling")
    (said,) = law["against"]
    assert said["ground"] in pack.rejection_grounds
    assert law["source"] == pack.void_source("above-ceiling")
    assert said["document"] == content["definition"]["sha256"]
    assert "依法无效" in words(render(content))


def test_every_ground_of_every_pack_has_its_words_in_the_report() -> None:
    """A ground without words would stop the rendering."""
    template = (Path(report_workbook.__file__).with_name("report.typ")).read_text("utf-8")
    for pack in (*NEW, *OLD):
        voids = [pack.void_ground(code) for code in ("above-ceiling", "correction-unconfirmed")]
        assert (None in voids) == (pack in OLD)
        for ground in (*pack.rejection_grounds, *filter(None, voids)):
            assert f'"{ground}": "' in template, ground
        assert {ground for ground in voids if ground} <= set(pack.rejection_grounds)


@pytest.mark.parametrize("pack", NEW, ids=by_law)
def test_media_time_and_place_of_the_opening_stand_in_the_report_or_nothing_is_defined(pack: Pack) -> None:
    """87号令 58 (1), 12号令 42 (3)."""
    value = tendered(pack)
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(parsed(value), drive.state.evaluation, drive.entries)
    said = content["opening"]["publication"]
    assert drive.entries[said["n"]].type == "DefinitionFixed"
    text = words(render(content))
    for shown in (
        "中国政府采购网、内蒙古自治区公共资源交易网",
        "2026-11-2009:30:00",
        "呼和浩特市公共资源交易中心开标一室",
    ):
        assert shown in text, shown
    assert "见采购文件存档" not in text
    assert "publication" not in [name for name, _ in legal_items.unmet(drive.state.evaluation)]
    del value["terms"]["publication"]
    with pytest.raises(TermsRefused) as refused:
        tender.parse(encode(value))
    assert pack.source("report") in str(refused.value)


BAD: list[Object] = [
    {"media": []},
    {"media": ["甲", "甲"]},
    {"media": [" "]},
    {"media": [str(n) for n in range(11)]},
    {"opened": "2026-11-20 01:30"},
    {"opened": "2026-11-20T1:30:00Z"},
    {"place": ""},
    {"place": "某" * 121},
    {"more": 1},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_a_publication_out_of_form_is_refused(change: Object) -> None:
    value = tendered(NEW_PROCUREMENT)
    value["terms"]["publication"] |= change
    with pytest.raises(DefinitionRefused):
        tender.parse(encode(value))


def test_an_older_pack_asks_for_no_publication_and_its_report_says_where_it_is() -> None:
    value = tendered(PROCUREMENT)
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(parsed(value), drive.state.evaluation, drive.entries)
    assert content["opening"]["publication"] is None
    assert "见采购文件存档" in words(render(content))
    assert legal_items.unmet(drive.state.evaluation) == ()
