"""The owner of one proceeding in this process: takes acts, does the server's duties, watches rooms and recordings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from evaluation.core import clarification, collusion, sealing, tender
from evidence.core import act as acts_form
from evidence.core import disclosure
from evidence.core.act import Act, Signer, thumbprint
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.entry import Draft, Entry, timestamp
from evidence.core.envelope import Envelope
from evidence.core.proof import Proof
from evidence.errors import LostLease, Malformed, NoQuorum, ObjectMissing
from evidence.ports import Vault
from sessions import people, pool_facts
from sessions.after import opening_body
from sessions.announced import AnnouncedKeys
from sessions.archive import Archive, ClosedLog
from sessions.attending import Attending
from sessions.clerk import Clerk
from sessions.clocking import Clocking
from sessions.core import commands, continuing, cut_off, duties, unsealing
from sessions.core.audited import Tender
from sessions.core.duties import AwaitWitnesses, Duty
from sessions.core.proceeding import decide
from sessions.core.state import CLOSED, Proceeding
from sessions.core.view import reads_report
from sessions.docket import Docket, Log, Performed, Private
from sessions.errands import Errands
from sessions.errors import ActGap
from sessions.looks import Looks
from sessions.objects import Objects
from sessions.people import People
from sessions.presence import Presence
from sessions.proofs import Proofs
from sessions.recording import Recorder
from sessions.recordings import Recordings
from sessions.service_errors import NotArchived, NotOwner, NotWitnessedYet, ObjectNotThere
from sessions.signing_desk import SigningDesk
from sessions.successor import Successor
from sessions.tender import MAX_DEFINITION
from sessions.times import Times
from sessions.updates import CheckpointGrew, MediaChanged, PresenceChanged, Subscription
from sessions.viewing import Viewing
from sessions.vigil import Vigil

logger = logging.getLogger(__name__)


class ProceedingKeeper:
    """What the doors see of a proceeding; made, started and stopped by `sessions.service.Proceedings`."""

    def __init__(
        self,
        *,
        docket: Docket,
        opened: Sequence[Entry],
        proofs: Proofs,
        identity: Signer,
        vault: Vault,
        clerk: Clerk,
        desk: SigningDesk,
        recorder: Recorder,
        looks: Looks,
        presence: Presence,
        archive: Archive,
        people: People,
        now: Callable[[], float],
        times: Times,
    ) -> None:
        self._docket = docket
        self._opened = opened
        self.proofs = proofs
        self._identity = identity
        self._vault = vault
        self._clerk = clerk
        self._desk = desk
        self.recorder = recorder
        self.looks = looks
        self._presence = presence
        self._archive = archive
        self._people = people
        self._times = times
        self._objects = Objects(docket.entries)
        self.recordings = Recordings(docket.entries)
        self.announced = AnnouncedKeys()
        self._errands: Errands[Duty] = Errands(
            due=self._due, lane=_lane, work=self._work, lost=self._lose, pauses=times.pauses
        )
        self._vigil = Vigil(
            docket=docket,
            presence=presence,
            recorder=recorder,
            looks=looks,
            now=now,
            look=times.look,
            heartbeat=times.heartbeat,
            wake=self._errands.wake,
            lost=self._lose,
            tell=self._tell_presence,
        )
        self.clocking = Clocking(docket=docket, every=times.clocks, presence=presence, tell=self._tell_presence)
        self.attending = Attending(docket=docket, every=times.attention)
        self.viewing = Viewing(docket=docket, every=times.views, least=times.views_least)
        self._told = PresenceChanged({}, {})
        self._lost = False
        self._tender: Tender | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The last part of the origin."""
        return self._docket.id

    @property
    def state(self) -> Proceeding:
        """The fold of the log, now."""
        return self._docket.state

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries, now."""
        return self._docket.entries

    @property
    def log(self) -> Log:
        """Tree, newest and cosigned checkpoint."""
        return self._docket.log

    @property
    def lost(self) -> bool:
        """Whether another process owns this proceeding now."""
        return self._lost

    @property
    def media(self) -> MediaChanged:
        """What a socket is told first about the rooms."""
        return self.recorder.media

    @property
    def presence(self) -> PresenceChanged:
        """What a socket is told first about who is there."""
        there = self._presence
        return PresenceChanged(there.venues(self.state), there.devices, there.lines, there.losses)

    # -- its life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Go on with everything that is due."""
        if self.state.gate != CLOSED:
            self._begin(self.recorder.run(), self.recorder.announce(), self._vigil.run(), self.viewing.run())
            self._begin(self.clocking.run(), self.attending.run())
        self._begin(self._errands.run(), self._follow_log(), self._follow_checkpoints(), self.looks.run())

    async def stop(self) -> None:
        """Stop; nothing is lost, everything goes on at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._docket.broadcast.close()
        await self._docket.log.close()

    # -- acts ----------------------------------------------------------------------------------------------------

    async def perform(self, jws: str, disclosures: Sequence[str] = ()) -> Performed:
        """Take an act; the same act again gets the first answer. `disclosures` name a newcomer (`member.seat`)."""
        self._demand_ownership()
        shown = [Private(disclosure.parse(text), "person") for text in disclosures]

        async def command(act: Act) -> commands.Command:
            return await self._command(act, disclosures)

        try:
            return await self._docket.perform(jws, command, shown)
        except ActGap:
            act = acts_form.parse(jws)
            if act.sub not in self.state.holders:
                raise
            # A node's acts come by two ways, its operator's and ours: the one before may still be under way.
            await self._docket.until(lambda: self._chain(act.kid) >= act.ctr - 1, self._times.chain)
            return await self._docket.perform(jws, command, shown)
        except LostLease:
            self._lose()
            raise

    async def tender(self) -> Tender | None:
        """What is evaluated, in the definition's words; None before it is fixed, and once it was deleted."""
        if self._tender is None and self.state.definition is not None:
            with suppress(ObjectMissing):
                document = await self._vault.get(self.state.definition.sha256.hex())
                self._tender = Tender.read(document, MAX_DEFINITION)
        return self._tender

    async def vouch(self, seat: str, thumbprint: str) -> int:
        """The main centre vouches for its own seat; the same again gets the first answer."""
        self._demand_ownership()
        if self.state.vouches.get(seat) != thumbprint:
            body = {"cose": None, "seat": seat, "thumbprint": thumbprint}
            await self._docket.perform_own(
                self._identity, act="seat.vouch", sub=self.state.main, body=body, command=_perform
            )
        return next(
            entry.n
            for entry in reversed(self.entries)
            if entry.type == "SeatVouched" and entry.act is not None and entry.act.body["seat"] == seat
        )

    async def vouch_bidder(self, question: str, jwk: Object) -> int:
        """The main centre names the bidder's key for one question; the same again gets the first answer."""
        self._demand_ownership()
        found = clarification.find(self.state.evaluation, question)
        if found.key is None or found.key != thumbprint(jwk):
            body = {"question": question, "jwk": jwk}
            await self._docket.perform_own(
                self._identity, act="bidder.vouch", sub=self.state.main, body=body, command=_perform
            )
        return next(
            entry.n
            for entry in reversed(self.entries)
            if entry.type == "BidderVouched" and entry.act is not None and entry.act.body["question"] == question
        )

    async def prepare_signature(self, seat: str) -> Object:
        """`{"credential","hashes","document","revision"}` to sign over."""
        self._demand_ownership()
        return await self._desk.prepare(seat)

    async def continued_by(self, successor: Successor, reason: str) -> Entry:
        """The opening of the log that continues this one; NothingLost where none is needed."""
        self._demand_ownership()
        return await self.proofs.go_on(successor, reason)

    # -- objects, receipts, evidence -----------------------------------------------------------------------------

    async def names(self, seat: str) -> people.Names:
        """The names that this seat is told now (`sessions.core.unsealing`)."""
        told = unsealing.told(self.state, self.state.seat(seat))
        return {name: each for name, each in (await self._people.names(self.state)).items() if name in told}

    async def put_object(self, data: bytes) -> str:
        """Its SHA-256 in hex."""
        return await self._vault.put(data)

    async def get_object(self, name: str, seat: str | None) -> bytes:
        """An object that the log cites and `seat` (None: a node) may have; ObjectMissing otherwise."""
        self._objects.check(name, seat, reads=reads_report(self.state, seat))
        return await self._vault.get(name)

    async def object_size(self, name: str, seat: str | None) -> int:
        """The length of an object that `get_object` would give, or its refusal."""
        self._objects.check(name, seat, reads=reads_report(self.state, seat))
        return await self._vault.size(name)

    def object_pieces(self, name: str, seat: str | None, start: int) -> AsyncIterator[bytes]:
        """Its octets from `start` on, never all in memory."""
        self._objects.check(name, seat, reads=reads_report(self.state, seat))
        return self._vault.pieces(name, start)

    async def get_recorded(self, name: str, seat: str) -> bytes:
        """A segment or the head of a take, by hash; the look at it is noted first. ObjectMissing otherwise."""
        piece = self.recordings.piece(name)
        if piece is not None:
            await self.looks.replays(seat, piece.room, piece.of)
        return await self._vault.get(name)

    async def advice(self) -> Object:
        """What comparing the documents showed; ObjectMissing before it is noted. Who may read it: `advice.get`."""
        found = self.state.evaluation.advice
        if found is None:
            raise ObjectMissing("the documents are not compared yet")
        told = collusion.read(await self._vault.get(found.sha256.hex()))
        shown = {name: told[name] for name in ("examined", "facts", "more")}
        return {"n": found.n, "sha256": b64u(found.sha256), **shown}

    def receipt(self, n: int) -> Proof:
        """The tlog-proof of entry `n` under the newest cosigned checkpoint."""
        try:
            return self.log.receipt(n)
        except NoQuorum as error:
            raise NotWitnessedYet(str(error)) from error

    def evidence_path(self) -> Path:
        """The evidence file; NotArchived before it is whole, Purged after its time."""
        path = self._archive.path(self.id)
        if path is None:
            self._archive.demand_kept(self.state.origin)
            raise NotArchived("the evidence file is written after the final root has its quorum")
        return path

    async def workbook(self) -> bytes:
        """The frozen report's workbook, with each expert's detail."""
        report = self.state.report
        if report is None or report.workbook is None:
            raise ObjectMissing("no workbook was made yet")
        return await self._vault.get(report.workbook.hex())

    # -- media and presence --------------------------------------------------------------------------------------

    async def publish(self, room: str, sdp: str) -> str:
        """The answer to an admitted room's offer."""
        self._demand_ownership()
        return await self.recorder.publish(room, sdp)

    def connected(self, seat: str) -> None:
        """A socket of this seat was opened."""
        self.attending.opened(seat, self._presence.online(seat))
        self._presence.connected(seat)
        self._tell_presence()

    def disconnected(self, seat: str) -> None:
        """A socket of this seat is gone."""
        self._presence.disconnected(seat)
        if not self._presence.online(seat):
            self.looks.listens(seat, None)
        self._tell_presence()

    def has_devices(self, room: str, devices: Mapping[str, str]) -> None:
        """What a room's device says of its camera and microphone."""
        self._presence.has(room, devices)
        self._tell_presence()

    def subscribe(self) -> Subscription:
        """Every update from now on; whoever reads `state` in the same step misses nothing. Close it."""
        return self._docket.broadcast.subscribe()

    # -- duties --------------------------------------------------------------------------------------------------

    def _due(self) -> list[Duty]:
        if self._lost or isinstance(self._docket.log, ClosedLog):
            return []
        due = list(duties.duties(self.state))
        if continuing.confirmed(self.state) and self.state.witnessed < self._vigil.due and self.state.gate != CLOSED:
            due.append(AwaitWitnesses(self._vigil.due))
        return due

    async def _work(self, duty: Duty) -> None:
        match duty:
            case AwaitWitnesses(size):
                await self._clerk.witness(size, self._times.gate)
            case duties.RecordRoot():
                await self._close()
            case duties.Vouch(seat, thumbprint):
                await self.vouch(seat, thumbprint)
            case _:
                await self._clerk.work(duty)

    async def _close(self) -> None:
        log = self._docket.log
        after = opening_body(self.state, self.entries[-1])
        await self._archive.close(log, self._opened, after=after, within=self._times.gate)
        self._docket.log = ClosedLog(origin=log.origin, entries=self.entries, note=log.cosigned.note)
        await log.close()
        logger.info("archived %s", log.origin)

    async def _command(self, act: Act, disclosures: Sequence[str]) -> commands.Command:
        """The rules speak first, so that who may not act at all learns nothing of what the vault holds."""
        key = self.state.keys.get(act.kid)
        ended = (key is not None and not key.live) or cut_off.is_second(self.state, act)
        # What is merged comes with nothing: where it would have to, it is refused in the log.
        alone = ended or (key is not None and key.merge is not None and act.act not in sealing.PURPOSE_OF)
        if disclosures and (act.act != "member.seat" or ended):
            raise Malformed("nothing is disclosed with this act")
        if alone:
            return commands.Perform(act)
        match act.act:
            case "member.seat":
                self._rehearse(commands.Perform(act))
                people.check(self.state, act, disclosures)
            case "report.sign":
                self._rehearse(commands.AuthoriseSignature(act, bytes(32)))
                return commands.AuthoriseSignature(act, await self._desk.revision_of(act))
            case "identity.check":
                self._rehearse(commands.Perform(act))
                self.announced.demand(act.body["seat"], act.body["thumbprint"])
            case "draw.open":
                at = timestamp(self._docket.now_ms())
                self._rehearse(commands.Perform(act), at)
                await self._check_facts(act, at)
            case "ballot.seal" | "sheet.seal" | "sheet.reseal":
                drafts = self._rehearse(commands.Perform(act))
                # A seal from a cut-off seat that is refused stays in the log, and is never opened.
                if any(draft.type in (*sealing.SEALED.values(), sealing.RESEALED) for draft in drafts):
                    await self._check_ciphertext(act)
        return commands.Perform(act)

    def _rehearse(self, command: commands.Command, at: str = "") -> tuple[Draft, ...]:
        """What `decide` will yield, or raise; `at` for what depends on the time."""
        return decide(self.state, command, at=at, entropy=b"")

    async def _check_facts(self, act: Act, at: str) -> None:
        """A draw from a pool opens only where the pool's facts let it, and they stay here for the verifier."""
        definition = self.state.definition
        if act.body["pool"] is None or definition is None:
            return
        try:
            facts = await self._vault.get(unb64u(act.body["facts"], 32).hex())
        except ObjectMissing as error:
            raise ObjectNotThere("the pool's facts are not in the vault") from error
        fixed = tender.parse(await self._vault.get(definition.sha256.hex()))
        await asyncio.to_thread(pool_facts.check, self.state, act.body, facts, fixed, at)

    async def _check_ciphertext(self, act: Act) -> None:
        """What is sealed must be here before the seal: from the opening on nobody could supply it any more."""
        envelope = Envelope.parse(act.body.get("envelope"))
        name = envelope.ct_sha256.hex() if envelope.ct_sha256 is not None else ""
        try:
            if await self._vault.size(name) != envelope.ct_size:
                raise ObjectNotThere("the ciphertext has another size than the seal says")
        except ObjectMissing as error:
            raise ObjectNotThere("the ciphertext is not in the vault") from error

    # -- loops ---------------------------------------------------------------------------------------------------

    async def _follow_log(self) -> None:
        """What was appended may have made something due."""
        while True:
            size = len(self.entries)
            self._errands.wake()
            await self._docket.grown(size)

    async def _follow_checkpoints(self) -> None:
        async for signed in self._docket.log.follow():
            self._docket.broadcast.publish(CheckpointGrew(signed.note))

    # -- small things --------------------------------------------------------------------------------------------

    def _begin(self, *work: Coroutine[Any, Any, None]) -> None:
        self._tasks += [asyncio.create_task(self._guarded(each)) for each in work]

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LostLease:
            self._lose()
        except Exception:
            logger.exception("a loop of %s ended", self.id)
            raise

    def _lose(self) -> None:
        if not self._lost:
            logger.error("%s is owned by another process now", self._docket.origin)
        self._lost = True

    def _demand_ownership(self) -> None:
        if self._lost:
            raise NotOwner("another process owns this proceeding")

    def _chain(self, kid: str) -> int:
        return self.state.keys[kid].ctr

    def _tell_presence(self) -> None:
        if (presence := self.presence) != self._told:
            self._told = presence
            self._docket.broadcast.publish(presence)


def _lane(duty: Duty) -> str:
    """Whom the duty occupies: one request at a time per node, one signature at a time, the rest by their kind."""
    match duty:
        case duties.AskOffer(domain) | duties.AskAck(domain, _) | duties.AskRelease(domain, _):
            return domain
        case duties.AskContribution(domain, _) | duties.AskReveal(domain, _):
            return domain
        case duties.AskVouch(_, check):
            return f"AskVouch {check}"
        case duties.AwaitIncident(subject, until):
            return f"AwaitIncident {subject} {until}"
        case duties.AwaitReveals(freeze, _) | duties.ResolveDraw(freeze):
            # One of them waits for its time, which no other draw has to share.
            return f"{type(duty).__name__} {freeze.hex()}"
        case duties.IssueCredential() | duties.FinishSignature():
            return "signing"
        case _:
            return type(duty).__name__


async def _perform(act: Act) -> commands.Command:
    return commands.Perform(act)
