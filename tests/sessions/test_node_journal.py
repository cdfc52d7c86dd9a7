"""What a city's node keeps of what its seats sign while the main server is away: J1 to J8 of `sessions.node_journal`.

J1 an act of this log, by a live key:
    test_each_wrong_act_has_its_code_and_nothing_is_kept, test_an_act_of_an_ended_or_suspended_key_is_refused
J2 a seat of this city:
    test_each_wrong_act_has_its_code_and_nothing_is_kept
J3 what may be signed offline:
    test_each_wrong_act_has_its_code_and_nothing_is_kept
J4 this node's own history:
    test_each_wrong_act_has_its_code_and_nothing_is_kept, test_a_seat_may_have_seen_more_than_its_node
J5 one chain, and clones are kept:
    test_acts_follow_one_another_and_a_second_one_at_a_place_is_kept
J6 no more than anybody signs:
    test_a_seat_that_leaves_too_much_does_not_take_the_others_places
J7 the main server is away for the node itself:
    test_while_the_main_server_answers_nothing_is_kept
J8 on disk before the answer:
    test_what_could_not_be_written_was_not_kept, test_a_node_that_was_restarted_goes_on_with_its_journal
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, sha256
from evidence.errors import EvidenceError, Malformed, Unavailable, UnknownLog, Untrusted
from sessions import node_journal
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.core import venue_journal
from sessions.core.commands import LoseVenue
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    NotOffline,
    SeatKeyEnded,
    SeatSuspended,
    SeenUnknown,
    SessionError,
    UnknownKey,
    WrongSeat,
)
from sessions.node import CityNode
from sessions.node_errors import ForeignSeat, JournalFull, NodeError, VenueNotLost
from tests.device.server import until
from tests.sessions.node_play import ZHONGSHAN, Play, make_node
from tests.sessions.node_world import NOW, PROCEEDING, Chain, Main, new_signer

pytestmark = pytest.mark.asyncio
REASON = "换机"
CODED = (EvidenceError, SessionError, NodeError)


@dataclass
class World:
    """A play whose seats are bound; `node` is that of venue-2, where seat-4, operator-2 and room-2 sit."""

    main: Main = field(default_factory=Main)
    store: MemoryNodeStore = field(default_factory=MemoryNodeStore)
    now: float = NOW

    def __post_init__(self) -> None:
        self.node = self.start()
        self.game = Play(self.main, [self.node, *(make_node(self.main, keys) for keys in self.main.cities[1:])])

    def start(self) -> CityNode:
        """The node's process, anew over what it has on disk."""
        self.node = make_node(self.main, self.main.cities[0], store=self.store, clock=lambda: self.now)
        return self.node

    async def look(self) -> None:
        await self.node.journals.look(PROCEEDING)

    def note(self, seat: str = "seat-4", text: str = "断电", **more: tuple[int, bytes]) -> Act:
        return self.game.seats[seat].act("incident.note", {"seat": None, "text": text}, **more)

    async def leave(self, *made: Act) -> None:
        for act in made:
            await self.node.journals.keep(act.jws)

    @property
    def kept(self) -> list[bytes]:
        lines = [decode_object(line) for line in self.store.journal(PROCEEDING)]
        return [acts.parse(line["act"]).id for line in lines if "act" in line]

    def brought(self) -> list[Act]:
        """What came to the main server, each once."""
        return [acts.parse(jws) for jws in dict.fromkeys(self.main.brought)]


async def bound() -> World:
    world = World()
    game = world.game
    game.found()
    for name in ("seat-1", "seat-4", "seat-5", "operator-1", "operator-2", "supervisor-1", "room-2"):
        await game.bind(name)
    await world.look()
    return world


async def cut_off() -> World:
    world = await bound()
    world.main.away = True
    return world


def ids(made: Sequence[Act]) -> list[str]:
    return [b64u(act.id) for act in made]


