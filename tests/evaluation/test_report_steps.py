"""Questions, votes, rejections and corrections stand in the report, each with its entry (12号令 42, 87号令 58)."""

from __future__ import annotations

import re

import pypdfium2  # type: ignore[import-untyped]
import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender
from evaluation.core.rules.shelf import Pack
from evidence.core.canonical import b64u, encode
from tests.evaluation.packs import BIDDING, PROCUREMENT
from tests.sessions.drive import MAIN, Drive
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
