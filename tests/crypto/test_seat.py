"""The browser's seat against the real rules, nodes and ciphers: Python's `acts.check` takes what TypeScript signed,
holders open what it sealed, and it refuses to believe what tests/device/test_seat.py has the Python seat refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from fastapi.responses import JSONResponse, Response

from evaluation.core.sheet import Sheet
from evidence.adapters import envelope_p256
from evidence.core.canonical import Object, b64u, decode_object, sha256, unb64u
from evidence.core.entry import Draft
from evidence.core.envelope import holder_set
from sessions.core.commands import LoseVenue
from tests.crypto.node import Browser, Refused, browser
from tests.crypto.opening import opened
from tests.device.server import MainServer, problem, until
from tests.sessions.node_play import SCORING, Play, make_node
from tests.sessions.node_world import CITIES, PROCEEDING, Chain, Log, Main, new_signer

pytestmark = pytest.mark.asyncio
CHOICES = ["seat-2", "seat-3", "seat-4", "seat-5"]
SEAT = "seat-3"
OTHERS = ("seat-1", "seat-2", "seat-4", "seat-5")
SHOWN = b64u(sha256(b"text"))


def alike(asked: list[Object], points: str) -> Object:
    """What is handed in where every item gets the same points."""
    scores = [{"bidder": row["bidder"], "criterion": row["criterion"], "points": points} for row in asked]
    return {"scores": scores, "number": 1, "asked": asked}


class Game(Play):
    """A play in which seat-3 is a browser."""

    client: Browser
    thumbprint: str

    async def bind(self, name: str) -> None:
        if name != SEAT:
            await super().bind(name)
        else:
            await self.vouch(name, self.thumbprint)
            await self.client.ask("bind")

    async def to_ballots(self) -> None:
        self.found()
        await self.offers()
        await self.check_in()
        for member in self.state.members:
            for name, body in (
                ("commitment.sign", {"shown": SHOWN}),
                ("recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN}),
            ):
                if member.id == SEAT:
                    await self.client.ask("perform", act=name, body=body)
                else:
                    self.by(member.id, name, body)
        self.advance("chair-election")

    async def elected(self) -> None:
        """From the browser's own ballot to the open round of sheets."""
        for name in OTHERS:
            self.seal(name)
        await until(lambda: not self.round.unsafe(2))
        freeze = self.freeze()
        self.confirm(freeze, SEAT)
        await self.client.ask("perform", act="freeze.ok", body={"freeze": b64u(freeze)})
        self.witness()
        await self.release(freeze)
        self.open()

    async def reviewed(self) -> None:
        self.advance("compliance-review")
        findings = [[bidder, "sealed", "pass", None] for bidder, _ in SCORING.bidders]
        await self.client.ask("perform", act="review.vote", body={"findings": findings})
        for name in OTHERS:
            self.by(name, "review.vote", {"findings": findings})
        self.advance("detailed-review")

    async def scored(self, points: str) -> str:
        """The browser's sheet of equal scores, sealed; its act."""
        asked = await self.client.ask("asked", valid=list(self.state.evaluation.valid or ()))
        sealed = await self.client.ask("sealSheet", **alike(asked, points))
        return str(sealed["act"])

    async def opened(self) -> None:
        """From the browser's own sheet to the opening."""
        for name in OTHERS:
            self.seal(name)
        await until(lambda: not self.round.unsafe(2))
        freeze = self.freeze()
        self.confirm(freeze, SEAT)
        await self.client.ask("perform", act="freeze.ok", body={"freeze": b64u(freeze)})
        self.approve(freeze)
        self.witness()
        await self.release(freeze)
        self.open()


class World:
    def __init__(self, client: Browser) -> None:
        main = Main()
        self.client = client
        self.game = Game(main, [make_node(main, keys) for keys in main.cities])
        self.game.client = client
        self.server = MainServer(self.game)

    async def sit(self, *, fresh: bool = False, patience: int = 5000) -> None:
        pins = self.game.main.pins
        self.game.thumbprint = await opened(self.client, self.server, pins, SEAT, patience=patience, fresh=fresh)

    async def state(self) -> Object:
        found: Object = await self.client.ask("state")
        return found

    async def acknowledge(self) -> None:
        """The nodes acknowledge each seal as it comes, as the server's duties have them do."""
        done: set[bytes] = set()
        while True:
            for act in [act for found in self.game.state.evaluation.rounds for act in found.seals if act not in done]:
                done.add(act)
                await self.game.ack(act)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    async with browser() as client:
        world = World(client)
        async with world.server.running():
            acks = asyncio.create_task(world.acknowledge())
            try:
                await world.sit(fresh=True)
                yield world
            finally:
                acks.cancel()


