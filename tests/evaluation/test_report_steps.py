"""Questions, votes, rejections and corrections stand in the report, each with its entry (12号令 42, 87号令 58)."""

from __future__ import annotations

import re

import pypdfium2  # type: ignore[import-untyped]
import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender
from evaluation.core.rules.shelf import Pack
from evaluation.core.workbook import tables
from evidence.core.canonical import b64u, encode
from tests.evaluation.packs import BIDDING, PROCUREMENT
from tests.evaluation.test_report import words
from tests.sessions.drive import DOCUMENT, MAIN, Drive
from tests.sessions.test_committee_steps import (
    BIDDERS,
    answer,
    asked,
    at,
    id_of,
    let_out,
    move,
    question,
    rejection,
)


def steps(drive: Drive, pack: Pack) -> None:
    """One of each that a report tells of."""
    if pack is PROCUREMENT:
        name = asked(drive)
    else:
        move(drive, "clarification", question())
        name = b64u(drive.state.evaluation.steps.questions[0].id)
    let_out(drive, name)
    answer(drive, name, "按日历天计算")
    ground = pack.rejection_grounds[0]
    move(drive, "rejection", rejection(BIDDERS[-1], ground), against=("seat-4",))
    move(drive, "objection", {"text": "对评审进度的异议"}, against=("seat-1", "seat-2", "seat-3"))
    for seat in ("seat-1", "seat-2"):
        drive.perform(seat, "extension.ask", {"reason": "材料过多"})
    drive.until("detailed-review")
    back = {"from": "detailed-review", "to": "compliance-review", "reason": "漏看业绩材料"}
    asked_back = id_of(drive.perform("operator-1", "stage.back", back))
    drive.perform("supervisor-1", "stage.back-approve", {"asked": asked_back, "approve": True, "reason": "同意"})


@pytest.mark.parametrize("pack", [PROCUREMENT, BIDDING], ids=lambda pack: pack.key[0])
def test_the_report_tells_every_legal_step_with_its_entry(pack: Pack) -> None:
    drive = at("compliance-review", pack)
    steps(drive, pack)
    drive.until("report")
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries)
    kinds = {entry.n: entry.type for entry in drive.entries}
    assert all(kinds[each["n"]] == each["type"] for each in content["steps"])
    told = {each["type"] for each in content["steps"]}
    expected = {
        "ClarificationAnswered",
        "MotionDecided",
        "BidRejected",
        "StageReturned",
        "TimeExtended",
        "ScoresChecked",
    }
    assert expected <= told
    pages = pypdfium2.PdfDocument(render(content))
    text = re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in pages))
    for said in ("按日历天计算", "对评审进度的异议", "材料过多", "漏看业绩材料", "资质证书已过期"):
        assert said in text, said
    assert MAIN in text


@pytest.mark.parametrize("pack", [PROCUREMENT, BIDDING], ids=lambda pack: pack.key[0])
def test_a_bid_rejected_by_motion_stands_among_the_rejected_with_ground_page_and_entry(pack: Pack) -> None:
    """It is the only rejection: the report once said that there was none."""
    drive = at("compliance-review", pack)
    ground = pack.rejection_grounds[0]
    move(drive, "rejection", rejection(BIDDERS[-1], ground, page=2), against=("seat-4",))
    drive.until("report")
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries)
    kinds = {entry.n: entry.type for entry in drive.entries}
    (found,) = content["course"]["review"]["rejected"]
    assert (found["bidder"], found["by"], kinds[found["n"]]) == (BIDDERS[-1], "motion", "BidRejected")
    decision = found["decision"]
    assert (decision["for"], decision["members"], kinds[decision["n"]]) == (4, 5, "MotionDecided")
    (said,) = found["against"]
    assert kinds[said["n"]] == "MotionOpened"
    assert (said["ground"], said["text"], said["page"]) == (ground, "资质证书已过期", 2)
    assert (said["document"], said["name"]) == (b64u(DOCUMENT), "招标文件.pdf")
    assert found["source"] == pack.source("rejection")
    pages = pypdfium2.PdfDocument(render(content))
    text = re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in pages))
    assert "无效投标：无" not in text
    section = text[text.index("无效投标人项目与决定") :]
    for shown in ("4/5赞成", "招标文件.pdf第2页", b64u(DOCUMENT), f"日志#{found['n']}", f"日志#{said['n']}"):
        assert shown in section, shown
    told = {cell for row in next(t for t in tables(content) if t.name == "review").rows for cell in row}
    assert {"招标文件.pdf", "2", b64u(DOCUMENT), ground, "资质证书已过期", str(found["n"])} <= told


def test_what_is_to_be_settled_before_the_contract_is_said_by_the_committee_or_by_nobody() -> None:
    """12号令 42, item 9: the report once said that there was nothing, whoever had been asked."""
    drive = at("compliance-review", BIDDING)
    move(drive, "contract-matters", {"text": "工期须在合同中明确为日历天"}, against=("seat-4",))
    move(drive, "contract-matters", {"text": "没有通过的事项"}, against=("seat-1", "seat-2", "seat-3"))
    drive.until("report")
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries)
    (matter,) = content["result"]["matters"]
    assert drive.entries[matter["n"]].type == "MotionOpened"
    text = words(render(content))
    assert f"签订合同前要处理的事宜：•工期须在合同中明确为日历天日志#{matter['n']}" in text
    silent = at("compliance-review", BIDDING).until("report")
    content = report.content(tender.parse(encode(silent.definition)), silent.state.evaluation, silent.entries)
    assert content["result"]["matters"] == []
    assert "签订合同前要处理的事宜：评标委员会没有提出" in words(render(content))
