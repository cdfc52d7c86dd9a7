"""A city node's own copy of a log, as far as every log of the main centre is copied alike.

To catch up:
(1) the newest checkpoint is signed by the log's key, which the policy pins or the witnessed centre log named;
(2) what this node holds is a prefix of it: entries are pulled up to its size and lead to its root;
(3) what this node cosigned as a witness is a prefix of it, too;
(4) each entry says of itself where it stands; what else it may say, a subclass knows (`sessions.node_mirror`);
(5) entries and checkpoint are on disk before anything is answered from them.
A step that fails leaves the copy as it was.

What the main centre lost, it takes back from such a copy (`sessions.recovery`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from evidence.core import entry as entry_form
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, read_checkpoint
from evidence.core.tiles import Tile, bundles, read_bundle
from evidence.errors import Untrusted
from sessions.node_errors import LogForked, LogRefused, NotYet
from sessions.node_ports import LogSource, NodeStore


class Bundles(Protocol):
    """Whoever shows the entries of a log as C2SP tiles."""

    async def bundle(self, origin: str, tile: Tile, /) -> bytes: ...


async def pull(source: Bundles, origin: str, start: int, size: int) -> list[bytes]:
    """The octets of the entries [start, size) as `source` shows them; nobody has checked them yet."""
    pulled: list[bytes] = []
    for tile in bundles(start, size):
        entries = read_bundle(await source.bundle(origin, tile), tile.width)
        pulled += entries[max(0, start - tile.span[0]) :]
    return pulled


class LogCopy:
    """One log; `tree` is that of `entries`."""

    def __init__(self, *, origin: str, store: NodeStore, source: LogSource) -> None:
        self.origin = origin
        self.entries: list[Entry] = []
        self.tree = Tree()
        self._store = store
        self._source = source
        known = store.witnessed(origin)
        if known is None:
            raise NotYet("no add-log admitted this log")
        self._log_key = known.log_key
        stored, note = store.entries(origin), store.head(origin)
        if stored and note is not None:
            self._take(stored, self._read(note))

    async def catch_up(self) -> None:
        """Steps (1) to (5); LogForked or LogRefused where one fails."""
        # (1)
        note = await self._source.checkpoint(self.origin)
        checkpoint = self._read(note)
        have = len(self.tree)
        if checkpoint.size <= have:
            if checkpoint.size and self.tree.root(checkpoint.size) != checkpoint.root:
                raise LogForked(f"another root at {checkpoint.size} than this node holds")
            return
        pulled = await pull(self._source, self.origin, have, checkpoint.size)
        await asyncio.to_thread(self._take, pulled, checkpoint)
        # (5)
        await asyncio.to_thread(self._store.extend, self.origin, have, pulled, note)

    def _read(self, note: bytes) -> Checkpoint:
        checkpoint, _ = read_checkpoint(note, self._log_key)
        if checkpoint.origin != self.origin:
            raise Untrusted("the checkpoint is another log's")
        return checkpoint

    def _take(self, data: Sequence[bytes], checkpoint: Checkpoint) -> None:
        """Steps (2) to (4) for the entries up to the checkpoint; all of them, or none."""
        found = [entry_form.parse(octets) for octets in data]
        # (2)
        tree = Tree([*(entry.leaf for entry in self.entries), *(entry.leaf for entry in found)])
        if len(tree) != checkpoint.size or tree.root() != checkpoint.root:
            raise LogForked(f"the entries do not lead to the checkpoint's root at {checkpoint.size}")
        # (3)
        cosigned = self._store.witnessed(self.origin)
        if cosigned and 0 < cosigned.size <= len(tree) and tree.root(cosigned.size) != cosigned.root:
            raise LogForked(f"another root at {cosigned.size} than this node cosigned")
        self._check(found, tree)
        self.entries += found
        self.tree = tree

    def _check(self, found: Sequence[Entry], tree: Tree) -> None:
        """Step (4) for `found`, which follow `entries` and end `tree`."""
        for n, entry in enumerate(found, len(self.entries)):
            if entry.n != n or entry.origin != self.origin:
                raise LogRefused(f"entry {n} says it is {entry.n} of {entry.origin}")
