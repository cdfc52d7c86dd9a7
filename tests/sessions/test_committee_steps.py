"""Questions to bidders, motions, rejections, steps back and corrections: right, wrong person, wrong time, repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from evaluation.core.rules.shelf import Pack
from evaluation.errors import AlreadyDone, EvaluationError, RoundError, StageIncomplete, TooFewBidders, TooLate
from evaluation.step_errors import (
    AnswerLate,
    CorrectionRefused,
    EvaluationFailed,
    MotionDecided,
    MotionRefused,
    NoSuchMotion,
    NoSuchQuestion,
    NotChair,
    ObjectiveDiffers,
    QuestionClosed,
    QuestionNotApproved,
    QuestionRefused,
    RejectionRefused,
    ReportMade,
    ReturnRefused,
    TimeRuns,
)
from evidence.core.canonical import Object, b64u, encode
from evidence.core.entry import Draft, Entry
from evidence.errors import EvidenceError, Malformed, Untrusted
from sessions.core.todo import todo
from sessions.core.view import view, visibility
from sessions.errors import AlreadyFixed, SessionError, UnknownKey, WrongRole
from tests.evaluation.packs import BIDDING, PROCUREMENT, second
from tests.ranking import second as other
from tests.sessions.drive import HOLDERS, MAIN, MEMBERS, Drive, definition, signer_of, spread
from tests.sessions.test_rule_pack_proceedings import again, sheets

BIDDERS = [bidder["id"] for bidder in definition()["bidders"]]
PAGE: dict[str, Any] = {"document": definition()["documents"][0]["sha256"], "page": 1}


def at(stage: str, pack: Pack = PROCUREMENT, **terms: Any) -> Drive:
    method = "comprehensive-scoring" if pack is PROCUREMENT else "comprehensive-evaluation"
    value = second(pack, method)
    value["terms"] |= terms
    return Drive(definition=value).until(stage)


def question(bidder: str = BIDDERS[0], kind: str = "unclear", **more: Any) -> Object:
    return {"bidder": bidder, "kind": kind, "text": "第三页所述工期指日历天还是工作日？", **PAGE, **more}


def rejection(bidder: str = BIDDERS[0], ground: str = "not-qualified", **more: Any) -> Object:
    return {"bidder": bidder, "ground": ground, "text": "资质证书已过期", **PAGE, **more}


def id_of(entries: list[Entry]) -> str:
    act = entries[0].act
    assert act is not None
    return b64u(act.id)


def later(drive: Drive, minutes: int) -> str:
    """A time so many minutes after the next entry's; the drive's clock is a second for each entry."""
    n = len(drive.entries)
    hours, rest = divmod(8 * 60 + n // 60 % 60 + minutes, 60)
    return f"2026-11-21T{hours:02}:{rest:02}:{n % 60:02}.000Z"


def pass_time(drive: Drive, minutes: int) -> None:
    for _ in range(60 * minutes):
        drive.perform("operator-1", "presenter.hand-over", {"to": "seat-1"})


def move(drive: Drive, kind: str, about: Object, against: tuple[str, ...] = ()) -> list[Entry]:
    motion = id_of(drive.perform("seat-2", "motion.open", {"kind": kind, "about": about}))
    made: list[Entry] = []
    for seat in MEMBERS:
        reason = "理由不充分" if seat in against else None
        made = drive.perform(seat, "motion.vote", {"motion": motion, "for": seat not in against, "reason": reason})
    return made


def types(entries: list[Entry]) -> list[str]:
    return [entry.type for entry in entries]


def refused(error: type[Exception], call: Callable[[], object], drive: Drive) -> None:
    """Refused with this error, and nothing is in the log."""
    size = len(drive.entries)
    with pytest.raises(error):
        call()
    assert len(drive.entries) == size


def asked(drive: Drive, **more: Any) -> str:
    return id_of(drive.perform("seat-1", "clarification.ask", question(**more)))


def let_out(drive: Drive, name: str) -> str:
    """Approved, and the bidder's key is vouched for; the deadline."""
    until = later(drive, 10)
    drive.perform("supervisor-1", "clarification.approve", {"question": name, "until": until})
    drive.perform(MAIN, "bidder.vouch", {"question": name, "jwk": signer_of("the bidder").jwk})
    return until


