"""Looks of supervisors and auditors stand in the log (docs/protocol.md 2.2, `LookNoted`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence.core.canonical import unb64u
from evidence.core.entry import Entry
from evidence.errors import EvidenceError, ObjectMissing
from sessions.core import looks
from sessions.core.commands import NoteLooks
from sessions.core.state import CLOSED
from sessions.core.view import visibility
from sessions.errors import Closed, LookRefused, SessionError
from tests.sessions.drive import Drive
from tests.sessions.service_people import People
from tests.sessions.service_world import World, audit, tender, until

LOOK: dict[str, Any] = {"seat": "supervisor-1", "kind": "watch", "room": "room-2", "from": 5, "to": 9}
REPLAY: dict[str, Any] = LOOK | {"kind": "replay", "of": [1, 4]}


@pytest.fixture
def drive() -> Drive:
    drive = Drive()
    drive.found()
    return drive


def test_a_look_changes_nothing_but_the_record(drive: Drive) -> None:
    before = drive.state
    drive.execute(NoteLooks((LOOK, REPLAY, {"seat": "auditor-1", "kind": "verify", "from": 1, "to": 1})))
    entry = drive.entries[-1]
    assert entry.type == "LookNoted"
    assert entry.body["looks"][1] == REPLAY
    assert (drive.state.stage, drive.state.gate, drive.state.acts) == (before.stage, before.gate, before.acts)


def test_other_watchers_see_who_looked_and_the_committee_only_that_somebody_did(drive: Drive) -> None:
    drive.execute(NoteLooks((LOOK,)))
    seen = {seat: visibility(drive.entries[-1], drive.state, seat) for seat in ("auditor-1", "seat-1", "room-1")}
    assert seen == {"auditor-1": "full", "seat-1": "summary", "room-1": "hash"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"seat": "seat-1"},
        {"seat": "room-1"},
        {"seat": "supervisor-9"},
        {"kind": "steal"},
        {"kind": "verify"},
        {"kind": "replay"},
        {"room": "room-99"},
        {"room": ""},
        {"room": 2},
        {"from": 10},
        {"from": -1},
        {"to": True},
        {"of": [1, 2]},
        {"more": 1},
        {"kind": "replay", "of": [2, 1]},
        {"kind": "replay", "of": [1]},
        {"kind": "replay", "of": [1, "2"]},
    ],
)
def test_a_look_that_nobody_can_have_had_is_refused(drive: Drive, wrong: dict[str, Any]) -> None:
    """Wrong person, unknown room, malformed, out of order."""
    size = drive.state.size
    with pytest.raises((LookRefused, SessionError, EvidenceError)):
        drive.execute(NoteLooks((LOOK | wrong,)))
    assert drive.state.size == size


@pytest.mark.parametrize("count", [0, looks.MOST + 1])
def test_an_entry_has_neither_none_nor_too_many(drive: Drive, count: int) -> None:
    with pytest.raises(LookRefused):
        drive.execute(NoteLooks((LOOK,) * count))


def noted(entries: list[Entry]) -> list[dict[str, Any]]:
    return [look for entry in entries if entry.type == "LookNoted" for look in entry.body["looks"]]


@pytest.mark.asyncio
async def test_what_is_watched_replayed_and_audited_is_noted_before_and_after_the_end(tmp_path: Path) -> None:
    """Live by what the media worker sends; a recording before its first octet; an archived one in the centre log."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper = proceedings.get(name)
        people = People(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.stage == "compliance-review")

        offer = await keeper.recorder.watch("supervisor-1-0123456789abcdef")
        world.worker.engine._joined.add(offer.subscription)
        keeper.looks.listens("supervisor-1", "room-2")
        await until(lambda: {look[1] for look in keeper.looks._under_way} == {"watch", "listen"})
        await world.worker.engine.drop(offer.subscription)
        keeper.connected("supervisor-1")
        keeper.disconnected("supervisor-1")
        await until(lambda: {look["kind"] for look in noted(list(keeper.entries))} == {"watch", "listen"})
        watched = [look for look in noted(list(keeper.entries)) if look["kind"] == "watch"]
        assert {look["room"] for look in watched} == {"room-1", "room-2", "room-3"}

        segment = next(e.body["segments"][0] for e in keeper.entries if e.type == "SegmentsClosed")
        sha256 = unb64u(segment["sha256"], 32).hex()
        assert await keeper.get_recorded(sha256, "auditor-1")
        replayed = [look for look in noted(list(keeper.entries)) if look["kind"] == "replay"]
        assert [(look["seat"], look["room"], look["of"]) for look in replayed] == [
            ("auditor-1", segment["room"], [segment["t0"], segment["t1"]])
        ]
        with pytest.raises(ObjectMissing):
            await keeper.get_recorded("0" * 64, "auditor-1")

        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        await audit(world, keeper)
        size = keeper.state.size
        await keeper.looks.did("auditor-1", looks.DOWNLOAD)
        assert keeper.state.size == size
        written = [e for e in proceedings.centre.entries if e.type == "LookNoted"]
        assert written[-1].body["origin"] == keeper.state.origin
        assert noted(written)[-1]["kind"] == "download"
    # What a process left behind, the next one reads.
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        await proceedings.get(name).looks.did("auditor-1", looks.VERIFY)
        assert noted(proceedings.centre.entries)[-1]["kind"] == "verify"


@pytest.mark.asyncio
async def test_nothing_is_noted_in_a_closed_log(tmp_path: Path) -> None:
    """The control of the two places: the rules themselves refuse."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        keeper = proceedings.get(name)
        people = People(world, name)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        with pytest.raises(Closed):
            await keeper._docket.execute(NoteLooks((LOOK,)))
