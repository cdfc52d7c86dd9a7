"""Everybody who acts in a proceeding, with real keys: they do what their views say is theirs to do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from evaluation.core import ballot, sheet
from evaluation.core.rounds import Round
from evaluation.core.sealing import context
from evaluation.core.stages import following
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.act import NO_ACT, Act, thumbprint
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.envelope import join_payload, sheet_commitment
from evidence.errors import EvidenceError, UnknownLog
from media.errors import MediaError
from sessions.core import seating
from sessions.core.state import Proceeding
from sessions.core.view import view
from sessions.docket import Performed
from sessions.errors import SessionError, SigningTurn
from sessions.service import ProceedingKeeper, Proceedings
from sessions.service_errors import ServiceError
from tests.sessions import drive
from tests.sessions.drive import signer_of
from tests.sessions.service_world import SDP, World

CHAIR = "seat-1"


class People:
    """All seats of one proceeding. An act that was not answered is sent again as it was, as a real device does."""

    def __init__(self, world: World, proceeding: str) -> None:
        self.world = world
        self.id = proceeding
        self.sheets = drive.spread()
        self.acknowledged: dict[bytes, int] = {}
        self.unanswered: dict[str, Act] = {}
        self.absent: set[str] = set()
        self.engine: str | None = None

    def keeper(self, proceedings: Proceedings) -> ProceedingKeeper:
        return proceedings.get(self.id)

    def connect(self, keeper: ProceedingKeeper) -> None:
        """Every room has its socket."""
        for room in keeper.state.rooms:
            keeper.connected(room)

    async def play(self, keeper: ProceedingKeeper, done: Callable[[Proceeding], Any], seconds: float = 60.0) -> None:
        """Let everybody act until `done`."""
        deadline = time.monotonic() + seconds
        while not done(keeper.state):
            assert time.monotonic() < deadline, f"stuck in {keeper.state.stage}: {self.todo(keeper)}"
            if not await self.step(keeper):
                await asyncio.sleep(0.005)

    def todo(self, keeper: ProceedingKeeper) -> dict[str, list[str]]:
        return {seat: view(keeper.state, seat)["todo"] for seat in keeper.state.seats if seat not in self.absent}

    async def step(self, keeper: ProceedingKeeper) -> bool:
        """One act of each who has something to do; False if nobody had."""
        await self.publish(keeper)
        acted = False
        for seat, todo in self.todo(keeper).items():
            for name in todo[:1]:
                acted = await self.do(keeper, seat, name) or acted
        return acted

    async def publish(self, keeper: ProceedingKeeper) -> None:
        """Rooms publish to every engine that they hear of."""
        media = keeper.media
        for room in keeper.state.admitted:
            if media.engine is not None and not media.rooms[room] and room not in self.absent:
                try:
                    await keeper.publish(room, SDP)
                except MediaError:
                    return
        self.world.worker.cut()

    async def do(self, keeper: ProceedingKeeper, seat: str, name: str) -> bool:
        """What the view asks for; False where it has to wait for somebody."""
        if seat not in self.unanswered:
            try:
                if name == "seat.bind":
                    await self.vouch(keeper, seat)
                made = await self._make(keeper, seat, name)
            except (SigningTurn, _Wait):
                return False
            self.unanswered[seat] = made
        await self.send(keeper, seat)
        return True

    async def send(self, keeper: ProceedingKeeper, seat: str) -> Performed:
        """Send the seat's act until it is answered."""
        made = self.unanswered[seat]
        try:
            done = await keeper.perform(made.jws)
        except (SessionError, ServiceError):
            del self.unanswered[seat]
            raise
        del self.unanswered[seat]
        self.acknowledged[done.id] = done.index
        return done

    async def vouch(self, keeper: ProceedingKeeper, seat: str) -> None:
        kid = thumbprint(signer_of(seat).jwk)
        centre = keeper.state.seat(seat).centre
        if keeper.state.vouches.get(seat) == kid:
            return
        if centre == drive.MAIN:
            await keeper.vouch(seat, kid)
            return
        try:
            vouched = await self.world.holders[centre].vouch(keeper.state.log, seat, kid)
        except UnknownLog:
            # The log has not come to the city yet: its operator tries again.
            raise _Wait from None
        await keeper.perform(vouched)

    def act(self, keeper: ProceedingKeeper, seat: str, name: str, body: Object, **changed: Any) -> Act:
        """The next act of the seat's key."""
        signer = signer_of(seat)
        key = keeper.state.keys.get(thumbprint(signer.jwk))
        size = keeper.log.newest.size
        parts: dict[str, Any] = {
            "aud": keeper.state.log,
            "sub": seat,
            "ctr": key.ctr + 1 if key else 1,
            "prev": key.last if key else NO_ACT,
            "seen": (size, keeper.log.tree.root(size)),
            "iat": int(time.time()),
        }
        return acts.make(signer, act=name, body=body, **{**parts, **changed})

    async def _make(self, keeper: ProceedingKeeper, seat: str, name: str) -> Act:
        if name in ("ballot.seal", "sheet.seal"):
            return await self.seal(keeper, seat)
        if name == "report.sign":
            wanted = await keeper.prepare_signature(seat)
            body = {part: wanted[part] for part in ("credential", "hashes", "document")}
            return self.act(keeper, seat, name, body)
        return self.act(keeper, seat, name, _body(self.world, keeper.state, seat, name))

    async def seal(self, keeper: ProceedingKeeper, seat: str, **changed: Any) -> Act:
        """A real envelope, its ciphertext in the vault first."""
        state = keeper.state
        found, fixed = state.evaluation.round, state.evaluation.fixed
        assert found is not None
        assert fixed is not None
        plaintext = self.plaintext(state, found, seat)
        bound = context(state.evaluation, found.purpose, seat, found.number, sheet_commitment(plaintext))
        sealed = envelope_p256.seal(bound, join_payload(plaintext), os.urandom)
        assert sealed.ct is not None
        await keeper.put_object(sealed.ct)
        body: Object = {
            "envelope": sealed.envelope.json,
            "definition": b64u(fixed.sha256),
            "round": found.number,
            "part": [1, 1],
            "replaces": b64u(found.current[seat]) if seat in found.current else None,
        }
        return self.act(keeper, seat, f"{found.purpose}.seal", body | changed)

    def plaintext(self, state: Proceeding, found: Round, seat: str) -> bytes:
        """What the seat thinks."""
        place = state.evaluation.place(seat, found.number)
        if found.purpose == "ballot":
            return ballot.build(place, CHAIR, found.choices, os.urandom(32))
        asked = state.evaluation.asked()
        return sheet.build(place, {i: self.sheets[seat][i] for i, _ in asked}, asked, os.urandom(32))


