"""After the evaluation: clocks on working days, one rating for each expert, hand-over, retention (issue 4, item 11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from evaluation.errors import TooEarly
from evidence.core.canonical import Object, b64u
from evidence.errors import EvidenceError, Malformed, Untrusted
from sessions.after_errors import (
    AfterError,
    AppealLate,
    CaseRefused,
    HandOverRefused,
    MilestoneOrder,
    MilestoneRefused,
    NoSuchCase,
    NotOwnJudge,
    RatingRefused,
)
from sessions.core import after_view, aftermath, afterwards
from sessions.core.aftermath import Aftermath, years_after
from sessions.core.permission import AFTER
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    AlreadyFixed,
    SeatKeyEnded,
    SeenUnknown,
    SessionError,
    UnknownAct,
    UnknownKey,
    WrongLog,
    WrongRole,
    WrongSeat,
    WrongVenue,
)
from tests.sessions.afterwards import CLOSED_ON, YES, Later
from tests.sessions.drive import MEMBERS

BIDDING = "bidding-law"
ITEMS = [
    ["paper", "签到表", 3, None],
    ["audio-video", "全程录像", 1, b64u(bytes(32))],
    ["sealed", "投标文件原件", 5, None],
]


# --- clocks


def test_clocks_of_procurement_run_on_working_days() -> None:
    """政府采购法实施条例 43: two, five and two working days; 财库〔2016〕198号 21 and the hand-over: five."""
    later = Later()
    found = later.clocks()
    assert found["report-to-the-buyer"]["due"] == "2026-11-25"
    assert found["buyer-decides"]["due"] is None
    assert {name for name in found if name.startswith("rating ")} == {
        f"rating {m.seat}" for m in later.proceeding.evaluation.members if m.role == "expert"
    }
    assert found["rating seat-1"]["due"] == found["hand-over venue-2"]["due"] == "2026-11-30"
    assert "hand-over venue-1" not in found
    later.day = "2026-11-26"
    assert later.clocks()["report-to-the-buyer"]["overdue"]
    later.reach("report-sent", "2026-11-25")
    assert later.clocks()["report-to-the-buyer"] == found["report-to-the-buyer"] | {"done": "2026-11-25"}
    assert later.clocks()["buyer-decides"]["due"] == "2026-12-02"
    later.day = "2026-12-04"
    later.reach("winner-fixed")
    assert later.clocks()["buyer-decides"]["overdue"]
    later.reach("announced")
    found = later.clocks()
    assert found["announcement-stands"]["due"] == "2026-12-07"
    assert found["queries-may-come"]["due"] == "2026-12-16"
    assert not found["queries-may-come"]["overdue"]
    later.day = "2026-12-17"
    assert later.clocks()["queries-may-come"]["over"]


def test_every_clock_says_its_article_and_how_sure_it_is() -> None:
    for regime in ("government-procurement", BIDDING):
        for found in Later(regime).clocks().values():
            assert found["source"]
            assert found["mark"] in ("V", "K", "U")


def test_milestones_come_in_order_and_not_from_the_future() -> None:
    later = Later(day="2026-11-25")
    with pytest.raises(MilestoneOrder):
        later.reach("winner-fixed")
    for day in ("2026-11-22", "2026-11-26"):
        with pytest.raises(MilestoneRefused):
            later.reach("report-sent", day)
    with pytest.raises(Malformed):
        later.reach("report-sent", "2026-W48-3")
    with pytest.raises(MilestoneRefused):
        later.reach("candidates-published")
    later.reach("report-sent")
    with pytest.raises(AlreadyFixed):
        later.reach("report-sent")


def test_the_publication_lasts_and_an_objection_holds_up_the_award() -> None:
    """招标投标法实施条例 54: three days at least; until an objection is answered nothing goes on."""
    later = Later(BIDDING, day="2026-11-24")
    case: Object = {"kind": "objection", "of": "乙公司", "day": "2026-11-24", "text": "业绩不实", "evidence": None}
    with pytest.raises(MilestoneOrder):
        later.reach("candidates-published")
    later.reach("report-sent")
    with pytest.raises(CaseRefused):
        later.perform("operator-1", "case.open", case)
    assert later.view("operator-1")["opens"] == []
    later.reach("candidates-published")
    assert later.clocks()["publication-stands"]["due"] == "2026-11-27"
    assert later.clocks()["complaints-may-come"]["due"] == "2026-12-04"
    later.day = "2026-11-27"
    with pytest.raises(MilestoneOrder, match="publication-stands"):
        later.reach("winner-fixed")
    told = later.view("operator-1")
    assert (told["next"], told["held"], told["opens"]) == ("winner-fixed", "publication-stands", ["objection"])
    objection = later.perform("operator-1", "case.open", case | {"day": "2026-11-27"})
    late = later.perform("operator-1", "case.open", case | {"of": "丙公司", "day": "2026-11-26"})
    assert later.clocks()["answer-objection 乙公司"]["due"] == "2026-11-30"
    later.day = "2026-11-30"
    with pytest.raises(MilestoneOrder, match="answered"):
        later.reach("winner-fixed")
    assert later.view("operator-1")["held"] == "objection"
    for name in (objection, late):
        later.perform("operator-1", "case.answer", {"case": name, "text": "经核查属实有效", "evidence": None})
    with pytest.raises(NoSuchCase):
        later.perform("operator-1", "case.answer", {"case": objection, "text": "再答", "evidence": None})
    assert later.view("operator-1")["held"] is None
    later.reach("winner-fixed")
    assert later.clocks()["written-report"]["due"] == "2026-12-15"


def test_a_late_case_is_recorded_as_late_and_judged_by_nobody_here() -> None:
    later = Later(BIDDING, day="2026-11-24")
    later.reach("report-sent")
    later.reach("candidates-published")
    later.day = "2026-12-01"
    body: Object = {"kind": "objection", "of": "丁公司", "day": "2026-12-01", "text": "迟到的异议", "evidence": None}
    later.perform("operator-1", "case.open", body)
    assert later.view("supervisor-1")["cases"][0]["late"]


def test_each_office_records_its_own_cases() -> None:
    later = Later(day="2026-12-01")
    body: Object = {"kind": "complaint", "of": "乙公司", "day": "2026-12-01", "text": "投诉", "evidence": None}
    with pytest.raises(CaseRefused):
        later.perform("operator-1", "case.open", body)
    assert [later.view(seat)["kinds"] for seat in ("operator-1", "supervisor-1", "auditor-1")] == [
        ["query"],
        ["complaint"],
        [],
    ]
    complaint = later.perform("supervisor-1", "case.open", body)
    with pytest.raises(CaseRefused):
        later.perform("operator-1", "case.answer", {"case": complaint, "text": "答", "evidence": None})
    later.perform("supervisor-1", "case.answer", {"case": complaint, "text": "驳回", "evidence": None})
    with pytest.raises(CaseRefused):
        later.perform("supervisor-1", "case.open", body | {"day": "2026-12-02"})


def test_an_aborted_proceeding_has_no_milestones_and_still_ratings_and_hand_over() -> None:
    later = Later(aborted=True)
    assert {name.partition(" ")[0] for name in later.clocks()} == {"rating", "hand-over"}
    with pytest.raises(MilestoneRefused):
        later.reach("report-sent")
    later.rate()


# --- ratings


def test_each_expert_is_rated_once_with_reasons_and_points_as_data() -> None:
    later = Later()
    later.rate("seat-1", breaches=[["left-the-post", "擅离职守四十分钟"]], answers=[*YES[:14], False])
    assert later.state.ratings["seat-1"].points == 5
    with pytest.raises(AlreadyFixed):
        later.rate("seat-1")
    for wrong in (
        {"breaches": [["no-such-breach", "x"]]},
        {"breaches": [["left-the-post", "x"], ["left-the-post", "y"]]},
        {"breaches": ["left-the-post"]},
        {"answers": YES[:14]},
        {"answers": [1] * 15},
        {"answers": [*YES[:14], None]},
    ):
        with pytest.raises(RatingRefused):
            later.rate("seat-2", **wrong)
    for short in ({"breaches": [["left-the-post", " "]]}, {"text": ""}, {"text": "x" * 2001}):
        with pytest.raises(Malformed):
            later.rate("seat-2", **short)
    with pytest.raises(RatingRefused):
        later.rate("operator-2")


def test_who_rates_is_the_timetables() -> None:
    """财库〔2016〕198号 21: buyer and agency; under the bidding law the supervisor may, too."""
    with pytest.raises(RatingRefused):
        Later().rate(by="supervisor-1")
    later = Later(BIDDING)
    rating = later.rate(by="supervisor-1", breaches=[["left-the-post", "离席"]])
    later.perform("seat-1", "rating.appeal", {"rating": rating, "reason": "因停电离席"})
    with pytest.raises(NotOwnJudge):
        later.perform(
            "supervisor-1", "rating.decide", {"rating": rating, "uphold": True, "points": None, "reason": "维持"}
        )


def test_the_buyers_representative_is_not_rated() -> None:
    later = Later()
    buyer = next(m.seat for m in later.proceeding.evaluation.members if m.role != "expert")
    with pytest.raises(RatingRefused):
        later.rate(buyer)


def test_a_member_appeals_within_five_working_days_and_the_supervisor_decides() -> None:
    later = Later(day="2026-11-24")
    rating = later.rate("seat-1", breaches=[["left-the-post", "离席"]])
    decision: Object = {"rating": rating, "uphold": False, "points": 1, "reason": "断电属实"}
    assert later.clocks()["appeal seat-1"]["due"] == "2026-12-01"
    with pytest.raises(NoSuchCase):
        later.perform("supervisor-1", "rating.decide", decision)
    with pytest.raises(NoSuchCase):
        later.perform("seat-2", "rating.appeal", {"rating": rating, "reason": "不是我的"})
    later.day = "2026-12-02"
    with pytest.raises(AppealLate):
        later.perform("seat-1", "rating.appeal", {"rating": rating, "reason": "迟到"})
    later.day = "2026-12-01"
    later.perform("seat-1", "rating.appeal", {"rating": rating, "reason": "因停电离席"})
    with pytest.raises(AlreadyFixed):
        later.perform("seat-1", "rating.appeal", {"rating": rating, "reason": "再次"})
    assert later.clocks()["appeal-decision seat-1"]["due"] == "2026-12-15"
    for wrong in ({"points": 4}, {"points": 5}, {"points": -1}, {"points": None}, {"uphold": True}):
        with pytest.raises(RatingRefused):
            later.perform("supervisor-1", "rating.decide", decision | wrong)
    later.perform("supervisor-1", "rating.decide", decision)
    assert later.state.ratings["seat-1"].points == 1
    with pytest.raises(AlreadyFixed):
        later.perform("supervisor-1", "rating.decide", decision)


# --- hand-over


def test_a_secondary_venue_hands_over_items_and_seals_and_the_main_one_takes_them() -> None:
    later = Later()
    given: Object = {"venue": "venue-2", "items": ITEMS, "seals": ["封-0017", "封-0018"]}
    with pytest.raises(WrongVenue):
        later.perform("operator-3", "hand-over.give", given)
    with pytest.raises(HandOverRefused):
        later.perform("operator-1", "hand-over.give", given | {"venue": "venue-1"})
    for wrong in ([], [["gold", "x", 1, None]], [["paper", "x", 0, None]], [["paper", "x", True, None]], ["paper"]):
        with pytest.raises(HandOverRefused):
            later.perform("operator-2", "hand-over.give", given | {"items": wrong})
    with pytest.raises(HandOverRefused):
        later.perform("operator-2", "hand-over.give", given | {"seals": ["1", "1"]})
    first = later.perform("operator-2", "hand-over.give", given)
    with pytest.raises(AlreadyFixed):
        later.perform("operator-2", "hand-over.give", given)
    later.perform("operator-1", "hand-over.take", {"hand_over": first, "missing": "缺签到表一份"})
    with pytest.raises(NoSuchCase):
        later.perform("operator-1", "hand-over.take", {"hand_over": first, "missing": None})
    second = later.perform("operator-2", "hand-over.give", given | {"items": ITEMS[:1], "seals": []})
    later.perform("operator-1", "hand-over.take", {"hand_over": second, "missing": None})
    with pytest.raises(AlreadyFixed):
        later.perform("operator-2", "hand-over.give", given)
    assert later.clocks()["hand-over venue-2"]["done"] == CLOSED_ON
    later.day = "2026-12-01"
    assert later.clocks()["hand-over venue-3"]["overdue"]
    assert not later.clocks()["hand-over venue-2"]["overdue"]


# --- who, and what is seen


@pytest.mark.parametrize("name", sorted(AFTER))
def test_only_the_offices_named_may(name: str) -> None:
    """Everybody else is refused, and nothing is stated."""
    later = Later(day="2026-12-01")
    body: Object = {"venue": "venue-2", "items": ITEMS, "seals": []} if name == "hand-over.give" else {}
    for seat in later.proceeding.seats.values():
        if not AFTER[name].roles & {seat.role}:
            with pytest.raises(WrongRole):
                later.perform(seat.id, name, body)
    assert later.log == []


def test_who_has_no_seat_and_an_open_proceeding_have_no_part() -> None:
    later = Later()
    rating = later.rate("seat-2")
    act = later.act("seat-2", "rating.appeal", {"rating": rating, "reason": "x"})
    with pytest.raises(WrongRole):
        afterwards.decide(later.state, replace(act, sub="seat-9"), later.proceeding, later.at)
    with pytest.raises(TooEarly):
        afterwards.decide(later.state, act, replace(later.proceeding, closed=None), later.at)
    with pytest.raises(UnknownAct):
        later.perform("operator-1", "review.vote", {})


def test_acts_are_by_the_seats_keys_of_the_closed_record() -> None:
    """docs/protocol.md section 3, with the final root as `seen`."""
    later = Later()
    body: Object = {"seat": "seat-1", "breaches": [], "answers": YES, "text": "认真"}

    def refused(error: type[SessionError | EvidenceError], **more: Any) -> None:
        with pytest.raises(error):
            later.take(later.act("operator-1", "rating.give", body, **more))

    refused(WrongLog, aud=later.proceeding.origin)
    refused(WrongSeat, sub="operator-2")
    refused(ActGap, ctr=2)
    refused(ActFork, prev=bytes(31) + b"\1")
    refused(SeenUnknown, seen=(later.state.opening.final[0] - 1, later.state.opening.final[1]))
    refused(SeenUnknown, seen=(later.state.opening.final[0], bytes(32)))
    with pytest.raises(UnknownKey):
        later.take(later.act("hohhot.example", "rating.give", body))
    act = later.act("operator-1", "rating.give", body)
    forged = replace(act, body=body | {"seat": "seat-2"}, jws=act.jws[:-4] + "AAAA")
    with pytest.raises(Untrusted):
        later.take(forged)
    keys = dict(later.proceeding.keys)
    keys[act.kid] = replace(keys[act.kid], ended=0)
    with pytest.raises(SeatKeyEnded):
        aftermath.check(later.state, act, replace(later.proceeding, keys=keys))
    later.take(act)
    with pytest.raises(ActRepeated):
        later.take(act)


def test_a_member_sees_its_own_rating_and_a_secondary_operator_its_own_hand_over() -> None:
    later = Later()
    later.rate("seat-1", text="机密评语一")
    later.rate("seat-2", text="机密评语二")
    later.perform("operator-2", "hand-over.give", {"venue": "venue-2", "items": ITEMS, "seals": []})
    later.reach("report-sent")
    for seat in later.proceeding.seats:
        shown = later.view(seat)
        told = str(shown)
        watches = seat in ("operator-1", "supervisor-1", "auditor-1")
        assert ("机密评语一" in told) == (watches or seat == "seat-1")
        assert ("机密评语二" in told) == (watches or seat == "seat-2")
        assert bool(shown["hand_overs"]) == (watches or seat == "operator-2")
        assert bool(shown["milestones"]) == watches
        held = [act.act for act, _ in later.log if after_view.sees(later.state, later.proceeding, seat, act)]
        assert len(held) == (4 if watches else 1 if seat in ("seat-1", "seat-2", "operator-2") else 0)
    assert later.view("seat-1")["chain"]["ctr"] == 1
    assert later.view("operator-1")["chain"]["ctr"] == 4


def test_who_holds_the_acts_decides_them_again() -> None:
    """The fold of the disclosed acts is the state; an act that was not allowed is found."""
    later = Later(day="2026-11-24")
    rating = later.rate("seat-1", breaches=[["left-the-post", "离席"]])
    later.perform("seat-1", "rating.appeal", {"rating": rating, "reason": "停电"})
    later.reach("report-sent")
    again = Aftermath(later.state.opening)
    for n, (act, at) in enumerate(later.log):
        aftermath.check(again, act, later.proceeding)
        afterwards.decide(again, act, later.proceeding, at)
        again = aftermath.evolve(again, act, 100 + n, at)
    assert again == later.state
    early = Aftermath(later.state.opening)
    with pytest.raises(AfterError):
        afterwards.decide(early, later.log[1][0], later.proceeding, later.log[1][1])


def test_who_was_removed_is_rated_too_and_may_appeal() -> None:
    """`left-the-post` and `did-not-withdraw` are breaches of members who are no members any more."""
    later = Later(left="seat-5", aborted=True)
    assert "seat-5" not in later.proceeding.evaluation.seats
    assert "rating seat-5" in later.clocks()
    rating = later.rate("seat-5", breaches=[["left-the-post", "未经许可离开评审现场"]])
    assert later.state.ratings["seat-5"].points > 0
    assert [found["id"] for found in later.view("seat-5")["ratings"]] == [rating]
    later.perform("seat-5", "rating.appeal", {"rating": rating, "reason": "突发疾病就医"})
    decision: Object = {"rating": rating, "uphold": False, "points": 0, "reason": "病历属实"}
    later.perform("supervisor-1", "rating.decide", decision)
    assert later.state.ratings["seat-5"].points == 0
    for wrong in ("seat-3", "operator-2"):
        with pytest.raises(RatingRefused):
            later.rate(wrong)


# --- retention


def test_everything_is_kept_for_fifteen_years_from_the_last_day_of_the_procurement() -> None:
    """政府采购法 42."""
    later = Later(day="2026-12-04")
    assert later.state.retain == date(2041, 11, 23)
    later.reach("report-sent")
    assert later.state.retain == date(2041, 12, 4)
    assert years_after(date(2024, 2, 29), 15) == date(2039, 3, 1)
    assert all(seat in later.proceeding.evaluation.seats for seat in MEMBERS)
