"""A node looks at what is left of a log, states how far it goes itself, and ends the log as its successor is admitted.

docs/protocol.md 11.2; C2SP tlog-witness for what it cosigns.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.core.canonical import Object, b64u, sha256
from evidence.core.continues import Remains
from evidence.core.entry import Draft
from evidence.core.merkle import Tree
from evidence.core.note import read_checkpoint
from evidence.core.witness import Answer
from evidence.errors import Malformed, UnknownLog, Untrusted
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.adapters.node_store import FileNodeStore
from sessions.core.continued import Statement
from sessions.node import CityNode
from sessions.node_errors import HoldsMore, LogForked, OtherSuccessor
from sessions.node_ports import NodeStore
from tests.sessions.node_play import Play, make_node
from tests.sessions.node_world import CITIES, PROCEEDING, Log, Main, new_log_signer, request

pytestmark = pytest.mark.asyncio
NEXT = f"{PROCEEDING}/r2"


@dataclass
class World:
    """A node that cosigned `whole` and holds nothing of it; the main server has `size` entries left."""

    main: Main
    node: CityNode
    store: NodeStore
    whole: Log
    size: int

    @property
    def left(self) -> Remains:
        return Remains(PROCEEDING, self.size, self.whole.tree.root(self.size), len(self.whole.tree))

    def successor(
        self, left: Remains | None = None, *, origin: str = NEXT, log: Log | None = None
    ) -> tuple[Log, bytes]:
        """The log that goes on, and the add-log that brings it."""
        made = log or Log(origin, new_log_signer(origin), list(self.main.log.entries), copy.copy(self.main.log.tree))
        body: Object = {"continues": (left or self.left).json}
        opened = self.main.open(made, **body)
        return made, self.main.add_log(opened)


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    main = Main()
    store = MemoryNodeStore() if request.param == "memory" else FileNodeStore.create(tmp_path / "node")
    node = make_node(main, main.cities[0], store=store)
    Play(main, [node]).found()
    main.log.append([Draft("PageShown", {"n": n}) for n in range(9)])
    asked = node.witness.add_checkpoint(_request(main.log, 0))
    assert asked.answer is Answer.COSIGNED
    whole, size = main.log, 5
    left = whole.entries[:size]
    main.log = Log(PROCEEDING, whole.signer, left, Tree([entry.leaf for entry in left]))
    yield World(main, node, store, whole, size)
    if isinstance(store, FileNodeStore):
        store.close()


def _request(log: Log, old: int) -> bytes:
    return request(log, old)


async def test_it_states_how_far_its_copy_and_its_record_go(world: World) -> None:
    left = world.left
    act, note = await world.node.continuing.state(PROCEEDING, left.size, left.root)
    city = world.main.cities[0]
    said = Statement.parse(act, {CITIES[0]: city.identity.jwk}, PROCEEDING)
    assert (said.domain, said.size, said.root, said.released) == (CITIES[0], left.size, left.root, ())
    assert said.witnessed == (left.witnessed, world.whole.tree.root())
    checkpoint, shown = read_checkpoint(note, world.whole.signer.vkey)
    assert (checkpoint.size, shown.verify(city.witness.vkey) is not None) == (left.witnessed, True)


async def test_one_that_holds_more_refuses(world: World) -> None:
    """Nothing is gone that a city holds: `tongping recover` takes it back."""
    held = [entry.data for entry in world.whole.entries[: world.size + 1]]
    world.store.extend(PROCEEDING, 0, held, world.whole.note(world.size + 1))
    with pytest.raises(HoldsMore) as refused:
        await world.node.continuing.state(PROCEEDING, world.size, world.left.root)
    assert refused.value.size == world.size + 1
    with pytest.raises(HoldsMore):
        await world.node.continuing.admit(world.successor()[1])
    # Control: what it holds is what is left.
    left = Remains(PROCEEDING, world.size + 1, world.whole.tree.root(world.size + 1), world.left.witnessed)
    world.main.log = Log(PROCEEDING, world.whole.signer, world.whole.entries[: left.size])
    await world.node.continuing.state(PROCEEDING, left.size, left.root)


async def test_another_prefix_is_a_fork(world: World) -> None:
    with pytest.raises(LogForked):
        await world.node.continuing.state(PROCEEDING, world.size, sha256(b"another"))
    other = Remains(PROCEEDING, world.size, sha256(b"another"), world.left.witnessed)
    with pytest.raises(LogForked):
        await world.node.continuing.admit(world.successor(other)[1])


async def test_what_it_cosigned_within_what_is_left_is_a_prefix_of_it(world: World) -> None:
    """The main server shows other entries, longer than what this node cosigned."""
    other = Log(PROCEEDING, world.whole.signer)
    other.append([Draft("PageShown", {"other": n}) for n in range(len(world.whole.tree) + 3)])
    world.main.log = other
    size = len(other.tree)
    with pytest.raises(LogForked):
        await world.node.continuing.state(PROCEEDING, size, other.tree.root())
    with pytest.raises(LogForked):
        await world.node.continuing.admit(world.successor(Remains(PROCEEDING, size, other.tree.root(), size + 1))[1])


async def test_it_admits_nothing_that_hides_how_much_it_cosigned(world: World) -> None:
    less = Remains(PROCEEDING, world.size, world.left.root, world.left.witnessed - 1)
    with pytest.raises(LogForked):
        await world.node.continuing.admit(world.successor(less)[1])
    await world.node.continuing.admit(world.successor()[1])


async def test_a_log_that_nobody_admitted_has_no_successor_here(world: World) -> None:
    with pytest.raises(UnknownLog):
        await world.node.continuing.state(f"{PROCEEDING[:-1]}b", 1, bytes(32))


async def test_the_admission_ends_the_log_before(world: World) -> None:
    log, body = world.successor()
    await world.node.continuing.admit(body)
    witness = world.node.witness
    assert witness.add_checkpoint(_request(world.whole, len(world.whole.tree))).answer is Answer.ENDED
    # The successor begins at what is left, and nowhere else.
    assert witness.add_checkpoint(_request(log, 0)).size == world.size
    assert witness.add_checkpoint(_request(log, world.size)).answer is Answer.COSIGNED
    log.append([Draft("PageShown", {})])
    assert witness.add_checkpoint(_request(log, world.size)).answer is Answer.COSIGNED
    await world.node.continuing.admit(body)


async def test_without_the_end_both_would_grow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the switch that removes it."""
    store = type(world.store)
    monkeypatch.setattr(store, "succeed", lambda self, _, origin, state, opening: self.admit(origin, state, opening))
    await world.node.continuing.admit(world.successor()[1])
    old = world.node.witness.add_checkpoint(_request(world.whole, len(world.whole.tree)))
    assert old.answer is Answer.COSIGNED