def answer(drive: Drive, name: str, text: str = "日历天", bidder: str = BIDDERS[0]) -> list[Entry]:
    made = drive.act("the bidder", "clarification.answer", {"question": name, "text": text}, sub=bidder)
    return drive.take(made)


# --- clarification


def test_a_question_goes_out_when_the_supervisor_lets_it_and_comes_back_signed() -> None:
    """实施条例 52, 87号令 51: asked, approved, answered with the bidder's signature; then the stage can end."""
    drive = at("compliance-review")
    name = asked(drive)
    assert "clarification.approve" in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.review()
    refused(StageIncomplete, drive.advance, drive)
    let_out(drive, name)
    entries = answer(drive, name)
    assert types(entries) == ["ClarificationAnswered"]
    assert visibility(entries[0], drive.state, "operator-2") == "summary"
    assert visibility(entries[0], drive.state, "seat-4") == "full"
    shown: Any = view(drive.state, "seat-4")
    assert shown["steps"]["questions"][0]["closed"] == "answered"
    refused(QuestionClosed, lambda: answer(drive, name, "又及"), drive)
    drive.advance()
    drive.until("done").close()
    again(drive.entries, encode(drive.definition))


def test_what_nobody_asked_is_not_taken() -> None:
    """实施条例 52: the committee may not accept clarification offered unasked."""
    drive = at("compliance-review")
    refused(UnknownKey, lambda: answer(drive, b64u(bytes(32))), drive)
    name, second_name = asked(drive), asked(drive, bidder=BIDDERS[1])
    refused(UnknownKey, lambda: answer(drive, name), drive)
    refused(
        QuestionNotApproved,
        lambda: drive.perform(MAIN, "bidder.vouch", {"question": name, "jwk": signer_of("the bidder").jwk}),
        drive,
    )
    let_out(drive, name)
    drive.perform("supervisor-1", "clarification.approve", {"question": second_name, "until": later(drive, 10)})
    # A key is good for one question, and is not vouched for twice.
    refused(NoSuchQuestion, lambda: answer(drive, second_name), drive)
    body = {"question": second_name, "jwk": signer_of("the bidder").jwk}
    refused(AlreadyFixed, lambda: drive.perform(MAIN, "bidder.vouch", body), drive)
    refused(NoSuchQuestion, lambda: answer(drive, b64u(bytes(32))), drive)
    refused(SessionError, lambda: answer(drive, name, bidder=BIDDERS[1]), drive)
    # The bidder's key signs an answer and nothing else.
    act = drive.act("the bidder", "motion.open", {"kind": "objection", "about": {"text": "x"}}, sub=BIDDERS[0])
    refused(WrongRole, lambda: drive.take(act), drive)
    answer(drive, name)


def test_questions_are_typed_out_of_committee_and_point_to_a_page() -> None:
    """12号令 19: unclear, inconsistent, mistyped, or a price that looks too low."""
    drive = at("compliance-review")
    ask = "clarification.ask"
    for body in (
        question(kind="improve-your-offer"),
        question(bidder="bidder-99"),
        question(text="   "),
        question(text="长" * 4001),
    ):
        refused(QuestionRefused, lambda body=body: drive.perform("seat-1", ask, body), drive)  # type: ignore[misc]
    for body in (question(page=0), question(document=b64u(bytes(32))), question() | {"more": 1}, {}):
        refused(Malformed, lambda body=body: drive.perform("seat-1", ask, body), drive)  # type: ignore[misc]
    refused(NotChair, lambda: drive.perform("seat-2", ask, question()), drive)
    for seat in ("operator-1", "supervisor-1", "auditor-1"):
        refused(WrongRole, lambda seat=seat: drive.perform(seat, ask, question()), drive)  # type: ignore[misc]
    name = asked(drive)
    approve = {"question": name, "until": later(drive, 10)}
    refused(WrongRole, lambda: drive.perform("seat-1", "clarification.approve", approve), drive)
    soon = {"question": name, "until": later(drive, 1)}
    refused(TimeRuns, lambda: drive.perform("supervisor-1", "clarification.approve", soon), drive)
    for until in ("tomorrow", "2026-11-21T10:00:00"):
        body = {"question": name, "until": until}
        with pytest.raises(Malformed):
            drive.perform("supervisor-1", "clarification.approve", body)
    drive.perform("supervisor-1", "clarification.refuse", {"question": name, "reason": "诱导性提问"})
    refused(QuestionClosed, lambda: drive.perform("supervisor-1", "clarification.approve", approve), drive)


