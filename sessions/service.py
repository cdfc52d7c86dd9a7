"""The main server's proceedings: opened, taken up again after a crash, and found by their id.

`Proceedings` owns the centre log and one `ProceedingKeeper` per proceeding. There is one truth, the logs: at start they
are leased, loaded and folded, and whatever they say is due is gone on with, the founding of a proceeding included.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

from evidence.core import entry as entry_form
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.continues import of_opening
from evidence.core.entry import Entry
from evidence.core.note import NoteSigner
from evidence.core.origins import proceeding_of
from evidence.core.witness import AddLog
from evidence.errors import EntriesLost, EvidenceError, LostLease, UnknownLog
from evidence.ports import Envelopes, Ledger, Vault, Witness
from evidence.service import LogKeeper
from evidence.witnessing import read_signed
from sessions.after import After, opening_body
from sessions.archive import Archive, ClosedLog
from sessions.centre import Centre
from sessions.clerk import Clerk
from sessions.core import contents
from sessions.docket import Docket, Performed
from sessions.founding import Founding, proceeding_id
from sessions.keeper import ProceedingKeeper
from sessions.looks import Looks
from sessions.partners import Partners
from sessions.people import People
from sessions.ports import (
    Clock,
    DocumentReader,
    Entropy,
    HolderNode,
    Keyring,
    MediaEngines,
    Preparations,
    ReportRenderer,
    ReportSigner,
)
from sessions.presence import Presence
from sessions.proofs import Proofs
from sessions.recording import Recorder
from sessions.service_errors import KeyLost, NotFoundedYet, UnknownProceeding
from sessions.signing_desk import SigningDesk
from sessions.successor import Successor
from sessions.tender import FindStaged, nothing_staged
from sessions.times import Times
from sessions.trust import Centre as Party
from sessions.trust import Pins
from signing.ports import CloudSigner

__all__ = ["Performed", "ProceedingKeeper", "Proceedings"]
logger = logging.getLogger(__name__)

# Cities that are there answer within it; without them the server is ready afterwards.
_MOMENT_S = 5.0


class Proceedings:
    """All proceedings of one installation in one process. `owner` names the process to the ledger: one that starts
    again under its name takes its own leases over at once."""

    def __init__(
        self,
        *,
        owner: str,
        pins: Pins,
        ledger: Ledger,
        vault: Vault,
        witnesses: Sequence[Witness],
        holders: Mapping[str, HolderNode],
        envelopes: Envelopes,
        cloud: CloudSigner,
        reports: ReportSigner,
        renderer: ReportRenderer,
        workbooks: ReportRenderer,
        addenda: ReportRenderer,
        engines: MediaEngines,
        reader: DocumentReader,
        keyring: Keyring,
        preparations: Preparations,
        evidence: Path,
        clock: Clock,
        entropy: Entropy,
        now: Callable[[], float] = time.monotonic,
        times: Times | None = None,
    ) -> None:
        self._owner = owner
        self._pins = pins
        self._ledger = ledger
        self._vault = vault
        self._witnesses = witnesses
        self._holders = holders
        self._envelopes = envelopes
        self._cloud = cloud
        self._reports = reports
        self._renderer = renderer
        self._workbooks = workbooks
        self._addenda = addenda
        self._engines = engines
        self._reader = reader
        self._keyring = keyring
        self._preparations = preparations
        self._evidence = evidence
        self._clock = clock
        self._entropy = entropy
        self._now = now
        self._times = times or Times()
        self._log: LogKeeper | None = None
        self._centre: Centre | None = None
        self._partners: Partners | None = None
        self._after: After | None = None
        self._known: set[str] = set()
        self._found: frozenset[str] | None = None
        self._keepers: dict[str, ProceedingKeeper] = {}
        self._founded = asyncio.Condition()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._founding_centre: asyncio.Task[None] | None = None
        self._going_on = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether this process owns its logs and took up every proceeding that it found at its start."""
        return (
            self._centre is not None
            and not self._centre.log.lost
            and self._found is not None
            and self._found <= self._keepers.keys()
            and not any(keeper.lost for keeper in self._keepers.values())
        )

    @property
    def centre(self) -> Centre:
        """The centre log's owner."""
        if self._centre is None:
            raise NotFoundedYet("the process has not started")
        return self._centre

    @property
    def partners(self) -> Partners:
        """Agreements and invitations."""
        if self._partners is None:
            raise NotFoundedYet("the process has not started")
        return self._partners

    @property
    def after(self) -> After:
        """What follows the proceedings that are over."""
        if self._after is None:
            raise NotFoundedYet("the process has not started")
        return self._after

    @property
    def parties(self) -> tuple[Party, ...]:
        """The agreement's centres, who runs each and what their cities are called, as all of them pinned it."""
        return tuple(self._pins.trust.centres.values())

    def get(self, proceeding: str) -> ProceedingKeeper:
        """The owner of a proceeding that was founded."""
        if proceeding in self._keepers:
            return self._keepers[proceeding]
        if proceeding in self._known or self._centre is None:
            raise NotFoundedYet("the proceeding is not taken up yet")
        raise UnknownProceeding("no such proceeding")

    @property
    def ids(self) -> tuple[str, ...]:
        """Every proceeding of the centre log, in the order of its first openings."""
        return tuple(dict.fromkeys(_id(origin) for origin in self.centre.openings))

    async def start(self) -> None:
        """Lease and load the centre log, and take up every proceeding; each goes on by itself. Nothing is shown before
        everything is loaded: whoever asked meanwhile would be told that a proceeding of the log is unknown."""
        self._log = await self._open_centre()
        centre = Centre(domain=self._pins.trust.main, log=self._log, identity=self._keyring.identity, clock=self._clock)
        await centre.load()
        partners = Partners(
            pins=self._pins,
            centre=centre,
            ledger=self._ledger,
            vault=self._vault,
            identity=self._keyring.identity,
            holders=frozenset(self._holders),
            clock=self._clock,
            entropy=self._entropy,
        )
        await partners.load()
        after = After(centre=centre, ledger=self._ledger, clock=self._clock, entropy=self._entropy)
        await after.load()
        self._founding_centre = asyncio.create_task(centre.found(self._times.pauses.longest))
        await asyncio.wait([self._founding_centre], timeout=_MOMENT_S)
        self._centre, self._partners, self._after = centre, partners, after
        for name in self.ids:
            self._begin(name)
        self._found = frozenset(self._known)

    async def stop(self) -> None:
        """Stop everything; nothing is lost."""
        tasks = [*self._tasks.values(), *([self._founding_centre] if self._founding_centre else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))
        if self._log is not None:
            await self._log.close()

    async def check(self, tender: Object, *, staged: FindStaged = nothing_staged) -> None:
        """Whether `create` would take the tender; nothing is kept."""
        whole, _ = await self.partners.assemble(tender)
        self._founding().read(whole, staged=staged)

    async def create(self, tender: Object, *, secret: bytes | None = None, staged: FindStaged = nothing_staged) -> str:
        """Open a proceeding for a tender (`sessions.tender`) and found it. Once this returned an id, the proceeding is
        founded, or will be as soon as the witnesses answer, whatever happens to this process. `secret` is 32 random
        bytes of whoever may have to ask again: the same ones name the same proceeding, which is opened once."""
        founding = self._founding()
        name = None if secret is None else proceeding_id(secret)
        if name is None or name not in self._known:
            whole, given = await self.partners.assemble(tender)
            read = founding.read(whole, name=name, staged=staged)
            await self.partners.convene(read.plan.origin, given)
            await founding.open(read)
            name = _id(read.plan.origin)
            self._begin(name)
        with suppress(TimeoutError):
            async with self._founded, asyncio.timeout(self._times.opening):
                await self._founded.wait_for(lambda: name in self._keepers)
        return name

    async def go_on(self, proceeding: str, reason: str) -> Object:
        """A log whose acknowledged entries are gone everywhere goes on under the next origin, where another centre has
        to confirm it (`sessions.successor`). Whatever this process held of the former log ends."""
        keeper = self.get(proceeding)
        async with self._going_on:
            successor = Successor(
                pins=self._pins,
                ledger=self._ledger,
                vault=self._vault,
                centre=self.centre,
                founding=self._founding(),
                keyring=self._keyring,
                holders=self._holders,
                clock=self._clock,
                entropy=self._entropy,
                open_log=self._open,
                owner=self._owner,
                within=self._times.gate,
            )
            opened = await keeper.continued_by(successor, reason)
            self._keepers.pop(proceeding, None)
            await keeper.stop()
            self._tasks.pop(proceeding, None)
            self._begin(proceeding)
        left = of_opening(opened)
        return {"origin": _origin(opened), "index": opened.n, "continues": left.json if left else None}

    async def purge(self, proceeding: str) -> Object:
        """Delete what belongs to a proceeding whose time of retention is over, and to no other one.

        (1) The day has come, and nobody waits for an answer.
        (2) The centre log says so first, durably: when, and the digests of the lists.
        (3) The objects go, each only where the vault's own date allows it; the evidence file last. Safe to repeat.
        (4) With the last of them goes what was disclosed of persons and of the case; the digests stay in both logs.
        """
        if not self.ready:
            raise NotFoundedYet("another proceeding is not taken up yet, and may cite the same objects")
        keeper = self.get(proceeding)
        state = self.after.demand_purge(keeper.state.origin)  # (1)
        others = (
            other.entries for name, other in self._keepers.items() if name != proceeding and not self._gone(other)
        )
        origin = keeper.state.origin
        opened = self.centre.openings[origin]
        names = await self._archive().names(opened, keeper.entries)
        names = names.difference(*(contents.kept(entries) for entries in others))
        own, outside = contents.digests(keeper.entries), [*contents.digests([opened]), *self.after.digests(origin)]
        body: Object = {
            "origin": origin,
            "until": state.retain.isoformat(),
            "objects": len(names),
            "list": b64u(sha256(b"".join(sorted(names)))),
            "disclosures": len(own) + len(outside),
            "digests": b64u(sha256("".join(sorted([*own, *outside])).encode())),
        }
        entry = await self.centre.record_purge(origin, body)  # (2)
        gone, left = await self._archive().purge(proceeding, names, self._clock())  # (3)
        if not left:  # (4)
            for log in self._logs(proceeding):
                await self._ledger.erase(_origin(log), own)
            await self._ledger.erase(self.centre.log.origin, outside)
            self.after.forget(origin)
        return {"index": entry.n, "gone": gone, "left": left}

    def _gone(self, keeper: ProceedingKeeper) -> bool:
        return keeper.state.origin in self.centre.purged

    def _begin(self, name: str) -> None:
        self._known.add(name)
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._take_up(name))

    def _logs(self, name: str) -> list[Entry]:
        """The openings of a proceeding's logs, the one of its founding first."""
        return [opened for origin, opened in self.centre.openings.items() if _id(origin) == name]

    async def _take_up(self, name: str) -> None:
        """Until it is taken up; a proceeding that cannot be loaded holds up no other."""
        pause = self._times.pauses.first
        while name not in self._keepers:
            try:
                await self._load(name)
            except EvidenceError as error:
                logger.warning("%s is not taken up yet: %s (%s)", name, error, error.code)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._times.pauses.longest)
            except Exception:
                logger.exception("%s cannot be taken up", name)
                raise
        async with self._founded:
            self._founded.notify_all()

    async def _load(self, name: str) -> None:
        """Lease, load and found, as far as it is missing; then the keeper goes on by itself. Of a proceeding whose log
        was to go on and did not, it is the former one that is shown."""
        openings, founding = self._logs(name), self._founding()
        while (left := of_opening(openings[-1])) is not None and await self._size(openings[-1]) <= left.size:
            openings.pop()
        opened = openings[-1]
        origin = _origin(opened)
        if (signer := self._keyring.log_key(origin)) is not None:
            log = await self._open(signer, introduction=await founding.introduction(opened))
            docket = Docket(log=log, clock=self._clock, entropy=self._entropy)
            try:
                await docket.load()
                await founding.found(docket, openings[0])
            except BaseException:
                await log.close()
                raise
        else:
            docket = Docket(log=await self._archived(name, origin), clock=self._clock, entropy=self._entropy)
            await docket.load()
            if docket.state.origin not in self.centre.after_opened:
                # Closed by a release that did not know of what follows.
                after = opening_body(docket.state, docket.entries[-1])
                await self.centre.open_after(docket.state.origin, after)
                await self._archive().retain(openings[0], docket.entries, date.fromisoformat(after["retain"]))
        keeper = self._keeper(docket, openings)
        keeper.start()
        self._keepers[name] = keeper

    async def _size(self, opened: Entry) -> int:
        try:
            return await self._ledger.size(_origin(opened))
        except UnknownLog:
            return 0

    async def _open_centre(self) -> LogKeeper:
        """As soon as no other process keeps it."""
        while True:
            try:
                return await self._open(self._keyring.centre_log)
            except LostLease:
                logger.info("another process keeps the centre log")
                await asyncio.sleep(self._times.pauses.longest)

    async def _open(self, signer: NoteSigner, introduction: AddLog | None = None) -> LogKeeper:
        return await LogKeeper.open(
            origin=signer.name,
            owner=self._owner,
            ledger=self._ledger,
            signer=signer,
            policy=self._pins.policy,
            witnesses=self._witnesses,
            clock=self._clock,
            entropy=self._entropy,
            pace=self._times.pace,
            introduction=introduction,
        )

    async def _archived(self, name: str, origin: str) -> ClosedLog:
        """A log whose key is gone, as it must be after its archive and at no other time."""
        purged, proceeding = proceeding_of(origin) in self.centre.purged, proceeding_of(origin)
        if (self._archive().path(name) is None and not purged) or proceeding not in self.centre.finals:
            raise KeyLost(f"the key of {origin} is missing, and the proceeding is not archived")
        size = await self._ledger.size(origin)
        entries = [entry_form.parse(data) for data in await self._ledger.entries(origin, 0, size)]
        note = await self._ledger.checkpoint(origin)
        if note is None:
            raise KeyLost(f"{origin} has no checkpoint")
        final = self.centre.finals[proceeding].act
        if final is None or (size, read_signed(note).size) != (final.body["size"], final.body["size"]):
            raise EntriesLost(f"{origin} was closed with other entries than the {size} that are here")
        return ClosedLog(origin=origin, entries=entries, note=note)

    def _keeper(self, docket: Docket, opened: Sequence[Entry]) -> ProceedingKeeper:
        times = self._times
        recorder = Recorder(
            docket=docket,
            engines=self._engines,
            vault=self._vault,
            now=self._now,
            grace=times.grace,
            times=times.recording,
        )
        people = People(origin=docket.origin, ledger=self._ledger)
        desk = SigningDesk(
            docket=docket,
            vault=self._vault,
            cloud=self._cloud,
            reports=self._reports,
            preparations=self._preparations,
            people=people,
            clock=self._clock,
            now=self._now,
            turn=times.turn,
        )
        clerk = Clerk(
            docket=docket,
            centre=self.centre,
            vault=self._vault,
            holders=self._holders,
            envelopes=self._envelopes,
            renderer=self._renderer,
            workbooks=self._workbooks,
            reports=self._reports,
            desk=desk,
            recorder=recorder,
            people=people,
            reader=self._reader,
            clock=self._clock,
            entropy=self._entropy,
        )
        return ProceedingKeeper(
            docket=docket,
            opened=opened,
            proofs=Proofs(docket=docket, policy=self._pins.policy, vault=self._vault, key_of=self.centre.key_of),
            identity=self._keyring.identity,
            vault=self._vault,
            clerk=clerk,
            desk=desk,
            recorder=recorder,
            looks=Looks(
                docket=docket,
                elsewhere=partial(self.centre.note_looks, docket.origin),
                now=self._now,
                every=times.looks,
            ),
            presence=Presence(now=self._now, lost_after=times.venue_lost, grace=times.grace),
            archive=self._archive(),
            people=people,
            now=self._now,
            times=times,
        )

    def _archive(self) -> Archive:
        return Archive(
            folder=self._evidence,
            centre=self.centre,
            ledger=self._ledger,
            vault=self._vault,
            keyring=self._keyring,
            addenda=self._addenda,
        )

    def _founding(self) -> Founding:
        return Founding(
            domain=self._pins.trust.main,
            pins=self._pins,
            holders=tuple(domain for domain in self._pins.trust.centres if domain in self._holders),
            centre=self.centre,
            ledger=self._ledger,
            vault=self._vault,
            keyring=self._keyring,
            entropy=self._entropy,
        )


def _id(origin: str) -> str:
    return proceeding_of(origin).rpartition("/")[2]


def _origin(opened: Entry) -> str:
    """The proceeding that `ProceedingOpened` opens; the centre log was folded, so the act is there."""
    return str(opened.act.body["origin"]) if opened.act is not None else ""
