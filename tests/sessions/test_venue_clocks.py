"""The venues' own clocks: estimates from pings, in batches, when one has moved (the domain study, rule 39)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.core.commands import ClockSample, NoteOffsets
from sessions.errors import CommandRefused, NotBound, SessionError
from sessions.updates import PresenceChanged
from tests.sessions.draws import audited
from tests.sessions.drive import Drive
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until


def sample(seat: str = "seat-4", offset: int = 1_000, rtt: int = 20, clock: int = 5_000) -> ClockSample:
    return ClockSample(seat, clock, offset, rtt)


def test_a_clock_is_stated_when_it_is_new_and_when_it_moves() -> None:
    """Entries on a change of more than 500 ms, beyond what both round trips explain."""
    drive = Drive().until("declarations")
    (entry,) = drive.execute(NoteOffsets((sample(), sample("seat-5", 7_000))))
    assert entry.body == {"clocks": [["seat-4", 5_000, 1_000, 20], ["seat-5", 5_000, 7_000, 20]]}
    for unmoved in (sample(offset=1_000), sample(offset=1_520), sample(offset=480), sample(offset=3_000, rtt=3_100)):
        with pytest.raises(CommandRefused):
            drive.execute(NoteOffsets((unmoved,)))
    drive.execute(NoteOffsets((sample(offset=1_521),)))
    assert drive.state.clocks["seat-4"].offset == 1_521
    audited(drive)


@pytest.mark.parametrize(
    "samples",
    [
        (),
        (sample("seat-5"), sample("seat-4")),
        (sample(), sample()),
        (sample(rtt=-1),),
        (sample(rtt=10_001),),
        (sample(clock=-1),),
        (sample("seat-99"),),
        tuple(sample(f"seat-{n:03}") for n in range(201)),
    ],
)
def test_estimates_out_of_form_are_refused(samples: tuple[ClockSample, ...]) -> None:
    drive = Drive().until("declarations")
    with pytest.raises(SessionError):
        drive.execute(NoteOffsets(samples))


def test_who_is_not_bound_has_no_clock() -> None:
    drive = Drive()
    drive.found()
    with pytest.raises(NotBound):
        drive.execute(NoteOffsets((sample(),)))


@pytest.mark.asyncio
async def test_pings_become_one_batch_and_the_shortest_round_trip_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        people = People(world, name)
        keeper = proceedings.get(name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        clocking = keeper.clocking
        # Each round trip is that of the ping before; while none is answered, this server may itself be late.
        for rtt, clock in ((None, 10_000), (400, 20_000), (30, 30_000), (500, 40_000), (None, 50_000)):
            clocking.heard("seat-4", clock, rtt)
        clocking.heard("seat-5", 1_000, 40)
        clocking.heard("seat-5", 2_000, 40)
        useless: list[tuple[str, int | None]] = [("seat-1", None), ("seat-1", -1), ("seat-2", 10_001), ("seat-99", 5)]
        for seat, bad in useless:
            clocking.heard(seat, 1_000, None)
            clocking.heard(seat, 2_000, bad)
        await clocking.look()
        await until(lambda: "seat-4" in keeper.state.clocks)
        assert keeper.state.clocks["seat-4"].clock == 20_000
        assert set(keeper.state.clocks) == {"seat-4", "seat-5"}
        (entry,) = [entry for entry in keeper.entries if entry.type == "ClockOffsets"]
        assert len(entry.body["clocks"]) == 2
        # Nothing has moved, so nothing is said.
        await clocking.look()
        assert keeper.entries[-1].type != "ClockOffsets" or keeper.entries[-1].n == entry.n


@pytest.mark.asyncio
async def test_a_rooms_round_trip_is_told_as_its_line_while_it_is_connected(tmp_path: Path) -> None:
    """Told anew when it is another line, not when it wavers; gone with the room's last socket; no seat's is told."""
    async with World(tmp_path).running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        keeper.connected("room-2")
        updates = keeper.subscribe()
        for n, rtt in enumerate((None, 40, 55, 62, 45)):
            keeper.clocking.heard("room-2", 1_000 * n, rtt)
            keeper.clocking.heard("seat-4", 1_000 * n, rtt)
        assert keeper.presence.lines == {"room-2": 40}
        keeper.clocking.heard("room-2", 9_000, 400)
        keeper.disconnected("room-2")
        told: list[dict[str, int]] = []
        while told[-1:] != [{}]:
            update = await anext(updates)
            told += [dict(update.lines)] if isinstance(update, PresenceChanged) else []
        assert told == [{"room-2": 40}, {"room-2": 400}, {}]
        updates.close()