def test_an_answer_after_its_time_is_refused_and_the_chair_records_that_none_came() -> None:
    """87号令 60: a reasonable time, and no longer; only then can a low price be rejected as unexplained."""
    drive = at("compliance-review")
    ground = "abnormally-low-price-unexplained"
    motion = {"kind": "rejection", "about": rejection(ground=ground)}
    refused(RejectionRefused, lambda: drive.perform("seat-2", "motion.open", motion), drive)
    name = asked(drive, kind="abnormally-low-price")
    let_out(drive, name)
    refused(TimeRuns, lambda: drive.perform("seat-1", "clarification.lapse", {"question": name}), drive)
    pass_time(drive, 11)
    refused(AnswerLate, lambda: answer(drive, name), drive)
    refused(NotChair, lambda: drive.perform("seat-2", "clarification.lapse", {"question": name}), drive)
    drive.perform("seat-1", "clarification.lapse", {"question": name})
    assert "BidRejected" in types(move(drive, "rejection", rejection(ground=ground)))


def test_under_the_bidding_law_the_committee_votes_on_a_question() -> None:
    drive = at("compliance-review", BIDDING)
    refused(QuestionRefused, lambda: asked(drive), drive)
    move(drive, "clarification", question(), against=("seat-1", "seat-2", "seat-3"))
    assert not drive.state.evaluation.steps.questions
    move(drive, "clarification", question(), against=("seat-1",))
    assert [found.kind for found in drive.state.evaluation.steps.questions] == ["unclear"]
    name = b64u(drive.state.evaluation.steps.questions[0].id)
    let_out(drive, name)
    answer(drive, name)
    again(drive.entries, encode(drive.definition))


# --- motions and rejections


def test_a_rejection_names_ground_words_and_page_and_the_majority_decides() -> None:
    """实施条例 51, 87号令 63 and 61."""
    drive = at("compliance-review")
    open_ = "motion.open"
    for about in (rejection(ground="ugly"), rejection(bidder="bidder-99")):
        body = {"kind": "rejection", "about": about}
        refused(RejectionRefused, lambda body=body: drive.perform("seat-2", open_, body), drive)  # type: ignore[misc]
    for about in (rejection(page=0), rejection(document=b64u(bytes(32))), rejection(page="1"), {}):
        body = {"kind": "rejection", "about": about}
        refused(Malformed, lambda body=body: drive.perform("seat-2", open_, body), drive)  # type: ignore[misc]
    refused(MotionRefused, lambda: drive.perform("seat-2", open_, {"kind": "lunch", "about": {}}), drive)
    right = {"kind": "rejection", "about": rejection()}
    for seat in ("operator-1", "supervisor-1", "auditor-1"):
        refused(WrongRole, lambda seat=seat: drive.perform(seat, open_, right), drive)  # type: ignore[misc]
    motion = id_of(drive.perform("seat-2", open_, right))
    refused(AlreadyDone, lambda: drive.perform("seat-3", open_, right), drive)
    assert "motion.vote" in todo(drive.state, drive.state.seat("seat-4"))
    silent = {"motion": motion, "for": False, "reason": None}
    refused(QuestionRefused, lambda: drive.perform("seat-1", "motion.vote", silent), drive)
    vote = {"motion": motion, "for": True, "reason": None}
    refused(NoSuchMotion, lambda: drive.perform("seat-1", "motion.vote", vote | {"motion": b64u(bytes(32))}), drive)
    for seat in MEMBERS[:-1]:
        assert types(drive.perform(seat, "motion.vote", vote)) == ["MotionVoted"]
    refused(AlreadyDone, lambda: drive.perform("seat-1", "motion.vote", vote), drive)
    last = drive.perform(MEMBERS[-1], "motion.vote", silent | {"reason": "证书在有效期内"})
    assert types(last) == ["MotionVoted", "MotionDecided", "BidRejected"]
    refused(MotionDecided, lambda: drive.perform("seat-1", "motion.vote", vote), drive)
    drive.review()
    assert BIDDERS[0] not in drive.state.evaluation.standing


