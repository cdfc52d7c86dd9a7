"""One proceeding's log in the process that owns it: the only place where its entries come from.

Every command takes the same way: decide on the state, append, fold, tell the listeners. One command at a time, so that
`decide` always sees the state that its entries will follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from evaluation.errors import EvaluationError
from evidence.core import act as acts_form
from evidence.core.act import Act, Signer
from evidence.core.canonical import Object
from evidence.core.disclosure import Disclosure
from evidence.core.entry import Draft, Entry, timestamp
from evidence.core.merkle import EMPTY_ROOT, Tree
from evidence.core.origins import proceeding_of
from evidence.core.proof import Proof
from evidence.errors import EvidenceError, Malformed, StaleSize
from evidence.ports import StoredDisclosure
from evidence.witnessing import Signed
from sessions.core import acts, cut_off
from sessions.core.commands import Command
from sessions.core.proceeding import decide, evolve
from sessions.core.state import EMPTY, Key, Proceeding
from sessions.core.webhooks import notices
from sessions.errors import ActFork, ActRepeated, SeatSuspended, SessionError
from sessions.ports import Clock, Entropy
from sessions.updates import Appended, Broadcast

# Decide and append go a second round only where an unanswered append was found committed.
_ATTEMPTS = 3
_ENTROPY_BYTES = 32
# Ids of acts that were refused last: a copy of one may still be on its way when its place is taken by the next.
_REMEMBERED = 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Performed:
    """Where an act stands; `repeated` if it stood there before."""

    index: int
    id: bytes
    leaf: bytes
    repeated: bool


@dataclass(frozen=True, slots=True)
class Private:
    """A disclosure that goes with a command's first entry; `kind` is its class (protocols.md 5)."""

    disclosure: Disclosure
    kind: str


class Log(Protocol):
    """What a docket needs of its log: `evidence.service.LogKeeper`, or a closed one (`sessions.archive`)."""

    origin: str
    tree: Tree

    @property
    def size(self) -> int: ...
    @property
    def newest(self) -> Signed: ...
    @property
    def cosigned(self) -> Signed: ...
    @property
    def lost(self) -> bool: ...
    @property
    def ahead(self) -> int: ...
    @property
    def alarms(self) -> Mapping[str, EvidenceError]: ...
    @property
    def oldest_unwitnessed(self) -> datetime | None: ...

    async def append(
        self,
        drafts: Sequence[Draft],
        disclosures: Sequence[StoredDisclosure] = (),
        *,
        expected_size: int | None = None,
        outbox: Sequence[bytes] = (),
    ) -> tuple[Entry, ...]: ...
    async def read(self, start: int = 0, stop: int | None = None) -> list[Entry]: ...
    async def quorum(self, size: int, within: float, /) -> bytes: ...
    def receipt(self, index: int) -> Proof: ...
    def follow(self, after: int = 0) -> AsyncIterator[Signed]: ...
    async def close(self) -> None: ...