async def test_one_log_goes_on_once(world: World) -> None:
    """The same name under another key, with other entries left, or another name."""
    first, body = world.successor()
    await world.node.continuing.admit(body)
    with pytest.raises(Untrusted):
        await world.node.continuing.admit(world.successor()[1])
    shorter = Remains(PROCEEDING, world.size - 1, world.whole.tree.root(world.size - 1), world.left.witnessed)
    with pytest.raises(Untrusted):
        await world.node.continuing.admit(world.successor(shorter, log=first)[1])
    with pytest.raises((Untrusted, Malformed)):
        await world.node.continuing.admit(world.successor(origin=f"{PROCEEDING}/r3")[1])
    state = world.store.witnessed(NEXT)
    assert state is not None
    with pytest.raises(OtherSuccessor):
        world.store.succeed(PROCEEDING, f"{PROCEEDING}/r3", state, b"")
    assert world.store.witnessed(NEXT) == state


async def test_a_name_of_a_later_log_opens_nothing_by_itself(world: World) -> None:
    log = Log(NEXT, new_log_signer(NEXT))
    with pytest.raises(Untrusted):
        await world.node.continuing.admit(world.main.add_log(world.main.open(log)))


async def test_what_it_released_it_says_in_every_log(world: World) -> None:
    freeze = sha256(b"freeze")

    def refuse(ctr: int, prev: bytes) -> object:
        raise Malformed("not signed")

    with pytest.raises(Malformed):
        world.store.sign(PROCEEDING, "release", freeze, refuse, once=("sheet", 1, freeze))  # type: ignore[arg-type]
    assert world.store.released(NEXT) == []
    act = world.main.by_centre.act("share.release", {"freeze": b64u(freeze)})
    world.store.sign(PROCEEDING, "release", freeze, lambda ctr, prev: act, once=("sheet", 1, freeze))
    assert world.store.released(NEXT) == [freeze]