async def test_what_seats_leave_is_signed_and_brought_on_return() -> None:
    """{count, H of the act ids in order, node clock at loss and return}, as the next act of the node's own chain."""
    world = await cut_off()
    await world.look()
    world.now += 600
    made = [world.note(), world.note("operator-2"), world.note(text="二"), world.note("room-2")]
    await world.leave(*made)
    await world.leave(made[1])
    await world.look()
    assert world.main.brought == []
    world.main.away, world.now = False, world.now + 60
    await world.look()
    await world.look()
    (signed,) = world.brought()
    assert (signed.act, signed.sub) == ("venue.journal", ZHONGSHAN)
    assert signed.body == venue_journal.body(
        "venue-2", [act.id for act in made], lost=NOW * 1000, returned=(NOW + 660) * 1000
    )
    world.game.perform(signed)
    await world.look()
    assert len(world.brought()) == 1
    world.game.perform(await world.node.freeze_pool(PROCEEDING, 3, bytes(32)))
    # The acts themselves come from their devices; what does not come is named.
    assert [found.kind for found in venue_journal.findings(world.game.state, world.game.log.entries)] == ["missing"] * 4
    for act in made:
        if act.sub != "room-2":
            world.game.perform(act)
    (dropped,) = venue_journal.findings(world.game.state, world.game.log.entries)
    assert (dropped.kind, dropped.venue, dropped.act) == ("missing", "venue-2", made[3].id)


async def test_a_loss_in_which_nobody_signs_leaves_nothing() -> None:
    world = await cut_off()
    await world.look()
    world.main.away = False
    await world.look()
    assert (world.main.brought, world.store.journals()) == ([], [])


async def test_each_loss_has_a_journal_of_its_own() -> None:
    world = await cut_off()
    first, second = world.note(), world.note(text="二")
    await world.leave(first)
    world.main.away = False
    await world.look()
    world.main.away, world.now = True, NOW + 100
    # A device that leaves all that is not merged yet: what is here already stays where it is.
    await world.leave(first, second)
    world.main.away = False
    # A clock that was set back meanwhile.
    world.now = NOW + 50
    await world.look()
    one, two = world.brought()
    assert (one.body["acts"], two.body["acts"]) == (ids([first]), ids([second]))
    assert (two.body["lost"], two.body["returned"]) == ((NOW + 100) * 1000, (NOW + 100) * 1000)
    for act in (one, two):
        world.game.perform(act)


async def test_while_the_main_server_answers_nothing_is_kept() -> None:
    """J7, by the node's own view and not the seat's word."""
    world = await bound()
    note = world.note()
    with pytest.raises(VenueNotLost):
        await world.node.journals.keep(note.jws)
    world.main.away = True
    await world.look()
    world.main.away = False
    await world.look()
    with pytest.raises(VenueNotLost):
        await world.node.journals.keep(note.jws)
    assert world.store.journals() == []
    # The control switched off: where nobody answers the node, it is kept.
    world.main.away = True
    await world.leave(note)
    assert world.kept == [note.id]


Make = Callable[[World], str]


def forged(world: World) -> str:
    note = world.note()
    return note.jws[:-8] + "AAAAAAAA"


def stranger(world: World) -> str:
    return Chain(signer=new_signer(), sub="seat-4", log=world.game.log).act("incident.note", {}).jws


def other_name(world: World) -> str:
    return Chain(signer=world.game.seats["seat-4"].signer, sub="seat-5", log=world.game.log).act("x", {}).jws


def elsewhere(world: World) -> str:
    chain = world.game.seats["seat-4"]
    return acts.make(chain.signer, act="incident.note", aud=PROCEEDING + "b", sub="seat-4", body={}, ctr=2, iat=1).jws


def of(seat: str, name: str = "incident.note") -> Make:
    return lambda world: world.game.seats[seat].act(name, {"seat": None, "text": "x"}).jws


