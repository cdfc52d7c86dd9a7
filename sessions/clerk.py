"""Does one duty of the server at a time, each safe to repeat: whatever was done before a crash is found done."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

from evaluation.core import collusion, report, tender
from evaluation.core.results import ranking_digest
from evidence.core.act import Act
from evidence.core.canonical import sha256
from evidence.core.note import Checkpoint, Note
from evidence.ports import Envelopes, Vault
from sessions import advice, opening
from sessions.centre import Centre
from sessions.core import clocks, commands, duties, night
from sessions.core.duties import Duty
from sessions.docket import Docket
from sessions.drawer import Drawer
from sessions.errors import NotOverdue
from sessions.people import People
from sessions.ports import Clock, DocumentReader, Entropy, HolderNode, ReportRenderer, ReportSigner
from sessions.recording import Recorder
from sessions.service_errors import NodeUnavailable, StillDue
from sessions.signing_desk import SigningDesk


class Clerk:
    """One proceeding's."""

    def __init__(
        self,
        *,
        docket: Docket,
        centre: Centre,
        vault: Vault,
        holders: Mapping[str, HolderNode],
        envelopes: Envelopes,
        renderer: ReportRenderer,
        workbooks: ReportRenderer,
        reports: ReportSigner,
        desk: SigningDesk,
        recorder: Recorder,
        people: People,
        reader: DocumentReader,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._docket = docket
        self._centre = centre
        self._vault = vault
        self._holders = holders
        self._envelopes = envelopes
        self._renderer = renderer
        self._workbooks = workbooks
        self._reports = reports
        self._desk = desk
        self._recorder = recorder
        self._people = people
        self._reader = reader
        self._clock = clock
        self._entropy = entropy
        self._draws = Drawer(docket=docket, envelopes=envelopes, clock=clock)

    async def work(self, duty: Duty) -> None:
        """Do it; whatever is raised, it is tried again while it is due."""
        origin = self._docket.origin
        match duty:
            case duties.AskOffer(domain):
                await self._append(await self._holder(domain).offer(origin))
            case duties.AskAck(domain, act):
                await self._append(await self._holder(domain).ack(origin, act))
            case duties.AskRelease(domain, freeze):
                await self._append(await self._holder(domain).release(origin, freeze))
            case duties.AskContribution(domain, opened):
                await self._append(await self._holder(domain).contribute(origin, opened))
            case duties.AskReveal(domain, freeze):
                await self._append(await self._holder(domain).reveal(origin, freeze))
            case duties.AskVouch(domain, check):
                await self._append(await self._holder(domain).vouch_upon(origin, check))
            case duties.OpenLot() | duties.FreezeDraw():
                await self._docket.execute(duty)
            case duties.AwaitReveals(freeze, until):
                await self._draws.await_reveals(freeze, until)
            case duties.AwaitIncident(subject, until):
                await self._await_incident(subject, until)
            case duties.AwaitNight(until):
                await self._await_night(until)
            case duties.ResolveDraw(freeze):
                await self._draws.resolve(freeze)
            case duties.FreezeHolders():
                await self._docket.execute(commands.FreezeHolders())
            case duties.IssueCredential(seat):
                await self._issue(seat)
            case duties.OpenRound(purpose, number):
                await self._open(purpose, number)
            case duties.CompareDocuments():
                await self._compare()
            case duties.RenderReport():
                await self._render()
            case duties.FinishSignature(seat, act):
                await self._desk.finish(seat, act)
            case duties.EndRecordings(rooms):
                await self._recorder.end(rooms)
            case _:
                raise StillDue(f"nobody does {duty}")

    async def witness(self, size: int, within: float) -> None:
        """`Witnessed` over at least `size` entries."""
        note = await self._docket.log.quorum(size, within)
        checkpoint = Checkpoint.parse(Note.parse(note).text)
        stored = await self._vault.put(note)
        await self._docket.execute(commands.NoteWitnessed(checkpoint.size, checkpoint.root, bytes.fromhex(stored)))

    def _holder(self, domain: str) -> HolderNode:
        if domain not in self._holders:
            raise NodeUnavailable(f"no address of the holder {domain}")
        return self._holders[domain]

    async def _append(self, jws: str) -> None:
        """The node's answer; the same as before where a crash came between its append and ours."""

        async def perform(act: Act) -> commands.Command:
            return commands.Perform(act)

        await self._docket.perform(jws, perform)

    async def _await_incident(self, subject: str, until: int) -> None:
        """Return when the incident is over, or its clock starts anew; else state that its time is over."""
        left = until - self._clock().timestamp()
        await self._docket.until(lambda: self._deadline(subject) != until, max(0.0, math.ceil(left)))
        if self._deadline(subject) == until:
            try:
                await self._docket.execute(commands.Due(subject))
            except NotOverdue as error:
                raise StillDue(str(error)) from error

    async def _await_night(self, until: int) -> None:
        """Looks at the clock once a minute, since it may be set while we wait for a time of the day."""
        left = until - self._clock().timestamp()
        over = await self._docket.until(lambda: night.cut_off(self._docket.state) != until, min(60.0, max(0.0, left)))
        if not over:
            try:
                await self._docket.execute(commands.BeginNight())
            except NotOverdue as error:
                raise StillDue(str(error)) from error

    def _deadline(self, subject: str) -> int | None:
        return clocks.deadlines(self._docket.state).get(subject)

    async def _issue(self, seat: str) -> None:
        """The certificate's hash goes into the centre log before it counts here."""
        issued = await self._desk.register(seat)
        leaf = issued.certificates[0]
        for certificate in issued.certificates:
            await self._vault.put(certificate)
        await self._centre.note_certificate(self._docket.origin, sha256(leaf))
        await self._docket.execute(commands.IssueCredential(seat, issued.credential, sha256(leaf)))

    async def _open(self, purpose: str, number: int) -> None:
        state = self._docket.state
        listed = opening.listed(state, state.evaluation.find_round(purpose, number))
        if not await asyncio.to_thread(opening.enough, listed, self._envelopes):
            raise StillDue("too few of the released shares hold")
        ciphertexts = {
            name: await self._vault.get(name.hex()) for item in listed if (name := item.envelope.ct_sha256) is not None
        }
        plaintexts = await asyncio.to_thread(opening.open_all, listed, ciphertexts.__getitem__, self._envelopes)
        await self._docket.execute(commands.OpenRound(purpose, number, plaintexts))

    async def _compare(self) -> None:
        """Beside everything else; a document that cannot be read is noted as such and holds up nothing."""
        state = self._docket.state
        if state.definition is None:
            raise StillDue("nothing is defined yet")
        definition = tender.parse(await self._load(state.definition.sha256))
        notes = await advice.read_notes(state, definition, self._load)
        comparison = await advice.compare(definition, notes, load=self._load, reader=self._reader)
        salt = self._entropy(collusion.SALT_BYTES)
        data = await asyncio.to_thread(comparison.document, engine=self._reader.engine, salt=salt)
        await self._vault.put(data)
        facts = len(collusion.read(data)["facts"])
        await self._docket.execute(commands.NoteAdvice(sha256(data), len(data), facts))

    async def _load(self, name: bytes) -> bytes:
        return await self._vault.get(name.hex())

    async def _render(self) -> None:
        """The report says which log it is of, so nothing is appended between its content and its freeze."""

        async def frozen() -> commands.Command:
            state = self._docket.state
            if state.definition is None or state.evaluation.ranking is None:
                raise StillDue("nothing is ranked yet")
            definition = tender.parse(await self._load(state.definition.sha256))
            names = await self._people.names(state)
            noted = state.evaluation.advice
            told = None if noted is None else collusion.read(await self._load(noted.sha256))
            content = report.content(definition, state.evaluation, self._docket.entries, names, advice=told)
            pdf = await asyncio.to_thread(self._renderer, content)
            document = await asyncio.to_thread(self._reports.lock_report, pdf, state.signers)
            workbook = await asyncio.to_thread(self._workbooks, content)
            for data in (report.encode(content), document, workbook):
                await self._vault.put(data)
            return commands.FreezeReport(
                document=sha256(document),
                size=len(document),
                content=report.digest(content),
                ranking=ranking_digest(state.evaluation.ranking),
                workbook=sha256(workbook),
                form=report.FORM,
            )

        await self._docket.compose(frozen)
