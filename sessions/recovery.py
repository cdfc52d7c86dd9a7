"""Taking back from the cities' copies what the main server's database lost.

protocols.md section 6, "Main server lost". For each log, the centre log first, since it names the others with their
keys:
(1) nobody else keeps the logs: this process holds the lease of what it writes to;
(2) a city's copy is worth a look where it is longer than ours and ends in a checkpoint that the log's key signed;
(3) its entries, from entry 0 on, lead to that checkpoint's root, and ours are the first of them, octet for octet;
(4) the quorum of the pinned policy cosigns that checkpoint now, so it contradicts nothing that a quorum has cosigned;
(5) what is missing is appended at its very indices in one transaction, and then the checkpoint with its cosignatures;
(6) objects that the entries cite and the vault lacks come from whoever keeps them, by their hash;
(7) disclosures that somebody kept and hands in are stored where a digest of theirs stands.
A copy that fails a step changes nothing, and the next one is tried. Safe to repeat. No key of any log is needed.

Where the witnesses saw more than every copy holds, the rest is gone: nothing but another origin could go on (`/r2`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evidence.core import disclosure
from evidence.core import entry as entry_form
from evidence.core.canonical import sha256
from evidence.core.continues import Remains
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, Note, VerifierKey, read_checkpoint, with_lines
from evidence.core.origins import begins, proceeding_of
from evidence.core.witness import AddCheckpoint
from evidence.errors import EntriesLost, EvidenceError, Unavailable, UnknownLog, Untrusted, WitnessConflict
from evidence.ports import Ledger, StoredDisclosure, Vault, Witness
from evidence.witnessing import own_line
from sessions.core import contents
from sessions.node_copy import pull
from sessions.ports import LogMirror
from sessions.trust import Pins

# Fetching a hundred thousand entries takes minutes at most; a process that died holds up the server for no longer.
LEASE_S = 300.0
# Disclosures of the case itself; all others are treated as those of persons (protocols.md 5).
_OF_THE_CASE = frozenset({"tender", "title", "partnership"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What became of one log. `size` is what it has now (or would have), `gone` what the witnesses saw where that is
    more than anybody holds; `objects` came back, `missing` are cited by what came back and nowhere found; `untold` is
    how many of its disclosures are not stored. `refused`: which city's copy was not taken, and why."""

    origin: str
    had: int
    size: int
    source: str | None = None
    gone: int = 0
    objects: int = 0
    missing: tuple[bytes, ...] = ()
    untold: int = 0
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Offer:
    city: str
    note: bytes
    checkpoint: Checkpoint


@dataclass(slots=True)
class _Account:
    """What is found about one log on the way."""

    origin: str
    key: VerifierKey
    own: list[bytes]
    refused: list[tuple[str, str]] = field(default_factory=list)


