"""Receipts that seats hand in of entries which the main server lost (docs/protocol.md 11.2).

While entries are lost they are kept for the continuation, in this process: a seat hands its own in again after a
restart. Once the log goes on, each is an entry of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from evidence.core.entry import Entry
from evidence.core.note import VerifierKey
from evidence.core.policy import Policy
from evidence.errors import UnknownLog
from evidence.ports import Vault
from sessions.continuing_errors import NothingLost
from sessions.core.commands import NoteLeaves
from sessions.core.continued import MAX_KNOWN, Leaf, packed, proven
from sessions.docket import Docket
from sessions.successor import Successor


class Proofs:
    """`key_of` gives the key of a log by its origin, None where the centre log opened none."""

    def __init__(
        self, *, docket: Docket, policy: Policy, vault: Vault, key_of: Callable[[str], VerifierKey | None]
    ) -> None:
        self._docket = docket
        self._policy = policy
        self._vault = vault
        self._key_of = key_of
        self.kept: dict[int, tuple[Leaf, Entry]] = {}

    async def take(self, data: bytes, proof: bytes) -> None:
        """An entry and its receipt. Untrusted where it does not hold; NothingLost where nothing is lost, or this entry
        is not of what is missing; the same one again changes nothing."""
        log, state = self._docket.log, self._docket.state
        if log.ahead:
            leaf, entry = self._proven(data, proof, log.origin)
            if not log.size <= leaf.n < log.ahead:
                raise NothingLost(f"entry {leaf.n} stands here, or was never witnessed")
            if leaf.n in self.kept or len(self.kept) < MAX_KNOWN:
                await self._vault.put(packed(data, proof))
                self.kept[leaf.n] = (leaf, entry)
            return
        if not state.continuations:
            raise NothingLost("no entries of this log are lost")
        newest = state.continuations[-1]
        leaf, _ = self._proven(data, proof, newest.left.origin)
        if not newest.left.size <= leaf.n < newest.left.witnessed:
            raise NothingLost(f"entry {leaf.n} stands here, or was never witnessed")
        if leaf.n not in newest.known:
            await self._vault.put(packed(data, proof))
            await self._docket.execute(NoteLeaves((leaf,)))

    async def go_on(self, successor: Successor, reason: str) -> Entry:
        """The log goes on under the next origin, with what was handed in."""
        key = self._key_of(self._docket.log.origin)
        if key is None:
            raise UnknownLog(self._docket.log.origin)
        return await successor.open(self._docket, key, list(self.kept.values()), reason)

    def _proven(self, data: bytes, proof: bytes, log: str) -> tuple[Leaf, Entry]:
        key = self._key_of(log)
        if key is None:
            raise UnknownLog(log)
        return proven(data, proof, self._policy, key, log)
