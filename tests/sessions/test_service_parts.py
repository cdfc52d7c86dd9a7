"""The small parts of the main server: presence, errands, updates, keys and preparations on disk."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from evidence.errors import LostLease, Unavailable
from sessions.adapters.keyring_files import FileKeyring
from sessions.adapters.keyring_memory import MemoryKeyring, MemoryPreparations
from sessions.adapters.preparations_files import FilePreparations
from sessions.core.state import Proceeding, Room
from sessions.errands import Errands, Pauses
from sessions.ports import Keyring, Preparations
from sessions.presence import Presence
from sessions.service_errors import KeyLost
from sessions.updates import MAX_BEHIND, Broadcast, PresenceChanged
from tests.sessions.service_world import until

ORIGIN = "a.example/proceedings/" + "b" * 26
MASTER = bytes(range(32))


# -- presence


@dataclass
class Watch:
    """A clock that stands still, and a state with three rooms, two of them admitted."""

    time: float = 0.0
    state: Proceeding = field(
        default_factory=lambda: cast(
            "Proceeding",
            SimpleNamespace(
                rooms={f"room-{n}": Room(f"room-{n}", f"venue-{n}") for n in (1, 2, 3)},
                admitted={"room-1": 5, "room-2": 6},
            ),
        )
    )

    def now(self) -> float:
        return self.time

    def presence(self) -> Presence:
        return Presence(now=self.now, lost_after=5.0, grace=10.0)


def test_a_venue_is_lost_five_seconds_after_its_rooms_last_socket() -> None:
    """protocols.md section 6."""
    watch = Watch()
    presence = watch.presence()
    for room in ("room-1", "room-2"):
        presence.connected(room)
    presence.connected("room-2")
    watch.time = 20.0
    presence.disconnected("room-2")
    assert presence.venues(watch.state) == {"venue-1": True, "venue-2": True, "venue-3": False}
    presence.disconnected("room-2")
    watch.time = 24.9
    assert presence.gone(watch.state) == ()
    watch.time = 25.0
    assert presence.gone(watch.state) == ("venue-2",)
    presence.connected("room-2")
    assert presence.gone(watch.state) == ()


def test_nobody_is_lost_within_the_grace_after_our_start() -> None:
    watch = Watch()
    presence = watch.presence()
    assert presence.gone(watch.state) == ()
    watch.time = 9.9
    assert presence.gone(watch.state) == ()
    watch.time = 10.0
    assert presence.gone(watch.state) == ("venue-1", "venue-2")


def test_a_room_admitted_later_counts_from_the_first_look() -> None:
    watch = Watch()
    presence = watch.presence()
    presence.connected("room-1")
    presence.connected("room-2")
    watch.time = 60.0
    watch.state.admitted["room-3"] = 9  # type: ignore[index]
    assert presence.gone(watch.state) == ()
    watch.time = 65.0
    assert presence.gone(watch.state) == ("venue-3",)


# -- errands


class Work:
    """Duties that fail as often as they are told to; how many ran at once in a lane."""

    def __init__(self, failures: dict[str, int], error: type[Exception] = Unavailable) -> None:
        self.due = list(failures)
        self.tried: list[str] = []
        self.busy: dict[str, int] = {}
        self.most = 0
        self.lost = False
        self._failures = failures
        self._error = error
        self.errands: Errands[str] = Errands(
            due=lambda: tuple(self.due), lane=lambda duty: duty[0], work=self.work, lost=self.lose, pauses=Pauses(0, 0)
        )

    def lose(self) -> None:
        self.lost, self.due = True, []

    async def work(self, duty: str) -> None:
        self.tried.append(duty)
        self.busy[duty[0]] = self.busy.get(duty[0], 0) + 1
        self.most = max(self.most, self.busy[duty[0]])
        await asyncio.sleep(0)
        self.busy[duty[0]] -= 1
        if self._failures[duty]:
            self._failures[duty] -= 1
            raise self._error("not yet")
        self.due.remove(duty)


async def run(work: Work) -> None:
    task = asyncio.create_task(work.errands.run())
    await until(lambda: not work.due)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.asyncio
async def test_a_duty_is_tried_until_it_is_done_and_alone_in_its_lane() -> None:
    work = Work({"a1": 3, "a2": 0, "b1": 2})
    await run(work)
    assert sorted(work.tried) == ["a1"] * 4 + ["a2"] + ["b1"] * 3
    assert work.most == 1


@pytest.mark.asyncio
async def test_a_defect_in_a_duty_is_no_reason_to_give_up() -> None:
    work = Work({"a1": 2}, ZeroDivisionError)
    await run(work)
    assert work.tried == ["a1"] * 3


@pytest.mark.asyncio
async def test_a_lost_lease_ends_the_work() -> None:
    work = Work({"a1": 1}, LostLease)
    await run(work)
    assert work.lost
    assert work.tried == ["a1"]


@pytest.mark.asyncio
async def test_cancelling_ends_everything_that_runs() -> None:
    started = asyncio.Event()

    async def work(_: str) -> None:
        started.set()
        await asyncio.Event().wait()

    errands: Errands[str] = Errands(due=lambda: ["a"], lane=str, work=work, lost=lambda: None, pauses=Pauses(0, 0))
    task = asyncio.create_task(errands.run())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- updates


@pytest.mark.asyncio
async def test_a_listener_that_falls_behind_is_cut_off_and_holds_up_nobody() -> None:
    broadcast = Broadcast()
    slow, quick = broadcast.subscribe(), broadcast.subscribe()
    for n in range(MAX_BEHIND + 1):
        broadcast.publish(PresenceChanged({"venue-1": bool(n % 2)}, {}))
        assert isinstance(await anext(quick), PresenceChanged)
    assert [update async for update in slow] == []
    broadcast.close()
    assert [update async for update in quick] == []


# -- keys and preparations


@pytest.fixture(params=["memory", "files"])
def keyring(request: pytest.FixtureRequest, tmp_path: Path) -> Keyring:
    if request.param == "memory":
        return MemoryKeyring(domain="a.example")
    return FileKeyring.initialise(tmp_path / "keys", domain="a.example", master=MASTER, entropy=os.urandom)


def test_a_logs_key_is_made_once_and_destroyed_for_good(keyring: Keyring) -> None:
    """protocols.md 1.6: new per proceeding, destroyed at `ProceedingClosed`."""
    assert keyring.log_key(ORIGIN) is None
    made = keyring.create(ORIGIN)
    assert made.name == ORIGIN
    assert keyring.create(ORIGIN).vkey == made.vkey
    found = keyring.log_key(ORIGIN)
    assert found is not None
    assert found.vkey == made.vkey
    keyring.destroy(ORIGIN)
    keyring.destroy(ORIGIN)
    assert keyring.log_key(ORIGIN) is None
    assert keyring.create(ORIGIN).vkey != made.vkey


def test_a_key_that_is_being_destroyed_is_gone_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks meanwhile, or after a kill in between, finds no key and no broken one; destroying goes on."""
    keyring = FileKeyring.initialise(tmp_path, domain="a.example", master=MASTER, entropy=os.urandom)
    durable, moments = os.fsync, 0

    class Killed(Exception):
        """The process ended."""

    for last in (1, 2, 3):
        made = keyring.create(ORIGIN).vkey
        moments = 0

        def look(descriptor: int, last: int = last) -> None:
            nonlocal moments
            durable(descriptor)
            assert keyring.log_key(ORIGIN) is None
            moments += 1
            if moments == last:
                raise Killed

        monkeypatch.setattr("evidence.adapters.sealed_files.os.fsync", look)
        with pytest.raises(Killed):
            keyring.destroy(ORIGIN)
        monkeypatch.setattr("evidence.adapters.sealed_files.os.fsync", durable)
        again = FileKeyring(tmp_path, domain="a.example", master=MASTER, entropy=os.urandom)
        assert again.log_key(ORIGIN) is None
        again.destroy(ORIGIN)
        assert not list(tmp_path.glob("log-*"))
        assert keyring.create(ORIGIN).vkey != made
        keyring.destroy(ORIGIN)