async def refused(answer: object) -> str:
    with pytest.raises(Refused) as refusal:
        await answer  # type: ignore[misc]
    return refusal.value.code


async def test_an_act_goes_on_until_it_is_decided() -> None:
    """A restart, a full bucket, a lost answer: one act, one place in the log."""
    async with running() as world:
        game = world.game
        game.found()
        await game.vouch(SEAT, game.thumbprint)
        world.server.failures = [lambda: problem(503, "not-ready"), lambda: problem(429, "too-many-requests")]
        size = len(game.log.entries)
        lost = asyncio.Event()

        def lose() -> None:
            lost.set()
            raise ConnectionAbortedError("the answer is lost with the process")

        world.server.after = [lose]
        asking = asyncio.create_task(world.client.ask("bind"))
        await lost.wait()
        await world.server.stop()
        await world.server.start()
        answered = await asking
        assert (answered["index"], len(game.log.entries)) == (size, size + 1)
        assert await world.client.ask("bind") == answered
        assert game.state.keys[game.thumbprint].ctr == 1


async def test_a_seat_that_binds_twice_at_once_is_bound_once() -> None:
    """Two parts of a page see at the same moment that somebody vouched for the key."""
    async with running() as world:
        world.game.found()
        await world.game.vouch(SEAT, world.game.thumbprint)
        size = len(world.game.log.entries)
        first, second = await asyncio.gather(world.client.ask("bind"), world.client.ask("bind"))
        assert first == second
        assert [entry.type for entry in world.game.log.entries[size:]] == ["SeatBound"]


async def test_a_refused_act_is_over_and_the_next_one_takes_its_place() -> None:
    async with running() as world:
        game = world.game
        game.found()
        await game.vouch(SEAT, game.thumbprint)
        await world.client.ask("bind")
        assert await refused(world.client.ask("perform", act="commitment.sign", body={"shown": SHOWN})) == "too-early"
        assert await refused(world.client.ask("perform", act="no.such", body={})) == "unknown-act"
        state = await world.state()
        assert (state["pending"], state["answered"], state["ctr"]) == (None, 1, 1)


async def test_two_acts_at_once_are_two_acts_in_a_row() -> None:
    """A double click signs no fork."""
    async with running() as world:
        await world.game.to_ballots()
        world.game.by("operator-1", "presenter.hand-over", {"to": SEAT})
        both = [world.client.ask("perform", act="presenter.hand-over", body={"to": to}) for to in (SEAT, "seat-2")]
        first, second = await asyncio.gather(*both)
        assert second["ctr"] == first["ctr"] + 1


async def test_a_page_that_crashed_sends_its_act_again_before_any_other() -> None:
    async with running() as world:
        game = world.game
        await game.to_ballots()
        game.by("operator-1", "presenter.hand-over", {"to": SEAT})
        await world.client.ask("patience", ms=0)
        world.server.failures = [lambda: problem(503, "not-ready")]
        page = {"to": "seat-2"}
        assert await refused(world.client.ask("perform", act="presenter.hand-over", body=page)) == "server-silent"
        pending = (await world.state())["pending"]
        await world.sit()
        assert (await world.state())["pending"] == pending is not None
        answered = await world.client.ask("perform", act="presenter.hand-over", body=page)
        assert answered["id"] == pending


async def test_s1_to_s7_a_ballot_is_sealed_once_whatever_happens() -> None:
    """Crashed after S5 and before S6: the same octets; the same vote again is the same seal; another replaces it."""
    async with running() as world:
        game = world.game
        await game.to_ballots()
        ballot = {"choice": "seat-2", "number": 1, "choices": CHOICES}
        await world.client.ask("patience", ms=0)
        world.server.failures = [lambda: problem(503, "not-ready")]
        assert await refused(world.client.ask("sealBallot", **ballot)) == "server-silent"
        pending = (await world.state())["pending"]
        world.game.main.objects.clear()
        await world.sit()
        sealed = await world.client.ask("sealBallot", **ballot)
        assert sealed["act"] == pending
        assert sealed["steps"] == ["kept", "logged", "witnessed", "safe"]
        assert sealed["proven"] == sealed["index"]
        assert set(sealed["acks"]) <= set(CITIES)
        assert len(sealed["acks"]) >= 2
        assert (await world.client.ask("sealBallot", **ballot))["act"] == sealed["act"]
        changed = await world.client.ask("sealBallot", **(ballot | {"choice": "seat-4"}))
        assert game.round.current[SEAT].hex() == changed["act"] != sealed["act"]
        await world.sit()
        assert (await world.client.ask("sealBallot", **(ballot | {"choice": "seat-4"})))["act"] == changed["act"]
        await game.elected()
        (elected,) = [entry.body for entry in game.log.entries if entry.type == "ChairElected"]
        assert elected["votes"] == [["seat-2", 4], ["seat-3", 0], ["seat-4", 1], ["seat-5", 0]]