class Docket:
    """State and entries of one proceeding; `id` is the last part of its origin."""

    def __init__(self, *, log: Log, clock: Clock, entropy: Entropy) -> None:
        self.origin = log.origin
        self.id = proceeding_of(log.origin).rpartition("/")[2]
        self.log = log
        self.state: Proceeding = EMPTY
        self.entries: list[Entry] = []
        self.broadcast = Broadcast()
        self._clock = clock
        self._entropy = entropy
        self._writing = asyncio.Lock()
        self._grown = asyncio.Condition()
        self._refused: dict[bytes, None] = {}

    async def load(self) -> None:
        """Fold what is committed."""
        async with self._writing:
            await self._catch_up()

    def now_ms(self) -> int:
        """The server's clock, which every entry's `at` is read from; it may be set at any time."""
        return round(self._clock().timestamp() * 1000)

    def root_at(self, size: int) -> bytes | None:
        """The log's root at `size`; None beyond it."""
        return self.log.tree.root(size) if 0 <= size <= len(self.entries) else None

    def entry_of(self, act_id: bytes) -> Entry:
        """The entry of an act that is in the log."""
        return self.entries[self.state.acts[act_id]]

    async def execute(self, command: Command, private: Sequence[Private] = ()) -> tuple[Entry, ...]:
        """The entries that the command led to, durable. Errors of the rules pass through, and nothing happened."""
        return await self._alone(lambda: self._execute(command, private))

    async def compose(self, command: Callable[[], Awaitable[Command]]) -> tuple[Entry, ...]:
        """Execute what `command` makes of the log as it stands: no entry comes in between."""

        async def alone() -> tuple[Entry, ...]:
            return await self._execute(await command(), ())

        return await self._alone(alone)

    async def perform(
        self, jws: str, command: Callable[[Act], Awaitable[Command]], shown: Sequence[Private] = ()
    ) -> Performed:
        """Take an act: the first answer again if it is in the log, else check it, decide and append.

        (1) It parses.
        (2) docs/protocol.md section 3, up to `seen`; a repeated act gets the first answer.
        (3) `command` joins what the vault has to say, and refuses what it does not hold.
        (4) Role, gate, stage and the rule's own checks are `decide`'s.
        (5) A second act at one place of a chain is kept, and refused all the same: its device must not take it for
            done. One that was refused before left its place free, so that it is no second act when it comes again.
        `shown` are disclosures of digests that stand in the act itself.
        """
        # (1)
        act = acts_form.parse(jws)

        async def alone() -> Performed:
            try:
                # (2)
                acts.check(self.state, act, root_at=self.root_at)
                second = cut_off.is_second(self.state, act)
                # (5)
                if second and act.id in self._refused:
                    raise ActFork("the act was refused, and another one has its place since")
                # (3), (4)
                entries = await self._decided(act, command, shown)
            except ActRepeated as repeated:
                entry = self.entries[repeated.index]
                if entry.type == "SeatSuspended" and self.state.keys[act.kid].merge is None:
                    raise SeatSuspended("the act was a second one at its place") from None
                return Performed(entry.n, act.id, entry.leaf, True)
            if second:
                raise SeatSuspended("two devices have this key; the supervisor decides")
            found = next(entry for entry in entries if entry.act is not None and entry.act.id == act.id)
            return Performed(found.n, act.id, found.leaf, False)

        return await self._alone(alone)

    async def _decided(
        self, act: Act, command: Callable[[Act], Awaitable[Command]], shown: Sequence[Private]
    ) -> tuple[Entry, ...]:
        try:
            return await self._execute(await command(act), (), shown)
        except (SessionError, EvaluationError, EvidenceError):
            self._refused[act.id] = None
            if len(self._refused) > _REMEMBERED:
                del self._refused[next(iter(self._refused))]
            raise

    async def perform_own(
        self,
        signer: Signer,
        *,
        act: str,
        sub: str,
        body: Object,
        command: Callable[[Act], Awaitable[Command]],
        private: Sequence[Private] = (),
    ) -> tuple[Entry, ...]:
        """An act of the centre's identity key, made at its place in the key's chain."""

        async def alone() -> tuple[Entry, ...]:
            kid = acts_form.thumbprint(signer.jwk)
            key = self.state.keys.get(kid) or Key(kid, signer.jwk, sub)
            signed = self.log.newest.size
            made = acts_form.make(
                signer,
                act=act,
                aud=self.origin,
                sub=sub,
                body=body,
                ctr=key.ctr + 1,
                iat=int(self._clock().timestamp()),
                prev=key.last,
                seen=(signed, self.root_at(signed) or EMPTY_ROOT),
            )
            acts.check(self.state, made, root_at=self.root_at)
            return await self._execute(await command(made), private)

        return await self._alone(alone)

    async def until(self, ready: Callable[[], bool], within: float) -> bool:
        """Wait until a later state satisfies `ready`; False after `within` seconds."""
        try:
            async with self._grown, asyncio.timeout(within):
                await self._grown.wait_for(ready)
        except TimeoutError:
            return False
        return True

    async def grown(self, size: int) -> None:
        """Wait until the log has more than `size` entries."""
        async with self._grown:
            await self._grown.wait_for(lambda: len(self.entries) > size)

    async def _alone(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Run under the writing lock, and to its end even if the caller goes away: else a committed entry could miss
        in the state."""

        async def locked() -> _T:
            async with self._writing:
                return await work()

        return await asyncio.shield(asyncio.ensure_future(locked()))

    async def _execute(
        self, command: Command, private: Sequence[Private], shown: Sequence[Private] = ()
    ) -> tuple[Entry, ...]:
        for _ in range(_ATTEMPTS):
            at = timestamp(self.now_ms())
            drafts = decide(self.state, command, at=at, entropy=self._entropy(_ENTROPY_BYTES))
            if not drafts:
                return ()
            if private:
                digests = tuple(sorted(p.disclosure.digest for p in private))
                drafts = (replace(drafts[0], sd=digests), *drafts[1:])
            kept = (*private, *shown)
            stored = [StoredDisclosure(p.disclosure.digest, p.disclosure.text, p.kind) for p in kept]
            size = len(self.entries)
            told = notices(self.state, drafts, size)
            try:
                entries = await self.log.append(drafts, stored, expected_size=size, outbox=told)
            except StaleSize:
                # An append that was not answered did happen; the act in hand may be what it brought.
                await self._catch_up()
                act = getattr(command, "act", None)
                if isinstance(act, Act) and act.id in self.state.acts:
                    raise ActRepeated(self.state.acts[act.id]) from None
                continue
            await self._take(entries)
            return entries
        raise Malformed("the log grows behind its owner's back")

    async def _catch_up(self) -> None:
        found = await self.log.read(len(self.entries))
        if found:
            await self._take(tuple(found))

    async def _take(self, entries: tuple[Entry, ...]) -> None:
        state = self.state
        for entry in entries:
            state = evolve(state, entry)
        self.entries += entries
        self.state = state
        self.broadcast.publish(Appended(entries, state))
        async with self._grown:
            self._grown.notify_all()