def centre(world: World) -> str:
    return world.game.centre.act("incident.note", {"seat": None, "text": "x"}).jws


def fork(world: World) -> str:
    return world.note(seen=(3, sha256(b"fork"))).jws


def older(world: World) -> str:
    return world.note(seen=(0, sha256(b""))).jws


def taken(world: World) -> str:
    chain = world.game.seats["seat-4"]
    return acts.make(chain.signer, act="incident.note", aud=PROCEEDING, sub="seat-4", body={}, ctr=1, iat=1).jws


def other_prev(world: World) -> str:
    chain = world.game.seats["seat-4"]
    chain.prev = sha256(b"lost")
    return world.note().jws


WRONG: list[tuple[Make, type[Exception]]] = [
    (lambda world: "", Malformed),
    (lambda world: "a.b.c", Malformed),
    (lambda world: world.note().jws + "\n", Malformed),
    (lambda world: "A" * 70_000, Malformed),
    (forged, Untrusted),
    (stranger, UnknownKey),
    (other_name, WrongSeat),
    (elsewhere, UnknownLog),
    (of("seat-1"), ForeignSeat),
    (of("seat-5"), ForeignSeat),
    (of("supervisor-1"), ForeignSeat),
    (centre, ForeignSeat),
    (of("seat-4", "review.vote"), NotOffline),
    (of("seat-4", "ballot.seal"), NotOffline),
    (of("seat-4", "seat.resume"), NotOffline),
    (of("seat-4", "nothing.known"), NotOffline),
    (fork, SeenUnknown),
    (older, SeenUnknown),
    (taken, SeenUnknown),
    (other_prev, ActFork),
]


async def test_each_wrong_act_has_its_code_and_nothing_is_kept() -> None:
    world = await cut_off()
    for make, error in WRONG:
        chain = world.game.seats["seat-4"]
        before = chain.ctr, chain.prev
        with pytest.raises(error) as refusal:
            await world.node.journals.keep(make(world))
        assert isinstance(refusal.value, CODED)
        chain.ctr, chain.prev = before
    assert world.store.journals() == []
    # What nobody could be asked about is what it was: a right one is kept.
    await world.leave(world.note())
    assert len(world.kept) == 1


async def test_every_mutation_of_an_act_is_refused_with_a_code() -> None:
    """Whatever is changed in octets that were signed: nothing uncoded, nothing kept."""
    world = await cut_off()
    jws = world.note().jws
    for at in range(0, len(jws), 7):
        for octet in ("A", ".", "é", ""):
            changed = jws[:at] + octet + jws[at + 1 :]
            if changed != jws:
                with pytest.raises(CODED):
                    await world.node.journals.keep(changed)
    assert world.store.journals() == []


async def test_an_act_of_an_ended_or_suspended_key_is_refused() -> None:
    """J1; one that is in the log already needs no journal."""
    world = await bound()
    game = world.game
    logged = world.note()
    game.perform(logged)
    game.command(LoseVenue("venue-2", 1))
    ctr = game.seats["operator-2"].ctr
    twin = Chain(signer=game.seats["operator-2"].signer, sub="operator-2", log=game.log)
    twin.ctr, twin.prev = ctr, game.seats["operator-2"].prev
    note, other = world.note("operator-2"), twin.act("incident.note", {"seat": None, "text": "x"})
    last = world.note("operator-2", "二")
    body: Object = {"offline": [b64u(note.id)], "ctr": last.ctr, "server_ctr": ctr}
    game.by("operator-2", "seat.resume", body)
    game.perform(note)
    game.perform(other)
    game.by("operator-1", "seat.lose", {"seat": "seat-4", "reason": REASON})
    await world.look()
    world.main.away = True
    for act, error in ((logged, ActRepeated), (world.note(), SeatKeyEnded), (last, SeatSuspended)):
        with pytest.raises((error, SeatKeyEnded)) as refusal:
            await world.node.journals.keep(act.jws)
        assert type(refusal.value) is error
    assert world.store.journals() == []


