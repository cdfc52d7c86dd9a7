"""The report: the six items of 87号令 58, from the log alone, the same bytes every time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender, trace
from evaluation.core.rules.shelf import Pack
from evaluation.errors import StageIncomplete
from evidence.core.canonical import Object, b64u, encode, sha256
from sessions.core import venue_journal
from sessions.core.commands import LoseVenue
from tests.evaluation.packs import ABROAD, BIDDING, NEW_BIDDING, NEW_PROCUREMENT, PROCUREMENT, second
from tests.sessions.draws import Drawn
from tests.sessions.drive import ZHUHAI, Drive, definition
from tests.sessions.test_rule_pack_proceedings import sheets


def told(change: Callable[[Any], Any] = lambda d: None) -> tuple[Object, Drive]:
    """A proceeding with a lost venue, a rejected bid and a tied first vote for the chair, up to its report."""
    value = definition()
    change(value)
    drive = Drive(definition=value).until("chair-election")
    drive.vote({"seat-1": "seat-1", "seat-2": "seat-1", "seat-3": "seat-2", "seat-4": "seat-2", "seat-5": "seat-4"})
    drive.vote({f"seat-{n}": "seat-2" for n in range(1, 6)})
    drive.advance()
    drive.execute(LoseVenue("venue-3", 40))
    for seat in ("seat-5", "operator-3", "room-3"):
        ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
        drive.perform(seat, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})
    never = [sha256(b"%d" % n) for n in range(9)]
    drive.perform(ZHUHAI, "venue.journal", venue_journal.body("venue-3", never, lost=1, returned=2))
    lost = [("bidder-3", "letter")]
    drive.review({"seat-1": lost, "seat-2": lost, "seat-4": lost, "seat-5": [("bidder-1", "licence")]})
    drive.advance()
    drive.score()
    drive.advance()
    drive.advance()
    return report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries), drive


@pytest.fixture(scope="module")
def made() -> tuple[Object, Drive]:
    return told()


def test_every_item_says_where_it_comes_from(made: tuple[Object, Drive]) -> None:
    """87号令 58: bidders, members, method, course and rejected bids, result, other."""
    content, drive = made
    kinds = {entry.n: entry.type for entry in drive.entries}
    assert content["size"] == len(drive.entries)
    assert [m["name"] for m in content["parties"]["members"]] == [f"专家{n}" for n in range(1, 6)]
    assert {kinds[m["signed_in"]["n"]] for m in content["parties"]["members"]} == {"SeatBound"}
    assert [m["seat"] for m in content["parties"]["members"] if m["chair"]] == ["seat-2"]
    first, second = content["course"]["chair"]
    assert (kinds[first["n"]], first["elected"]) == ("ChairTied", None)
    assert (kinds[second["n"]], second["elected"]) == ("ChairElected", "seat-2")
    (rejected,) = content["course"]["review"]["rejected"]
    assert (rejected["bidder"], rejected["item"]) == ("bidder-3", "letter")
    assert [a["seat"] for a in rejected["against"]] == ["seat-1", "seat-2", "seat-4"]
    assert {kinds[s["n"]] for s in content["course"]["sheets"]} == {"SheetSealed"}
    assert [r["bidder"] for r in content["course"]["sheets"][0]["rows"]] == ["bidder-1", "bidder-2", "bidder-4"]
    assert kinds[content["result"]["ranking"]["n"]] == "RankingFixed"
    assert content["result"]["ranking"]["candidates"] == ["bidder-4", "bidder-2", "bidder-1"]
    happened = [i["type"] for i in content["other"]["incidents"]]
    paused = ["VenueLost", "ProceedingPaused", "VenueRejoined", "ProceedingResumed"]
    assert happened == ["ChairTied", *paused, "VenueJournaled"]
    assert len(content["other"]["incidents"][-1]["missing"]) == 9


def test_dissent_is_told_by_name_and_side(made: tuple[Object, Drive]) -> None:
    """87号令 61: findings that the majority did not follow, in both directions."""
    dissent = [(d["seat"], d["bidder"], d["item"], d["finding"]) for d in made[0]["other"]["dissent"]]
    assert dissent == [
        ("seat-3", "bidder-3", "letter", True),
        ("seat-5", "bidder-1", "licence", False),
        ("seat-5", "bidder-3", "letter", True),
    ]


def test_the_sums_of_the_sheets_make_the_tally(made: tuple[Object, Drive]) -> None:
    content, _ = made
    sheets = content["course"]["sheets"]
    for i, row in enumerate(content["result"]["tally"]["rows"]):
        assert sum(Decimal(s["rows"][i]["sum"]) for s in sheets) / len(sheets) == Decimal(row["technical"])


def test_the_same_log_gives_the_same_content_and_the_same_bytes(made: tuple[Object, Drive]) -> None:
    """A verifier makes both again (issue 2)."""
    content, drive = made
    again = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, tuple(drive.entries))
    assert report.digest(again) == report.digest(content)
    assert render(again) == render(content)


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "report.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", "report.pdf", "-"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_city_is_named_with_the_domain_beside_it(made: tuple[Object, Drive]) -> None:
    content = made[0] | {"opening": made[0]["opening"] | {"cities": {ZHUHAI: {"zh": "珠海", "en": "Zhuhai"}}}}
    text = words(render(content))
    assert "副场珠海（zhuhai.example）" in text
    assert "主场hohhot.example" in text


def test_the_document_shows_names_scores_ranking_origin_and_pages(made: tuple[Object, Drive], tmp_path: Path) -> None:
    content, drive = made
    text = text_of(render(content), tmp_path)
    for shown in (
        "评标报告",
        "教育信息化服务采购",
        "专家 5",
        "75.00",
        "95.00",
        drive.origin,
        f"日志前 {content['size']} 条",
    ):
        assert shown in text
    for item in ("一、公告媒体", "二、投标人名单", "三、评标方法", "四、评标情况", "五、评标结果", "六、其他"):
        assert item in text
    assert "第 1 页" in text
    assert "副场 zhuhai.example" in text, "a founding without names: the domain"
    assert "评标委员会成员签名" in text
    assert "无效投标人" in text
    # The first of the acts that a venue kept and the log never got, and how many they are.
    flat = words(render(content))
    assert "本地节点留存离线操作9件，其中9件至今未入日志：" in flat
    assert f"至今未入日志：{b64u(sha256(b'0'))}、" in flat


def test_shown_names_are_never_markup(tmp_path: Path) -> None:
    """A bidder's name is data: Typst must not run it."""
    hostile = '#read("/etc/passwd") *x* $y$ \\#eval'

    def change(value: Any) -> None:
        value["bidders"][0]["name"] = hostile

    content, _ = told(change)
    text = text_of(render(content), tmp_path)
    assert '#read("/etc/passwd")' in text.replace("“", '"').replace("”", '"')
    assert "root:" not in text


