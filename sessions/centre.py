"""The centre log's owner: what is above proceedings (docs/protocol.md 2.4). All its acts are the centre's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from evidence.core import act as acts
from evidence.core.act import NO_ACT, Act, Signer
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.continues import Remains
from evidence.core.entry import Draft, Entry
from evidence.core.merkle import EMPTY_ROOT
from evidence.core.note import VerifierKey
from evidence.core.origins import proceeding_of
from evidence.core.proof import Proof
from evidence.errors import Malformed, StaleSize, Unavailable
from evidence.ports import StoredDisclosure
from evidence.service import LogKeeper
from sessions.docket import Private
from sessions.ports import Clock

logger = logging.getLogger(__name__)


class Centre:
    """Facts of the centre log, folded: proceedings opened, certificates issued, final roots, partners' acts, what
    followed a proceeding."""

    def __init__(self, *, domain: str, log: LogKeeper, identity: Signer, clock: Clock) -> None:
        self.domain = domain
        self.log = log
        self.entries: list[Entry] = []
        self.openings: dict[str, Entry] = {}
        self.finals: dict[str, Entry] = {}
        """By the proceeding's own origin, whatever its log is called in the end."""
        self.partnership: dict[str, Entry] = {}
        """By the digest of the act that only its two centres can read (`sessions.partners`)."""
        self.after_opened: dict[str, Entry] = {}
        self.after: dict[str, Entry] = {}
        """By the digest of the act that only those whom it concerns can read (`sessions.after`)."""
        self.purged: dict[str, Entry] = {}
        self._certificates: dict[bytes, int] = {}
        self._identity = identity
        self._clock = clock
        self._last: Act | None = None
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Fold what is committed."""
        async with self._writing:
            await self._catch_up()

    async def found(self, again: float) -> None:
        """Found the log if it is new, as soon as the witnesses have said that they know of none; until then a server
        without its cities is ready all the same, and its first entry waits. Asked again after so many seconds."""
        while not self.entries:
            try:
                async with self._write():
                    return
            except Unavailable as error:
                logger.info("the centre log is not founded yet: %s (%s)", error, error.code)
            await asyncio.sleep(again)

    async def open(self, origin: str, vkey: str, kind: str, *private: Private) -> Entry:
        """`ProceedingOpened`; once per origin."""
        body = {"kind": kind, "origin": origin, "vkey": vkey}
        return await self._once(self.openings, origin, "proceeding.open", "ProceedingOpened", body, private)

    async def go_on(self, origin: str, vkey: str, left: Remains) -> Entry:
        """`ProceedingOpened` of the log that continues another one; once per origin, of the same kind."""
        former = self.openings[left.origin].act
        kind = former.body["kind"] if former is not None else ""
        body = {"continues": left.json, "kind": kind, "origin": origin, "vkey": vkey}
        return await self._once(self.openings, origin, "proceeding.open", "ProceedingOpened", body, ())

    def key_of(self, origin: str) -> VerifierKey | None:
        """The key of a proceeding's log, as its opening names it."""
        opened = self.openings.get(origin)
        return None if opened is None or opened.act is None else VerifierKey.parse(opened.act.body["vkey"])

    async def record_root(self, origin: str, size: int, root: bytes) -> Entry:
        """`FinalRootRecorded`; once per proceeding, whose log may go on under another origin than its own."""
        body = {"origin": origin, "root": b64u(root), "size": size}
        return await self._once(self.finals, proceeding_of(origin), "root.record", "FinalRootRecorded", body, ())

    async def open_after(self, origin: str, body: Object) -> Entry:
        """`AfterOpened`: timetable, calendar and retention of a proceeding that is over; once per origin."""
        return await self._once(self.after_opened, origin, "after.open", "AfterOpened", body, ())

    async def record_purge(self, origin: str, body: Object) -> Entry:
        """`ProceedingPurged`, before anything is deleted; once per origin."""
        return await self._once(self.purged, origin, "proceeding.purge", "ProceedingPurged", body, ())

    async def note_after(self, act: Private) -> Entry | None:
        """`AfterActed`, which holds the salted digest of an act and nothing else. None where an append that was not
        answered came to light: the caller decides again."""
        digest = act.disclosure.digest
        async with self._write():
            await self._append(Draft("AfterActed", {}, sd=(digest,)), (act,))
            return self.after.get(digest)

    async def note_certificate(self, origin: str, certificate: bytes) -> None:
        """`CertificateIssued`, which holds the certificate's hash and no name; once per certificate."""
        async with self._write():
            while certificate not in self._certificates:
                await self._append(Draft("CertificateIssued", {"certificate": b64u(certificate), "origin": origin}))

    async def note_partnership(self, act: Private, *others: Private, told: Callable[[int], bytes]) -> Entry | None:
        """`PartnershipActed`, which holds the salted digest of an act and nothing else. `told` makes the outbox message
        of the entry's index. None where an append that was not answered came to light: the caller decides again."""
        digest = act.disclosure.digest
        async with self._write():
            message = told(len(self.entries))
            await self._append(Draft("PartnershipActed", {}, sd=(digest,)), (act, *others), (message,))
            return self.partnership.get(digest)

    async def note_looks(self, origin: str, looks: Sequence[Object]) -> None:
        """`LookNoted` of a proceeding whose own log is closed (docs/protocol.md 2.4)."""
        async with self._write():
            size = len(self.entries)
            while len(self.entries) == size or self.entries[-1].type != "LookNoted":
                await self._append(Draft("LookNoted", {"looks": list(looks), "origin": origin}))

    async def witnessed(self, entry: Entry, within: float) -> Proof:
        """The receipt of an entry, as soon as a quorum has cosigned it."""
        await self.log.quorum(entry.n + 1, within)
        return self.log.receipt(entry.n)

    async def _once(
        self,
        stand: dict[str, Entry],
        origin: str,
        act: str,
        kind: str,
        body: Object,
        private: Sequence[Private],
    ) -> Entry:
        async with self._write():
            while origin not in stand:
                await self._append(self._draft(act, kind, body, private), private)
            return stand[origin]

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[None]:
        """Nobody else writes meanwhile, and the log is founded."""
        async with self._writing:
            while not self.entries:
                await self._append(self._draft("centre.found", "CentreFounded", {"jwk": self._identity.jwk}, ()))
            yield

    def _draft(self, act: str, kind: str, body: Object, private: Sequence[Private]) -> Draft:
        signed = self.log.newest.size
        made = acts.make(
            self._identity,
            act=act,
            aud=self.log.origin,
            sub=self.domain,
            body=body,
            ctr=self._last.ctr + 1 if self._last else 1,
            iat=int(self._clock().timestamp()),
            prev=self._last.id if self._last else NO_ACT,
            seen=(signed, self.log.tree.root(signed) if signed else EMPTY_ROOT),
            sd=tuple(sorted(p.disclosure.digest for p in private)),
        )
        return Draft(kind, {}, made)

    async def _append(self, draft: Draft, private: Sequence[Private] = (), outbox: Sequence[bytes] = ()) -> None:
        """Append and fold; where an unanswered append did happen, only fold: the caller looks again."""
        stored = [StoredDisclosure(p.disclosure.digest, p.disclosure.text, p.kind) for p in private]
        try:
            self._take(await self.log.append([draft], stored, expected_size=len(self.entries), outbox=outbox))
        except StaleSize:
            await self._catch_up()

    async def _catch_up(self) -> None:
        self._take(await self.log.read(len(self.entries)))

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.entries.append(entry)
            if entry.act is not None and entry.act.kid == acts.thumbprint(self._identity.jwk):
                self._last = entry.act
            match entry.type:
                case "ProceedingOpened" if entry.act is not None:
                    self.openings[entry.act.body["origin"]] = entry
                case "FinalRootRecorded" if entry.act is not None:
                    self.finals[proceeding_of(entry.act.body["origin"])] = entry
                case "CertificateIssued":
                    self._certificates[unb64u(entry.body["certificate"], 32)] = entry.n
                case "AfterOpened" if entry.act is not None:
                    self.after_opened[entry.act.body["origin"]] = entry
                case "AfterActed" if len(entry.sd) == 1:
                    self.after[entry.sd[0]] = entry
                case "ProceedingPurged" if entry.act is not None:
                    self.purged[entry.act.body["origin"]] = entry
                case "PartnershipActed" if len(entry.sd) == 1:
                    self.partnership[entry.sd[0]] = entry
                case "CentreFounded" | "LookNoted":
                    pass
                case kind:
                    raise Malformed(f"the centre log holds an unknown {kind}")