async def test_acts_follow_one_another_and_a_second_one_at_a_place_is_kept() -> None:
    """J5, "two acts with one `ctr` (cloned profile)": both kept. The first may be beyond what this node was shown."""
    world = await cut_off()
    chain = world.game.seats["seat-4"]
    world.note(text="从未送达")
    first = world.note(text="一")
    twin = Chain(signer=chain.signer, sub="seat-4", log=world.game.log)
    twin.ctr, twin.prev = first.ctr - 1, first.prev
    clone, after = twin.act("incident.note", {"seat": None, "text": "另"}), world.note(text="二")
    theirs = twin.act("incident.note", {"seat": None, "text": "另二"})
    await world.leave(first)
    for wrong in (theirs, world.note(text="四")):
        with pytest.raises(ActGap):
            await world.node.journals.keep(wrong.jws)
    await world.leave(after, clone, theirs)
    assert world.kept == [first.id, after.id, clone.id, theirs.id]


async def test_a_seat_may_have_seen_more_than_its_node() -> None:
    """J4 as far as this node has seen: what is beyond it the log itself will judge."""
    world = await bound()
    world.game.witness()
    world.main.away = True
    note = world.note()
    assert note.seen[0] > len(world.node.replayed[PROCEEDING].tree)
    await world.leave(note)
    assert world.kept == [note.id]


async def test_a_seat_that_leaves_too_much_does_not_take_the_others_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """J6."""
    monkeypatch.setattr(node_journal, "MAX_OF_KEY", 2)
    monkeypatch.setattr(node_journal, "MAX_ACTS", 3)
    world = await cut_off()
    await world.leave(world.note(), world.note())
    with pytest.raises(JournalFull):
        await world.node.journals.keep(world.note().jws)
    await world.leave(world.note("operator-2"))
    with pytest.raises(JournalFull):
        await world.node.journals.keep(world.note("operator-2").jws)
    assert len(world.kept) == 3


async def test_what_could_not_be_written_was_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """J8: no answer before the disk has it, and the same act again is written then."""
    world = await cut_off()
    note = world.note()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryNodeStore, "note", full)
        with pytest.raises(OSError, match="no space"):
            await world.node.journals.keep(note.jws)
    assert world.store.journals() == []
    await world.leave(note)
    assert world.kept == [note.id]


async def test_a_node_that_was_restarted_goes_on_with_its_journal() -> None:
    """kill -9 in mid-loss, and again before the journal was brought: the same loss, the same octets."""
    world = await cut_off()
    first, second = world.note(), world.note(text="二")
    await world.leave(first)
    world.now += 30
    world.start()
    await world.leave(first, second)
    world.main.away, world.now = False, world.now + 30
    honest, world.main.bring = world.main.bring, unreachable  # type: ignore[method-assign]
    await world.look()
    world.start()
    world.now += 30
    world.main.bring = honest  # type: ignore[method-assign]
    watching = asyncio.create_task(world.node.journals.watch(every=0.01))
    await until(lambda: bool(world.main.brought))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    (signed,) = world.brought()
    assert signed.body["acts"] == ids([first, second])
    assert (signed.body["lost"], signed.body["returned"]) == (NOW * 1000, (NOW + 60) * 1000)
    world.game.perform(signed)


async def unreachable(origin: str, door: str, act: str) -> None:
    raise Unavailable("nobody takes it")


async def test_a_closed_log_is_looked_after_no_more() -> None:
    world = await cut_off()
    await world.leave(world.note())
    world.main.away = False
    world.game.by("supervisor-1", "proceeding.abort", {"reason": REASON})
    world.game.by("operator-1", "proceeding.seal", {})
    await world.look()
    await world.look()
    assert world.main.brought == []
    assert world.node.replayed[PROCEEDING].state.closed is not None
