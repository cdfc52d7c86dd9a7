"""Arithmetic corrections as acts of the evaluation: proposed by the statutory order, put to the bidder, answered by it.

87号令 59: 修正后的报价经投标人确认后产生约束力，投标人不确认的，其投标无效; 12号令 19; World Bank ITB 31.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, stages, tender
from evaluation.core.outcome import outcome
from evaluation.core.rules.shelf import Pack
from evaluation.errors import AlreadyDone, BiddersRefused, DefinitionRefused, StageIncomplete
from evaluation.step_errors import QuestionRefused, RejectionRefused
from evidence.core.canonical import Object, encode
from sessions.core.view import view
from tests.evaluation.packs import (
    ANSWERED_ABROAD,
    ANSWERED_BIDDING,
    ANSWERED_PROCUREMENT,
    PROCUREMENT,
    parsed,
    second,
)
from tests.ranking.logs import ranked_alike
from tests.sessions.drive import Drive
from tests.sessions.test_committee_steps import (
    BIDDERS,
    PAGE,
    answer,
    asked,
    later,
    let_out,
    move,
    pass_time,
    refused,
    rejection,
)
from tests.sessions.test_rule_pack_proceedings import again

OPENED, CORRECTED = "2311110.40", "2310000.00"
METHODS = (
    (ANSWERED_PROCUREMENT, "comprehensive-scoring", ["words"]),
    (ANSWERED_BIDDING, "comprehensive-evaluation", ["words"]),
    (ANSWERED_ABROAD, "quality-and-cost", ["words"]),
)


def quoted(pack: Pack, method: str, **change: Any) -> dict[str, Any]:
    """The first bid says another amount in words than in figures."""
    value = second(pack, method)
    quote = {**dict.fromkeys(("opening", "figures"), OPENED), "words": CORRECTED, "lines": []}
    value["bidders"][0]["quote"] = quote | change
    assert value["bidders"][0]["price"] == OPENED
    return value


def reviewed(pack: Pack = ANSWERED_PROCUREMENT, method: str = "comprehensive-scoring", **change: Any) -> Drive:
    drive = Drive(definition=quoted(pack, method, **change)).until(stages.COMPLIANCE_REVIEW)
    drive.review()
    return drive


def put(drive: Drive, price: str = CORRECTED) -> str:
    """The correction is put to the bidder as its pack wants it: by the chair, or by the committee's vote."""
    about: Object = {"bidder": BIDDERS[0], "kind": "price-correction", "text": "大写金额与小写金额不一致，请确认。"}
    if drive.state.evaluation.rules.clarification_by == "chair":
        return asked(drive, kind="price-correction", price=price)
    move(drive, "clarification", about | PAGE | {"price": price})
    questions: Any = view(drive.state, "supervisor-1")["steps"]["questions"]
    return str(questions[-1]["id"])


def say(drive: Drive, name: str, price: str | None) -> Any:
    body: Object = {"question": name, "text": "以大写金额为准" if price else "报价以小写金额为准", "price": price}
    return drive.take(drive.act("the bidder", "clarification.answer", body, sub=BIDDERS[0]))