class Recovery:
    """`told` are disclosures that somebody kept. With `look_only` it says what would be taken back, and writes
    nothing."""

    def __init__(
        self,
        *,
        owner: str,
        pins: Pins,
        ledger: Ledger,
        vault: Vault,
        witnesses: Sequence[Witness],
        mirrors: Mapping[str, LogMirror],
        told: Iterable[str] = (),
        look_only: bool = False,
    ) -> None:
        self._owner = owner
        self._pins = pins
        self._ledger = ledger
        self._vault = vault
        self._witnesses = witnesses
        self._mirrors = mirrors
        self._told = {found.digest: found for found in map(disclosure.parse, told)}
        self._look_only = look_only
        self._purged: set[str] = set()

    async def run(self) -> list[Recovered]:
        """Steps (1) to (7) for the centre log and every log that it opened. LostLease while a server runs."""
        centre = self._pins.policy.log
        # (1)
        epoch = await self._ledger.lease(centre.name, self._owner, LEASE_S)
        await self._ledger.release(centre.name, epoch)
        found, entries = await self._log(centre.name, centre)
        outcome = [found]
        said = [(entry.type, entry.act.body) for entry in entries if entry.act is not None]
        self._purged = {body["origin"] for kind, body in said if kind == "ProceedingPurged"}
        finals = {body["origin"]: body["size"] for kind, body in said if kind == "FinalRootRecorded"}
        # The newest first: a log that went on under another origin lies in that one.
        opened = [body for kind, body in said if kind == "ProceedingOpened"]
        gone_on: set[str] = set()
        seen: dict[str, int] = {}
        logs: list[Recovered] = []
        for body in reversed(opened):
            if body["origin"] in gone_on:
                gone_on |= {body["continues"]["origin"]} if "continues" in body else set()
                continue
            found, _ = await self._log(body["origin"], VerifierKey.parse(body["vkey"]))
            if "continues" in body:
                left = Remains.parse(body["continues"])
                if found.size > left.size:
                    gone_on.add(left.origin)
                else:
                    # Its witnesses may have ended the former log already, and then say no more how far that one went.
                    seen[left.origin] = left.witnessed
            least = max(finals.get(found.origin, 0), seen.get(found.origin, 0))
            logs.append(found if least <= found.size else replace(found, gone=max(least, found.gone)))
        return [*outcome, *reversed(logs)]

    async def _log(self, origin: str, key: VerifierKey) -> tuple[Recovered, list[Entry]]:
        account = _Account(origin, key, await self._own(origin))
        for offer in await self._offers(account):
            try:
                data = await pull(self._mirrors[offer.city], origin, 0, offer.checkpoint.size)
                tree = await asyncio.to_thread(_check_copy, data, account.own, offer)
                note = await self._cosigned(account, tree, offer.note)
            except EvidenceError as error:
                account.refused.append((offer.city, f"{error.code}: {error}"))
                continue
            return await self._restore(account, offer, data, note)
        entries = [entry_form.parse(octets) for octets in account.own]
        await self._disclose(origin, entries)
        size = len(entries)
        gone = await self._ahead(account)
        return Recovered(origin=origin, had=size, size=size, gone=gone, refused=tuple(account.refused)), entries

    async def _own(self, origin: str) -> list[bytes]:
        try:
            return await self._ledger.entries(origin, 0, await self._ledger.size(origin))
        except UnknownLog:
            return []

    async def _offers(self, account: _Account) -> list[_Offer]:
        """Step (2): the longest first."""
        found = []
        for city, mirror in self._mirrors.items():
            try:
                note = await mirror.checkpoint(account.origin)
                if note is None:
                    continue
                checkpoint, _ = read_checkpoint(note, account.key)
                if checkpoint.origin != account.origin:
                    raise Untrusted("the checkpoint is another log's")
            except EvidenceError as error:
                account.refused.append((city, f"{error.code}: {error}"))
                continue
            if checkpoint.size > len(account.own) or await self._unsigned(checkpoint, len(account.own)):
                found.append(_Offer(city, note, checkpoint))
        return sorted(found, key=lambda offer: -offer.checkpoint.size)

    async def _unsigned(self, checkpoint: Checkpoint, own: int) -> bool:
        """Whether an earlier recovery ended between the entries and their checkpoint."""
        return checkpoint.size == own > 0 and await self._ledger.checkpoint(checkpoint.origin, own) is None

    async def _cosigned(self, account: _Account, tree: Tree, note: bytes) -> bytes:
        """Step (4): the note with its log's signature and the cosignatures that it gets now; NoQuorum, or EntriesLost
        where the witnesses are beyond it."""
        bare = _bare(note, account.key)
        lines, ahead = [], []
        for witness in self._witnesses:
            try:
                lines.append(await _cosign(witness, tree, bare))
            except WitnessConflict as conflict:
                ahead.append(conflict.size)
            except EvidenceError as error:
                account.refused.append((witness.vkey.name, f"{error.code}: {error}"))
        if beyond := self._pins.policy.beyond(ahead):
            raise EntriesLost(f"the witnesses saw {beyond} entries, and this copy has {len(tree)}")
        whole = with_lines(bare, lines)
        self._pins.policy.check(whole, account.key)
        return whole

    async def _ahead(self, account: _Account) -> int:
        """How many entries the witnesses saw, where nobody has them; 0 where none is known to be missing."""
        try:
            note = await self._ledger.checkpoint(account.origin)
        except UnknownLog:
            return 0
        if note is None:
            return 0
        checkpoint, _ = read_checkpoint(note, account.key)
        ahead = []
        for witness in self._witnesses:
            try:
                await witness.add_checkpoint(AddCheckpoint(checkpoint.size, (), note))
            except WitnessConflict as conflict:
                ahead.append(conflict.size if conflict.size > len(account.own) else 0)
            except EvidenceError as error:
                account.refused.append((witness.vkey.name, f"{error.code}: {error}"))
        return self._pins.policy.beyond(ahead)

    async def _restore(
        self, account: _Account, offer: _Offer, data: Sequence[bytes], note: bytes
    ) -> tuple[Recovered, list[Entry]]:
        """Steps (5) and (6)."""
        origin, had = account.origin, len(account.own)
        entries = [entry_form.parse(octets) for octets in data]
        back = entries[had:]
        # (5)
        if not self._look_only:
            epoch = await self._ledger.lease(origin, self._owner, LEASE_S)
            try:
                size = len(entries)
                if back:
                    await self._ledger.append(origin, back, expected_size=had, epoch=epoch)
                await self._ledger.put_checkpoint(origin, size, _bare(note, account.key), epoch=epoch)
                await self._ledger.add_cosignatures(origin, size, _others(note, account.key))
            finally:
                await self._ledger.release(origin, epoch)
        # (6)
        objects, missing = await self._objects(set() if proceeding_of(origin) in self._purged else contents.kept(back))
        await self._disclose(origin, entries)
        found = Recovered(
            origin=origin,
            had=had,
            size=len(entries),
            source=offer.city,
            objects=objects,
            missing=tuple(missing),
            untold=len(set(contents.digests(back)) - self._told.keys()),
            refused=tuple(account.refused),
        )
        return found, entries

    async def _objects(self, cited: Iterable[bytes]) -> tuple[int, list[bytes]]:
        brought, missing = 0, []
        for name in sorted(cited):
            if await self._vault.has(name.hex()):
                continue
            found = await self._find(name)
            if found is None:
                missing.append(name)
                continue
            brought += 1
            if not self._look_only:
                await self._vault.put(found)
        return brought, missing

    async def _disclose(self, origin: str, entries: Iterable[Entry]) -> None:
        """Step (7)."""
        stand = self._told.keys() & set(contents.digests(entries))
        if not stand or self._look_only or proceeding_of(origin) in self._purged:
            return
        epoch = await self._ledger.lease(origin, self._owner, LEASE_S)
        try:
            await self._ledger.disclose(origin, [_stored(self._told[digest]) for digest in sorted(stand)], epoch=epoch)
        finally:
            await self._ledger.release(origin, epoch)

    async def _find(self, name: bytes) -> bytes | None:
        for mirror in self._mirrors.values():
            try:
                data = await mirror.object(name)
            except EvidenceError:
                continue
            if data is not None and sha256(data) == name:
                return data
        return None


