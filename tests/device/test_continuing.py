"""A seat whose log goes on under another origin believes nothing that it has not proven (docs/protocol.md 11.2)."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from evidence.core import act as acts
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.core.continues import Remains
from evidence.core.entry import Draft
from evidence.core.merkle import Tree
from sessions.core.continued import CONFIRMED, CONTINUED, KNOWN, Continuing, Leaf
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY
from tests.device.test_seat import World, running
from tests.sessions.node_play import FINANCE
from tests.sessions.node_world import MAIN, NOW, PROCEEDING, Log, new_log_signer
from web.device import continuing
from web.device.device import Answered
from web.device.errors import RecordUntrusted, ServerRefused
from web.device.seat import Seat

pytestmark = pytest.mark.asyncio
NEXT = f"{PROCEEDING}/r2"


@dataclass
class Lost:
    """The seat made two notes that the main server lost; it can prove the first one."""

    world: World
    whole: Log
    size: int
    notes: list[Answered]

    @property
    def seat(self) -> Seat:
        return self.world.seat

    def left(self, **changes: object) -> Remains:
        given = {"origin": PROCEEDING, "size": self.size, "root": self.whole.tree.root(self.size)}
        return Remains(**{**given, "witnessed": len(self.whole.tree), **changes})  # type: ignore[arg-type]

    def go_on(
        self,
        *,
        by: str = FINANCE,
        confirmed: bool = True,
        opened: Remains | None = None,
        said: Remains | None = None,
        root: bytes | None = None,
        known: tuple[Leaf, ...] = (),
    ) -> None:
        """The main server and another centre do what they like: nothing is decided here, and nothing refused."""
        game, main = self.world.game, self.world.game.main
        log = Log(NEXT, new_log_signer(NEXT), list(self.whole.entries[: self.size]))
        log.tree = Tree([entry.leaf for entry in log.entries])
        entry = main.open(log, **{"continues": (opened or self.left()).json})  # type: ignore[arg-type]
        game.log = main.log = game.centre.log = log
        game.state = EMPTY
        for each in log.entries:
            game.state = evolve(game.state, each)
        body = Continuing(
            left=said or opened or self.left(),
            checkpoint=bytes(32),
            root=root or self.whole.tree.root(),
            note=bytes(32),
            known=known,
            held=(),
            absent=(),
            opening={"origin": entry.origin, "index": entry.n, "leaf": b64u(entry.leaf)},
            reason="数据库损坏",
        )
        (first,) = game.write([Draft(CONTINUED, {}, game.centre.act("log.continue", body.json))])
        if not confirmed:
            return
        identities = {MAIN: main.identity} | {keys.domain: keys.identity for keys in main.cities}
        key = game.state.keys[acts.thumbprint(identities[by].jwk)]
        act = acts.make(
            identities[by],
            act="log.confirm",
            aud=NEXT,
            sub=by,
            body={"continued": b64u(first.leaf)},
            ctr=key.ctr + 1,
            iat=NOW,
            prev=key.last,
            seen=log.seen(),
        )
        game.write([Draft(CONFIRMED, {}, act)])


@pytest_asyncio.fixture
async def lost(tmp_path: Path) -> AsyncIterator[Lost]:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        size = len(game.log.entries)
        notes = [await seat.perform("incident.note", {"seat": None, "text": text}) for text in ("断电", "又断电")]
        await seat.prove(notes[0])
        await seat.record.advance()
        yield Lost(world, copy.copy(game.log), size, notes)


async def test_it_proves_that_the_log_goes_on_and_brings_its_acts_again(lost: Lost) -> None:
    seat, game = lost.seat, lost.world.game
    server_ctr = lost.notes[0].act.ctr - 1
    lost.go_on(confirmed=False)
    assert not await seat.go_on()
    assert seat.device.log == PROCEEDING
    lost.go_on()
    # What was signed and never answered is not given up, and nothing new is signed before the seat has looked.
    seat.device.sign("incident.note", {"seat": None, "text": "为旧日志"})
    with pytest.raises(ServerRefused, match="wrong-log"):
        await seat.resubmit()
    assert seat.device.pending is not None
    assert await seat.go_on()
    assert (seat.device.log, seat.device.origin) == (NEXT, PROCEEDING)
    (handed,) = lost.world.server.handed
    assert sha256(unb64u(handed["entry"])) == sha256(lost.whole.entries[lost.size].data)
    # A restart holds the same; the act that was never answered comes last.
    seat = await lost.world.restart()
    assert seat.device.log == NEXT
    pending = seat.device.offline[-1]
    assert [act.id for act in seat.device.offline[:-1]] == [made.act.id for made in lost.notes]
    assert not await seat.go_on()
    mine = [act.id for act in seat.device.offline]
    await seat.resume(server_ctr, confirmed=mine[:-1])
    verdicts = [(entry.body["act"], entry.body["code"]) for entry in game.log.entries if entry.type == "OfflineAct"]
    assert verdicts == [(b64u(mine[0]), None), (b64u(mine[1]), None), (b64u(pending.id), "unconfirmed")]
    assert [entry.act.jws for entry in game.log.entries if entry.type == "IncidentNoted" and entry.act] == [
        made.act.jws for made in lost.notes
    ]
    assert game.state.keys[seat.device.thumbprint].merge is None


def lies(lost: Lost) -> dict[str, Object]:
    """What the main server may say, and why the seat stops."""
    here = lost.left()
    other = Leaf(lost.size, sha256(b"another entry"), None, None, bytes(32))
    return {
        "confirmed by the main centre itself": {"by": MAIN},
        "another prefix": {"opened": lost.left(root=sha256(b"x"))},
        "another prefix than the opening": {"said": lost.left(root=sha256(b"x"))},
        "a log that this is not": {"opened": lost.left(origin=f"{PROCEEDING}/r2")},
        "an act beyond what was witnessed": {"opened": lost.left(witnessed=here.witnessed - 1)},
        "another tree at the witnessed size": {"root": sha256(b"x")},
        "another entry where the own act stood": {"known": (other,)},
    }


async def test_what_does_not_hold_stops_it(lost: Lost) -> None:
    for told in lies(lost).values():
        lost.go_on(**told)
        with pytest.raises(RecordUntrusted):
            await lost.seat.go_on()
        assert (lost.seat.device.log, lost.seat.device.offline) == (PROCEEDING, [])
    lost.go_on()
    assert await lost.seat.go_on()


async def test_without_its_own_looks_it_would_follow(lost: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the switches that remove S3."""

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(continuing, "_check_acts", nothing)
    lost.go_on(known=(Leaf(lost.size, sha256(b"another entry"), None, None, bytes(32)),))
    assert await lost.seat.go_on()


async def test_who_looks_later_reads_what_was_proven_meanwhile(lost: Lost) -> None:
    """Others were back before: entries of the next log stand behind the confirmation, and one names the own act."""
    lost.go_on()
    entry = lost.whole.entries[lost.size]
    assert entry.act is not None
    leaf = Leaf(entry.n, entry.leaf, entry.act.id, entry.act.sub, sha256(entry.data))
    lost.world.game.write([Draft(KNOWN, {"known": [leaf.json]})])
    assert await lost.seat.go_on()
    assert lost.world.server.handed == []
