"""The node in a draw: when a secret leaves it, and when its shares do (protocols.md 4, with R-like steps)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import draw as rules
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.core.entry import Draft
from evidence.errors import NoQuorum, UnknownLog
from sessions import draw_secrets
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.adapters.node_store import FileNodeStore
from sessions.core.commands import FreezeDraw, MissReveals, Perform, ResolveDraw
from sessions.core.drawing import bound
from sessions.core.draws import Draw
from sessions.core.proceeding import decide, evolve
from sessions.errors import SeatingRefused, UnknownSeat
from sessions.node import CityNode
from sessions.node_errors import LogRefused, NodeStateBroken, NotAHolder, NotListed, NotYet, OtherFreeze, RevealThere
from sessions.node_keys import NodeKeys
from tests.sessions.node_play import FINANCE, ZHONGSHAN, ZHUHAI, Play, make_node
from tests.sessions.node_world import AT, CITIES, NOW, PROCEEDING, Main, salt

pytestmark = pytest.mark.asyncio
LATER = "2026-11-21T08:02:00.000Z"
VENUES: Object = {
    "draw": "venues",
    "attempt": 1,
    "strata": [{"label": "venue", "quota": 1, "refs": ["a.example", "b.example", "c.example"]}],
    "pool": None,
    "partition": None,
    "filter": None,
}


@dataclass
class Clock:
    """The nodes' own clock."""

    now: float = float(NOW)

    def __call__(self) -> float:
        return self.now


class Store(MemoryNodeStore):
    """A store whose node loses its power before the next act is written."""

    dead = False

    def sign(self, *asked: Any, **more: Any) -> str:
        if self.dead:
            raise NodeStateBroken("the power went")
        return super().sign(*asked, **more)


@dataclass
class Game:
    """A play whose proceeding is founded, with a draw on it."""

    play: Play
    clock: Clock
    stores: dict[str, Store]
    opened: bytes = b""
    log: str = field(default=PROCEEDING)

    @property
    def draw(self) -> Draw:
        return self.play.state.drawing.opened(self.opened)

    @property
    def freeze_leaf(self) -> bytes:
        freeze = self.draw.freeze
        assert freeze is not None
        return freeze.leaf

    def node(self, domain: str) -> CityNode:
        return self.play.nodes[domain]

    def restart(self, domain: str) -> CityNode:
        """The node's process again, on what its store holds."""
        keys = next(keys for keys in self.play.main.cities if keys.domain == domain)
        self.play.nodes[domain] = node(self.play.main, keys, self.stores[domain], self.clock)
        return self.play.nodes[domain]

    async def contribute(self, *domains: str) -> None:
        for domain in domains or CITIES:
            self.play.perform(await self.node(domain).contribute(self.log, self.opened))

    async def acknowledge(self) -> None:
        for made in list(self.draw.contributions.values()):
            await self.play.ack(made.id)

    async def to_freeze(self) -> None:
        await self.contribute()
        await self.acknowledge()
        self.play.command(FreezeDraw(self.opened))
        self.play.witness()

    async def reveal(self, *domains: str) -> None:
        for domain in domains or CITIES:
            self.play.perform(await self.node(domain).reveal(self.log, self.freeze_leaf))

    def miss(self, *domains: str) -> None:
        drafts = decide(self.play.state, MissReveals(self.freeze_leaf, tuple(domains)), at=LATER, entropy=b"")
        self.at(LATER, drafts)

    def at(self, at: str, drafts: tuple[Draft, ...]) -> None:
        """Append at another time than the world's."""

        for draft in drafts:
            entry = entry_form.write(draft, n=len(self.play.log.entries), origin=self.log, at=at, salt=salt())
            self.play.log.entries.append(entry)
            self.play.log.tree.append(entry.leaf)
            self.play.state = evolve(self.play.state, entry)

    def resolve(self) -> None:
        found = dict(draw_secrets.of(self.play.state, self.draw, envelope_p256))
        self.play.command(ResolveDraw(self.freeze_leaf, tuple(s for s in found.values() if s is not None)))


