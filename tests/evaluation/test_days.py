"""Working days by the State Council's notices, and every regime's timetable (issue 4, item 11)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from evaluation.core import days, timetable
from evaluation.core.days import DAYS, NEWEST
from evaluation.core.rules import after_bidding_1, china_days_1
from evaluation.core.rules.shelf import PACKS
from evaluation.errors import UnknownCalendar, UnknownTimetable

# The hashes of what was released: the bytes never change, a new notice is a new version.
RELEASED = {
    ("cn-working-days", "2026.1"): "ddcfedb134fc097cc2578f75606cc8023e38ae1af61afc0cc1393062f8e5948e",
    ("cn-government-procurement-after", "1"): "1e788310ad313363e9cb0c25c24eafa1d77bc72d9ca0b0898b6c66ec88d53f32",
    ("cn-bidding-law-after", "1"): "ce5ab102a28b753a48d61dcf2ea1b4aef927d4ebadc101e788366bd2ba139f6e",
    ("international-after", "1"): "7d08760cf036f07247dbee30c6462e76a4f115daac2c9e0c31d47202c6bf4985",
}


def test_released_bytes_never_change() -> None:
    found = {key: calendar.sha256.hex() for key, calendar in days.CALENDARS.items()}
    found |= {key: table.sha256.hex() for key, table in timetable.TIMETABLES.items()}
    assert found == RELEASED


@pytest.mark.parametrize(
    ("first", "length", "made_up"),
    [
        # The notice of 4 November 2025, in its own words: first day off, days off, days at work instead.
        ("2026-01-01", 3, ["2026-01-04"]),
        ("2026-02-15", 9, ["2026-02-14", "2026-02-28"]),
        ("2026-04-04", 3, []),
        ("2026-05-01", 5, ["2026-05-09"]),
        ("2026-06-19", 3, []),
        ("2026-09-25", 3, []),
        ("2026-10-01", 7, ["2026-09-20", "2026-10-10"]),
        # The notice of 12 November 2024.
        ("2025-01-01", 1, []),
        ("2025-01-28", 8, ["2025-01-26", "2025-02-08"]),
        ("2025-04-04", 3, []),
        ("2025-05-01", 5, ["2025-04-27"]),
        ("2025-05-31", 3, []),
        ("2025-10-01", 8, ["2025-09-28", "2025-10-11"]),
    ],
)
def test_holidays_are_those_of_the_notices(first: str, length: int, made_up: list[str]) -> None:
    start = date.fromisoformat(first)
    assert not any(NEWEST.working(start + timedelta(days=i)) for i in range(length))
    assert all(NEWEST.working(date.fromisoformat(text)) for text in made_up)
    assert all(date.fromisoformat(text).weekday() >= 5 for text in made_up)


@pytest.mark.parametrize(("year", "working"), [(2024, 251), (2025, 248), (2026, 248)])
def test_the_year_has_as_many_working_days_as_the_law_leaves(year: int, working: int) -> None:
    """Days at work made up and taken off balance: weekdays less the statutory holidays, 11 until 2024 and then 13."""
    day, count, weekdays = date(year, 1, 1), 0, 0
    while day.year == year:
        count += NEWEST.working(day)
        weekdays += day.weekday() < 5
        day += timedelta(days=1)
    assert count == working
    assert working == weekdays - (11 if year == 2024 else 13)


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        # A weekend between.
        ("2026-11-20", 5, "2026-11-27"),
        # Spring Festival 2026: 14 February is a Saturday at work, then nine days off, and Saturday the 28th is worked.
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 2, "2026-02-24"),
        ("2026-02-13", 6, "2026-02-28"),
        # National Day 2025 with the Mid-Autumn festival, and the worked Saturday after it.
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-09-30", 5, "2025-10-14"),
        # From a day off: it is not counted anyhow.
        ("2026-10-03", 1, "2026-10-08"),
    ],
)
def test_working_days_are_counted_from_the_next_day(start: str, count: int, last: str) -> None:
    found = NEWEST.after(date.fromisoformat(start), count)
    assert (found.day.isoformat(), found.exact) == (last, True)


def test_plain_days_end_on_a_working_day() -> None:
    """民法典 203: three days from 30 September 2025 would end within the holidays."""
    assert NEWEST.after(date(2025, 9, 30), 3, DAYS).day == date(2025, 10, 9)
    assert NEWEST.after(date(2026, 11, 16), 3, DAYS).day == date(2026, 11, 19)


def test_two_working_days_before_a_monday_after_a_worked_sunday() -> None:
    """财库〔2016〕198号 14, where Sunday 4 January 2026 was worked and 1 to 3 January were off."""
    assert NEWEST.before(date(2026, 1, 5), 2).day == date(2025, 12, 31)


def test_beyond_the_notices_a_day_says_that_it_is_not_exact() -> None:
    found = NEWEST.after(date(2026, 12, 30), 3)
    # 1 January is off by law; whether a weekend is moved is not known before the notice.
    assert (found.day, found.exact) == (date(2027, 1, 5), False)
    assert NEWEST.before(date(2024, 1, 3), 2).exact is False


def test_a_day_is_the_calendars_own() -> None:
    """16:30 UTC is half past midnight in Beijing."""
    assert NEWEST.day_of("2026-11-20T15:59:59.999Z") == date(2026, 11, 20)
    assert NEWEST.day_of("2026-11-20T16:30:00.000Z") == date(2026, 11, 21)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["years"]["2026"]["off"].append(["2026-01-04", "2026-01-04"]),
        lambda d: d["years"]["2026"]["off"].append(["2025-01-04", "2025-01-04"]),
        lambda d: d["years"]["2026"]["off"].append(["2026-03-05", "2026-03-04"]),
        lambda d: d["years"]["2026"]["on"].append("2026-03-04"),
        lambda d: d["years"]["2026"]["on"].append("2026-02-30"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_none(change: Callable[[Any], None]) -> None:
    value = copy.deepcopy(china_days_1.CALENDAR)
    change(value)
    with pytest.raises(ValueError):  # noqa: PT011 (several reasons)
        days.make(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["clocks"][0].update({"from": "nothing"}),
        lambda d: d["clocks"][0].update(to="nothing"),
        lambda d: d["clocks"][0].update(count=0),
        lambda d: d["clocks"][0].update(unit="weeks"),
        lambda d: d["cases"]["objection"].update(during="nothing"),
        lambda d: d["cases"]["objection"].update(holds="nothing"),
    ],
)
def test_a_timetable_that_hangs_in_the_air_is_none(change: Callable[[Any], None]) -> None:
    value = copy.deepcopy(after_bidding_1.TIMETABLE)
    change(value)
    with pytest.raises(ValueError):  # noqa: PT011 (several reasons)
        timetable.make(value)


def test_both_are_found_by_their_hash_only() -> None:
    table = timetable.newest("government-procurement")
    assert days.find(NEWEST.json) is NEWEST
    assert timetable.find(table.json) is table
    for wrong in ({"sha256": table.json["sha256"]}, {"version": "9"}, {"id": "x"}):
        with pytest.raises(UnknownCalendar):
            days.find(NEWEST.json | wrong)
    with pytest.raises(UnknownTimetable):
        timetable.find(table.json | {"sha256": NEWEST.json["sha256"]})


def test_every_regime_has_a_timetable_and_procurement_keeps_for_fifteen_years() -> None:
    """政府采购法 42."""
    for pack in PACKS.values():
        assert timetable.newest(pack.regime).retention_years >= 15
    assert timetable.newest("government-procurement").draw_days == 2
    assert timetable.newest("bidding-law").draw_days is None


def test_points_are_data_and_bounded() -> None:
    table = timetable.newest("government-procurement")
    yes = (True,) * 15
    assert table.points((), yes) == 0
    assert table.points((), (*yes[:13], False, False)) == 2
    assert table.points(("left-the-post", "did-not-follow-the-method"), yes) == 10
    assert table.points(("private-contact", "did-not-withdraw"), yes) == 12