class _Wait(Exception):
    """Somebody else comes first."""


def _body(world: World, state: Proceeding, seat: str, name: str) -> Object:
    found = state.evaluation.round
    freeze = b64u(found.freeze.leaf) if found is not None and found.freeze is not None else ""
    key = state.keys.get(state.seat_key.get(seat, ""))
    match name:
        case "seat.bind":
            pins = world.pins
            return {
                "jwk": signer_of(seat).jwk,
                "policy": b64u(pins.policy_hash),
                "trust": b64u(pins.trust_hash),
                "client": None,
            }
        case "room.admit":
            venue = state.seat(seat).venue
            rooms = [r.id for r in state.rooms.values() if r.venue == venue and r.id not in state.admitted]
            return {"room": rooms[0]}
        case "draw.external":
            seats: Object = {"seats": list(seating.undrawn(state))} if seating.by_seat(state) else {}
            return seats | {"label": "expert/all", "reference": "list 17", "evidence": b64u(sha256(b"list"))}
        case "stage.advance":
            return {"from": state.stage, "to": following(state.stage)}
        case "commitment.sign":
            return {"shown": b64u(sha256(b"shown"))}
        case "recusal.declare":
            return {"recuse": False, "grounds": [], "shown": b64u(sha256(b"shown"))}
        case "round.freeze" if found is not None:
            return {"purpose": found.purpose, "round": found.number}
        case "freeze.ok":
            return {"freeze": freeze}
        case "opening.approve" if found is not None:
            return {"freeze": freeze, "silent": sorted(found.unconfirmed)}
        case "review.vote" if state.evaluation.fixed is not None:
            scoring = state.evaluation.fixed.scoring
            findings = [[b, item, "pass", None] for b, _ in scoring.bidders for item in scoring.compliance]
            return {"findings": findings}
        case "ranking.confirm" if state.report is not None:
            return {"ranking": b64u(state.report.ranking), "document": b64u(state.report.document)}
        case "proceeding.seal":
            return {}
        case "proceeding.close" if state.report is not None:
            return {"report": b64u(state.report.revision)}
        case "seat.resume" if key is not None:
            return {"offline": [], "ctr": key.ctr, "server_ctr": key.ctr}
    raise AssertionError(f"nobody told {seat} how to do {name}")


__all__ = ["EvidenceError", "People"]
