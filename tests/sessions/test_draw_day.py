"""From which day on experts may be drawn (财库〔2016〕198号 14), and what a tender says about time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evaluation.core import days, intake, plan, tender, timetable
from evaluation.draw_errors import DrawRefused
from evaluation.errors import DefinitionRefused, ImportRefused, TermsRefused, UnknownCalendar, UnknownTimetable
from evidence.core.canonical import encode
from evidence.errors import Malformed
from sessions.core import draw_day
from sessions.core.state import Proceeding
from tests.evaluation.packs import BIDDING, PROCUREMENT, second
from tests.sessions.drive import Drive

PLAN: dict[str, Any] = {
    "starts": "2026-11-30T01:00:00Z",
    "timetable": timetable.newest("government-procurement").json,
    "calendar": days.NEWEST.json,
    "retain_years": None,
}
EXPERTS = ["expert/it"]


def planned(value: dict[str, Any], **change: Any) -> dict[str, Any]:
    value["terms"]["plan"] = {**PLAN, **change}
    return value


def state(value: dict[str, Any], *, remote: bool) -> Proceeding:
    """With its definition fixed; the domestic one keeps only the main venue."""
    drive = Drive(definition=value)
    drive.found()
    drive.fix()
    founding = drive.state.founding
    assert founding is not None
    venues = founding.venues if remote else {"venue-1": founding.venues["venue-1"]}
    return replace(drive.state, founding=replace(founding, venues=venues))


def test_experts_are_drawn_at_most_two_working_days_before_the_start() -> None:
    """A start on Monday the 30th: from Thursday the 26th on, by Beijing's days."""
    found = state(planned(second()), remote=False)
    with pytest.raises(DrawRefused, match="2026-11-26"):
        draw_day.check(found, EXPERTS, "2026-11-25T15:59:59.000Z")
    draw_day.check(found, EXPERTS, "2026-11-25T16:00:00.000Z")
    draw_day.check(found, ["venue", "seat"], "2026-11-01T00:00:00.000Z")


@pytest.mark.parametrize("change", [{"starts": None}, None])
def test_without_a_stated_start_nobody_could_check_it(change: dict[str, Any] | None) -> None:
    value = second() if change is None else planned(second(), **change)
    with pytest.raises(DrawRefused, match="starts"):
        draw_day.check(state(value, remote=False), EXPERTS, "2026-11-29T00:00:00.000Z")


def test_a_remote_evaluation_is_free_of_it() -> None:
    draw_day.check(state(planned(second()), remote=True), EXPERTS, "2026-11-01T00:00:00.000Z")


def test_the_bidding_law_knows_no_such_day() -> None:
    value = planned(second(BIDDING, "comprehensive-evaluation"), timetable=timetable.newest("bidding-law").json)
    draw_day.check(state(value, remote=False), EXPERTS, "2026-11-01T00:00:00.000Z")


def test_the_calendars_hash_is_in_the_log_before_anything_is_drawn() -> None:
    found = state(planned(second(), retain_years=30), remote=True)
    assert found.evaluation.fixed is not None
    terms = found.evaluation.fixed.scoring.terms
    assert terms is not None
    assert terms.plan is not None
    assert terms.json["plan"]["calendar"] == days.NEWEST.json
    assert terms.plan.retain_years == 30
    intake.definition({k: v for k, v in planned(second()).items() if k not in ("v", "salt", "origin")})


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (TermsRefused, {"retain_years": 14}),
        (TermsRefused, {"timetable": timetable.newest("bidding-law").json}),
        (UnknownCalendar, {"calendar": days.NEWEST.json | {"version": "2020.1"}}),
        (UnknownTimetable, {"timetable": PLAN["timetable"] | {"version": "7"}}),
        (DefinitionRefused, {"starts": "2026-11-30"}),
        (DefinitionRefused, {"starts": "2026-11-30T25:00:00Z"}),
        (DefinitionRefused, {"starts": 1}),
        (DefinitionRefused, {"retain_years": 0}),
        (DefinitionRefused, {"retain_years": True}),
        (DefinitionRefused, {"more": 1}),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(error: type[Exception], change: dict[str, Any]) -> None:
    with pytest.raises(error):
        tender.parse(encode(planned(second(PROCUREMENT), **change)))


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("/terms/plan/more", {"more": 1}),
        ("/terms/plan/retain_years", {"retain_years": "15"}),
        ("/terms/plan/calendar/sha256", {"calendar": {"id": "x", "version": "1"}}),
        ("/terms/plan/starts", {"starts": 5}),
    ],
)
def test_the_import_names_the_place_in_a_plan(place: str, change: dict[str, Any]) -> None:
    value = planned(second(), **change)
    with pytest.raises(ImportRefused) as refused:
        intake.definition({k: v for k, v in value.items() if k not in ("v", "salt", "origin")})
    assert refused.value.place == place


def test_objective_criteria_come_through_the_door_of_tenders() -> None:
    value = second()
    value["terms"]["objective"] = ["record"]
    intake.definition({k: v for k, v in value.items() if k not in ("v", "salt", "origin")})
    value["terms"]["objective"] = [5]
    with pytest.raises(ImportRefused) as refused:
        intake.definition({k: v for k, v in value.items() if k not in ("v", "salt", "origin")})
    assert refused.value.place == "/terms/objective/0"


def test_a_plan_reads_back_as_it_was_written() -> None:
    assert plan.parse(plan.parse(PLAN).json).json == PLAN
    with pytest.raises(Malformed):
        plan.parse({**PLAN, "starts": "2026-11-30T01:00:00+08:00"})
