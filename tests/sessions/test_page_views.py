"""Which seat had which page on screen for how many seconds (issue 3, item 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.core.canonical import b64u, encode, sha256
from evidence.core.entry import timestamp
from evidence.errors import Untrusted
from sessions.core import acts, page_views
from sessions.core.commands import NotePages, PageView
from sessions.core.replay import Replay
from sessions.core.view import visibility
from sessions.errors import CommandRefused, SessionError, UnknownPage, UnknownSeat
from sessions.viewing import Shown, Viewing
from tests.sessions.drive import DOCUMENT, Drive
from tests.sessions.service_world import World, tender, until

IMAGE = sha256(b"the image of page 1")
EPOCH = page_views.milliseconds("2026-11-21T08:00:00.000Z")


def seen(**changed: Any) -> PageView:
    return replace(PageView("seat-1", DOCUMENT, 1, IMAGE, EPOCH, EPOCH + 20_000), **changed)


@pytest.fixture
def drive() -> Drive:
    return Drive().until("declarations")


def test_the_log_answers_who_had_which_page_for_how_long(drive: Drive) -> None:
    drive.execute(NotePages((seen(), seen(page=2, end=EPOCH + 5_000), seen(seat="seat-4", start=EPOCH + 1_000))))
    drive.execute(NotePages((seen(start=EPOCH + 20_000, end=EPOCH + 30_500),)))
    assert page_views.answer(drive.entries) == [
        ["seat-1", b64u(DOCUMENT), 1, 30_500],
        ["seat-1", b64u(DOCUMENT), 2, 5_000],
        ["seat-4", b64u(DOCUMENT), 1, 19_000],
    ]


def test_two_windows_of_one_seat_count_once(drive: Drive) -> None:
    drive.execute(NotePages((seen(), seen(start=EPOCH + 10_000, end=EPOCH + 25_000))))
    assert page_views.on_screen(drive.entries) == {("seat-1", DOCUMENT, 1): 25_000}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"seat": "seat-99"}, UnknownSeat),
        ({"document": sha256(b"another")}, UnknownPage),
        ({"page": 0}, UnknownPage),
        ({"page": 4}, UnknownPage),
        ({"start": EPOCH + 20_000}, CommandRefused),
        ({"start": EPOCH + 30_000}, CommandRefused),
        ({"start": -1}, CommandRefused),
        ({"end": EPOCH + 86_400_000}, CommandRefused),
    ],
    ids=["no seat", "no document", "page 0", "page 4", "empty", "backwards", "before time", "future"],
)
def test_a_view_that_cannot_be_is_refused(drive: Drive, changed: Any, error: type[SessionError]) -> None:
    with pytest.raises(error):
        drive.execute(NotePages((seen(**changed),)))


def test_the_same_time_is_stated_once(drive: Drive) -> None:
    drive.execute(NotePages((seen(),)))
    for again in (seen(), seen(start=EPOCH + 19_999), seen(page=2)):
        with pytest.raises(CommandRefused):
            drive.execute(NotePages((again,)))
    with pytest.raises(CommandRefused):
        drive.execute(NotePages(()))
    with pytest.raises(CommandRefused):
        drive.execute(NotePages((seen(seat="seat-2"),) * (page_views.MAX_VIEWS + 1)))


def test_who_reads_what_is_for_those_who_watch(drive: Drive) -> None:
    (entry,) = drive.execute(NotePages((seen(),)))
    shown = {seat: visibility(entry, drive.state, seat) for seat in ("seat-1", "operator-1", "room-1", "auditor-1")}
    assert shown == {"seat-1": "summary", "operator-1": "summary", "room-1": "hash", "auditor-1": "full"}


def test_a_verifier_decides_views_again(drive: Drive) -> None:
    """A server that states what its own rules refuse is found; without deciding again it would not be."""
    drive.execute(NotePages((seen(),)))
    assert _replayed(drive) == drive.state
    (draft,) = page_views.note(drive.state, NotePages((seen(start=EPOCH + 20_000, end=EPOCH + 21_000),)), _now(drive))
    bad = [["seat-1", b64u(DOCUMENT), 3, b64u(IMAGE), EPOCH, EPOCH + 1]]
    drive.append([replace(draft, body={"views": bad})])
    with pytest.raises((Untrusted, CommandRefused)):
        _replayed(drive)


def _now(drive: Drive) -> str:
    return drive.entries[-1].at


def _replayed(drive: Drive) -> object:
    def check(state: Any, act: Any) -> None:
        acts.check(state, act, root_at=drive.root_at)

    replay = Replay(drive.entries, load=lambda _: encode(drive.definition), check=check)
    for _ in replay:
        pass
    return replay.state


# --- what gathers them


class _Docket:
    """The part of a docket that the gatherer uses, on a drive; its clock stands still unless it is moved."""

    id = "proceeding"

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.ms = EPOCH
        self.script: list[Callable[[], object]] = []
        self.waits: list[float] = []

    @property
    def state(self) -> Any:
        return self.drive.state

    def now_ms(self) -> int:
        return self.ms

    async def until(self, ready: Callable[[], bool], within: float) -> bool:
        """What the script holds next happens during this wait; at its end the test is over."""
        if not self.script:
            raise asyncio.CancelledError
        self.waits.append(within)
        self.script.pop(0)()
        if ready():
            return True
        self.ms += round(within * 1000)
        return False

    async def execute(self, command: NotePages) -> object:
        at = timestamp(self.ms)
        return self.drive.append(page_views.note(self.state, command, at), at)


@pytest.mark.asyncio
async def test_a_view_lasts_as_long_as_the_line_is_heard(drive: Drive) -> None:
    docket = _Docket(drive)
    viewing = Viewing(docket=docket, every=30, least=2)  # type: ignore[arg-type]
    first, second = Shown(DOCUMENT, 1, IMAGE), Shown(DOCUMENT, 2, sha256(b"2"))
    viewing.show("line", "seat-1", [first])
    docket.ms += 1_000
    viewing.show("line", "seat-1", [first, second])
    docket.ms += 1_000
    viewing.heard("line")
    docket.ms += 2_500
    # Nothing came for 2.5 s: the line is dead, and nobody is said to have looked on.
    viewing.gone("line")
    viewing.gone("line")
    await viewing.flush()
    assert page_views.on_screen(drive.entries) == {("seat-1", DOCUMENT, 1): 2_000, ("seat-1", DOCUMENT, 2): 1_000}


@pytest.mark.asyncio
async def test_statements_join_without_gap_or_overlap_and_a_hidden_window_counts_nothing(drive: Drive) -> None:
    docket = _Docket(drive)
    viewing = Viewing(docket=docket, every=30, least=2)  # type: ignore[arg-type]
    shown = Shown(DOCUMENT, 1, IMAGE)
    viewing.show("line", "seat-1", [shown])
    for _ in range(3):
        docket.ms += 10_000
        viewing.heard("line")
        await viewing.flush()
    viewing.show("line", "seat-1", [])
    docket.ms += 60_000
    viewing.heard("line")
    await viewing.flush()
    assert page_views.on_screen(drive.entries) == {("seat-1", DOCUMENT, 1): 30_000}
    assert sum(entry.type == "PagesViewed" for entry in drive.entries) == 3


@pytest.mark.asyncio
async def test_a_clock_that_is_set_back_costs_seconds_and_breaks_nothing(drive: Drive) -> None:
    docket = _Docket(drive)
    viewing = Viewing(docket=docket, every=30, least=2)  # type: ignore[arg-type]
    viewing.show("line", "seat-1", [Shown(DOCUMENT, 1, IMAGE)])
    docket.ms += 10_000
    viewing.heard("line")
    await viewing.flush()
    docket.ms -= 5_000
    viewing.heard("line")
    await viewing.flush()
    docket.ms += 8_000
    viewing.heard("line")
    await viewing.flush()
    assert page_views.on_screen(drive.entries) == {("seat-1", DOCUMENT, 1): 13_000}


@pytest.mark.asyncio
async def test_a_turned_page_is_stated_once_it_has_settled_and_a_new_stage_at_once(drive: Drive) -> None:
    docket = _Docket(drive)
    viewing = Viewing(docket=docket, every=30, least=2)  # type: ignore[arg-type]

    def look(page: int) -> None:
        docket.ms += 1_000
        viewing.show("line", "seat-1", [Shown(DOCUMENT, page, IMAGE)])

    def turn(page: int) -> None:
        drive.perform("operator-1", "page.show", {"document": b64u(DOCUMENT), "page": page})
        look(page)

    look(3)
    docket.script = [
        lambda: turn(1),
        lambda: turn(2),
        lambda: viewing.heard("line"),
        lambda: turn(1),
        lambda: drive.until("chair-election"),
    ]
    with suppress(asyncio.CancelledError):
        await viewing.run()
    assert docket.waits == [30, 2, 30, 30, 2]
    stated = [page_views.parse(entry.body) for entry in drive.entries if entry.type == "PagesViewed"]
    # The turns to pages 1 and 2 are stated together; the next one with the stage that came before its time.
    assert [[(view.page, view.end - view.start) for view in views] for views in stated] == [
        [(3, 1_000), (1, 1_000)],
        [(2, 2_000)],
        [(2, 31_000)],
    ]


@pytest.mark.asyncio
async def test_a_running_server_states_views_by_itself_when_the_stage_changes(tmp_path: Path) -> None:
    """And the whole log, with them, is what a verifier decides again (the service world replays it at its end)."""
    world = World(tmp_path, times=replace(World(tmp_path / "x").times, views=0.1, views_least=0.0))
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        document, pages = keeper.state.evaluation.fixed.scoring.documents[0]  # type: ignore[union-attr]
        assert pages == 3
        keeper.viewing.show("line", "seat-1", [Shown(document, 1, IMAGE)])

        def stated() -> bool:
            keeper.viewing.heard("line")
            return "PagesViewed" in {entry.type for entry in keeper.entries}

        await until(stated)
        keeper.viewing.gone("line")
