"""The end of a proceeding (gate G4): its root in the centre log, its evidence file, its key destroyed.

(1) `ProceedingClosed`, the last entry, lies in a checkpoint of the whole log that the quorum has cosigned.
(2) `FinalRootRecorded` in the centre log, cosigned, too: so a whole proceeding cannot vanish.
(3) `AfterOpened` in the centre log: which timetable and calendar hold now, and until when everything is kept.
(4) The evidence file is written durably.
(5) Every object that it holds is locked in the vault until that day.
(6) The log's key is destroyed: a closed log cannot grow.
Each step is safe to repeat; the file's presence under its final name says that (1) to (4) are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType

from evidence.core import disclosure
from evidence.core.canonical import Object, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, Note
from evidence.core.origins import proceeding_of
from evidence.core.proof import Proof
from evidence.errors import EvidenceError, LostLease, NoQuorum, NotRetained, ObjectMissing, Retained
from evidence.ports import Ledger, StoredDisclosure, Vault
from evidence.witnessing import Signed, read_signed
from sessions import evidence_file
from sessions.after_errors import Purged
from sessions.centre import Centre
from sessions.core import contents
from sessions.docket import Log
from sessions.evidence_file import Contents
from sessions.ports import Keyring, ReportRenderer
from sessions.service_errors import StillDue

# Objects whose dates are set side by side: as many as wait for the disk while the next ones are written.
_AT_ONCE = 16


class Archive:
    """Where the evidence files of closed proceedings lie."""

    def __init__(
        self,
        *,
        folder: Path,
        centre: Centre,
        ledger: Ledger,
        vault: Vault,
        keyring: Keyring,
        addenda: ReportRenderer,
    ) -> None:
        self._folder = folder
        self._centre = centre
        self._ledger = ledger
        self._vault = vault
        self._keyring = keyring
        self._addenda = addenda

    def path(self, proceeding: str) -> Path | None:
        """The evidence file, if it is written."""
        path = self._path(proceeding)
        return path if path.exists() else None

    def demand_kept(self, origin: str) -> None:
        """Purged, where the centre log says so."""
        if origin in self._centre.purged:
            raise Purged("everything was deleted after the date until which it was kept")

    async def close(self, log: Log, opened: Sequence[Entry], *, after: Object, within: float) -> Path:
        """Steps (1) to (6) for a log whose last entry closed it; `opened` are its own opening and those of the logs
        that it continues, the first one first; `after` is the body of `after.open`."""
        origin = proceeding_of(log.origin)
        path = self._path(origin.rpartition("/")[2])
        if not path.exists():
            # (1)
            note = await log.quorum(log.size, within)
            checkpoint = Checkpoint.parse(Note.parse(note).text)
            if checkpoint.size != log.size:
                raise StillDue("the log grew while it was closed")
            # (2)
            final = await self._centre.record_root(log.origin, checkpoint.size, checkpoint.root)
            final_proof = await self._centre.witnessed(final, within)
            # (3)
            await self._centre.open_after(origin, after)
            # (4)
            whole = Contents(
                opened=[(each.data, bytes(await self._centre.witnessed(each, within))) for each in opened],
                final=final.data,
                final_proof=bytes(final_proof),
                checkpoint=note,
                entries=await self._ledger.entries(log.origin, 0, log.size),
                disclosures=await self._disclosures(opened[0], log.origin, await log.read()),
            )
            loop = asyncio.get_running_loop()

            def load(sha256: bytes) -> bytes:
                return asyncio.run_coroutine_threadsafe(self._vault.get(sha256.hex()), loop).result()

            self._folder.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(evidence_file.write, path, whole, load, self._addenda)
        # (5)
        await self.retain(opened[0], await log.read(), date.fromisoformat(after["retain"]))
        # (6)
        await asyncio.to_thread(self._keyring.destroy, log.origin)
        return path

    async def names(self, opened: Entry, entries: Sequence[Entry]) -> set[bytes]:
        """All objects that belong to a proceeding: what its log cites, and the plan that it was founded by, which the
        opening tells by a disclosure only."""
        stored = await self._ledger.disclosures(opened.origin, contents.digests([opened]))
        told = [disclosure.parse(each.text).value for each in stored.values()]
        plans = {unb64u(value["plan"], 32) for value in told if isinstance(value, dict) and "plan" in value}
        return contents.kept(entries) | plans

    async def retain(self, opened: Entry, entries: Sequence[Entry], until: date) -> None:
        """Step (5): no object of the proceeding goes before this day is over. A day's recordings are thousands of
        objects, and each waits for a disk or a store: several at a time."""

        async def retain(sha256: bytes) -> None:
            # What was made on the way to a signature that was not finished may never have come to the vault.
            with suppress(ObjectMissing):
                await self._vault.retain(sha256.hex(), end_of(until))

        names = sorted(await self.names(opened, entries))
        for start in range(0, len(names), _AT_ONCE):
            await asyncio.gather(*map(retain, names[start : start + _AT_ONCE]))

    async def purge(self, proceeding: str, names: Iterable[bytes], now: datetime) -> tuple[int, int]:
        """Delete these objects, then the evidence file: (gone, still kept by the vault's own dates). Safe to repeat;
        the file goes last, so that whoever repeats it finds what is left."""
        gone = left = 0
        for sha256 in sorted(names):
            try:
                await self._vault.remove(sha256.hex(), now)
                gone += 1
            except (Retained, NotRetained):
                left += 1
        if not left:
            await asyncio.to_thread(self._path(proceeding).unlink, missing_ok=True)
        return gone, left

    async def _disclosures(self, opened: Entry, log: str, entries: Sequence[Entry]) -> list[str]:
        """Of the proceeding's log, and of its opening in the centre log. Where no result is told, no name is either."""
        resulted = any(entry.type == "ReportFrozen" for entry in entries)
        ended = any(entry.type == "ProceedingAborted" for entry in entries)
        texts: list[str] = []
        for origin, found in ((opened.origin, (opened,)), (log, entries)):
            kept = (await self._ledger.disclosures(origin, contents.digests(found))).values()
            texts += [each.text for each in kept if each.kind != "person" or resulted or not ended]
        return texts

    def _path(self, proceeding: str) -> Path:
        return self._folder / f"{proceeding}.zip"


def end_of(day: date) -> datetime:
    """When a day is over, in Beijing and everywhere west of it as far as Greenwich."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


class ClosedLog:
    """A `sessions.docket.Log` whose key is destroyed: readable, and nothing else."""

    lost = False
    ahead = 0
    alarms: Mapping[str, EvidenceError] = MappingProxyType({})
    oldest_unwitnessed = None

    def __init__(self, *, origin: str, entries: Sequence[Entry], note: bytes) -> None:
        self.origin = origin
        self.tree = Tree([entry.leaf for entry in entries])
        self.newest = self.cosigned = read_signed(note)
        self._entries = tuple(entries)

    @property
    def size(self) -> int:
        """Committed entries."""
        return len(self.tree)

    def receipt(self, index: int) -> Proof:
        """The receipt of entry `index` under the final checkpoint."""
        if not 0 <= index < self.cosigned.size:
            raise NoQuorum(f"{self.origin} has no entry {index}")
        return Proof(index, tuple(self.tree.inclusion(index, self.cosigned.size)), self.cosigned.note)

    async def read(self, start: int = 0, stop: int | None = None) -> list[Entry]:
        """Entries [start, stop)."""
        return list(self._entries[start:stop])

    async def append(
        self,
        drafts: Sequence[Draft],
        disclosures: Sequence[StoredDisclosure] = (),
        *,
        expected_size: int | None = None,
        outbox: Sequence[bytes] = (),
    ) -> tuple[Entry, ...]:
        """Never."""
        raise LostLease(f"{self.origin} is closed")

    async def quorum(self, size: int, within: float, /) -> bytes:
        """The final checkpoint."""
        if size > self.cosigned.size:
            raise NoQuorum(f"{self.origin} is closed at {self.cosigned.size}")
        return self.cosigned.note

    async def follow(self, after: int = 0) -> AsyncIterator[Signed]:
        """The final checkpoint, and the end."""
        if self.cosigned.size > after:
            yield self.cosigned

    async def close(self) -> None:
        """Nothing to give back."""
