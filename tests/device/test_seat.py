"""A seat at work over real sockets: acts until decided, S1 to S7, and what it refuses to believe."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse, Response

from evaluation.core.sheet import Sheet
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Draft
from evidence.core.envelope import holder_set
from evidence.core.proof import Proof
from sessions.core.commands import LoseVenue
from tests.device.server import SESSION, TOKEN, MainServer, problem, until
from tests.sessions.node_play import SCORING, Play, make_node
from tests.sessions.node_world import CITIES, NOW, PROCEEDING, Chain, Log, Main, new_signer
from web.device import sealing
from web.device.client import Client
from web.device.device import Device
from web.device.errors import GateClosed, NotOffline, RecordUntrusted, ServerRefused, ServerSilent
from web.device.seat import Seat

pytestmark = pytest.mark.asyncio
CHOICES = ["seat-2", "seat-3", "seat-4", "seat-5"]


class DeviceGame(Play):
    """A play in which seat-3 is a device."""

    seat: Seat

    async def bind(self, name: str) -> None:
        if name != "seat-3":
            await super().bind(name)
        else:
            await self.vouch(name, self.seat.device.thumbprint)
            await self.seat.bind()

    async def declared(self) -> None:
        shown = b64u(sha256(b"text"))
        for member in self.state.members:
            for name, body in (
                ("commitment.sign", {"shown": shown}),
                ("recusal.declare", {"recuse": False, "grounds": [], "shown": shown}),
            ):
                if member.id == "seat-3":
                    await self.seat.perform(name, body)
                else:
                    self.by(member.id, name, body)
        self.advance("chair-election")

    async def to_ballots(self) -> None:
        self.found()
        await self.offers()
        await self.check_in()
        await self.declared()


class World:
    def __init__(self, folder: Path) -> None:
        main = Main()
        self.folder = folder
        self.game = DeviceGame(main, [make_node(main, keys) for keys in main.cities])
        self.server = MainServer(self.game)
        self.seat = self.game.seat = self.sit()

    def sit(self) -> Seat:
        """The seat as a fresh process finds it."""
        client = Client(base_url=self.server.url, origin=self.server.url, patience_s=5, session=SESSION)
        client.proceeding = PROCEEDING.rpartition("/")[2]
        device = Device(folder=self.folder, origin=PROCEEDING, sub="seat-3", clock=lambda: float(NOW))
        return Seat(device=device, client=client, pins=self.game.main.pins, envelopes=envelope_p256, entropy=os.urandom)

    async def restart(self) -> Seat:
        """kill -9 of the seat's process: nothing but the disk remains."""
        await self.leave()
        self.seat = self.game.seat = self.sit()
        return self.seat

    async def leave(self) -> None:
        await self.seat.close()

    def acknowledging(self) -> asyncio.Task[None]:
        """The nodes acknowledge each seal as it comes, as the server's duties have them do."""

        async def run() -> None:
            done: set[bytes] = set()
            while True:
                rounds = self.game.state.evaluation.rounds
                for act in [act for found in rounds for act in found.seals if act not in done]:
                    done.add(act)
                    await self.game.ack(act)
                await asyncio.sleep(0.02)

        return asyncio.create_task(run())


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    async with world.server.running():
        acks = world.acknowledging()
        try:
            yield world
        finally:
            acks.cancel()
            await world.leave()


