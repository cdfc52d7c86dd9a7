"""docs/protocol.md 11.2, both halves: the browser's seat goes on in `/r2`, by the real rules of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import NO_ACT, Act, SoftwareSigner
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.core.continues import Remains
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from sessions.core.continued import STATE, Continuing, Leaf
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY
from tests.crypto.test_seat import CHOICES, SEAT, World, refused, running
from tests.sessions.node_world import CITIES, MAIN, NOW, PROCEEDING, Chain, Log, new_log_signer

pytestmark = pytest.mark.asyncio
NEXT = f"{PROCEEDING}/r2"


class Lost:
    """`world` after the loss of everything from `left` on."""

    def __init__(self, world: World, left: int) -> None:
        self.world, self.left = world, left
        self.old = world.game.log

    def chain(self, signer: acts.Signer, sub: str) -> Chain:
        """Of a centre, going on where the new log shows it."""
        log = self.world.game.log
        kid = acts.thumbprint(signer.jwk)
        made = [entry.act for entry in log.entries if entry.act is not None and entry.act.kid == kid]
        assert isinstance(signer, SoftwareSigner)
        chain = Chain(signer=signer, sub=sub, log=log)
        chain.ctr, chain.prev = (made[-1].ctr, made[-1].id) if made else (0, NO_ACT)
        return chain

    def go_on(self, known: tuple[Leaf, ...]) -> None:
        game, main = self.world.game, self.world.game.main
        left = Remains(PROCEEDING, self.left, self.old.tree.root(self.left), len(self.old.entries))
        entries = self.old.entries[: self.left]
        game.log = Log(NEXT, new_log_signer(NEXT), list(entries), Tree([entry.leaf for entry in entries]))
        game.state = EMPTY
        for entry in entries:
            game.state = evolve(game.state, entry)
        opened = main.open(game.log, continues=left.json)  # type: ignore[arg-type]
        cities = {city.domain: city.identity for city in main.cities}
        said = Continuing(
            left=left,
            checkpoint=main.put(self.old.note(self.left)),
            root=self.old.tree.root(),
            note=main.put(self.old.note()),
            known=known,
            held=tuple(self.statement(cities[domain], domain, left) for domain in sorted(cities)),
            absent=(),
            opening={"origin": main.centre.origin, "index": opened.n, "leaf": b64u(opened.leaf)},
            reason="机房起火",
        )
        game.perform(self.chain(main.identity, MAIN).act("log.continue", said.json))
        confirming: Object = {"continued": b64u(game.log.entries[self.left].leaf)}
        game.perform(self.chain(cities[CITIES[2]], CITIES[2]).act("log.confirm", confirming))

    def statement(self, signer: acts.Signer, domain: str, left: Remains) -> str:
        body: Object = {
            "size": left.size,
            "root": b64u(left.root),
            "witnessed": {"size": left.witnessed, "root": b64u(self.old.tree.root())},
            "released": [],
        }
        return acts.make(signer, act=STATE, aud=PROCEEDING, sub=domain, body=body, ctr=1, iat=NOW).jws


def leaf_of(entry: Entry) -> Leaf:
    assert entry.act is not None
    return Leaf(entry.n, entry.leaf, entry.act.id, entry.act.sub, sha256(entry.data))


@pytest_asyncio.fixture
async def lost() -> AsyncIterator[Lost]:
    async with running() as world:
        await world.game.to_ballots()
        left = len(world.game.log.entries)
        await world.client.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
        await world.client.ask("perform", act="help.ask", body={"kind": "device", "text": ""})
        yield Lost(world, left)


def mine(lost: Lost) -> list[Act]:
    found = (entry.act for entry in lost.old.entries[lost.left :])
    return [act for act in found if act is not None and act.sub == SEAT]


@pytest.mark.parametrize("proven", [True, False])
async def test_what_was_lost_comes_again_and_what_nobody_proves_is_refused(lost: Lost, proven: bool) -> None:
    world, (sealed, asked) = lost.world, mine(lost)
    client = world.client
    for act in (sealed, asked):
        await client.ask("receipt", act=act.id.hex())
    ids = {sealed.id, asked.id}
    known = [leaf_of(entry) for entry in lost.old.entries if entry.act is not None and entry.act.id in ids]
    lost.go_on(tuple(known) if proven else ())
    await client.ask("look")
    state = await world.state()
    assert (state["origin"], state["seen"][0]) == (NEXT, len(world.game.log.entries))
    assert state["offline"] == [sealed.id.hex(), asked.id.hex()]
    brought = [leaf_of(entry_form.parse(unb64u(found["entry"]))).act for found in world.server.handed]
    assert brought == [sealed.id, asked.id]
    ctr = world.game.state.keys[world.game.thumbprint].ctr
    await client.ask("resume", ctr=ctr, confirmed=[sealed.id.hex(), asked.id.hex()])
    code = None if proven else "not-offline"
    assert (await world.state())["verdicts"] == [[sealed.id.hex(), code], [asked.id.hex(), code]]
    stand = {entry.act.jws for entry in world.game.log.entries if entry.act is not None and entry.act.id in ids}
    assert stand == {sealed.jws, asked.jws}
    if proven:
        assert world.game.round.current[SEAT] == sealed.id


async def test_a_seat_stops_where_less_was_witnessed_than_it_saw(lost: Lost) -> None:
    old = lost.old
    lost.old = Log(old.origin, old.signer, old.entries[:-1], Tree([entry.leaf for entry in old.entries[:-1]]))
    lost.go_on(())
    assert await refused(lost.world.client.ask("look")) == "record-untrusted"
    assert (await lost.world.state())["origin"] == PROCEEDING