def _check_copy(data: Sequence[bytes], own: Sequence[bytes], offer: _Offer) -> Tree:
    """Step (3); the tree of the copy."""
    entries = [entry_form.parse(octets) for octets in data]
    tree = Tree([entry.leaf for entry in entries])
    if len(tree) != offer.checkpoint.size or tree.root() != offer.checkpoint.root:
        raise Untrusted("the entries shown are not those that the log signed")
    for n, entry in enumerate(entries):
        if entry.n != n or not begins(entry.origin, offer.checkpoint.origin):
            raise Untrusted(f"entry {n} says it is {entry.n} of {entry.origin}")
        if n < len(own) and own[n] != entry.data:
            raise Untrusted(f"entry {n} here is another one: this database went on after it had lost its end")
    return tree


async def _cosign(witness: Witness, tree: Tree, note: bytes) -> str:
    """The witness's line; WitnessConflict where it is beyond this tree. It is asked twice: for its size, and then with
    the proof from there."""
    old = size = len(tree)
    for _ in range(2):
        proof = tuple(tree.consistency(old, size)) if 0 < old < size else ()
        try:
            lines = await witness.add_checkpoint(AddCheckpoint(old, proof, note))
            return own_line(note, lines, witness.vkey)
        except WitnessConflict as conflict:
            if conflict.size > size:
                raise
            old = conflict.size
    raise Unavailable("the witness's size changed twice")


def _bare(note: bytes, key: VerifierKey) -> bytes:
    """The note with the log's own signature alone."""
    parsed = Note.parse(note)
    mine = next(str(line) for line in parsed.signatures if (line.name, line.key_id) == (key.name, key.id))
    return parsed.text + b"\n" + mine.encode()


def _others(note: bytes, key: VerifierKey) -> list[str]:
    return [str(line) for line in Note.parse(note).signatures if (line.name, line.key_id) != (key.name, key.id)]


def _stored(found: disclosure.Disclosure) -> StoredDisclosure:
    return StoredDisclosure(found.digest, found.text, "case" if found.name in _OF_THE_CASE else "person")