async def test_a_sheet_is_checked_sealed_and_read_back_at_the_opening() -> None:
    async with running() as world:
        game, client = world.game, world.client
        await game.to_ballots()
        await client.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
        await game.elected()
        await game.reviewed()
        valid = list(game.state.evaluation.valid or ())
        asked = await client.ask("asked", valid=valid)
        assert [((row["bidder"], row["criterion"]), row["max"]) for row in asked] == [
            (item, str(most)) for item, most in game.state.evaluation.asked()
        ]
        full = alike(asked, "12.50")
        assert await refused(client.ask("sealSheet", **full | {"scores": full["scores"][1:]})) == "score-missing"
        assert await client.ask("checkSheet", **full) == full["scores"]
        sealed = await client.ask("sealSheet", **full)
        found, seal = game.state.evaluation.find_seal(bytes.fromhex(sealed["act"]))
        kept = decode_object(bytes.fromhex(await client.ask("kept", name="sheet-1")), limit=1 << 22)
        plaintext = unb64u(kept["p"])
        assert plaintext not in b"".join(entry.data for entry in game.log.entries)
        read = game.state.evaluation.read(found, SEAT, plaintext)
        assert isinstance(read, Sheet)
        assert {str(score) for score in read.scores.values()} == {"12.50"}
        assert seal.seat == SEAT
        await game.opened()
        opened = {entry.body["act"]: entry.body["p"] for entry in game.log.entries if entry.type == "SheetOpened"}
        assert unb64u(opened[b64u(bytes.fromhex(sealed["act"]))]) == plaintext


async def test_s1_waits_for_the_gate() -> None:
    async with running() as world:
        world.game.found()
        assert await refused(world.client.ask("gate")) == "gate-closed"


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
async def test_s1_does_not_take_the_servers_word(lie: Tamper) -> None:
    async with running() as world:
        world.game.found()
        await world.game.offers()
        lie(world)
        assert await refused(world.client.ask("gate")) == "record-untrusted"


@pytest.mark.parametrize("case", ["honest", "foreign", "k", "set", "fewer", "unlisted"])
async def test_s1_the_holders_are_those_of_the_agreement(case: str) -> None:
    """Each offer by a key that trust.json pins, k and set; `honest` shows that the rest is refused for its lie only."""
    async with running() as world:
        game = world.game
        game.found()
        keys, leafs = [], []
        for node in game.main.cities:
            signer = new_signer() if case == "foreign" and node.domain == CITIES[1] else node.identity
            key = envelope_p256.public_bytes(new_signer().key)
            made = Chain(signer=signer, sub=node.domain, log=game.log).act("holder.offer", {"pk": b64u(key)})
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
        game.log.append([Draft("HoldersFrozen", body | lies.get(case, {}))])
        if case == "honest":
            assert (await world.client.ask("gate"))["holders"] == [key.hex() for key in keys]
        else:
            assert await refused(world.client.ask("gate")) == "record-untrusted"


async def test_a_fork_stops_the_seat() -> None:
    async with running() as world:
        game = world.game
        game.found()
        await game.vouch(SEAT, game.thumbprint)
        await world.client.ask("bind")
        await world.client.ask("advance")
        fork = Log(PROCEEDING, game.log.signer)
        fork.append([Draft(entry.type, entry.body, entry.act) for entry in game.log.entries])
        fork.append([Draft("Witnessed", {"size": 1})])
        world.server.log = fork
        act = world.client.ask("perform", act="commitment.sign", body={"shown": SHOWN})
        assert await refused(act) == "record-untrusted"
        assert (await world.state())["pending"] is None, "nothing was signed on the fork"


async def test_an_answer_for_another_act_is_refused() -> None:
    async with running() as world:
        game = world.game
        game.found()
        await game.vouch(SEAT, game.thumbprint)
        other = {"index": 0, "id": b64u(bytes(32)), "leaf": b64u(bytes(32))}
        world.server.failures = [lambda: JSONResponse(other, 201)]
        assert await refused(world.client.ask("bind")) == "record-untrusted"
        assert (await world.state())["pending"] is not None


