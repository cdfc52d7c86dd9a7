"""A seat at work: its device's acts, posted until they are decided, and its seals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from evaluation.core import ballot, sheet
from evaluation.core.sheet import Item, Place
from evidence.core import act as acts
from evidence.core.canonical import Object, b64u
from evidence.errors import EvidenceError
from evidence.ports import Envelopes
from sessions.node_trust import Pins
from web.device.client import Client
from web.device.device import Answered, Device
from web.device.errors import GateClosed, RecordUntrusted, ServerRefused
from web.device.record import POLL_S, Opening, Record
from web.device.sealing import GATE_PATIENCE_S, Gate, Kept, Sealed, envelop, prove_gate

# Refusals of the door and not of the act: nothing was decided about the act, so it stays pending.
UNDECIDED = frozenset({"not-signed-in", "origin-refused", "not-founded-yet", "unknown-proceeding", "not-found"})


class Seat:
    """`device` and `client` belong to one seat of one proceeding; `entropy(n)` gives n random bytes."""

    def __init__(
        self,
        *,
        device: Device,
        client: Client,
        pins: Pins,
        envelopes: Envelopes,
        entropy: Callable[[int], bytes],
        opening: Opening | None = None,
    ) -> None:
        self.device = device
        self.client = client
        self.record = Record(client=client, device=device, pins=pins, opening=opening)
        self._envelopes = envelopes
        self._entropy = entropy
        self._one_at_a_time = asyncio.Lock()
        self._gate: Gate | None = None

    async def perform(self, name: str, body: Object) -> Answered:
        """Sign an act and post it until it is decided; ServerRefused where the server decided against it.

        An act left over from before a restart goes first; if it is the very act asked for, its answer is the answer.
        """
        async with self._one_at_a_time:
            earlier = await self._resubmit()
            if earlier is not None and (earlier.act.act, earlier.act.body) == (name, body):
                return earlier
            await self.record.advance()
            self.device.sign(name, body)
            return await self._post()

    async def resubmit(self) -> Answered | None:
        """After a restart: post the act whose answer is not known, if there is one."""
        async with self._one_at_a_time:
            return await self._resubmit()

    async def bind(self) -> Answered:
        """`seat.bind`: the seat's first act, which states what it trusts. Again is the same answer."""
        if self.device.answered:
            return self.device.answered[0]
        pins = self.record.pins
        body: Object = {
            "jwk": self.device.jwk,
            "policy": b64u(pins.policy_hash),
            "trust": b64u(pins.trust_hash),
            "client": None,
        }
        return await self.perform("seat.bind", body)

    async def resume(self, server_ctr: int) -> Answered:
        """`seat.resume` after the venue was lost: nothing was signed offline, and this is the own last ctr."""
        async with self._one_at_a_time:
            await self._resubmit()
        return await self.perform(
            "seat.resume", {"offline": [], "ctr": len(self.device.answered), "server_ctr": server_ctr}
        )

    async def gate(self) -> Gate:
        """G1, proven once by this seat itself (S1)."""
        if self._gate is None:
            self._gate = await prove_gate(self.record, await self.record.advance())
        return self._gate

    async def seal_ballot(self, choice: str, *, number: int, choices: Sequence[str]) -> Sealed:
        """Seal a vote in round `number`."""
        gate = await self.gate()
        place = Place(self.device.origin, self.device.sub, number, gate.definition)

        def same(plaintext: bytes) -> bool:
            return ballot.parse(plaintext, place, choices) == choice

        return await self._seal(
            "ballot", number, same, lambda: ballot.build(place, choice, choices, self._entropy(sheet.SALT_BYTES))
        )

    async def seal_sheet(
        self, scores: Mapping[Item, Decimal], *, number: int, asked: Sequence[tuple[Item, Decimal]]
    ) -> Sealed:
        """Seal a score for each of the items asked for, in round `number`; sealing other scores replaces the sheet."""
        gate = await self.gate()
        place = Place(self.device.origin, self.device.sub, number, gate.definition)

        def same(plaintext: bytes) -> bool:
            return dict(sheet.parse(plaintext, place, asked).scores) == dict(scores)

        return await self._seal(
            "sheet", number, same, lambda: sheet.build(place, scores, asked, self._entropy(sheet.SALT_BYTES))
        )

    async def _seal(
        self, purpose: str, number: int, same: Callable[[bytes], bool], build: Callable[[], bytes]
    ) -> Sealed:
        """S2 to S7; the same content again is the same seal, whatever happened in between."""
        gate = await self.gate()
        name = f"{purpose}-{number}"
        stored = self.device.kept(name)
        kept = Kept.parse(stored) if stored is not None else None
        if kept is None or not same(kept.plaintext):
            # S2 and S3
            kept = envelop(
                gate,
                self._envelopes,
                self._entropy,
                purpose=purpose,
                origin=self.device.origin,
                seat=self.device.sub,
                number=number,
                plaintext=build(),
            )
            # S5, P and s; the act is in the journal before it is sent
            self.device.keep(name, bytes(kept))
        sealed = self._sealed_as(purpose, number, kept.envelope)
        if sealed is None:
            # S4 and the first half of S6
            await self.client.put_object(kept.ct)
            current = self._current(purpose, number)
            body: Object = {
                "envelope": kept.envelope,
                "definition": b64u(gate.definition),
                "round": number,
                "part": [1, 1],
                "replaces": None if current is None else b64u(current.act.id),
            }
            sealed = await self.perform(f"{purpose}.seal", body)
        # S6
        entry, receipt = await self.record.prove(sealed.index, patience_s=GATE_PATIENCE_S)
        if entry.act is None or entry.act.id != sealed.act.id:
            raise RecordUntrusted("the log holds something else where this seal should stand")
        self.device.keep(name + ".receipt", bytes(receipt))
        # S7
        return Sealed(sealed.act.id, sealed.index, receipt, await self._acks(sealed, gate))

    def _current(self, purpose: str, number: int) -> Answered | None:
        """This device's newest accepted seal of the round."""
        mine = [a for a in self.device.answered if a.act.act == f"{purpose}.seal" and a.act.body["round"] == number]
        return mine[-1] if mine else None

    def _sealed_as(self, purpose: str, number: int, envelope: Object) -> Answered | None:
        current = self._current(purpose, number)
        return current if current is not None and current.act.body["envelope"] == envelope else None

    async def _acks(self, sealed: Answered, gate: Gate) -> tuple[str, ...]:
        """The holders whose signed `share.ack` of this seal stands in the log, once there are k."""
        found: dict[str, None] = {}
        n, until = sealed.index + 1, time.monotonic() + GATE_PATIENCE_S
        while len(found) < gate.k:
            size = await self.record.advance()
            async for entry in self.record.scan(n, size):
                if entry.type == "ShareAcked" and entry.act is not None and self._is_ack(entry.act, sealed, gate):
                    found[entry.act.sub] = None
            n = max(n, size)
            if len(found) < gate.k:
                if time.monotonic() > until:
                    raise GateClosed(f"{len(found)} of {gate.k} holders acknowledged the seal")
                await asyncio.sleep(POLL_S)
        return tuple(found)

    def _is_ack(self, act: acts.Act, sealed: Answered, gate: Gate) -> bool:
        if act.act != "share.ack" or act.body.get("act") != b64u(sealed.act.id) or act.sub not in gate.domains:
            return False
        try:
            acts.verify(act, self.record.pins.trust.identities[act.sub])
        except EvidenceError as error:
            raise RecordUntrusted("an acknowledgement is not the holder's") from error
        return True

    async def _resubmit(self) -> Answered | None:
        pending = self.device.pending
        if pending is None:
            return None
        if pending.act.endswith(".seal"):
            kept = self.device.kept(f"{pending.act.removesuffix('.seal')}-{pending.body['round']}")
            if kept is not None:
                await self.client.put_object(Kept.parse(kept).ct)
        try:
            return await self._post()
        except ServerRefused:
            if self.device.pending is not None:
                raise
            return None

    async def _post(self) -> Answered:
        act = self.device.pending
        if act is None:
            raise AssertionError("nothing was signed")
        try:
            posted = await self.client.post_act(act.jws)
        except ServerRefused as refusal:
            if refusal.code not in UNDECIDED:
                self.device.refused(refusal.code)
            raise
        if posted.id != act.id:
            raise RecordUntrusted("the server answered for another act")
        return self.device.accepted(posted.index, posted.leaf)