def test_a_bid_rejected_in_the_detailed_review_is_scored_and_not_ranked() -> None:
    """The sheets stay as they were sealed; both rankings leave the bid out."""
    value = second(prices=("100.00", "110.00", "120.00", "130.00"))
    drive = Drive(definition=value).until("detailed-review")
    names = [bidder["id"] for bidder in value["bidders"]]
    move(drive, "rejection", rejection(names[3]))
    drive.score(sheets(value))
    drive.advance()
    assert drive.state.evaluation.ranking is not None
    assert names[3] not in dict(drive.state.evaluation.ranking.places)
    agree(drive)
    drive.until("done").close()
    again(drive.entries, encode(value))


def test_with_fewer_than_three_valid_bids_a_procurement_fails() -> None:
    """政府采购法 36: nothing is left to decide; the supervisor ends it."""
    drive = at("compliance-review")
    drive.review()
    for bidder in BIDDERS[: len(BIDDERS) - 2]:
        last = move(drive, "rejection", rejection(bidder))
    assert types(last)[-2:] == ["BidRejected", "EvaluationFailed"]
    refused(EvaluationFailed, drive.advance, drive)
    refused(MotionRefused, lambda: move(drive, "objection", {"text": "异议"}), drive)
    assert todo(drive.state, drive.state.seat("supervisor-1"))[0] == "proceeding.abort"
    again(drive.entries, encode(drive.definition))


@pytest.mark.parametrize("lacking", [True, False])
def test_under_the_bidding_law_the_committee_says_whether_competition_is_lacking(lacking: bool) -> None:
    """12号令 27."""
    drive = at("compliance-review", BIDDING)
    about: Object = {"text": "有效投标不足三个，明显缺乏竞争"}
    drive.review()
    refused(MotionRefused, lambda: move(drive, "no-competition", about), drive)
    for bidder in BIDDERS[: len(BIDDERS) - 2]:
        move(drive, "rejection", rejection(bidder, "no-substantive-response"))
    refused(TooFewBidders, drive.advance, drive)
    last = move(drive, "no-competition", about, against=() if lacking else MEMBERS)
    assert (types(last)[-1] == "EvaluationFailed") is lacking
    if lacking:
        refused(EvaluationFailed, drive.advance, drive)
    else:
        drive.advance()
    again(drive.entries, encode(drive.definition))


def test_where_no_bid_stands_nobody_can_find_competition() -> None:
    """12号令 27 speaks of too few valid bids; none at all are not ranked, whatever the committee says."""
    drive = at("compliance-review", BIDDING)
    drive.review()
    for bidder in BIDDERS:
        move(drive, "rejection", rejection(bidder, "no-substantive-response"))
    for _ in range(2):
        move(drive, "no-competition", {"text": "没有有效投标"}, against=MEMBERS)
        refused(TooFewBidders, drive.advance, drive)
    assert types(move(drive, "no-competition", {"text": "没有有效投标"}))[-1] == "EvaluationFailed"
    again(drive.entries, encode(drive.definition))


# --- steps back and more time


