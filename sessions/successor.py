"""Opening the log that continues one whose acknowledged entries are gone everywhere (docs/protocol.md 11.2).

(1) The witnesses' records go beyond the log, or it was to go on before: witnesses that ended it then say only that. It
    is not closed, and no final root of it stands in the centre log.
(2) What is left: all entries here, under a checkpoint that the log's key signed.
(3) Every city's node states how far its copy and its record go, or does not answer and is named; one that holds more
    refuses, and then `tongping recover` comes first. How far the records go is shown by a note, cosigned.
(4) What seats proved of the missing range; TooLate where that shows an approval, a release, an opening or the close.
(5) `ProceedingOpened` of the next origin, with a key of its own, in the centre log and cosigned there (gate G0).
(6) The new log begins with the very entries that are left, cosigned by the quorum: each witness looks for itself, and
    the former log ends with its admission.
(7) `log.continue` is its next entry. Until another centre confirms it, nothing else is taken.
(8) The former log's key is destroyed.
Every step is safe to repeat; before (7) is durable, the former log is what is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from evidence.core import entry as entry_form
from evidence.core.act import Act
from evidence.core.canonical import b64u, sha256
from evidence.core.continues import Remains, of_opening
from evidence.core.entry import Entry
from evidence.core.note import Note, NoteSigner, VerifierKey, read_checkpoint, with_lines
from evidence.core.origins import following, proceeding_of
from evidence.core.witness import AddLog
from evidence.errors import Untrusted
from evidence.ports import Ledger, Vault
from evidence.service import LogKeeper
from sessions.centre import Centre
from sessions.continuing_errors import ContinuationRefused, NothingLost, TooLate
from sessions.core import commands, contents
from sessions.core.continued import Continuing, Leaf, Statement, demand_early
from sessions.docket import Docket
from sessions.founding import Founding
from sessions.ports import Clock, Entropy, HolderNode, Keyring
from sessions.service_errors import NodeRefused, NodeUnavailable
from sessions.trust import Pins

OpenLog = Callable[[NoteSigner, AddLog], Awaitable[LogKeeper]]
# Fetching and replaying what is left takes a node a minute at most; one that takes longer is absent.
LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Held:
    """What one node stated, and the note that proves how far its record goes."""

    jws: str
    said: Statement
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """`open_log` takes a log up; `within` is how long one gate is waited for."""

    pins: Pins
    ledger: Ledger
    vault: Vault
    centre: Centre
    founding: Founding
    keyring: Keyring
    holders: Mapping[str, HolderNode]
    clock: Clock
    entropy: Entropy
    open_log: OpenLog
    owner: str
    within: float

    async def open(self, docket: Docket, key: VerifierKey, known: Sequence[tuple[Leaf, Entry]], reason: str) -> Entry:
        """Steps (1) to (8) for the log of this docket; its `ProceedingOpened` under the new origin."""
        log, state = docket.log, docket.state
        # (1)
        if state.closed is not None or proceeding_of(log.origin) in self.centre.finals:
            raise TooLate("the log is closed, and its final root is known")
        begun = following(log.origin) in self.centre.openings
        if not log.ahead and not begun:
            raise NothingLost("no witness has seen more of the log than is here")
        # (2)
        size, root = log.size, log.tree.root()
        if log.newest.size != size:
            raise ContinuationRefused("what is here is not signed yet: ask again in a moment")
        # (3)
        held, absent = await self._held(docket, size, root)
        left, note = _witnessed(held, size, root, log.origin, key, self.pins)
        # (4)
        leaves = sorted(((leaf, entry) for leaf, entry in known if leaf.n >= size), key=lambda pair: pair[0].n)
        demand_early([entry for _, entry in leaves])
        # (5)
        signer = self.keyring.create(following(log.origin))
        opened = await self.centre.go_on(signer.name, str(signer.vkey), left)
        if of_opening(opened) != left:
            raise ContinuationRefused("the log was opened anew with something else left")
        body = Continuing(
            left=left,
            checkpoint=sha256(log.newest.note),
            root=_root(note, key),
            note=sha256(note),
            known=tuple(leaf for leaf, _ in leaves),
            held=tuple(each.jws for each in held),
            absent=absent,
            opening={"origin": opened.origin, "index": opened.n, "leaf": b64u(opened.leaf)},
            reason=reason,
        )
        for data in (log.newest.note, note):
            await self.vault.put(data)
        # (6)
        introduction = await self.founding.introduction(opened)
        await self._carry(docket, signer.name, size)
        carried = await self.open_log(signer, introduction)
        try:
            await carried.quorum(size, self.within)
            # (7)
            await self._go_on(Docket(log=carried, clock=self.clock, entropy=self.entropy), body)
            await carried.quorum(size + 1, self.within)
        finally:
            await carried.close()
        # (8)
        await asyncio.to_thread(self.keyring.destroy, log.origin)
        return opened

    async def _held(self, docket: Docket, size: int, root: bytes) -> tuple[list[_Held], tuple[str, ...]]:
        """Step (3): statements sorted by centre, and who did not answer."""
        trust, held, absent = self.pins.trust, [], []
        for domain in sorted(set(docket.state.identities) - {trust.main}):
            try:
                if domain not in self.holders:
                    raise NodeUnavailable(f"no address of {domain}")
                jws, note = await self.holders[domain].state(docket.log.origin, size, root)
            except NodeUnavailable:
                absent.append(domain)
                continue
            except NodeRefused as refused:
                raise ContinuationRefused(f"{domain} says {refused.reason}: {refused}") from refused
            said = Statement.parse(jws, docket.state.identities, docket.log.origin)
            if said.domain != domain:
                raise Untrusted("a node states in another one's name")
            held.append(_Held(jws, said, note))
        return held, tuple(absent)

    async def _carry(self, docket: Docket, origin: str, size: int) -> None:
        """Step (6): the first entries of the new log, octet for octet, with what was told of them."""
        epoch = await self.ledger.lease(origin, self.owner, LEASE_S)
        try:
            had = await self.ledger.size(origin)
            if had < size:
                data = await self.ledger.entries(docket.log.origin, had, size)
                entries = [entry_form.parse(octets) for octets in data]
                told = await self.ledger.disclosures(docket.log.origin, contents.digests(entries))
                await self.ledger.append(origin, entries, list(told.values()), expected_size=had, epoch=epoch)
        finally:
            await self.ledger.release(origin, epoch)

    async def _go_on(self, docket: Docket, body: Continuing) -> None:
        await docket.load()
        if docket.state.log == docket.origin:
            return
        domain = self.pins.trust.main
        await docket.perform_own(
            self.keyring.identity, act="log.continue", sub=domain, body=body.json, command=_perform
        )


def _witnessed(
    held: Sequence[_Held], size: int, root: bytes, origin: str, key: VerifierKey, pins: Pins
) -> tuple[Remains, bytes]:
    """What is left, and the note that shows how far the records go: under the log's key, with every cosignature that
    was handed over for this very tree."""
    far = max((each.said.witnessed for each in held), default=(0, b""))
    if far[0] <= size:
        raise NothingLost("no node that answered has seen more of the log than is here")
    note = b""
    if any(each.said.witnessed[0] == far[0] and each.said.witnessed != far for each in held):
        raise Untrusted("two nodes cosigned two histories of one size: that is no loss")
    for each in held:
        if each.said.witnessed != far:
            continue
        checkpoint, parsed = read_checkpoint(each.note, key)
        if (checkpoint.origin, checkpoint.size, checkpoint.root) != (origin, *far):
            raise Untrusted(f"{each.said.domain} shows another note than it states")
        mine = [str(line) for line in parsed.signatures if (line.name, line.key_id) != (key.name, key.id)]
        note = with_lines(note or _bare(parsed, key), [line for line in mine if _known(line, parsed, pins)])
    return Remains(origin, size, root, far[0]), note


def _bare(note: Note, key: VerifierKey) -> bytes:
    line = next(str(line) for line in note.signatures if (line.name, line.key_id) == (key.name, key.id))
    return note.text + b"\n" + line.encode()


def _known(line: str, note: Note, pins: Pins) -> bool:
    """Whether one of the policy's witnesses cosigned so; Untrusted where it is said to have, and has not."""
    alone = Note(note.text, tuple(each for each in note.signatures if str(each) == line))
    return any(alone.verify(witness) is not None for witness in pins.policy.witnesses)


def _root(note: bytes, key: VerifierKey) -> bytes:
    return read_checkpoint(note, key)[0].root


async def _perform(act: Act) -> commands.Command:
    return commands.Perform(act)
