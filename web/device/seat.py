"""A seat at work: its device's acts, posted until they are decided, and its seals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

from evaluation.core import ballot, sheet
from evaluation.core.sheet import Item, Place
from evidence.core import act as acts
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from evidence.core.proof import Proof
from evidence.errors import EvidenceError
from evidence.ports import Envelopes
from sessions.core.continued import packed
from sessions.core.cut_off import OFFLINE
from sessions.errors import SeatKeyEnded
from sessions.trust import Pins
from web.device import continuing, ranking
from web.device.client import Client
from web.device.device import Answered, Device
from web.device.errors import GateClosed, NotOffline, RecordUntrusted, ServerRefused
from web.device.leaving import Leaving
from web.device.record import POLL_S, Opening, Record
from web.device.sealing import GATE_PATIENCE_S, Gate, Kept, Sealed, Seals, envelop, prove_gate

# Refusals of the door and not of the act: nothing was decided about the act, so it stays pending.
UNDECIDED = frozenset({"not-signed-in", "origin-refused", "not-founded-yet", "unknown-proceeding", "not-found"})
# The log goes on under another origin, or is about to: nothing of what was signed for the one before is given up.
UNDECIDED |= {"wrong-log", "not-confirmed"}


class Seat:
    """`device` and `client` belong to one seat of one proceeding; `entropy(n)` gives n random bytes; `node` is where
    the own city's node answers, if it has one."""

    def __init__(
        self,
        *,
        device: Device,
        client: Client,
        pins: Pins,
        envelopes: Envelopes,
        entropy: Callable[[int], bytes],
        opening: Opening | None = None,
        node: str | None = None,
    ) -> None:
        self.device = device
        self.client = client
        self.record = Record(client=client, device=device, pins=pins, opening=opening)
        self._envelopes = envelopes
        self._entropy = entropy
        self._one_at_a_time = asyncio.Lock()
        self._gate: Gate | None = None
        self._seals = Seals(device)
        self.leaving = Leaving(node=node, acts=lambda: list(device.offline)) if node is not None else None

    async def close(self) -> None:
        """Let another process have the seat."""
        if self.leaving is not None:
            await self.leaving.close()
        self.device.close()
        await self.client.close()

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

    async def go_on(self) -> bool:
        """Whether the log goes on under another origin: then this seat has proven it, and holds what the log lost of
        its own acts as if made while cut off (`resume`)."""
        async with self._one_at_a_time:
            moved = await continuing.go_on(self.record, self.client, self.device)
            self._gate = None if moved else self._gate
            return moved

    async def hand_in(self) -> None:
        """What this device can prove of its own acts, while the main server says that it lost entries."""
        for made in self.device.answered:
            await continuing.hand_in(self.client, self.device, made.index)

    async def prove(self, made: Answered) -> Proof:
        """The receipt of an own act, kept with its entry: what they prove, no loss of the main server can undo."""
        entry, receipt = await self.record.prove(made.index, patience_s=GATE_PATIENCE_S)
        if entry.act is None or entry.act.id != made.act.id:
            raise RecordUntrusted("the log holds something else where this act should stand")
        self.device.keep(f"proof-{made.index}", packed(entry.data, bytes(receipt)))
        return receipt

    async def resume(self, server_ctr: int, *, confirmed: Collection[bytes] = ()) -> Answered:
        """`seat.resume` after the venue was lost: `confirmed` are the ids of those acts made while cut off that the
        person still wants; all of them are then merged, in their order. After a restart it goes on where it was. Where
        the seat was given to another device meanwhile, they are handed in all the same: refused, and kept."""
        async with self._one_at_a_time:
            await self._resubmit()
            resumed = self._resumed()
            while resumed is None and self.device.offline and self.device.offline[0].ctr <= server_ctr:
                # It reached the log before the venue was lost, and only its answer did not come.
                await self._merge()
        if resumed is None:
            # Of several seals for one round only the last is wanted; it stands for the others.
            seals = {(act.act, str(act.body.get("round"))): act.id for act in self.device.offline}
            ids = [
                b64u(act.id)
                for act in self.device.offline
                if act.id in confirmed
                and (not act.act.endswith(".seal") or seals[act.act, str(act.body.get("round"))] == act.id)
            ]
            body: Object = {"offline": ids, "ctr": self.device.ctr, "server_ctr": server_ctr}
            try:
                resumed = await self.perform("seat.resume", body)
            except ServerRefused as refusal:
                if refusal.code == SeatKeyEnded.code:
                    await self._merge_all()
                raise
        await self._merge_all()
        return resumed

    def _resumed(self) -> Answered | None:
        """The `seat.resume` that announced the acts that are still to be merged."""
        made = self.device.offline
        found = (a for a in self.device.answered if a.act.act == "seat.resume" and made and a.act.ctr > made[-1].ctr)
        return next(found, None)

    async def _merge_all(self) -> None:
        async with self._one_at_a_time:
            while self.device.offline:
                await self._merge()

    async def _merge(self) -> None:
        """Post the first act made while cut off; the entry itself says whether it was accepted."""
        act = self.device.offline[0]
        await self._supply(act)
        posted = await self.client.post_act(act.jws)
        entry = await self.record.entry(posted.index)
        if posted.id != act.id or entry is None or entry.act is None or entry.act.id != act.id:
            raise RecordUntrusted("the log holds something else where this act should stand")
        self.device.merged(posted.index, posted.leaf, accepted=entry.type != "OfflineAct")

    async def confirm_ranking(self, ranked: Callable[[Sequence[Entry]], bytes] = ranking.digest) -> Answered:
        """`ranking.confirm`: what this seat's own program ranks from the log, over the frozen report (G3). A ranking
        that differs from the report's is stated all the same, so that it shows; then nobody signs."""
        await self.record.advance()
        entries = await self.record.proven()
        ranking.demand_whole(entries)
        frozen = next((entry for entry in reversed(entries) if entry.type == "ReportFrozen"), None)
        if frozen is None:
            raise GateClosed("the report is not frozen yet")
        await self.record.prove(frozen.n, patience_s=GATE_PATIENCE_S)
        body: Object = {"ranking": b64u(ranked(entries)), "document": frozen.body["document"]}
        return await self.perform("ranking.confirm", body)

    async def gate(self, version: int = 1) -> Gate:
        """G1, proven once by this seat itself (S1), and again once holders were replaced: `version` of the view."""
        if self._gate is None or self._gate.version < version:
            self._gate = await prove_gate(self.record, await self.record.advance(), version=version)
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
        same, build = self._sheet(await self.gate(), scores, number, asked)
        return await self._seal("sheet", number, same, build)

    async def reseal_sheet(self, *, number: int, version: int) -> Sealed:
        """Deal the sheet of this round anew, to the holders of this version: the same plaintext, a new secret. Nobody
        is asked, since nothing changes of what was scored."""
        gate = await self.gate(version)
        act, sealed = self._accepted("sheet", number)
        kept = self._seals.newest("sheet", number)
        # A dealing that was kept and not sent before a crash goes out now.
        made = kept is not None and kept.plaintext == sealed.plaintext and kept.envelope != act.body["envelope"]
        if kept is None or not made or kept.envelope["set"] != b64u(gate.set):
            kept = self._dealt(gate, "sheet", number, sealed.plaintext)
        await self.client.put_object(kept.ct)
        again = await self.perform("sheet.reseal", self._seal_body(gate, "sheet", number, kept))
        return await self._shown(again, gate, "sheet", number)

    async def open_own(self, purpose: str, *, number: int) -> Answered:
        """`sheet.author_open`: what only this device can still open: its holders are lost, or could not read it."""
        act, kept = self._accepted(purpose, number)
        return await self.perform("sheet.author_open", {"act": b64u(act.id), "p": b64u(kept.plaintext)})

    async def sign_offline(self, name: str, body: Object) -> acts.Act:
        """Sign while cut off: kept on disk, left with the city's node, and merged when the person confirms it on return
        (`resume`)."""
        if name not in OFFLINE:
            raise NotOffline(f"{name} needs the log as it is")
        act = self.device.sign_offline(name, body)
        if self.leaving is not None:
            self.leaving.wake()
        return act

    async def seal_sheet_offline(
        self, scores: Mapping[Item, Decimal], *, number: int, asked: Sequence[tuple[Item, Decimal]]
    ) -> acts.Act:
        """S2 to S5 while cut off, to the holders that this seat has proven before; S6 follows on return."""
        if self._gate is None:
            raise GateClosed("holders and definition were not proven before the seat was cut off")
        same, build = self._sheet(self._gate, scores, number, asked)
        kept = self._keep(self._gate, "sheet", number, same, build)
        for act in self.device.offline:
            if act.act == "sheet.seal" and act.body["envelope"] == kept.envelope:
                return act
        return await self.sign_offline("sheet.seal", self._seal_body(self._gate, "sheet", number, kept))

    def _sheet(
        self, gate: Gate, scores: Mapping[Item, Decimal], number: int, asked: Sequence[tuple[Item, Decimal]]
    ) -> tuple[Callable[[bytes], bool], Callable[[], bytes]]:
        place = Place(self.device.origin, self.device.sub, number, gate.definition)

        def same(plaintext: bytes) -> bool:
            return dict(sheet.parse(plaintext, place, asked).scores) == dict(scores)

        return same, lambda: sheet.build(place, scores, asked, self._entropy(sheet.SALT_BYTES))

    async def _seal(
        self, purpose: str, number: int, same: Callable[[bytes], bool], build: Callable[[], bytes]
    ) -> Sealed:
        """S2 to S7; the same content again is the same seal, whatever happened in between."""
        gate = await self.gate()
        # What was signed before is decided first: it may be the very seal, or the one that this replaces.
        await self.resubmit()
        kept = self._keep(gate, purpose, number, same, build)
        sealed = self._sealed_as(purpose, number, kept.envelope)
        if sealed is None:
            # S4 and the first half of S6
            await self.client.put_object(kept.ct)
            sealed = await self.perform(f"{purpose}.seal", self._seal_body(gate, purpose, number, kept))
        return await self._shown(sealed, gate, purpose, number)

    async def _shown(self, sealed: Answered, gate: Gate, purpose: str, number: int) -> Sealed:
        # S6
        receipt = await self.prove(sealed)
        self.device.keep(f"{purpose}-{number}.receipt", bytes(receipt))
        # S7
        return Sealed(sealed.act.id, sealed.index, receipt, await self._acks(sealed, gate))

    def _keep(
        self, gate: Gate, purpose: str, number: int, same: Callable[[bytes], bool], build: Callable[[], bytes]
    ) -> Kept:
        current = self._current(purpose, number)
        accepted = self._seals.of(current.act) if current is not None else None
        for kept in (accepted, self._seals.newest(purpose, number)):
            if kept is not None and same(kept.plaintext):
                return kept
        # S2
        return self._dealt(gate, purpose, number, build())

    def _dealt(self, gate: Gate, purpose: str, number: int, plaintext: bytes) -> Kept:
        # S3
        kept = envelop(
            gate,
            self._envelopes,
            self._entropy,
            purpose=purpose,
            origin=self.device.origin,
            seat=self.device.sub,
            number=number,
            plaintext=plaintext,
        )
        # S5, P and s; the act is in the journal before it is sent
        self._seals.keep(purpose, number, kept)
        return kept

    def _seal_body(self, gate: Gate, purpose: str, number: int, kept: Kept) -> Object:
        current = self._current(purpose, number)
        return {
            "envelope": kept.envelope,
            "definition": b64u(gate.definition),
            "round": number,
            "part": [1, 1],
            "replaces": None if current is None else b64u(current.act.id),
        }

    def _accepted(self, purpose: str, number: int) -> tuple[acts.Act, Kept]:
        """This device's newest accepted seal of the round, and what it sealed."""
        current = self._current(purpose, number)
        kept = self._seals.of(current.act) if current is not None else None
        if current is None or kept is None:
            raise GateClosed("this device has sealed nothing in this round")
        return current.act, kept

    def _current(self, purpose: str, number: int) -> Answered | None:
        """This device's newest accepted seal of the round."""
        names = (f"{purpose}.seal", f"{purpose}.reseal")
        mine = [a for a in self.device.answered if a.act.act in names and a.act.body["round"] == number]
        return mine[-1] if mine else None

    async def _supply(self, act: acts.Act) -> None:
        """The ciphertext of a seal is with the server before its act."""
        kept = self._seals.of(act)
        if kept is not None:
            await self.client.put_object(kept.ct)

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
        await self._supply(pending)
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
