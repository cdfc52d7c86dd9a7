"""Bringing a log's checkpoints to its witnesses until the quorum has cosigned (protocols.md section 2, Cadence).

All witnesses are asked for the same checkpoint, the *target*: asked for whatever is newest when each is free, three
witnesses could cosign three sizes and never form a quorum. A new target, always the newest checkpoint, is chosen when
the last one was answered by all (or has its quorum): every two seconds, and at once while a gate waits.
Per witness one request is in flight; one that does not answer holds up nobody but those who need it for the quorum.

A log goes on at or above the highest witnessed checkpoint, and nowhere else (protocols.md section 6, "Main server
lost"). So each witness is first asked how far its record goes, and nothing is appended
(1) before so many have said "no further than yours" that the others cannot form a quorum, or
(2) once so many hold more that the others cannot form one: entries were lost.
One witness that lies about its size stops nothing that it could not stop by its silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, Note, SignatureLine, VerifierKey
from evidence.core.policy import Policy
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import (
    EntriesLost,
    EvidenceError,
    NoQuorum,
    Unavailable,
    UnknownLog,
    Untrusted,
    WitnessConflict,
    WitnessRefused,
)
from evidence.ports import Witness

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `batch`, `cadence`: protocols.md 2. A witness that restarts is back within a second or two, so pauses
    stay below `pause_max`. A lease must outlive a slow commit and end soon after its owner's machine died. Whoever
    appends first waits for the witnesses' word, no longer than a machine takes to start: `hear`; then nobody waits."""

    batch: float = 0.25
    cadence: float = 2.0
    pause: float = 0.1
    pause_max: float = 2.0
    lease: float = 15.0
    hear: float = 30.0


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint and its note."""

    size: int
    note: bytes


@dataclass(slots=True)
class _Courier:
    witness: Witness
    old: int = 0
    """The size that the witness cosigned last, as far as we know."""
    acknowledged: int = 0
    """The newest target that needs nothing more from this witness."""
    tried: int = 0
    heard: bool = False
    """Since the start it has said how far its record goes."""
    ahead: int = 0
    """Its size, where that is beyond this log."""
    alarm: EvidenceError | None = None


class Witnessing:
    """The couriers of one log. `deliver` stores a verified line and returns the grown note; `question` is the signed
    checkpoint of the empty log, which every witness that has seen more answers with its own size."""

    def __init__(
        self,
        *,
        tree: Tree,
        log_key: VerifierKey,
        policy: Policy,
        witnesses: Sequence[Witness],
        deliver: Callable[[int, str], Awaitable[bytes]],
        pace: Pace,
        question: bytes,
        introduction: AddLog | None = None,
    ) -> None:
        self.introduction = introduction
        self._question = AddCheckpoint(0, (), question)
        self._tree = tree
        self._log_key = log_key
        self._policy = policy
        self._couriers = [_Courier(witness) for witness in witnesses]
        self._deliver = deliver
        self._pace = pace
        self._changed = asyncio.Condition()
        self._newest = self._target = self._cosigned = Signed(0, b"")
        self._gates: list[int] = []
        self._patience: float | None = None

    @property
    def newest(self) -> Signed:
        """The newest checkpoint that the log signed."""
        return self._newest

    @property
    def cosigned(self) -> Signed:
        """The newest checkpoint with a quorum; size 0 before the first."""
        return self._cosigned

    @property
    def alarms(self) -> dict[str, EvidenceError]:
        """Witnesses that refused for good, by name: a fork, a rollback or a false key. They are asked no more."""
        return {c.witness.vkey.name: c.alarm for c in self._couriers if c.alarm is not None}

    @property
    def ahead(self) -> int:
        """How many entries the witnesses saw, where that is more than the log holds (2); else 0."""
        return self._policy.beyond([courier.ahead for courier in self._couriers])

    async def cleared(self) -> None:
        """Return once the log may grow; EntriesLost where it lost entries, Unavailable where too few answered."""
        if not self._known_to_none:
            if self._patience is None:
                self._patience = asyncio.get_running_loop().time() + self._pace.hear
            async with self._changed:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._patience):
                        await self._changed.wait_for(lambda: self._known_to_none or self.ahead > 0)
        if self.ahead:
            raise EntriesLost(f"the witnesses saw {self.ahead} entries, and {len(self._tree)} are here")
        if not self._known_to_none:
            raise Unavailable("too few witnesses have said how far their record of this log goes")

    @property
    def _known_to_none(self) -> bool:
        """(1): no quorum can have cosigned more than the log held."""
        level = sum(courier.heard and not courier.ahead for courier in self._couriers)
        return len(self._policy.witnesses) - level < self._policy.quorum

    @property
    def waited_for(self) -> int:
        """The largest size that a gate waits for."""
        return max(self._gates, default=0)

    async def offer(self, signed: Signed) -> None:
        """A newer checkpoint was stored (or, at start, was found stored, perhaps with its quorum)."""
        async with self._changed:
            if signed.size >= self._newest.size:
                self._newest = signed
            self._weigh(signed)
            self._changed.notify_all()

    async def quorum(self, size: int, within_s: float) -> bytes:
        """The newest cosigned note that covers the first `size` entries; NoQuorum after `within_s` seconds."""
        self._gates.append(size)
        try:
            async with self._changed, asyncio.timeout(within_s):
                self._changed.notify_all()
                await self._changed.wait_for(lambda: self._cosigned.size >= size)
        except TimeoutError as error:
            raise NoQuorum(f"no quorum at size {size} within {within_s} s") from error
        finally:
            self._gates.remove(size)
        return self._cosigned.note

    async def follow(self, after: int = 0) -> AsyncIterator[Signed]:
        """Every cosigned checkpoint that is newer, as it comes; skips those that were overtaken."""
        while True:
            signed = await self._beyond(after)
            after = signed.size
            yield signed

    async def _beyond(self, size: int) -> Signed:
        async with self._changed:
            await self._changed.wait_for(lambda: self._cosigned.size > size)
            return self._cosigned

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._aim())
            for courier in self._couriers:
                tasks.create_task(self._carry(courier))

    async def _aim(self) -> None:
        clock = asyncio.get_running_loop().time
        earliest = clock()
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._newest.size > self._target.size)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(earliest):
                        await self._changed.wait_for(lambda: self.waited_for > self._cosigned.size)
                earliest = clock() + self._pace.cadence
                self._target = self._newest
                self._changed.notify_all()
                await self._changed.wait_for(self._settled)

    def _settled(self) -> bool:
        size = self._target.size
        return self._cosigned.size >= size or all(c.tried >= size or c.alarm is not None for c in self._couriers)

    async def _carry(self, courier: _Courier) -> None:
        failures = 0
        while courier.alarm is None:
            async with self._changed:
                await self._changed.wait_for(lambda: not courier.heard or self._target.size > courier.acknowledged)
                target = self._target
            try:
                if not courier.heard:
                    await self._hear(courier)
                if target.size > courier.acknowledged:
                    await self._bring(courier, target)
                failures = 0
            except (WitnessRefused, Untrusted) as error:
                logger.error("%s cosigns no more: %s (%s)", courier.witness.vkey.name, error, error.code)
                courier.alarm = error
            except EvidenceError:
                failures += 1
            async with self._changed:
                courier.tried = target.size
                self._changed.notify_all()
            if failures:
                await asyncio.sleep(min(self._pace.pause * 2 ** min(failures - 1, 10), self._pace.pause_max))

    async def _hear(self, courier: _Courier) -> None:
        """How far its record goes. One that does not know the log has seen nothing of it."""
        try:
            await courier.witness.add_checkpoint(self._question)
        except WitnessConflict as conflict:
            self._correct(courier, conflict.size)
        except UnknownLog:
            pass
        async with self._changed:
            courier.heard = True
            self._changed.notify_all()

    async def _bring(self, courier: _Courier, target: Signed) -> None:
        """One checkpoint to one witness; a witness that is elsewhere than we thought gets the right proof at once."""
        # A witness that admits the log now may begin with what is left of another one, and says so.
        for _ in range(3):
            if courier.old > target.size:
                courier.acknowledged = target.size
                return
            proof = tuple(self._tree.consistency(courier.old, target.size))
            try:
                lines = await courier.witness.add_checkpoint(AddCheckpoint(courier.old, proof, target.note))
            except WitnessConflict as conflict:
                self._correct(courier, conflict.size)
                continue
            except UnknownLog:
                if self.introduction is None:
                    raise
                await courier.witness.add_log(self.introduction)
                courier.old = 0
                continue
            await self._accept(courier, target, own_line(target.note, lines, courier.witness.vkey))
            return
        raise Unavailable("the witness's size changed again within one request")

    def _correct(self, courier: _Courier, size: int) -> None:
        if size == courier.old:
            raise WitnessRefused("the witness contradicts itself about its size")
        if size > len(self._tree):
            courier.ahead = size
            raise WitnessRefused(f"the witness saw {size} entries: this log lost some")
        courier.old = size

    async def _accept(self, courier: _Courier, target: Signed, line: str) -> None:
        note = await self._deliver(target.size, line)
        courier.old = courier.acknowledged = target.size
        async with self._changed:
            self._weigh(Signed(target.size, note))
            self._changed.notify_all()

    def _weigh(self, signed: Signed) -> None:
        """Remember the note where it has its quorum and is not older than the one we have."""
        if signed.size < max(self._cosigned.size, 1):
            return
        with suppress(NoQuorum):
            self._policy.check(signed.note, self._log_key)
            self._cosigned = Signed(signed.size, self._policy.arranged(signed.note, self._log_key))


def own_line(note: bytes, lines: Sequence[str], key: VerifierKey) -> str:
    """The witness's line under the key that we know; it must hold. Lines of other keys are ignored (C2SP)."""
    for line in lines:
        signature = SignatureLine.parse(line)
        if (signature.name, signature.key_id) == (key.name, key.id):
            Note(Note.parse(note).text, (signature,)).verify(key)
            return line
    raise Untrusted(f"{key.name} answered without a cosignature")


def read_signed(note: bytes) -> Signed:
    """A stored note with its size."""
    return Signed(Checkpoint.parse(Note.parse(note).text).size, note)
