"""`tongping recover` where a log goes on under another origin (docs/protocol.md 11).

What is left of the former log lies in the newer one: the former is neither lengthened nor touched.
"""

from __future__ import annotations

import pytest

from evidence.adapters.database import DatabaseLedger
from evidence.core.canonical import Object
from evidence.core.continues import Remains
from evidence.core.entry import Draft, Entry
from evidence.core.merkle import Tree
from sessions.recovery import Recovered
from tests.sessions.node_world import CENTRE, CITIES, PROCEEDING, Log, new_log_signer, request
from tests.sessions.test_recovery import World, entries, octets, played, world
from web.server.recovering import whole

pytestmark = pytest.mark.asyncio
NEXT = f"{PROCEEDING}/r2"
__all__ = ["played", "world"]


class Continued:
    """`former` had been witnessed to its end, and `left` entries are left of it, in the backup as well."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.former = world.main.log
        self.left = world.backup

    def cut(self, origin: str, log: Log, size: int) -> Log:
        kept = log.entries[:size]
        signer = log.signer if origin == log.origin else new_log_signer(origin)
        return Log(origin, signer, kept, Tree([entry.leaf for entry in kept]))

    async def opened(self) -> tuple[Log, Entry]:
        """The next log with what is left, opened in the centre log; nobody has admitted it."""
        main = self.world.main
        following = self.cut(NEXT, self.former, self.left)
        root, witnessed = self.former.tree.root(self.left), len(self.former.entries)
        continues: Object = Remains(PROCEEDING, self.left, root, witnessed).json
        opened = main.open(following, continues=continues)  # type: ignore[arg-type]
        main.log = self.cut(PROCEEDING, self.former, self.left)
        for node in self.world.nodes:
            known = node.witness._store.witnessed(CENTRE)
            assert known is not None
            node.witness.add_checkpoint(request(main.centre, known.size))
            await node.follow(CENTRE)
        return following, opened

    async def admitted(self) -> Log:
        """All witnesses ended the former log."""
        following, opened = await self.opened()
        for node in self.world.nodes:
            await node.continuing.admit(self.world.main.add_log(opened))
        return following

    async def went_on(self) -> Log:
        """The next log has entries of its own, cosigned and held by every city."""
        following = await self.admitted()
        self.world.main.log = following
        following.append([Draft("PageShown", {"n": n}) for n in range(3)])
        self.world.cosign()
        for node in self.world.nodes:
            node._store.extend(NEXT, 0, octets(following), following.note())
        return following

    async def restored(self, name: str = "ledger") -> DatabaseLedger:
        """The database as it was before the loss."""
        newest, self.world.main.log = self.world.main.log, self.former
        ledger = await self.world.restored(name)
        self.world.main.log = newest
        return ledger

    def hold(self, city: int) -> None:
        """A city that did not answer then has all of the former log."""
        store = self.world.nodes[city]._store
        store.extend(PROCEEDING, 0, octets(self.former), self.former.note())


def of(found: list[Recovered], origin: str) -> Recovered:
    return next(each for each in found if each.origin == origin)


async def test_the_newer_log_comes_back_and_the_former_is_left_alone(world: World) -> None:
    """Even where a city has all of the former log."""
    lost = Continued(world)
    following = await lost.went_on()
    lost.hold(2)
    ledger = await lost.restored()
    before = await entries(ledger, lost.former), await ledger.checkpoints(PROCEEDING)
    found = await world.recover(ledger)
    assert [(each.origin, each.size, each.gone) for each in found[1:]] == [(NEXT, len(following.entries), 0)]
    assert await entries(ledger, following) == octets(following)
    assert (await entries(ledger, lost.former), await ledger.checkpoints(PROCEEDING)) == before
    assert [(each.had, each.source) for each in (await world.recover(ledger))[1:]] == [(len(following.entries), None)]
    ledger.close()


async def test_an_ended_log_is_not_restored_beyond_what_was_left(world: World) -> None:
    """The next log was admitted, and nobody has an entry of its own: no witness cosigns the former one any more, and
    the command does not call that whole."""
    lost = Continued(world)
    await lost.admitted()
    lost.hold(0)
    ledger = await lost.restored()
    found = await world.recover(ledger)
    former = of(found, PROCEEDING)
    assert (former.had, former.size, former.gone) == (lost.left, lost.left, len(lost.former.entries))
    assert CITIES[0] in [who for who, _ in former.refused]
    assert not whole(found)
    assert await entries(ledger, lost.former) == octets(lost.former)[: lost.left]
    ledger.close()


async def test_what_comes_back_before_any_witness_ended_it_is_the_former_log(world: World) -> None:
    """Control: an opening alone ends nothing. A city that was away comes back with all of it."""
    lost = Continued(world)
    await lost.opened()
    lost.hold(0)
    ledger = await lost.restored()
    found = await world.recover(ledger)
    former = of(found, PROCEEDING)
    assert (former.size, former.gone, former.source) == (len(lost.former.entries), 0, CITIES[0])
    assert await entries(ledger, lost.former) == octets(lost.former)
    ledger.close()
