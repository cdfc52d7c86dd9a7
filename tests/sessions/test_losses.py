"""What the operators' board and the supervisor's wall know of a room's line (issue 3: the venue board's network)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessions.losses import WINDOW, Losses
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until


class Hand:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def room(packets: int, lost: int = 0, repeated: int = 0, *, connected: bool = True) -> dict[str, Any]:
    mic = {"packets": packets, "lost": lost, "repeated": repeated}
    return {"room-1": {"connected": connected, "tracks": {"mic": mic}}}


def test_loss_is_of_the_last_seconds_and_counts_what_had_to_be_sent_twice() -> None:
    """A line that has mended is good again, and a recording that is whole does not hide a bad line."""
    clock = Hand()
    losses = Losses(now=clock)
    losses.saw(room(0))
    assert losses.permille == {}
    clock.now = 1.0
    losses.saw(room(50))
    assert losses.permille == {}  # one second of sound says nothing
    clock.now = 9.0
    losses.saw(room(450, lost=25, repeated=25))
    assert losses.permille == {"room-1": 105}  # 50 of 475
    clock.now += WINDOW
    losses.saw(room(950, lost=25, repeated=25))
    assert losses.permille == {"room-1": 0}


def test_a_new_connection_is_counted_anew_and_a_room_that_is_gone_has_no_loss() -> None:
    clock = Hand()
    losses = Losses(now=clock)
    losses.saw(room(0))
    losses.saw(room(900, lost=100))
    assert losses.permille == {"room-1": 100}
    losses.saw(room(10))
    assert losses.permille == {}
    losses.saw(room(210))
    assert losses.permille == {"room-1": 0}
    losses.saw(room(300, connected=False))
    assert losses.permille == {}


def test_a_worker_that_does_not_count_what_came_twice_is_heard_all_the_same() -> None:
    """It outlives the web process, and may be from before an update of this program."""
    losses = Losses(now=Hand())
    for packets, lost in ((0, 0), (190, 10)):
        losses.saw({"room-1": {"connected": True, "tracks": {"mic": {"packets": packets, "lost": lost}}}})
    assert losses.permille == {"room-1": 50}


@pytest.mark.asyncio
async def test_what_the_worker_counts_is_told_of_rooms_that_are_connected(tmp_path: Path) -> None:
    """Told anew when it is another line, not when one packet more is lost; gone with the room's last socket."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper, people = proceedings.get(name), People(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "declarations")
        engine = world.worker.engine
        engine.count("room-2", "mic", packets=1_000, lost=0, repeated=0)
        await until(lambda: keeper.presence.losses.get("room-2") == 0)
        engine.count("room-2", "mic", packets=1_950, lost=20, repeated=30)
        # 50 of some 2 000, or of the last 970 where this machine took its time.
        await until(lambda: 20 <= keeper.presence.losses["room-2"] <= 52)
        keeper.disconnected("room-2")
        assert "room-2" not in keeper.presence.losses
