"""A drawn chair stands in the report, with the entry that it comes from (87号令 58)."""

from __future__ import annotations

import pypdfium2  # type: ignore[import-untyped]

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender
from evidence.core.canonical import b64u, encode, sha256
from tests.sessions.draws import Drawn, tie
from tests.sessions.drive import HOLDERS, ZHUHAI, Drive


def test_a_report_tells_of_draws() -> None:
    drive = tie(Drive())
    drawn = Drawn(drive).lot().to_freeze()
    drawn.reveal(*(domain for domain in HOLDERS if domain != ZHUHAI)).wait().miss(ZHUHAI).release().resolve()
    drawn.reveal(ZHUHAI)
    external = {"label": "expert/law", "reference": "list 7", "evidence": b64u(sha256(b"list"))}
    drive.perform("supervisor-1", "draw.external", external)
    drive.advance()
    drive.until("report")
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries)
    kinds = {entry.n: entry.type for entry in drive.entries}
    told = {each["type"]: each for each in content["other"]["incidents"]}
    assert {"ChairTied", "ChairDrawn", "RevealMissed", "ExternalDraw"} <= set(told)
    assert all(kinds[each["n"]] == each["type"] for each in told.values())
    assert told["ChairDrawn"]["seat"] == drive.state.evaluation.chair
    assert [each["elected"] for each in content["course"]["chair"]] == [None, None, None]
    assert [m["seat"] for m in content["parties"]["members"] if m["chair"]] == [drive.state.evaluation.chair]
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(render(content)))
    assert "经可验证抽签确定" in text
    assert "无法验证" in text