def test_there_is_no_report_before_a_ranking() -> None:
    drive = Drive().until("detailed-review")
    with pytest.raises(StageIncomplete):
        report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries)


PACKS = (PROCUREMENT, NEW_PROCUREMENT, BIDDING, NEW_BIDDING, ABROAD)
METHODS = [(pack, name) for pack in PACKS for name in pack.value["methods"]]


@pytest.mark.parametrize(("pack", "method"), METHODS, ids=lambda part: part if isinstance(part, str) else part.key[0])
def test_reports_of_every_method_say_their_items_and_their_article(pack: Pack, method: str) -> None:
    """The six items of 87号令 58, or the ten of 12号令 42; corrections, deductions and rejections by law are told."""
    value = second(pack, method)
    if rates := pack.policy.rates:
        value["category"] = (pack.policy.categories or (value["category"],))[0]
        value["terms"]["rates"] = {"small": f"{rates['small'][0]:.2f}"}
        value["bidders"][1]["policy"] = "small"
    price = value["bidders"][0]["price"]
    quote = {"opening": price, "figures": price, "words": "2311110.00", "lines": [], "confirmed": True}
    value["bidders"][0]["quote"] = quote
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries)
    assert content["article"] == pack.source("report")
    assert content["rule_pack"] == pack.json
    text = words(render(content))
    numbers = "一二三四五六七八九十"[: content["items"]]
    assert all(f"{number}、" in text for number in numbers)
    assert ("中标候选人名单与签订合同前要处理的事宜" in text) == (pack.regime == BIDDING.regime)
    assert "以大写金额为准" in text
    raised = value["terms"]["price"]["kind"] in pack.policy.points
    assert ("价格分增加3.00%" in text, "评标价扣除" in text) == (raised and bool(rates), bool(rates) and not raised)
    assert "2311110.00" in text
    assert ("评标基准价由有效投标的评标价按招标文件规定的方法计算，为" in text) == (content["base"] is not None)
    assert (content["base"] is not None) == (value["terms"]["price"]["kind"] == "deviation")
    assert "".join(pack.value["methods"][method]["source"].split())[:8] in text


