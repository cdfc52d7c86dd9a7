"""The end of a proceeding (gate G4): its root in the centre log, its evidence file, its key destroyed.

(1) `ProceedingClosed`, the last entry, lies in a checkpoint of the whole log that the quorum has cosigned.
(2) `FinalRootRecorded` in the centre log, cosigned, too: so a whole proceeding cannot vanish.
(3) The evidence file is written durably.
(4) The log's key is destroyed: a closed log cannot grow.
Each step is safe to repeat; the file's presence under its final name says that (1) to (3) are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from evidence.core.entry import Draft, Entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, Note
from evidence.core.proof import Proof
from evidence.errors import LostLease, NoQuorum
from evidence.ports import Ledger, StoredDisclosure, Vault
from evidence.witnessing import Signed, read_signed
from sessions import evidence_file
from sessions.centre import Centre
from sessions.docket import Log
from sessions.evidence_file import Contents
from sessions.ports import Keyring
from sessions.service_errors import StillDue


class Archive:
    """Where the evidence files of closed proceedings lie."""

    def __init__(self, *, folder: Path, centre: Centre, ledger: Ledger, vault: Vault, keyring: Keyring) -> None:
        self._folder = folder
        self._centre = centre
        self._ledger = ledger
        self._vault = vault
        self._keyring = keyring

    def path(self, proceeding: str) -> Path | None:
        """The evidence file, if it is written."""
        path = self._path(proceeding)
        return path if path.exists() else None

    async def close(self, log: Log, opened: Entry, *, within: float) -> Path:
        """Steps (1) to (4) for a log whose last entry closed it."""
        path = self._path(log.origin.rpartition("/")[2])
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
            whole = Contents(
                opened=opened.data,
                opened_proof=bytes(await self._centre.witnessed(opened, within)),
                final=final.data,
                final_proof=bytes(final_proof),
                checkpoint=note,
                entries=await self._ledger.entries(log.origin, 0, log.size),
                disclosures=await self._disclosures(opened, await log.read()),
            )
            loop = asyncio.get_running_loop()

            def load(sha256: bytes) -> bytes:
                return asyncio.run_coroutine_threadsafe(self._vault.get(sha256.hex()), loop).result()

            self._folder.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(evidence_file.write, path, whole, load)
        # (4)
        await asyncio.to_thread(self._keyring.destroy, log.origin)
        return path

    async def _disclosures(self, opened: Entry, entries: Sequence[Entry]) -> list[str]:
        """Of the proceeding's log, and of its opening in the centre log. Where no result is told, no name is either."""
        resulted = any(entry.type == "ReportFrozen" for entry in entries)
        ended = any(entry.type == "ProceedingAborted" for entry in entries)
        texts: list[str] = []
        for origin, found in ((opened.origin, (opened,)), (entries[0].origin, entries)):
            digests = [digest for entry in found for digest in (*entry.sd, *(entry.act.sd if entry.act else ()))]
            kept = (await self._ledger.disclosures(origin, digests)).values()
            texts += [each.text for each in kept if each.kind != "person" or resulted or not ended]
        return texts

    def _path(self, proceeding: str) -> Path:
        return self._folder / f"{proceeding}.zip"


class ClosedLog:
    """A `sessions.docket.Log` whose key is destroyed: readable, and nothing else."""

    lost = False

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