@pytest.mark.parametrize(("pack", "method", "rules"), METHODS, ids=lambda part: getattr(part, "regime", None))
def test_a_corrected_price_counts_from_the_answer_in_which_the_bidder_confirmed_it(
    pack: Pack, method: str, rules: list[str]
) -> None:
    """Before it nothing is ranked; after it both rankings, and a program's seat, take the price from that entry."""
    drive = reviewed(pack, method)
    (proposed,) = view(drive.state, "seat-1")["steps"]["proposed"]
    assert (proposed["opening"], proposed["price"], proposed["rules"]) == (OPENED, CORRECTED, rules)
    assert proposed["source"] == pack.source("corrections")
    assert proposed["confirmed"] is False
    # Nobody goes on before the bidder was asked; nor while the question is open.
    with pytest.raises(
        StageIncomplete, match=f"corrected prices are not confirmed: {BIDDERS[0]} .*{proposed['source'][:8]}"
    ):
        drive.advance()
    name = put(drive)
    refused(StageIncomplete, drive.advance, drive)
    let_out(drive, name)
    (entry,) = say(drive, name, CORRECTED)
    assert drive.state.evaluation.prices()[BIDDERS[0]] == Decimal(CORRECTED)
    drive.advance()
    drive.until(stages.REPORT)
    ranked_alike(drive)
    fixed = drive.state.evaluation.fixed
    assert fixed is not None
    # The control: without the event the same log has no ranking.
    assert dict(fixed.scoring.bidders)[BIDDERS[0]] == Decimal(OPENED)
    with pytest.raises(StageIncomplete, match="has not confirmed the corrected price"):
        outcome(fixed.scoring, drive.state.evaluation.standing, drive.state.evaluation.sheets(), {})
    assert again(drive.entries, encode(drive.definition)) == drive.state
    content = report.content(parsed(drive.definition), drive.state.evaluation, drive.entries)
    (quote,) = [each for each in content["quotes"] if each["proposed"] is not None]
    assert quote["proposed"]["answer"]["ended"] == entry.n
    assert quote["proposed"]["answer"]["confirmed"] is True
    assert content["parties"]["bidders"][0]["price"] == CORRECTED
    (row,) = [row for row in content["trace"] if row["part"] == "price-corrections"]
    assert entry.n in row["from"]
    pages = pypdfium2.PdfDocument(render(content))
    text = re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in pages))
    assert f"以大写金额为准；投标人已确认日志#{quote['proposed']['answer']['n']}、#{entry.n}" in text


@pytest.mark.parametrize("answered", [True, False], ids=["refused", "unanswered"])
@pytest.mark.parametrize(("pack", "method", "rules"), METHODS, ids=lambda part: getattr(part, "regime", None))
def test_a_correction_that_is_not_confirmed_is_the_ground_of_a_collective_rejection(
    pack: Pack, method: str, rules: list[str], answered: bool
) -> None:
    """Only then: before the bidder has refused, or let the time run out, nobody may reject for it."""
    drive = reviewed(pack, method)
    about = rejection(ground="correction-unconfirmed")
    body: Object = {"kind": "rejection", "about": about}
    refused(RejectionRefused, lambda: drive.perform("seat-2", "motion.open", body), drive)
    name = put(drive)
    let_out(drive, name)
    refused(RejectionRefused, lambda: drive.perform("seat-2", "motion.open", body), drive)
    if answered:
        say(drive, name, None)
    else:
        pass_time(drive, 11)
        drive.perform("seat-1", "clarification.lapse", {"question": name})
    # The bid stands until the committee has decided; a bidder is asked once.
    refused(StageIncomplete, drive.advance, drive)
    with pytest.raises(AlreadyDone):
        asked(drive, kind="price-correction", price=CORRECTED) if drive.state.evaluation.rules.clarification_by == (
            "chair"
        ) else put(drive)
    made = move(drive, "rejection", about, against=("seat-4",))
    assert [entry.type for entry in made] == ["MotionVoted", "MotionDecided", "BidRejected"]
    drive.advance()
    drive.until(stages.REPORT)
    ranked_alike(drive)
    assert BIDDERS[0] not in drive.state.evaluation.prices()
    content = report.content(parsed(drive.definition), drive.state.evaluation, drive.entries)
    (found,) = content["course"]["review"]["rejected"]
    assert (found["bidder"], found["against"][0]["ground"]) == (BIDDERS[0], "correction-unconfirmed")
    render(content)