def test_a_step_back_needs_the_supervisor_and_makes_later_work_void() -> None:
    drive = at("detailed-review")
    drive.score()
    drive.advance()
    back = {"from": "tally", "to": "detailed-review", "reason": "评分标准理解有误"}
    refused(WrongRole, lambda: drive.perform("seat-1", "stage.back", back), drive)
    refused(ReturnRefused, lambda: drive.perform("operator-1", "stage.back", back | {"to": "declarations"}), drive)
    refused(ReturnRefused, lambda: drive.perform("operator-1", "stage.back", back | {"to": "report"}), drive)
    refused(QuestionRefused, lambda: drive.perform("operator-1", "stage.back", back | {"reason": ""}), drive)
    name = id_of(drive.perform("operator-1", "stage.back", back))
    refused(AlreadyDone, lambda: drive.perform("operator-1", "stage.back", back), drive)
    yes = {"asked": name, "approve": True, "reason": "同意"}
    refused(WrongRole, lambda: drive.perform("operator-1", "stage.back-approve", yes), drive)
    made = drive.perform("supervisor-1", "stage.back-approve", yes)
    assert types(made) == ["StepBackAnswered", "StageReturned", "RoundOpened"]
    assert made[1].body["void"] == [["sheet", 1]]
    assert drive.state.evaluation.ranking is None
    assert drive.round.number == 2
    refused(ReturnRefused, lambda: drive.perform("supervisor-1", "stage.back-approve", yes), drive)
    # The void round takes nothing more.
    freeze = {"purpose": "sheet", "round": 1}
    refused(RoundError, lambda: drive.perform("operator-1", "round.freeze", freeze), drive)
    scores = spread()
    shifted = {
        seat: {item: value - Decimal("0.01") if value else value for item, value in sheet.items()}
        for seat, sheet in scores.items()
    }
    for n, (seat, sheet) in enumerate(shifted.items()):
        drive.seal(seat, drive.sheet(seat, sheet, salt=bytes([n + 1]) * 32))
    finish_round(drive)
    drive.advance()
    agree(drive)
    drive.until("done").close()
    again(drive.entries, encode(drive.definition))


def test_back_to_the_review_everybody_votes_again() -> None:
    drive = at("detailed-review")
    body = {"from": "detailed-review", "to": "compliance-review", "reason": "漏看业绩材料"}
    name = id_of(drive.perform("operator-1", "stage.back", body))
    no = {"asked": name, "approve": False, "reason": "无必要"}
    assert types(drive.perform("supervisor-1", "stage.back-approve", no)) == ["StepBackAnswered"]
    assert drive.state.stage == "detailed-review"
    name = id_of(drive.perform("operator-1", "stage.back", body))
    drive.perform("supervisor-1", "stage.back-approve", {"asked": name, "approve": True, "reason": "同意"})
    assert drive.state.evaluation.votes == {}
    drive.until("done").close()
    again(drive.entries, encode(drive.definition))


