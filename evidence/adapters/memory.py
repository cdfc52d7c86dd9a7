"""A ledger, a vault and a witness in memory: for tests and for rehearsals that leave nothing behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from evidence.adapters.pieces import PIECE
from evidence.core.canonical import Object, sha256
from evidence.core.entry import Entry, check_row
from evidence.core.note import Note, NoteSigner, SignatureLine, VerifierKey, check_names, with_lines
from evidence.core.policy import Policy
from evidence.core.retention import check_date
from evidence.core.witness import AddCheckpoint, AddLog, Answer, WitnessState, admit, decide
from evidence.errors import (
    LostLease,
    ObjectMissing,
    RepeatedAct,
    StaleSize,
    Unavailable,
    UnknownLog,
    WitnessConflict,
    WitnessRefused,
)
from evidence.ports import Message, StoredDisclosure


@dataclass(slots=True)
class _Log:
    epoch: int = 0
    owner: str = ""
    expires: float = 0.0
    entries: list[Entry] = field(default_factory=list)
    acts: dict[bytes, int] = field(default_factory=dict)
    disclosures: dict[str, StoredDisclosure] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)


class MemoryLedger:
    """An `evidence.ports.Ledger` whose durability is the process's life."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._logs: dict[str, _Log] = {}
        self._outbox: dict[int, Message] = {}
        self._messages = 0

    async def lease(self, origin: str, owner: str, ttl_s: float) -> int:
        log = self._logs.setdefault(origin, _Log())
        now = self._clock()
        if log.owner not in ("", owner) and log.expires > now:
            raise LostLease(f"{origin} is owned by {log.owner}")
        log.epoch, log.owner, log.expires = log.epoch + 1, owner, now + ttl_s
        return log.epoch

    async def renew(self, origin: str, epoch: int, ttl_s: float) -> None:
        self._owned(origin, epoch).expires = self._clock() + ttl_s

    async def release(self, origin: str, epoch: int) -> None:
        log = self._logs.get(origin)
        if log is not None and log.epoch == epoch:
            log.expires = 0.0

    async def append(
        self,
        origin: str,
        entries: Sequence[Entry],
        disclosures: Sequence[StoredDisclosure] = (),
        *,
        expected_size: int,
        epoch: int,
        outbox: Sequence[bytes] = (),
    ) -> int:
        log = self._owned(origin, epoch)
        check_row(entries, origin, expected_size)
        if len(log.entries) != expected_size:
            raise StaleSize(expected=expected_size, actual=len(log.entries))
        for entry in entries:
            if entry.act is not None and entry.act.id in log.acts:
                raise RepeatedAct(log.acts[entry.act.id])
        log.entries.extend(entries)
        log.acts.update({entry.act.id: entry.n for entry in entries if entry.act is not None})
        await self.disclose(origin, disclosures, epoch=epoch)
        for body in outbox:
            self._messages += 1
            self._outbox[self._messages] = Message(self._messages, origin, body)
        return len(log.entries)

    async def size(self, origin: str) -> int:
        return len(self._known(origin).entries)

    async def entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        return [entry.data for entry in self._known(origin).entries[start:stop]]

    async def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        return [entry.leaf for entry in self._known(origin).entries[start:stop]]

    async def act_index(self, origin: str, act_id: bytes) -> int | None:
        return self._known(origin).acts.get(act_id)

    async def disclosures(self, origin: str, digests: Sequence[str]) -> dict[str, StoredDisclosure]:
        held = self._known(origin).disclosures
        return {digest: held[digest] for digest in digests if digest in held}

    async def disclose(self, origin: str, disclosures: Sequence[StoredDisclosure], *, epoch: int) -> None:
        log = self._owned(origin, epoch)
        for disclosure in disclosures:
            log.disclosures.setdefault(disclosure.digest, disclosure)

    async def erase(self, origin: str, digests: Sequence[str]) -> None:
        for digest in digests:
            self._known(origin).disclosures.pop(digest, None)

    async def put_checkpoint(self, origin: str, size: int, note: bytes, *, epoch: int) -> bytes:
        log = self._owned(origin, epoch)
        check_names(note, origin, size)
        if size > len(log.entries):
            raise StaleSize(expected=size, actual=len(log.entries))
        return log.checkpoints.setdefault(size, note)

    async def add_cosignatures(self, origin: str, size: int, lines: Sequence[str]) -> bytes:
        log = self._known(origin)
        if size not in log.checkpoints:
            raise UnknownLog(f"{origin} has no checkpoint of size {size}")
        for line in lines:
            note = log.checkpoints[size]
            present = {(s.name, s.key_id) for s in Note.parse(note).signatures}
            added = SignatureLine.parse(line)
            if (added.name, added.key_id) not in present:
                log.checkpoints[size] = with_lines(note, [line])
        return log.checkpoints[size]

    async def checkpoint(self, origin: str, size: int | None = None) -> bytes | None:
        checkpoints = self._known(origin).checkpoints
        return checkpoints.get(max(checkpoints, default=0) if size is None else size)

    async def checkpoints(self, origin: str) -> list[bytes]:
        return [note for _, note in sorted(self._known(origin).checkpoints.items())]

    async def origins(self) -> list[str]:
        return sorted(self._logs)

    async def outbox(self, limit: int) -> list[Message]:
        return list(self._outbox.values())[:limit]

    async def settle(self, ids: Sequence[int]) -> None:
        for number in ids:
            self._outbox.pop(number, None)

    def _known(self, origin: str) -> _Log:
        if origin not in self._logs:
            raise UnknownLog(origin)
        return self._logs[origin]

    def _owned(self, origin: str, epoch: int) -> _Log:
        log = self._logs.get(origin)
        if log is None or log.epoch != epoch:
            raise LostLease(f"epoch {epoch} of {origin} is over")
        return log