def test_the_report_tells_the_drawn_coefficient_and_where_it_comes_from() -> None:
    """A fixed one is not called drawn; a drawn one names its draw and all candidates."""
    value = second(NEW_BIDDING, "comprehensive-evaluation")
    value["terms"]["price"]["drop"] = "2.00"
    drive = Drive(definition=value).until("report", sheets(value))
    text = words(render(report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries)))
    assert "已按招标文件规定的下浮系数2.00%下浮" in text
    value["terms"]["price"]["drop"] = ["1.00", "2.00", "3.00"]
    drive = Drive(definition=value).until("tally", sheets(value))
    Drawn(drive).lot("coefficient").to_freeze().reveal().resolve()
    drive.until("report")
    content = report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries)
    order = content["coefficient"]["order"]
    assert drive.entries[content["coefficient"]["n"]].type == "CoefficientDrawn"
    text = words(render(content))
    assert f"已按抽取的下浮系数{order[0]}%下浮" in text
    assert "、".join(f"{each}%" for each in order) in text
    assert "抽取" not in words(render(report.content(*fixed()))).partition("评标基准价")[2][:60]


def fixed() -> tuple[Any, Any, Any]:
    """A report's material where nothing is lowered."""
    value = second(NEW_BIDDING, "comprehensive-evaluation")
    drive = Drive(definition=value).until("report", sheets(value))
    return tender.parse(encode(value)), drive.state.evaluation, drive.entries


def test_the_report_tells_lots_brands_and_unranked_candidates() -> None:
    """87号令 31; 评定分离."""
    value = second()
    for i in (0, 1):
        value["bidders"][i]["brand"] = "acme"
    value["terms"] |= {"ranked": False, "ceiling": "2400000.00"}
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries)
    text = words(render(content))
    assert "评定分离，不排序" in text
    assert "同品牌由得分最高者参加推荐" in text
    value = second()
    value["terms"]["ceiling"] = "2300000.00"
    drive = Drive(definition=value).until("report", sheets(value))
    content = report.content(tender.parse(encode(value)), drive.state.evaluation, drive.entries)
    assert "报价高于最高限价" in words(render(content))


def words(pdf: bytes) -> str:
    """The text of all pages without spaces and breaks."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def test_every_incident_and_step_has_its_words() -> None:
    """An event without words would stop the rendering just when something went wrong."""
    template = (Path(report.__file__).parents[1] / "adapters" / "report.typ").read_text("utf-8")
    assert [name for name in sorted(trace.INCIDENTS) if f'"{name}": i =>' not in template] == []
    assert "overnight" in template
