"""Facts of collusion are advice (实施条例 40, 87号令 37): who sees them, when, and that nothing follows from them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from evaluation.adapters import report_workbook
from evaluation.adapters.report_typst import render
from evaluation.core import collusion, report, tender
from evaluation.core.collusion import Comparison
from evaluation.core.rules.shelf import Pack
from evaluation.core.state import Advice
from evaluation.errors import EvaluationError, TooEarly, TooLate
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.errors import Malformed, Untrusted
from sessions import advice
from sessions.core import advising, duties
from sessions.core.commands import NoteAdvice
from sessions.core.permission import allowed, demand
from sessions.core.view import view, visibility
from sessions.errors import AlreadyFixed, CommandRefused, WrongRole
from tests.evaluation.packs import NEW_PROCUREMENT, PROCUREMENT, second
from tests.evaluation.test_report import words
from tests.sessions.draws import audited
from tests.sessions.drive import MEMBERS, Drive
from tests.sessions.test_committee_steps import at, move, question, rejection

INVALID = "other-in-the-tender-document"
NOTED = NoteAdvice(sha256(b"advice"), 700, 2)
READERS = (*MEMBERS, "supervisor-1", "auditor-1")
OTHERS = ("operator-1", "operator-2", "room-1", "hohhot.example", "zhongshan.example", "administrator", "node")


def compared(stage: str = "compliance-review", *, noted: bool = True) -> Drive:
    """A tender with two documents, whose comparison is noted before anybody declared anything."""
    value = second(PROCUREMENT, "comprehensive-scoring")
    value["documents"] = [
        *value["documents"],
        value["documents"][0] | {"sha256": b64u(sha256(b"bid")), "bidder": "bidder-1"},
    ]
    drive = Drive(definition=value).until("declarations")
    if noted:
        drive.execute(NOTED)
    return drive.until(stage)


def test_documents_are_compared_as_soon_as_they_are_fixed() -> None:
    drive = compared("declarations", noted=False)
    assert duties.CompareDocuments() in duties.duties(drive.state)
    drive.execute(NOTED)
    assert duties.CompareDocuments() not in duties.duties(drive.state)
    with pytest.raises(AlreadyFixed):
        drive.execute(NOTED)


def test_one_document_is_like_no_other() -> None:
    drive = Drive().until("declarations")
    assert duties.CompareDocuments() not in duties.duties(drive.state)
    with pytest.raises(CommandRefused):
        drive.execute(NOTED)


def test_the_meeting_waits_for_no_comparison_and_a_late_one_is_none() -> None:
    drive = compared("tally", noted=False)
    assert duties.CompareDocuments() not in duties.duties(drive.state)
    with pytest.raises(TooLate):
        drive.execute(NOTED)


def priced(stage: str, pack: Pack = NEW_PROCUREMENT) -> Drive:
    """One document, no notes, and prices that lie evenly."""
    prices = ("2400003.11", "2410003.11", "2420003.11", "2288231.72")
    return Drive(definition=second(pack, prices=prices)).until(stage)


def test_prices_are_compared_where_the_pack_says_so() -> None:
    drive = priced("declarations")
    assert duties.CompareDocuments() in duties.duties(drive.state)
    drive.execute(NOTED)
    audited(drive)
    assert duties.CompareDocuments() not in duties.duties(priced("declarations", PROCUREMENT).state)


def test_no_fact_tells_a_price_that_its_reader_was_not_told_before() -> None:
    """87号令 41, 招标投标法 36: prices are read out at the opening; the definition that all of them read has them."""
    drive = priced("declarations")
    drive.execute(NOTED)
    fixed = next(entry for entry in drive.entries if entry.type == "DefinitionFixed")
    for stage in ("declarations", "chair-election", "compliance-review", "detailed-review"):
        drive.until(stage)
        for seat in drive.state.seats:
            if allowed(drive.state, seat, advising.READ):
                assert visibility(fixed, drive.state, seat) == "full"
                assert [price for _, price in fixed.body["scoring"]["bidders"]][:2] == ["2400003.11", "2410003.11"]
    assert allowed(drive.state, "seat-1", advising.READ)


def test_what_the_advice_says_of_prices_is_held_against_them_by_everybody() -> None:
    """No reader of documents is needed; a fact that is hidden, made up or moved to others is found."""
    drive = priced("declarations")
    definition = tender.parse(encode(drive.definition))
    data = Comparison(definition).document(engine="another", salt=bytes(16))
    made = collusion.read(data)
    (fact,) = made["facts"]
    assert (fact["kind"], fact["bidders"]) == ("progression", ["bidder-1", "bidder-2", "bidder-3"])
    document = encode(drive.definition)

    def held(value: Object) -> bool:
        told = encode(value)
        noted = Advice(0, sha256(told), len(value["facts"]))
        state = replace(drive.state, evaluation=replace(drive.state.evaluation, advice=noted))

        async def load(name: bytes) -> bytes:
            return told if name == sha256(told) else document

        return asyncio.run(advice.check(state, load=load, reader=None))

    examined = [[b64u(each.sha256), "timeout"] for each in collusion.order(definition)]
    right = made | {"examined": examined}
    assert held(right) is False
    moved = fact | {"bidders": ["bidder-1", "bidder-2", "bidder-4"]}
    for facts in ([], [moved], [fact, fact], [fact | {"value": "10000.01"}]):
        with pytest.raises(Untrusted):
            held(right | {"facts": facts})


@pytest.mark.parametrize("facts", [-1, 201])
def test_a_number_of_facts_that_no_advice_has(facts: int) -> None:
    with pytest.raises(CommandRefused):
        compared("declarations", noted=False).execute(NoteAdvice(sha256(b"advice"), 700, facts))


def test_nobody_reads_it_before_every_recusal_is_declared() -> None:
    """Domain checklist 7: what is known of bidders must not steer who declares what."""
    drive = compared("declarations")
    entry = next(entry for entry in drive.entries if entry.type == "AdviceNoted")
    for stage in ("declarations", "chair-election"):
        drive.until(stage)
        for seat in READERS:
            assert view(drive.state, seat)["advice"] is None
            assert visibility(entry, drive.state, seat) == "summary"
            with pytest.raises(TooEarly):
                demand(drive.state, seat, advising.READ)


def test_only_the_committee_and_those_who_watch_read_it() -> None:
    drive = compared()
    entry = next(entry for entry in drive.entries if entry.type == "AdviceNoted")
    shown = {"n": entry.n, "sha256": b64u(NOTED.sha256), "facts": 2}
    for seat in READERS:
        assert view(drive.state, seat)["advice"] == shown
        assert visibility(entry, drive.state, seat) == "full"
    for other in OTHERS:
        assert not allowed(drive.state, other, advising.READ)
        with pytest.raises(WrongRole):
            demand(drive.state, other, advising.READ)
    for seat in ("operator-1", "operator-2"):
        assert view(drive.state, seat)["advice"] is None
        assert visibility(entry, drive.state, seat) == "summary"
    assert visibility(entry, drive.state, "room-1") == "hash"


def test_nothing_follows_from_a_fact_by_itself() -> None:
    drive = compared()
    drive.review()
    assert set(drive.state.evaluation.valid or ()) == {f"bidder-{n}" for n in range(1, 5)}
    assert not drive.state.evaluation.steps.rejected


def test_a_motion_to_reject_may_cite_a_fact_and_still_needs_everything_else() -> None:
    drive = compared()
    cited: dict[str, Any] = {"document": b64u(NOTED.sha256), "page": 2}
    made = move(drive, "rejection", rejection(ground=INVALID, **cited))
    assert "BidRejected" in [entry.type for entry in made]
    for wrong in ({"page": 3}, {"page": 0}, {"text": ""}):
        with pytest.raises((Malformed, EvaluationError)):
            move(drive, "rejection", rejection("bidder-2", INVALID, **(cited | wrong)))
    audited(drive)


def test_the_report_tells_each_fact_and_what_the_committee_made_of_it() -> None:
    """In the law's item on invalid bids; what the bidders share is not repeated there."""
    fact: Object = {"kind": "account", "item": 6, "bidders": ["bidder-1", "bidder-2"], "value": "6222-1234"}
    other: Object = {"kind": "likeness", "item": 4, "bidders": ["bidder-1", "bidder-3"], "value": None}
    even: list[Object] = [
        other | {"kind": kind} for kind in ("progression", "ratio", "base", "line-ratio", "line-step")
    ]
    told: Object = {
        "examined": [["A" * 43, "whole"], ["B" * 43, "encrypted"]],
        "facts": [fact, other, *even],
        "more": 3,
    }
    drive = compared()
    move(drive, "rejection", rejection(ground=INVALID, document=b64u(NOTED.sha256), page=2), against=MEMBERS[:3])
    drive.until("report")
    definition = tender.parse(encode(drive.definition))
    content = report.content(definition, drive.state.evaluation, drive.entries, advice=told)
    first, second, *_ = content["advice"]["facts"]
    assert (first["cited"], [each["carried"] for each in second["cited"]]) == ([], [False])
    assert content["advice"]["unexamined"] == [["B" * 43, "encrypted"]]
    assert b"6222-1234" not in report.encode(content)
    said = words(render(content))
    shown = ("仅供参考，不得作为直接否决依据", "财政部令第87号第三十七条", "投标保证金付款账户相同")
    for text in (*shown, "未据此提请表决", "文件加密", "投标报价呈等差规律", "分项报价比例一致"):
        assert text in said, text
    assert report_workbook.same(report_workbook.render(content), content)


def test_without_an_advice_its_hash_is_no_document() -> None:
    drive = at("compliance-review")
    with pytest.raises(Malformed):
        move(drive, "rejection", rejection(document=b64u(NOTED.sha256), page=1))


def test_a_question_to_a_bidder_never_cites_a_fact() -> None:
    """It goes out to the bidder, who would learn that there is something."""
    drive = compared()
    about: Object = question(document=b64u(NOTED.sha256), page=1)
    with pytest.raises(Malformed):
        drive.perform("seat-1", "motion.open", {"kind": "clarification", "about": about})