def node(main: Main, keys: NodeKeys, store: MemoryNodeStore, clock: Clock) -> CityNode:
    return CityNode(keys=keys, pins=main.pins, store=store, source=main, envelopes=envelope_p256, clock=clock)


async def game(*, opened: bool = True) -> Game:
    main, clock = Main(), Clock()
    stores = {keys.domain: Store() for keys in main.cities}
    play = Play(main, [node(main, keys, stores[keys.domain], clock) for keys in main.cities])
    play.found()
    await play.offers()
    await play.bind("operator-1")
    await play.bind("supervisor-1")
    made = Game(play, clock, stores)
    if opened:
        made.opened = play.by("operator-1", "draw.open", VENUES)[0].leaf
        play.witness()
    return made


async def test_a_whole_draw_through_the_nodes() -> None:
    """D1, dealing, acknowledgement, D2, reveals, result; each question has one answer for ever."""
    made = await game()
    await made.to_freeze()
    first = await made.node(ZHUHAI).contribute(made.log, made.opened)
    assert first == await made.restart(ZHUHAI).contribute(made.log, made.opened)
    await made.reveal()
    assert await made.node(ZHUHAI).reveal(made.log, made.freeze_leaf) == await made.restart(ZHUHAI).reveal(
        made.log, made.freeze_leaf
    )
    made.resolve()
    draw_secrets.check(made.play.state, envelope_p256)
    order = rules.order(made.draw.seed, "venue", 3)
    assert [made.draw.strata[0].leaves[i] for i in order] == list(made.draw.ranked[0])


async def test_no_contribution_before_d1() -> None:
    """C1 and C2: in the log shown, and by the quorum of this node's own policy."""
    made = await game(opened=False)
    node_ = made.node(ZHUHAI)
    with pytest.raises(UnknownLog):
        await node_.contribute(made.log + "x", bytes(32))
    with pytest.raises(NotYet):
        await node_.contribute(made.log, bytes(32))
    made.opened = made.play.by("operator-1", "draw.open", VENUES)[0].leaf
    with pytest.raises(NotYet):
        await node_.contribute(made.log, made.opened)
    made.play.witness()
    honest = made.play.main.receipt

    async def thin(origin: str, n: int) -> bytes:
        return made.play.main.proof(made.play.log, n, witnesses=2)

    made.play.main.receipt = thin  # type: ignore[method-assign]
    with pytest.raises(NoQuorum):
        await node_.contribute(made.log, made.opened)
    made.play.main.receipt = honest  # type: ignore[method-assign]
    await made.contribute(ZHUHAI)


async def test_a_secret_is_kept_before_the_act_that_commits_to_it() -> None:
    """C3: a node that dies between the two deals the same secret again."""
    made = await game()
    store = made.stores[ZHUHAI]
    store.dead = True
    with pytest.raises(NodeStateBroken):
        await made.node(ZHUHAI).contribute(made.log, made.opened)
    secret = {name: value for name, value in store._secrets.items() if name.startswith("draw ")}
    store.dead = False
    made.restart(ZHUHAI)
    await made.to_freeze()
    assert {name: value for name, value in store._secrets.items() if name.startswith("draw ")} == secret
    await made.reveal()
    made.resolve()


async def test_the_secret_lies_sealed_on_a_real_disk(tmp_path: Path) -> None:
    """protocols.md 1.6: in no file of the store does it stand in clear."""
    main, clock = Main(), Clock()
    store = FileNodeStore.create(tmp_path / "node")
    keys = next(keys for keys in main.cities if keys.domain == ZHUHAI)
    play = Play(main, [make_node(main, other) for other in main.cities if other.domain != ZHUHAI])
    mine = CityNode(keys=keys, pins=main.pins, store=store, source=main, envelopes=envelope_p256, clock=clock)
    mine.witness.add_log(main.add_log())
    play.nodes = {ZHONGSHAN: play.nodes[ZHONGSHAN], ZHUHAI: mine, FINANCE: play.nodes[FINANCE]}
    play.found()
    await play.offers()
    await play.bind("operator-1")
    opened = play.by("operator-1", "draw.open", VENUES)[0].leaf
    play.witness()
    drawn = Game(play, clock, {}, opened)
    await drawn.to_freeze()
    await drawn.reveal(ZHUHAI)
    secret = drawn.draw.reveals[ZHUHAI]
    name = f"draw {PROCEEDING} {opened.hex()}"
    kept = store.secret(name)
    assert kept is not None
    assert b64u(secret).encode() in kept
    store.close()
    for path in (tmp_path / "node").rglob("*"):
        if path.is_file() and path.name == "node.sqlite":
            assert kept not in path.read_bytes()