def test_question_and_answer_name_the_price_that_the_law_gives_and_nothing_else() -> None:
    """Committee and bidder sign the figure itself; a question of another kind corrects no price."""
    drive = reviewed()
    about = {"bidder": BIDDERS[1], "kind": "price-correction", "text": "x", **PAGE, "price": CORRECTED}
    for wrong in (
        {"price": OPENED, "bidder": BIDDERS[0]},
        {},
        {"kind": "unclear", "bidder": BIDDERS[0]},
    ):
        refused(
            QuestionRefused,
            lambda wrong=wrong: drive.perform("seat-1", "clarification.ask", about | wrong),  # type: ignore[misc]
            drive,
        )
    bare = {name: told for name, told in about.items() if name != "price"} | {"bidder": BIDDERS[0]}
    refused(QuestionRefused, lambda: drive.perform("seat-1", "clarification.ask", bare), drive)
    name = put(drive)
    let_out(drive, name)
    refused(QuestionRefused, lambda: say(drive, name, OPENED), drive)
    refused(QuestionRefused, lambda: answer(drive, name), drive)
    say(drive, name, CORRECTED)
    # What the supervisor holds back may be asked again.
    other = reviewed()
    held = put(other)
    other.perform("supervisor-1", "clarification.refuse", {"question": held, "reason": "措辞带有暗示"})
    other.perform("supervisor-1", "clarification.approve", {"question": put(other), "until": later(other, 10)})


def test_an_answer_to_another_question_names_no_price() -> None:
    drive = reviewed(PROCUREMENT, words=OPENED, confirmed=True)
    name = asked(drive)
    let_out(drive, name)
    body: Object = {"question": name, "text": "日历天", "price": None}
    refused(
        QuestionRefused,
        lambda: drive.take(drive.act("the bidder", "clarification.answer", body, sub=BIDDERS[0])),
        drive,
    )


def test_a_review_may_find_the_bid_wanting_for_an_unconfirmed_correction_only_once_it_is_one() -> None:
    drive = Drive(definition=quoted(ANSWERED_PROCUREMENT, "comprehensive-scoring")).until(stages.COMPLIANCE_REVIEW)
    item = drive.definition["compliance"][0]["id"]
    findings = drive.findings([(BIDDERS[0], item)])
    wanting = next(row for row in findings if row[2] == "fail")
    wanting[4] = "correction-unconfirmed"
    refused(RejectionRefused, lambda: drive.perform("seat-1", "review.vote", {"findings": findings}), drive)
    name = put(drive)
    let_out(drive, name)
    say(drive, name, None)
    drive.perform("seat-1", "review.vote", {"findings": findings})


def test_a_definition_under_the_new_packs_does_not_say_what_the_bidder_answered() -> None:
    """And it has a page to show: a correction cannot be put to a bidder without."""
    with pytest.raises(DefinitionRefused, match="confirmed"):
        parsed(quoted(ANSWERED_PROCUREMENT, "comprehensive-scoring", confirmed=True))
    bare = quoted(ANSWERED_PROCUREMENT, "comprehensive-scoring") | {"documents": []}
    with pytest.raises(BiddersRefused, match="财政部令第87号"):
        parsed(bare)


def test_the_ceiling_is_held_against_the_price_that_would_count() -> None:
    """87号令 63 (4): a bid above the ceiling is invalid, confirmed or not, and nobody need be asked."""
    value = quoted(ANSWERED_PROCUREMENT, "comprehensive-scoring", words="2900000.00")
    value["terms"]["ceiling"] = "2800000.00"
    terms = tender.parse(encode(value)).terms
    assert terms is not None
    assert terms.bids[0].void == "above-ceiling"
    drive = Drive(definition=value).until(stages.COMPLIANCE_REVIEW)
    drive.review()
    assert drive.state.evaluation.unconfirmed == ()
    drive.advance()


def test_old_definitions_read_and_rank_as_they_did() -> None:
    """Under packs up to government procurement 4 the typed answer of the definition counts."""
    for confirmed, void in ((True, None), (False, "correction-unconfirmed")):
        terms = parsed(quoted(PROCUREMENT, "comprehensive-scoring", confirmed=confirmed)).terms
        assert terms is not None
        assert (terms.bids[0].void, terms.bids[0].proposed) == (void, None)
    drive = Drive(definition=quoted(PROCUREMENT, "comprehensive-scoring", confirmed=True)).until(stages.REPORT)
    assert drive.state.evaluation.prices()[BIDDERS[0]] == Decimal(CORRECTED)
    assert view(drive.state, "seat-1")["steps"]["proposed"] == []
    ranked_alike(drive)
    content = report.content(parsed(drive.definition), drive.state.evaluation, drive.entries)
    assert all("proposed" not in quote for quote in content["quotes"])