def test_keys_lie_sealed_and_open_only_in_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    keyring = FileKeyring.initialise(folder, domain="a.example", master=MASTER, entropy=os.urandom)
    again = FileKeyring(folder, domain="a.example", master=MASTER, entropy=os.urandom)
    assert again.identity.jwk == keyring.identity.jwk
    assert again.centre_log.vkey == keyring.centre_log.vkey
    secret = keyring.create(ORIGIN).key.private_bytes_raw()
    assert all(secret not in path.read_bytes() for path in folder.iterdir())
    with pytest.raises(KeyLost):
        FileKeyring(folder, domain="a.example", master=bytes(32), entropy=os.urandom)
    with pytest.raises(KeyLost):
        FileKeyring(tmp_path / "empty", domain="a.example", master=MASTER, entropy=os.urandom)
    (folder / f"log-{'c' * 26}.sealed").write_bytes((folder / f"log-{'b' * 26}.sealed").read_bytes())
    with pytest.raises(KeyLost):
        keyring.log_key("a.example/proceedings/" + "c" * 26)
    with pytest.raises(KeyLost):
        keyring.create("a.example/proceedings/..")


@pytest.fixture(params=["memory", "files"])
def preparations(request: pytest.FixtureRequest, tmp_path: Path) -> Preparations:
    return MemoryPreparations() if request.param == "memory" else FilePreparations(tmp_path / "prepared")


def test_a_prepared_revision_is_found_by_its_hash_in_its_proceeding(preparations: Preparations) -> None:
    one, two = bytes([1]) * 32, bytes([2]) * 32
    assert preparations.find("p", one) is None
    preparations.keep("p", one, two)
    preparations.keep("p", one, two)
    assert preparations.find("p", one) == two
    assert preparations.find("q", one) is None
    preparations.keep("p", one, one)
    assert preparations.find("p", one) == one
