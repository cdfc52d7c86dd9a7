"""The keeper of one log: append, checkpoint, have it cosigned, hand out receipts.

There is one keeper per log in the process that holds the log's lease. Everything that it says is about committed rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from evidence.core.entry import SALT_BYTES, Draft, Entry, parse, timestamp, write
from evidence.core.merkle import EMPTY_ROOT, Tree, leaf_hash
from evidence.core.note import Checkpoint, NoteSigner, read_checkpoint, sign
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.core.witness import AddLog
from evidence.errors import EvidenceError, LostLease, NoQuorum, StaleSize, Unavailable, Untrusted
from evidence.ports import Ledger, StoredDisclosure, Witness
from evidence.witnessing import Pace, Signed, Witnessing, read_signed

logger = logging.getLogger(__name__)

# Entries read in one go while a log is loaded: some MB.
_CHUNK = 4096


class LogKeeper:
    """Owner of one origin in this process; made by `open`, ended by `close`."""

    def __init__(
        self,
        *,
        origin: str,
        epoch: int,
        tree: Tree,
        ledger: Ledger,
        signer: NoteSigner,
        policy: Policy,
        witnesses: Sequence[Witness],
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        pace: Pace,
        introduction: AddLog | None,
    ) -> None:
        self.origin = origin
        self.tree = tree
        self._epoch = epoch
        self._ledger = ledger
        self._signer = signer
        self._clock = clock
        self._entropy = entropy
        self._pace = pace
        self._witnessing = Witnessing(
            tree=tree,
            log_key=signer.vkey,
            policy=policy,
            witnesses=witnesses,
            deliver=self._deliver,
            pace=pace,
            question=sign(Checkpoint(origin, 0, EMPTY_ROOT), signer),
            introduction=introduction,
        )
        self._appending = asyncio.Lock()
        self._grown = asyncio.Event()
        self._hurry = asyncio.Event()
        self._lost = asyncio.Event()
        self._doubtful = False
        self._unwitnessed: deque[tuple[int, datetime]] = deque()
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    async def open(
        *,
        origin: str,
        owner: str,
        ledger: Ledger,
        signer: NoteSigner,
        policy: Policy,
        witnesses: Sequence[Witness],
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        pace: Pace | None = None,
        introduction: AddLog | None = None,
    ) -> LogKeeper:
        """Take the lease, rebuild the tree from the entries, check it against the stored checkpoints, and start.

        `policy` gives the witnesses and their quorum; the log's own key is the signer's. `introduction` is shown to
        a witness that does not know the log (gate G0); the centre log needs none.
        """
        pace = pace or Pace()
        if signer.name != origin:
            raise Untrusted("a log's key carries the log's origin as its name")
        epoch = await ledger.lease(origin, owner, pace.lease)
        tree = Tree()
        keeper = LogKeeper(
            origin=origin,
            epoch=epoch,
            tree=tree,
            ledger=ledger,
            signer=signer,
            policy=policy,
            witnesses=witnesses,
            clock=clock,
            entropy=entropy,
            pace=pace,
            introduction=introduction,
        )
        await keeper._load()
        notes = await ledger.checkpoints(origin)
        for note in notes:
            checkpoint, _ = read_checkpoint(note, signer.vkey)
            if checkpoint.size > len(tree) or checkpoint.root != tree.root(checkpoint.size):
                raise Untrusted(f"the entries of {origin} are not those that were signed at size {checkpoint.size}")
        for note in reversed(notes):
            await keeper._witnessing.offer(read_signed(note))
            if keeper.cosigned.size:
                break
        keeper._task = asyncio.create_task(keeper._run())
        return keeper

    async def close(self) -> None:
        """Stop, and give the lease back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        # An append that is under way ends before the lease does.
        async with self._appending:
            self._lost.set()
        with suppress(EvidenceError):
            await self._ledger.release(self.origin, self._epoch)

    @property
    def size(self) -> int:
        """Committed entries."""
        return len(self.tree)

    @property
    def newest(self) -> Signed:
        """The newest checkpoint signed by the log (size 0: none yet), whether or not it has its quorum."""
        return self._witnessing.newest

    @property
    def cosigned(self) -> Signed:
        """The newest checkpoint with its quorum (size 0: none yet)."""
        return self._witnessing.cosigned

    @property
    def alarms(self) -> dict[str, EvidenceError]:
        """Witnesses that refused this log for good. Unexplained, it means: stop (protocols.md 2)."""
        return self._witnessing.alarms

    @property
    def ahead(self) -> int:
        """How many entries the witnesses saw, where this log lost some of them and takes no more; else 0."""
        return self._witnessing.ahead

    @property
    def lost(self) -> bool:
        """Whether this process has lost the log; then it appends nothing and signs nothing."""
        return self._lost.is_set()

    @property
    def oldest_unwitnessed(self) -> datetime | None:
        """When the oldest entry outside every cosigned checkpoint was appended: amber at 10 s, red at 60 s."""
        self._forget_witnessed()
        return self._unwitnessed[0][1] if self._unwitnessed else None

    def introduce(self, introduction: AddLog) -> None:
        """What to show a witness that does not know this log yet."""
        self._witnessing.introduction = introduction

    async def append(
        self,
        drafts: Sequence[Draft],
        disclosures: Sequence[StoredDisclosure] = (),
        *,
        expected_size: int | None = None,
        outbox: Sequence[bytes] = (),
    ) -> tuple[Entry, ...]:
        """The entries, durable. A caller that is cancelled may still have appended.

        StaleSize where the log has not `expected_size` entries: also after an Unavailable whose append did happen.
        EntriesLost where the witnesses saw more than the log holds; right after the start this waits for their word.
        """
        if not self.lost:
            await self._witnessing.cleared()
        return await asyncio.shield(self._append(drafts, disclosures, expected_size, outbox))

    async def read(self, start: int = 0, stop: int | None = None) -> list[Entry]:
        """Entries [start, stop) as they were written."""
        stop = self.size if stop is None else min(stop, self.size)
        found: list[Entry] = []
        while start + len(found) < stop:
            chunk = await self._ledger.entries(self.origin, start + len(found), min(stop, start + len(found) + _CHUNK))
            if not chunk:
                raise Unavailable("the ledger returned fewer entries than were committed")
            found += [parse(data) for data in chunk]
        return found

    async def quorum(self, size: int, within_s: float) -> bytes:
        """A gate: the cosigned note of a checkpoint that covers the first `size` entries, asked for at once."""
        if self.lost:
            raise LostLease(f"this process no longer keeps {self.origin}")
        if size > self.size:
            raise StaleSize(expected=size, actual=self.size)
        if size > self.newest.size:
            self._hurry.set()
        return await self._witnessing.quorum(size, within_s)

    def receipt(self, index: int) -> Proof:
        """The receipt of entry `index` under the newest cosigned checkpoint; NoQuorum where none covers it yet."""
        size = self.cosigned.size
        if not 0 <= index < size:
            raise NoQuorum(f"entry {index} of {self.origin} is not witnessed yet")
        return Proof(index, tuple(self.tree.inclusion(index, size)), self.cosigned.note)

    def follow(self, after: int = 0) -> AsyncIterator[Signed]:
        """Every cosigned checkpoint larger than `after`, as it comes."""
        return self._witnessing.follow(after)

    async def ended(self) -> None:
        """Return when this process has lost the log (or closed it)."""
        await self._lost.wait()

    async def _run(self) -> None:
        if self.size > self.newest.size:
            self._grown.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish())
                tasks.create_task(self._renew())
                tasks.create_task(self._witnessing.run())
        except* Exception as errors:
            # Whatever broke: no entry is taken any more that would never be signed.
            logger.exception("the keeper of %s stopped", self.origin, exc_info=errors)
        finally:
            self._lost.set()

    async def _append(
        self,
        drafts: Sequence[Draft],
        disclosures: Sequence[StoredDisclosure],
        expected_size: int | None,
        outbox: Sequence[bytes],
    ) -> tuple[Entry, ...]:
        async with self._appending:
            if self.lost:
                raise LostLease(f"this process no longer keeps {self.origin}")
            if self._doubtful:
                await self._load()
            size = self.size
            if expected_size is not None and expected_size != size:
                raise StaleSize(expected=expected_size, actual=size)
            now = self._clock()
            at = timestamp(round(now.timestamp() * 1000))
            entries = tuple(
                write(draft, n=n, origin=self.origin, at=at, salt=self._entropy(SALT_BYTES))
                for n, draft in enumerate(drafts, size)
            )
            try:
                await self._ledger.append(
                    self.origin, entries, disclosures, expected_size=size, epoch=self._epoch, outbox=outbox
                )
            except LostLease:
                self._lost.set()
                raise
            except (Unavailable, StaleSize):
                self._doubtful = True
                raise
            self._take(entries, now)
            return entries

    def _take(self, entries: Sequence[Entry], now: datetime) -> None:
        for entry in entries:
            self.tree.append(entry.leaf)
        self._note_growth(now)

    async def _load(self) -> None:
        """Take in what is committed and not yet in the tree; leaves are hashed anew, not believed."""
        before = self.size
        while chunk := await self._ledger.entries(self.origin, self.size, self.size + _CHUNK):
            for data in chunk:
                self.tree.append(leaf_hash(data))
        self._doubtful = False
        if self.size > before:
            self._note_growth(self._clock())

    def _forget_witnessed(self) -> None:
        while self._unwitnessed and self._unwitnessed[0][0] <= self.cosigned.size:
            self._unwitnessed.popleft()

    def _note_growth(self, now: datetime) -> None:
        self._forget_witnessed()
        self._unwitnessed.append((self.size, now))
        self._grown.set()

    async def _publish(self) -> None:
        """One checkpoint per batch, at once where a gate waits."""
        while True:
            await self._grown.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self._pace.batch)
            self._grown.clear()
            self._hurry.clear()
            size = self.size
            if size <= self.newest.size:
                continue
            checkpoint = Checkpoint(self.origin, size, self.tree.root(size))
            try:
                note = await self._ledger.put_checkpoint(
                    self.origin, size, sign(checkpoint, self._signer), epoch=self._epoch
                )
            except Unavailable:
                self._grown.set()
                await asyncio.sleep(self._pace.pause)
                continue
            if read_checkpoint(note, self._signer.vkey)[0] != checkpoint:
                raise Untrusted(f"another root was signed at size {size}")
            await self._witnessing.offer(Signed(size, note))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._pace.lease / 3)
            with suppress(Unavailable):
                await self._ledger.renew(self.origin, self._epoch, self._pace.lease)

    async def _deliver(self, size: int, line: str) -> bytes:
        return await self._ledger.add_cosignatures(self.origin, size, [line])