async def test_no_reveal_before_d2() -> None:
    """V1 and V2: a secret that left before the freeze is witnessed would let the last contributor choose."""
    made = await game()
    await made.contribute()
    await made.acknowledge()
    (frozen,) = made.play.command(FreezeDraw(made.opened))
    for leaf in (frozen.leaf, bytes(32), made.opened):
        with pytest.raises(NotYet):
            await made.node(ZHUHAI).reveal(made.log, leaf)
    made.play.witness()
    await made.reveal(ZHUHAI)


async def test_a_node_that_is_not_listed_reveals_nothing() -> None:
    made = await game()
    await made.contribute(ZHONGSHAN, ZHUHAI)
    await made.acknowledge()
    body: Object = {"opened": b64u(made.opened), "absent": [FINANCE], "reason": "x"}
    act = made.play.seats["supervisor-1"].act("draw.freeze", body)
    made.at(LATER, decide(made.play.state, Perform(act), at=LATER, entropy=b""))
    made.play.witness()
    await made.contribute(FINANCE)
    with pytest.raises(NotListed):
        await made.node(FINANCE).reveal(made.log, made.freeze_leaf)
    await made.reveal(ZHONGSHAN, ZHUHAI)
    made.resolve()


async def test_shares_leave_only_for_the_missing_and_after_the_time() -> None:
    """D2: the log must say who is missing, and the node's own clock be past the time; then the seed is the same."""
    made = await game()
    await made.to_freeze()
    await made.reveal(ZHONGSHAN, FINANCE)
    late = await made.node(ZHUHAI).reveal(made.log, made.freeze_leaf)
    with pytest.raises(NotYet):
        await made.node(FINANCE).release(made.log, made.freeze_leaf)
    made.miss(ZHUHAI)
    with pytest.raises(NotYet):
        await made.node(FINANCE).release(made.log, made.freeze_leaf)
    made.clock.now = float(made.draw.reveal_by)
    for domain in (FINANCE, ZHONGSHAN):
        made.play.perform(await made.node(domain).release(made.log, made.freeze_leaf))
    made.resolve()
    secret = unb64u(acts.parse(late).body["s"], 32)
    assert secret in made.draw.secrets
    made.play.perform(late)


async def test_a_true_reveal_keeps_the_shares_where_they_are() -> None:
    """D4: a server that calls somebody missing who is not gets nothing."""
    made = await game()
    await made.to_freeze()
    await made.reveal()
    made.miss(ZHUHAI)
    made.clock.now += 120
    with pytest.raises(RevealThere):
        await made.node(FINANCE).release(made.log, made.freeze_leaf)


async def test_a_second_freeze_of_the_same_attempt_gets_no_secret() -> None:
    """V3: recorded with the act, so that no second history can be played with this node."""
    made = await game()
    await made.to_freeze()
    await made.reveal(ZHUHAI)
    store = made.stores[ZHUHAI]
    with pytest.raises(OtherFreeze):
        store.sign(made.log, "reveal", bytes(32), _never, once=("reveal venues", 1, bytes(32)))