def test_nothing_goes_back_between_a_freeze_and_its_opening_nor_once_the_report_is_made() -> None:
    drive = at("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.acknowledge()
    drive.freeze()
    body = {"from": "detailed-review", "to": "compliance-review", "reason": "重来"}
    refused(ReturnRefused, lambda: drive.perform("operator-1", "stage.back", body), drive)
    made = at("signing")
    body["from"] = "signing"
    refused(ReportMade, lambda: made.perform("operator-1", "stage.back", body), made)


def test_more_than_a_third_extends_the_time() -> None:
    """实施条例 48."""
    drive = at("detailed-review")
    body = {"reason": "标书过千页"}
    refused(WrongRole, lambda: drive.perform("operator-1", "extension.ask", body), drive)
    assert types(drive.perform("seat-1", "extension.ask", body)) == ["ExtensionAsked"]
    refused(AlreadyDone, lambda: drive.perform("seat-1", "extension.ask", body), drive)
    assert types(drive.perform("seat-2", "extension.ask", body)) == ["ExtensionAsked", "TimeExtended"]
    assert types(drive.perform("seat-3", "extension.ask", body)) == ["ExtensionAsked"]
    again(drive.entries, encode(drive.definition))


# --- corrections


def test_objective_items_that_differ_hold_the_totals_back_until_their_authors_agree() -> None:
    """87号令 64: a score changes only for a legal reason, by its own author."""
    drive = at("detailed-review")
    item, leaf = _leaf(drive)
    drive = at("detailed-review", objective=[leaf])
    base = spread()
    level = base["seat-1"][item]
    same = {seat: {key: base["seat-1"][key] for key in sheet} for seat, sheet in base.items()}
    same["seat-2"][item] = level - Decimal("1.00")
    drive.score(same)
    body = {"bidder": item[0], "criterion": leaf, "score": f"{level:.2f}", "reason": "objective", "text": "证书数量"}
    assert drive.entries[-1].body["objective"] == [list(item)]
    refused(ObjectiveDiffers, drive.advance, drive)
    correct = "score.correct"
    for reason in ("sum", "range", "abnormal", "mood"):
        wrong = body | {"reason": reason}
        refused(CorrectionRefused, lambda wrong=wrong: drive.perform("seat-2", correct, wrong), drive)  # type: ignore[misc]
    for score in ("999.00", f"{level - 1:.2f}"):
        wrong = body | {"score": score}
        refused(CorrectionRefused, lambda wrong=wrong: drive.perform("seat-2", correct, wrong), drive)  # type: ignore[misc]
    refused(Malformed, lambda: drive.perform("seat-2", correct, body | {"score": "1"}), drive)
    refused(CorrectionRefused, lambda: drive.perform("seat-2", correct, body | {"criterion": "none"}), drive)
    for seat in ("operator-1", "supervisor-1"):
        refused(WrongRole, lambda seat=seat: drive.perform(seat, correct, body), drive)  # type: ignore[misc]
    assert drive.perform("seat-2", correct, body)[0].body == {"from": f"{level - 1:.2f}"}
    refused(CorrectionRefused, lambda: drive.perform("seat-1", correct, body | {"score": "0.00"}), drive)
    drive.advance()
    agree(drive)
    refused(TooLate, lambda: drive.perform("seat-2", correct, body), drive)
    drive.until("done").close()
    again(drive.entries, encode(drive.definition))


def test_a_sum_far_off_the_others_is_shown_and_may_be_corrected_by_its_author() -> None:
    """畸高畸低: advice, by the pack's figure; nobody else's sheet can be touched for it."""
    drive = at("detailed-review")
    base = spread()["seat-1"]
    sheets = {seat: dict(base) for seat in MEMBERS}
    item, leaf = _leaf(drive)
    sheets["seat-5"] = {key: Decimal("0.00") if key[0] == item[0] else value for key, value in base.items()}
    drive.score(sheets)
    assert drive.entries[-1].body["abnormal"] == [["seat-5", item[0]]]
    body = {"bidder": item[0], "criterion": leaf, "score": f"{base[item]:.2f}", "reason": "abnormal", "text": "漏看"}
    refused(CorrectionRefused, lambda: drive.perform("seat-1", "score.correct", body | {"score": "0.00"}), drive)
    drive.perform("seat-5", "score.correct", body)
    drive.advance()
    agree(drive)
    again(drive.entries, encode(drive.definition))


def test_a_forged_correction_is_found_when_it_is_decided_again() -> None:
    """With the control switched off the log would fold: folding alone takes a correction for no reason."""
    drive = at("detailed-review")
    drive.score()
    item, leaf = _leaf(drive)
    body = {"bidder": item[0], "criterion": leaf, "score": "0.00", "reason": "sum", "text": "请改"}
    act = drive.act("seat-2", "score.correct", body)
    drive.append([Draft("ScoreCorrected", {"from": "1.00"}, act)])
    with pytest.raises((EvaluationError, EvidenceError, SessionError, Untrusted)):
        again(drive.entries, encode(drive.definition))


def finish_round(drive: Drive) -> None:
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()


def agree(drive: Drive) -> None:
    """The client's ranking from the same log says the same."""
    told = other.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    stated = {entry.type: entry.body for entry in drive.entries}
    assert told["ranking"] == stated["RankingFixed"]


def _leaf(drive: Drive) -> tuple[tuple[str, str], str]:
    item = drive.state.evaluation.asked()[0][0]
    return item, item[1]