async def to_sheets(world: World) -> Callable[[str], Object]:
    """Play up to the round of sheets; what comes back is a sheet with these points for every item."""
    game, client = world.game, world.client
    await game.to_ballots()
    await client.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
    await game.elected()
    await game.reviewed()
    return partial(alike, await client.ask("asked", valid=list(game.state.evaluation.valid or ())))


async def test_acts_signed_while_cut_off_are_merged_on_return() -> None:
    """protocols.md section 6: kept in their order, confirmed on return, one answer each, a crash in between."""
    async with running() as world:
        game, client = world.game, world.client
        sheet = await to_sheets(world)
        server_ctr = game.state.keys[game.thumbprint].ctr
        game.command(LoseVenue(game.state.seat(SEAT).venue, 1))
        first = await client.ask("sealSheetOffline", **sheet("1.00"))
        second = await client.ask("sealSheetOffline", **sheet("2.00"))
        assert await client.ask("sealSheetOffline", **sheet("2.00")) == second
        note = {"act": "incident.note", "body": {"seat": None, "text": "x"}}
        unwanted = await client.ask("signOffline", **note)
        assert await refused(client.ask("signOffline", act="review.vote", body={})) == "not-offline"
        await world.sit()
        assert (await world.state())["offline"] == [first, second, unwanted]
        world.server.failures = [lambda: problem(503, "not-ready")]
        await client.ask("resume", ctr=server_ctr, confirmed=[first, second])
        assert (await world.state())["offline"] == []
        told = [entry.body for entry in game.log.entries if entry.type == "OfflineAct"]
        assert [body["code"] for body in told] == ["unconfirmed", None, "unconfirmed"]
        assert game.round.current[SEAT].hex() == second
        assert (await client.ask("sealSheet", **sheet("2.00")))["act"] == second


async def test_a_sheet_sealed_without_a_network_is_handed_in_when_it_is_back() -> None:
    """protocols.md section 6: one seat was cut off, its venue was not. A crash in between loses nothing; a pause
    decides nothing; what is refused for good gives its place in the chain free."""
    async with running() as world:
        game, client = world.game, world.client
        sheet = await to_sheets(world)
        refused_act = await client.ask("sealSheetOffline", **sheet("1.00"))
        world.server.failures = [lambda: problem(409, "paused")]
        assert await refused(client.ask("handIn")) == "paused"
        assert (await world.state())["offline"] == [refused_act]
        world.server.failures = [lambda: problem(409, "seal-refused")]
        before = (await world.state())["ctr"]
        assert await refused(client.ask("handIn")) == "seal-refused"
        state = await world.state()
        assert (state["offline"], state["ctr"]) == ([], before - 1)
        # The line broke while it was sent: the act that waits for its answer is the one that is sealed.
        await client.ask("patience", ms=0)
        world.server.failures = [lambda: problem(503, "not-ready")]
        assert await refused(client.ask("sealSheet", **sheet("2.00"))) == "server-silent"
        waiting = await client.ask("sealSheetOffline", **sheet("2.00"))
        assert (await world.state())["pending"] == waiting
        await world.sit()
        await client.ask("handIn")
        state = await world.state()
        assert (state["pending"], state["offline"]) == (None, [])
        assert game.round.current[SEAT].hex() == waiting
        assert (await client.ask("sealSheet", **sheet("2.00")))["act"] == waiting
        assert "OfflineAct" not in {entry.type for entry in game.log.entries}


async def test_acts_of_a_seat_that_was_moved_are_handed_in_and_kept() -> None:
    """As tests/device/test_seat.py has it."""
    async with running() as world:
        game, client = world.game, world.client
        await game.to_ballots()
        server_ctr = game.state.keys[game.thumbprint].ctr
        game.command(LoseVenue(game.state.seat(SEAT).venue, 1))
        made = await client.ask("signOffline", act="incident.note", body={"seat": None, "text": "停电"})
        game.by("operator-1", "seat.lose", {"seat": SEAT, "reason": "换到另一台终端"})
        assert await refused(client.ask("resume", ctr=server_ctr, confirmed=[made])) == "seat-key-ended"
        assert (await world.state())["offline"] == []
        (kept,) = [entry for entry in game.log.entries if entry.type == "OfflineAct"]
        assert kept.act is not None
        assert (kept.act.id.hex(), kept.body["code"]) == (made, "seat-key-ended")