async def test_a_bad_dealing_is_rejected_on_sight() -> None:
    """1.5(7) for draws: the holder whose share is false says so, in the log."""
    made = await game()
    jws = await made.node(ZHONGSHAN).contribute(made.log, made.opened)
    made.play.perform(jws)
    context = bound(made.play.state, made.draw, ZHUHAI)
    counter = iter(range(1 << 20))
    sealed = envelope_p256.seal(context, None, lambda n: (sha256(b"%d" % next(counter)) * 2)[:n])
    shares = sealed.envelope.shares
    bad = replace(sealed.envelope, shares=(shares[0], shares[1], shares[0]))
    signer = next(keys for keys in made.play.main.cities if keys.domain == ZHUHAI).identity
    key = made.play.state.keys[acts.thumbprint(signer.jwk)]
    act = acts.make(
        signer,
        act="draw.contribute",
        aud=made.log,
        sub=ZHUHAI,
        body={"opened": b64u(made.opened), "envelope": bad.json},
        ctr=key.ctr + 1,
        iat=NOW,
        prev=key.last,
        seen=made.play.log.seen(),
    )
    (entry,) = made.play.perform(act)
    assert entry.act is not None
    answer = acts.parse(await made.node(FINANCE).ack(made.log, entry.act.id))
    assert (answer.act, answer.body["code"]) == ("share.reject", "untrusted")
    assert acts.parse(await made.node(ZHONGSHAN).ack(made.log, entry.act.id)).act == "share.ack"


async def test_a_log_whose_draw_breaks_the_rules_is_refused() -> None:
    """The mirror decides again: a result that does not follow stops the node."""
    made = await game()
    await made.to_freeze()
    await made.reveal()
    found = tuple(made.draw.reveals[domain] for domain in sorted(CITIES))
    (resolved,) = decide(made.play.state, ResolveDraw(made.freeze_leaf, found), at=AT, entropy=b"")
    made.play.write([Draft("DrawResolved", resolved.body | {"seed": b64u(bytes(32))})])
    with pytest.raises(LogRefused):
        await made.node(ZHUHAI).contribute(made.log, bytes(32))


async def test_a_custodian_freezes_its_pool_and_answers_for_it() -> None:
    """The same words give the same act; the main centre's part is only to append it."""
    made = await game()
    jws = await made.node(FINANCE).freeze_pool(made.log, 3, sha256(b"pool"))
    assert jws == await made.node(FINANCE).freeze_pool(made.log, 3, sha256(b"pool"))
    (frozen,) = made.play.perform(jws)
    leaves = sorted(rules.pool_leaf(f"{i}", f"expert-{i}", {}) for i in range(3))
    body: Object = {
        "draw": "experts",
        "attempt": 1,
        "strata": [{"label": "expert/law", "quota": 1, "leaves": [b64u(leaf) for leaf in leaves]}],
        "pool": b64u(frozen.leaf),
        "partition": b64u(bytes(32)),
        "filter": b64u(bytes(32)),
        "facts": b64u(bytes(32)),
    }
    made.opened = made.play.by("operator-1", "draw.open", body)[0].leaf
    made.play.witness()
    await made.to_freeze()
    await made.reveal()
    made.resolve()
    (stated,) = made.play.perform(await made.node(FINANCE).answer(made.log, made.opened, [[0, 0, "accepted", None]]))
    assert stated.act is not None
    made.play.by("supervisor-1", "draw.countersign", {"statement": b64u(stated.act.id)})
    assert rules.settled(made.draw.strata, made.draw.answers)


async def test_a_custodian_seats_whom_it_drew_and_nobody_else() -> None:
    """An act that the rules would refuse is not signed: the chain of the custodian's key would end with it."""
    made = await game()
    source: Object = {"kind": "drawn", "opened": b64u(made.opened), "stratum": 0, "position": 0}
    for seat, replaces in (("seat-1", None), ("seat-9", None), ("seat-6", "seat-5")):
        with pytest.raises((SeatingRefused, UnknownSeat)):
            await made.node(FINANCE).seat(made.log, seat, replaces, source, b64u(bytes(32)))


async def test_a_node_without_an_offer_contributes_nothing() -> None:
    made = await game()
    store = made.stores[ZHUHAI]
    store._secrets = {name: value for name, value in store._secrets.items() if not name.startswith("holder ")}
    made.restart(ZHUHAI)
    with pytest.raises(NotAHolder):
        await made.node(ZHUHAI).contribute(made.log, made.opened)


def _never(ctr: int, prev: bytes) -> Act:
    raise AssertionError("nothing is signed")