async def test_a_link_signs_in_and_the_cookie_is_sent_by_hand(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        client = world.seat.client
        client.session = None
        with pytest.raises(ServerRefused, match="link-refused"):
            await client.sign_in("used")
        assert (await client.sign_in(TOKEN))["seat"] == "seat-3"
        assert client.session == SESSION


async def test_an_act_goes_on_until_it_is_decided(tmp_path: Path) -> None:
    """A restart, a full bucket, a lost answer: one act, one place in the log."""
    async with running(tmp_path) as world:
        game = world.game
        game.found()
        await game.vouch("seat-3", world.seat.device.thumbprint)
        world.server.failures = [lambda: problem(503, "not-ready"), lambda: problem(429, "too-many-requests")]
        size = len(game.log.entries)
        lost = asyncio.Event()

        def lose() -> None:
            lost.set()
            raise ConnectionAbortedError("the answer is lost with the process")

        world.server.after = [lose]
        asking = asyncio.create_task(world.seat.bind())
        await lost.wait()
        await world.server.stop()
        await world.server.start()
        answered = await asking
        assert (answered.index, len(game.log.entries)) == (size, size + 1)
        assert (await world.seat.bind()) == answered


async def test_a_vouch_waits_for_the_nodes_earlier_acts(tmp_path: Path) -> None:
    """The node signed its offer first; the vouch is posted before the server has appended that."""
    async with running(tmp_path) as world:
        game = world.game
        game.found()
        node = game.nodes[CITIES[0]]
        offer = await node.offer(PROCEEDING)
        vouch = await node.vouch(PROCEEDING, "seat-4", world.seat.device.thumbprint)
        posting = asyncio.create_task(world.seat.client.post_act(vouch))
        await asyncio.wait([posting], timeout=0.5)
        assert not posting.done()
        game.perform(offer)
        assert (await posting).index == len(game.log.entries) - 1


async def test_a_refused_act_is_over_and_the_next_one_takes_its_place(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        game.found()
        await game.vouch("seat-3", seat.device.thumbprint)
        await seat.bind()
        with pytest.raises(ServerRefused, match="too-early"):
            await seat.perform("commitment.sign", {"shown": b64u(bytes(32))})
        with pytest.raises(ServerRefused, match="unknown-act"):
            await seat.perform("no.such", {})
        assert seat.device.pending is None
        assert len(seat.device.answered) == 1


async def test_a_seat_that_was_killed_sends_its_act_again_before_any_other(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        page = {"to": "seat-2"}
        game.by("operator-1", "presenter.hand-over", {"to": "seat-3"})
        seat.client._patience_s = 0
        world.server.failures = [lambda: problem(503, "not-ready")]
        with pytest.raises(ServerSilent):
            await seat.perform("presenter.hand-over", page)
        pending = seat.device.pending
        seat = await world.restart()
        assert seat.device.pending == pending
        answered = await seat.perform("presenter.hand-over", page)
        assert answered.act == pending
        game.by("seat-2", "presenter.hand-over", {"to": "seat-3"})
        again = await seat.perform("presenter.hand-over", page)
        assert again.act.ctr == answered.act.ctr + 1


async def test_s1_to_s7_a_ballot_is_sealed_once_whatever_happens(tmp_path: Path) -> None:
    """Killed after S5 and before S6: the same octets; the same vote again is the same seal."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        seat.client._patience_s = 0
        world.server.failures = [lambda: problem(503, "not-ready")]
        with pytest.raises(ServerSilent):
            await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
        pending = seat.device.pending
        assert pending is not None
        world.game.main.objects.clear()
        seat = await world.restart()
        sealed = await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
        assert sealed.act == pending.id
        assert set(sealed.acks) <= set(CITIES)
        assert len(sealed.acks) >= 2
        assert sealed.receipt.index == sealed.index
        assert (await seat.seal_ballot("seat-2", number=1, choices=CHOICES)).act == sealed.act
        changed = await seat.seal_ballot("seat-4", number=1, choices=CHOICES)
        assert game.round.current["seat-3"] == changed.act != sealed.act
        seat = await world.restart()
        assert (await seat.seal_ballot("seat-4", number=1, choices=CHOICES)).act == changed.act
        for name in ("seat-1", "seat-2", "seat-4", "seat-5"):
            game.seal(name)
        await until(lambda: not game.round.unsafe(2))
        freeze = game.freeze()
        game.confirm(freeze, "seat-3")
        await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
        game.witness()
        await game.release(freeze)
        game.open()
        (elected,) = [entry.body for entry in game.log.entries if entry.type == "ChairElected"]
        assert elected["votes"] == [["seat-2", 4], ["seat-3", 0], ["seat-4", 1], ["seat-5", 0]]


async def test_a_sheet_is_sealed_and_read_back_at_the_opening(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
        for name in ("seat-1", "seat-2", "seat-4", "seat-5"):
            game.seal(name)
        await until(lambda: not game.round.unsafe(2))
        freeze = game.freeze()
        game.confirm(freeze, "seat-3")
        await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
        game.witness()
        await game.release(freeze)
        game.open()
        game.advance("compliance-review")
        findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
        await seat.perform("review.vote", {"findings": findings})
        for name in ("seat-1", "seat-2", "seat-4", "seat-5"):
            game.by(name, "review.vote", {"findings": findings})
        game.advance("detailed-review")
        asked = game.state.evaluation.asked()
        scores = {item: maximum - Decimal("0.50") for item, maximum in asked}
        sealed = await seat.seal_sheet(scores, number=1, asked=asked)
        found, seal = game.state.evaluation.find_seal(sealed.act)
        kept = sealing.Kept.parse(seat.device.kept("sheet-1") or b"")
        assert kept.plaintext not in b"".join(entry.data for entry in game.log.entries)
        read = game.state.evaluation.read(found, "seat-3", kept.plaintext)
        assert isinstance(read, Sheet)
        assert dict(read.scores) == scores
        assert seal.seat == "seat-3"


async def test_s1_waits_for_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G1: holders and definition with the quorum of the seat's own policy."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        game.found()
        with pytest.raises(GateClosed):
            await seat.gate()
        await game.offers()
        monkeypatch.setattr(world.server, "_receipt", lambda log, n: problem(404, "not-witnessed-yet"))
        with pytest.raises(GateClosed):
            await sealing.prove_gate(seat.record, len(game.log.entries), patience_s=0)


Tamper = Callable[[World], None]


def too_few(world: World) -> None:
    main = world.game.main
    world.server._receipt = lambda log, n: Response(main.proof(log, n, witnesses=2))  # type: ignore[method-assign]


def other_entry(world: World) -> None:
    main = world.game.main
    world.server._receipt = lambda log, n: Response(main.proof(log, n - 1))  # type: ignore[method-assign]


def foreign_opening(world: World) -> None:
    """The main server shows the opening of a log of its own, not the one of this proceeding."""
    main = world.game.main
    other = Log(PROCEEDING[:-1] + "b", main.log.signer)
    main.centre.entries[world.game.main.opened.n] = main.open(other)


@pytest.mark.parametrize("lie", [too_few, other_entry, foreign_opening])
async def test_s1_does_not_take_the_servers_word(tmp_path: Path, lie: Tamper) -> None:
    async with running(tmp_path) as world:
        world.game.found()
        await world.game.offers()
        lie(world)
        with pytest.raises(RecordUntrusted):
            await world.seat.gate()


async def test_s1_a_foreign_holder_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Substituting the opening key: an offer under a city's name by a key that trust.json does not pin."""
    async with running(tmp_path) as world:
        game = world.game
        game.found()
        foreign = new_signer()
        chain = Chain(signer=foreign, sub=CITIES[1], log=game.log)
        keys, leafs = [], []
        for node in game.main.cities:
            signer = chain if node.domain == CITIES[1] else Chain(signer=node.identity, sub=node.domain, log=game.log)
            key = envelope_p256.public_bytes(new_signer().key)
            (offer,) = game.log.append([Draft("HolderOffered", {}, signer.act("holder.offer", {"pk": b64u(key)}))])
            keys.append(key)
            leafs.append(b64u(offer.leaf))
        body: Object = {"version": 1, "k": 2, "offers": leafs, "set": b64u(holder_set(keys))}
        game.log.append([Draft("HoldersFrozen", body)])
        with pytest.raises(RecordUntrusted, match="another key"):
            await world.seat.gate()
        monkeypatch.setattr(acts, "verify", lambda act, jwk: None)
        assert (await world.seat.gate()).holders == tuple(keys), "unverified, the foreign key would be sealed to"


@pytest.mark.parametrize("case", ["k", "set", "fewer", "unlisted"])
async def test_s1_the_set_is_that_of_the_agreement(tmp_path: Path, case: str) -> None:
    async with running(tmp_path) as world:
        game = world.game
        game.found()
        keys, leafs = [], []
        for node in game.main.cities:
            key = envelope_p256.public_bytes(new_signer().key)
            made = Chain(signer=node.identity, sub=node.domain, log=game.log).act("holder.offer", {"pk": b64u(key)})
            (offer,) = game.log.append([Draft("HolderOffered", {}, made)])
            keys.append(key)
            leafs.append(b64u(offer.leaf))
        body: Object = {"version": 1, "k": 2, "offers": leafs, "set": b64u(holder_set(keys))}
        lies: dict[str, Object] = {
            "k": {"k": 1},
            "set": {"set": b64u(bytes(32))},
            "fewer": {"offers": leafs[:2], "set": b64u(holder_set(keys[:2]))},
            "unlisted": {"offers": [*leafs[:2], b64u(bytes(32))]},
        }
        game.log.append([Draft("HoldersFrozen", body | lies[case])])
        with pytest.raises(RecordUntrusted):
            await world.seat.gate()


async def test_a_fork_stops_the_seat(tmp_path: Path) -> None:
    """`seen` moves by consistency proofs only; a device that forgot would follow (tests/device/test_device.py)."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        game.found()
        await game.vouch("seat-3", seat.device.thumbprint)
        await seat.bind()
        await seat.record.advance()
        fork = Log(PROCEEDING, game.log.signer)
        fork.append([Draft(entry.type, entry.body, entry.act) for entry in game.log.entries])
        fork.append([Draft("Witnessed", {"size": 1})])
        world.server.log = fork
        with pytest.raises(RecordUntrusted):
            await seat.perform("commitment.sign", {"shown": b64u(bytes(32))})
        assert seat.device.pending is None, "nothing was signed on the fork"


async def test_an_answer_for_another_act_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        game.found()
        await game.vouch("seat-3", seat.device.thumbprint)
        other = {"index": 0, "id": b64u(bytes(32)), "leaf": b64u(bytes(32))}
        world.server.failures = [lambda: JSONResponse(other, 201)]
        with pytest.raises(RecordUntrusted):
            await seat.bind()
        assert seat.device.pending is not None


async def test_receipts_are_linked_to_what_was_seen(tmp_path: Path) -> None:
    """A receipt of an older tree is held against `seen`, too."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        game.found()
        old = Proof.parse(game.main.proof(game.log, 0))
        await game.offers()
        await seat.record.advance()
        await seat.record._link(old.note)
        fork = Log(PROCEEDING, game.log.signer)
        fork.append([Draft("Witnessed", {"size": 1}), Draft("Witnessed", {"size": 2})])
        with pytest.raises(RecordUntrusted):
            await seat.record._link(game.main.quorum(fork))


async def test_acts_signed_while_cut_off_are_merged_on_return(tmp_path: Path) -> None:
    """protocols.md section 6: kept on disk in their order, confirmed on return, one answer each, a kill in between."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        await seat.seal_ballot("seat-2", number=1, choices=CHOICES)
        for name in ("seat-1", "seat-2", "seat-4", "seat-5"):
            game.seal(name)
        await until(lambda: not game.round.unsafe(2))
        freeze = game.freeze()
        game.confirm(freeze, "seat-3")
        await seat.perform("freeze.ok", {"freeze": b64u(freeze)})
        game.witness()
        await game.release(freeze)
        game.open()
        game.advance("compliance-review")
        findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
        await seat.perform("review.vote", {"findings": findings})
        for name in ("seat-1", "seat-2", "seat-4", "seat-5"):
            game.by(name, "review.vote", {"findings": findings})
        game.advance("detailed-review")
        await seat.gate()
        server_ctr = game.state.keys[seat.device.thumbprint].ctr
        game.command(LoseVenue(game.state.seat("seat-3").venue, 1))
        asked = game.state.evaluation.asked()
        scores = {item: maximum - Decimal("0.50") for item, maximum in asked}
        first = await seat.seal_sheet_offline({**scores, asked[0][0]: Decimal(0)}, number=1, asked=asked)
        second = await seat.seal_sheet_offline(scores, number=1, asked=asked)
        assert await seat.seal_sheet_offline(scores, number=1, asked=asked) == second
        unwanted = await seat.sign_offline("incident.note", {"seat": None, "text": "x"})
        with pytest.raises(NotOffline):
            await seat.sign_offline("review.vote", {"findings": findings})
        seat = await world.restart()
        assert [act.id for act in seat.device.offline] == [first.id, second.id, unwanted.id]
        world.server.failures = [lambda: problem(503, "not-ready")]
        await seat.resume(server_ctr, confirmed=[first.id, second.id])
        assert not seat.device.offline
        told = [entry.body for entry in game.log.entries if entry.type == "OfflineAct"]
        assert [body["code"] for body in told] == ["unconfirmed", None, "unconfirmed"]
        assert game.round.current["seat-3"] == second.id
        again = await seat.seal_sheet(scores, number=1, asked=asked)
        assert again.act == second.id


async def test_acts_of_a_seat_that_was_moved_are_handed_in_and_kept(tmp_path: Path) -> None:
    """protocols.md section 6: "expert moved to another seat, old key's act merges later": refused, not dropped."""
    async with running(tmp_path) as world:
        game, seat = world.game, world.seat
        await game.to_ballots()
        server_ctr = game.state.keys[seat.device.thumbprint].ctr
        game.command(LoseVenue(game.state.seat("seat-3").venue, 1))
        made = [await seat.sign_offline("incident.note", {"seat": None, "text": text}) for text in ("停电", "仍无网络")]
        game.by("operator-1", "seat.lose", {"seat": "seat-3", "reason": "换到另一台终端"})
        with pytest.raises(ServerRefused, match="seat-key-ended"):
            await seat.resume(server_ctr, confirmed=[act.id for act in made])
        assert not seat.device.offline
        kept = [entry for entry in game.log.entries if entry.type == "OfflineAct"]
        assert [entry.act.id for entry in kept if entry.act] == [act.id for act in made]
        assert {entry.body["code"] for entry in kept} == {"seat-key-ended"}
