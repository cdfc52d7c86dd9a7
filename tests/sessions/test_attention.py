"""What happens at a seat is an event, not a verdict (CTS-EBS01-2016 A-154 to A-157; docs/protocol.md 2.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence.core.canonical import Object, encode
from evidence.core.entry import Draft
from sessions.core import acts
from sessions.core.attention import MAX_EVENTS
from sessions.core.commands import NoteSeats, Noticed
from sessions.core.page_views import milliseconds
from sessions.core.replay import Replay
from sessions.core.view import visibility
from sessions.errors import CommandRefused, EntryRefused, NotBound, UnknownSeat
from tests.sessions.drive import Drive
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until

NOON = milliseconds("2026-11-21T08:00:00.000Z")


def noticed(*events: tuple[str, str, int]) -> NoteSeats:
    return NoteSeats(tuple(Noticed(seat, what, NOON + at) for seat, what, at in events))


def test_events_are_stated_in_their_order_and_decided_again() -> None:
    drive = Drive().until("declarations")
    before = (drive.state.stage, drive.state.gate, drive.state.evaluation)
    (entry,) = drive.execute(noticed(("seat-1", "hidden", 0), ("seat-2", "second-line", 0), ("seat-1", "shown", 900)))
    assert entry.body["events"][0] == ["seat-1", "hidden", NOON]
    # No verdict: nothing else has changed.
    assert (drive.state.stage, drive.state.gate, drive.state.evaluation) == before
    document: Any = drive.definition
    folded = Replay(
        drive.entries,
        load=lambda _: encode(document),
        check=lambda state, act: acts.check(state, act, root_at=drive.root_at),
    )
    assert len(list(folded)) == len(drive.entries)
    assert folded.state == drive.state


def test_only_those_who_watch_see_them() -> None:
    drive = Drive().until("declarations")
    (entry,) = drive.execute(noticed(("seat-1", "left", 0)))
    full = {seat for seat in drive.state.seats if visibility(entry, drive.state, seat) == "full"}
    assert full == {"supervisor-1", "auditor-1"}


def test_what_cannot_be_is_refused() -> None:
    drive = Drive().until("declarations")
    drive.execute(noticed(("seat-1", "left", 500)))
    hour = 3_600_000
    for command in (
        NoteSeats(()),
        noticed(*[("seat-1", "left", 600)] * (MAX_EVENTS + 1)),
        noticed(("seat-1", "cheated", 600)),
        noticed(("operator-1", "left", 600)),
        noticed(("room-1", "left", 600)),
        noticed(("seat-1", "back", 499)),
        noticed(("seat-2", "left", 600), ("seat-2", "back", 599)),
        noticed(("seat-1", "back", 24 * hour)),
    ):
        with pytest.raises(CommandRefused):
            drive.execute(command)
    with pytest.raises(UnknownSeat):
        drive.execute(noticed(("seat-9", "left", 600)))
    early = Drive()
    early.found()
    with pytest.raises(NotBound):
        early.execute(noticed(("seat-1", "left", 0)))


@pytest.mark.parametrize(
    "body", [{}, {"events": [["seat-1", "left"]]}, {"events": [["seat-1", "left", "1"]]}, {"events": [1]}]
)
def test_a_log_that_holds_something_else_does_not_fold(body: Object) -> None:
    drive = Drive().until("declarations")
    with pytest.raises(EntryRefused):
        drive.append([Draft("SeatsNoticed", body)])


@pytest.mark.asyncio
async def test_a_second_line_and_what_the_seat_says_come_into_the_log(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        keeper.connected("seat-1")
        keeper.connected("seat-1")
        await people.play(keeper, lambda state: state.stage == "declarations")
        # A seat without a key yet, and a room that comes again, are nothing to notice.
        await keeper.attending.flush()
        assert "SeatsNoticed" not in [entry.type for entry in keeper.entries]
        keeper.connected("seat-1")
        keeper.connected("room-1")
        keeper.attending.notice("seat-1", "hidden")
        await keeper.attending.flush()
        (entry,) = [entry for entry in keeper.entries if entry.type == "SeatsNoticed"]
        assert [event[:2] for event in entry.body["events"]] == [["seat-1", "second-line"], ["seat-1", "hidden"]]
        await keeper.attending.flush()
        await until(lambda: keeper.state.noticed)
        assert [entry.type for entry in keeper.entries].count("SeatsNoticed") == 1