class MemoryWitness:
    """An `evidence.ports.Witness` that decides by the real recipes. `pin` is the policy under which it admits logs."""

    def __init__(
        self, *, signer: NoteSigner, pin: Policy, identity: Object, clock: Callable[[], float] = time.time
    ) -> None:
        self._signer = signer
        self._pin = pin
        self._identity = identity
        self._clock = clock
        self.states: dict[str, WitnessState] = {pin.log.name: WitnessState(pin.log)}

    @property
    def vkey(self) -> VerifierKey:
        return self._signer.vkey

    async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
        origin = request.checkpoint.origin
        decision = decide(self.states.get(origin), request, int(self._clock()))
        match decision.answer:
            case Answer.UNKNOWN_ORIGIN:
                raise UnknownLog(origin)
            case Answer.CONFLICT:
                raise WitnessConflict(decision.size)
            case Answer.CLOCK_BACKWARDS:
                raise Unavailable("the witness's clock went backwards")
            case Answer.COSIGNED if decision.state is not None:
                self.states[origin] = decision.state
                return [self._signer.line(decision.text, time=decision.state.time)]
            case refusal:
                raise WitnessRefused(refusal.value)

    async def add_log(self, request: AddLog) -> None:
        admitted = admit(request, self._pin, self._identity)
        known = self.states.setdefault(admitted.log_key.name, admitted)
        if known.log_key != admitted.log_key:
            raise WitnessRefused("the log is known under another key")


class MemoryVault:
    """An `evidence.ports.Vault`."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._until: dict[str, datetime] = {}

    async def put(self, data: bytes) -> str:
        name = sha256(data).hex()
        self._objects[name] = bytes(data)
        return name

    async def put_file(self, path: Path) -> str:
        return await self.put(await asyncio.to_thread(path.read_bytes))

    async def get(self, name: str) -> bytes:
        if name not in self._objects:
            raise ObjectMissing(name)
        return self._objects[name]

    async def pieces(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        data = await self.get(name)
        for at in range(start, len(data), PIECE):
            yield data[at : at + PIECE]

    async def has(self, name: str) -> bool:
        return name in self._objects

    async def size(self, name: str) -> int:
        return len(await self.get(name))

    async def retain(self, name: str, until: datetime) -> None:
        await self.get(name)
        self._until[name] = max(until, self._until.get(name, until))

    async def remove(self, name: str, now: datetime) -> None:
        if name not in self._objects:
            return
        check_date(name, self._until.get(name), now)
        del self._objects[name], self._until[name]
