"""The report's addendum: dissent and agreement by silence, from the log alone, the same bytes every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.adapters import addendum_html
from evaluation.core import addendum, report, tender
from evaluation.core.results import ranking_digest
from evaluation.core.rules.shelf import Pack
from evidence.core.canonical import Object, b64u, encode, sha256
from sessions.core.commands import FreezeReport, Perform
from sessions.core.proceeding import decide
from tests.evaluation.packs import BIDDING, PROCUREMENT, second
from tests.sessions.drive import Drive
from tests.sessions.test_rule_pack_proceedings import sheets

HOSTILE = '<script src="https://example.invalid/x.js"></script>\n评分标准第三项的理解不同 & 其他'


def signing(pack: Pack = PROCUREMENT, form: int | None = report.FORM) -> Drive:
    """A committee before its frozen report."""
    value = second(pack, "comprehensive-scoring" if pack is PROCUREMENT else "comprehensive-evaluation")
    drive = Drive(definition=value).until("report", sheets(value))
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    drive.execute(
        FreezeReport(sha256(b"report"), 1000, sha256(b"content"), ranking_digest(ranking), sha256(b"book"), form)
    )
    drive.advance()
    drive.rank_all()
    return drive


def dissent(drive: Drive, seat: str, reason: str = HOSTILE) -> int:
    assert drive.state.report is not None
    body: Object = {"document": b64u(drive.state.report.document), "reason": reason}
    return drive.perform(seat, "report.dissent", body)[0].n


def page(drive: Drive) -> str:
    definition = tender.parse(encode(drive.definition))
    made = addendum_html.render(addendum.content(definition, drive.entries, {}))
    assert made == addendum_html.render(addendum.content(definition, tuple(drive.entries), {}))
    return made.decode()


@pytest.mark.parametrize(
    ("pack", "article"), [(PROCUREMENT, "财政部令第87号第六十一条"), (BIDDING, "招标投标法实施条例第五十三条")]
)
def test_a_dissent_stands_with_its_reasons_its_entry_and_the_report(pack: Pack, article: str) -> None:
    drive = signing(pack)
    assert not addendum.called_for(drive.entries)
    n = dissent(drive, "seat-4")
    assert addendum.called_for(drive.entries)
    told = page(drive)
    for said in ("专家4", "某单位", "seat-4", "评分标准第三项的理解不同 &amp; 其他", f"日志 #{n}", article):
        assert said in told, said
    assert b64u(sha256(b"report")) in told
    assert "<script" not in told


def test_who_is_deemed_to_agree_stands_there_with_who_recorded_it() -> None:
    drive = signing()
    chair = drive.state.evaluation.chair
    assert chair is not None
    late = next(seat for seat in ("seat-4", "seat-5") if seat != chair)
    until = "2026-11-21T08:30:00.000Z"
    at = "2026-11-21T08:10:00.000Z"

    for name, body, when in (
        ("signing.call", {"seat": late, "until": until}, at),
        ("member.deem", {"seat": late, "reason": "通知后未签名，也未说明理由"}, "2026-11-21T08:40:00.000Z"),
    ):
        act = drive.act(chair, name, body)
        drive.append(decide(drive.state, Perform(act), at=when, entropy=bytes(32)), when)
    told = page(drive)
    deemed = drive.entries[-1]
    assert deemed.type == "MemberDeemedAgreed"
    for said in ("视为同意", f"由 {chair} 书面记录", "通知后未签名", "2026-11-21 16:40:00", f"日志 #{deemed.n}"):
        assert said in told, said


def test_logs_whose_reports_are_of_an_earlier_form_have_no_addendum() -> None:
    """Their evidence files are what they were."""
    drive = signing(form=None)
    dissent(drive, "seat-4")
    assert not addendum.called_for(drive.entries)
    frozen = next(entry for entry in drive.entries if entry.type == "ReportFrozen")
    assert "form" not in frozen.body
    newer = [replace(entry, body=entry.body | {"form": 4}) if entry is frozen else entry for entry in drive.entries]
    assert addendum.called_for(newer)
