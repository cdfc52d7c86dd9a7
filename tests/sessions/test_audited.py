"""What an auditor's search says of one proceeding (`sessions.core.audited`)."""

from __future__ import annotations

import pytest

from evidence.core.canonical import encode
from sessions.core.audited import NEWEST, Query, Tender, events, fits, seat_of, standing
from sessions.core.commands import LoseVenue
from tests.sessions.drive import FINANCE, MAIN, ZHUHAI, Drive, definition

LIMIT = 100_000
TENDER = Tender.read(encode(definition()), LIMIT)


@pytest.fixture(scope="module")
def drive() -> Drive:
    return Drive().until("chair-election")


def found(drive: Drive, query: Query) -> list[str] | None:
    told = events(drive.entries, drive.state, "auditor-1", query)
    return None if told is None else [event["type"] for event in told]


def test_an_office_audits_where_it_has_an_auditors_seat(drive: Drive) -> None:
    assert seat_of(drive.state, FINANCE) == "auditor-1"
    for other in (MAIN, ZHUHAI, "stranger.example", ""):
        assert seat_of(drive.state, other) is None


@pytest.mark.parametrize("query", [Query(), Query(state="meeting"), Query(city="ZHUHAI"), Query(city="zhuhai.example")])
def test_a_proceeding_is_found_as_it_stands(drive: Drive, query: Query) -> None:
    assert found(drive, query) == []


@pytest.mark.parametrize("query", [Query(state="closed"), Query(city="guangzhou"), Query(types=frozenset({"NoSuch"}))])
def test_what_does_not_hold_finds_nothing(drive: Drive, query: Query) -> None:
    assert found(drive, query) is None


def test_days_bound_the_events_or_the_whole_proceeding(drive: Drive) -> None:
    first, last = drive.entries[0].at, drive.entries[-1].at
    kinds = frozenset({"StageAdvanced"})
    assert found(drive, Query(since=first, until=last + "~")) == []
    assert found(drive, Query(since=last + "~")) is None
    assert found(drive, Query(until=first)) is None
    assert found(drive, Query(types=kinds)) == ["StageAdvanced"] * 2
    begun = next(entry.at for entry in drive.entries if entry.type == "StageAdvanced")
    assert found(drive, Query(types=kinds, until=begun)) is None


def test_only_the_newest_events_are_told(drive: Drive) -> None:
    told = events(drive.entries, drive.state, "auditor-1", Query(types=frozenset({"SeatBound"}))) or []
    assert len(told) == NEWEST
    assert [event["n"] for event in told] == sorted((event["n"] for event in told), reverse=True)
    assert {name for event in told for name in event} == {"n", "at", "type"}


def test_a_pause_is_a_state_and_so_is_the_time_before() -> None:
    drive = Drive().until("declarations")
    assert standing(drive.state) == "meeting"
    drive.execute(LoseVenue("venue-3", 40))
    assert standing(drive.state) == "paused"
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "x"})
    assert standing(drive.state) == "aborted"
    assert standing(Drive().state) == "before"


def test_tender_and_bidders_are_found_once_the_definition_is_fixed() -> None:
    name, bidder = "abcdefghijklmnopqrstuvwxyz", definition()["bidders"][1]
    for query in (Query(text=TENDER.title[2:6]), Query(text="GHIJK"), Query(bidder=bidder["name"][1:]), Query()):
        assert fits(TENDER, name, query)
    assert fits(TENDER, name, Query(bidder=bidder["code"].lower()))
    for query in (Query(text="no such"), Query(bidder="no such"), Query(text=TENDER.title, bidder="no such")):
        assert not fits(TENDER, name, query)
    assert not fits(None, name, Query(bidder=bidder["name"]))
    assert fits(None, name, Query(text=name))
