"""The log as a seat verified it, under its own pins and not on the server's word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from evidence.core import act as acts
from evidence.core import entry as entries
from evidence.core import verify
from evidence.core.entry import Entry
from evidence.core.merkle import Tree, verify_consistency
from evidence.core.note import VerifierKey, read_checkpoint
from evidence.core.origins import begins
from evidence.core.proof import Proof
from evidence.core.tiles import WIDTH, Tile, read_hashes
from evidence.errors import EvidenceError, Untrusted
from sessions.trust import Pins
from web.device.client import Client
from web.device.device import Device
from web.device.errors import GateClosed, RecordUntrusted, ServerRefused

# A gate's quorum takes one round trip per witness; asking more often than this only loads the server.
POLL_S = 0.2
NOT_WITNESSED = "not-witnessed-yet"
# What a role may not see does not exist for it.
HIDDEN = frozenset({403, 404})

Opening = tuple[bytes, bytes]
"""The `ProceedingOpened` entry of the centre log and its tlog-proof."""


class Record:
    """Entries and proofs of one proceeding. `opening` may come from anywhere, since it is checked; without one the
    main server is asked for it."""

    def __init__(self, *, client: Client, device: Device, pins: Pins, opening: Opening | None = None) -> None:
        self.pins = pins
        self._client = client
        self._device = device
        self._opening = opening
        self._log_key: VerifierKey | None = None
        self._entries: dict[int, Entry] = {}

    async def log_key(self) -> VerifierKey:
        """The proceeding's log key, from `ProceedingOpened` in the pinned and witnessed centre log (protocols.md 2)."""
        if self._log_key is None:
            # An opening that was handed in is the founding's: the log may go on under another one since.
            given = self._opening if self._device.began == 0 else None
            data, proof = given or await self._ask_opening()
            try:
                found = verify.opening(data, proof, self.pins.policy)
                if found.entry.act is None or found.origin != self._device.log:
                    raise Untrusted("the opening is another proceeding's")
                acts.verify(found.entry.act, self.pins.trust.identities[self.pins.trust.main])
            except EvidenceError as error:
                raise RecordUntrusted(f"the proceeding's opening does not hold: {error}") from error
            self._log_key = found.vkey
        return self._log_key

    async def advance(self) -> int:
        """Verify the newest checkpoint and move `seen` on to it; returns its size."""
        try:
            note = await self._client.checkpoint()
        except ServerRefused as error:
            if error.status == 404:
                return self._device.seen[0]
            raise
        await self._link(note)
        return self._device.seen[0]

    async def entry(self, n: int) -> Entry | None:
        """Entry n as shown, or None where this role may not see it. Not proven: see `prove`."""
        if n not in self._entries:
            try:
                found = entries.parse(await self.octets(n))
            except ServerRefused as error:
                if error.status in HIDDEN:
                    return None
                raise
            if found.n != n or not begins(found.origin, self._device.log):
                raise RecordUntrusted(f"entry {n} says it is {found.n} of {found.origin}")
            self._entries[n] = found
        return self._entries[n]

    async def octets(self, n: int) -> bytes:
        """Entry n as shown, whatever log it says it is of; ServerRefused where this role may not see it."""
        return await self._client.entry(n)

    def follow(self, key: VerifierKey) -> None:
        """The log goes on under another key, as `web.device.continuing` proved."""
        self._log_key = key

    async def scan(self, start: int, stop: int) -> AsyncIterator[Entry]:
        """The entries [start, stop) that this role may see."""
        for n in range(start, stop):
            found = await self.entry(n)
            if found is not None:
                yield found

    async def proven(self) -> list[Entry]:
        """The entries below `seen` that this role may see, each proven to stand at its place of the tree that this
        device has verified. What is hidden from the role is a leaf hash among the others."""
        size, root = self._device.seen
        leaves: list[bytes] = []
        try:
            for tile in (Tile(0, i, min(WIDTH, size - i * WIDTH)) for i in range(-(-size // WIDTH))):
                leaves += read_hashes(await self._client.tile(tile.path), tile.width)
            if Tree(leaves).root() != root:
                raise Untrusted("the tiles are not those of the tree")
        except EvidenceError as error:
            raise RecordUntrusted(f"the tiles do not hold: {error}") from error
        found = [entry async for entry in self.scan(0, size)]
        for entry in found:
            if entry.leaf != leaves[entry.n]:
                raise RecordUntrusted(f"entry {entry.n} is not the log's")
        return found

    async def prove(self, n: int, *, patience_s: float) -> tuple[Entry, Proof]:
        """Entry n and its receipt: the quorum of this seat's own policy cosigned a tree that holds it, and that tree
        and the one seen last are one history. GateClosed where it is not witnessed in time."""
        receipt = Proof.parse(await self.receipt(n, patience_s))
        entry = await self.entry(n)
        if entry is None or receipt.index != n:
            raise RecordUntrusted(f"entry {n} is proven, and not shown")
        try:
            receipt.check(entry.leaf, self.pins.policy, await self.log_key())
        except EvidenceError as error:
            raise RecordUntrusted(f"the receipt of entry {n} does not hold: {error}") from error
        await self._link(receipt.note)
        return entry, receipt

    async def receipt(self, n: int, patience_s: float) -> bytes:
        """The tlog-proof of entry n, once there is one; not checked."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return await self._client.receipt(n)
            except ServerRefused as error:
                if error.code != NOT_WITNESSED:
                    raise
            if time.monotonic() > until:
                raise GateClosed(f"entry {n} is not witnessed yet")
            await asyncio.sleep(POLL_S)

    async def _link(self, note: bytes) -> None:
        """This checkpoint and the one seen last are of one history."""
        key = await self.log_key()
        size, root = self._device.seen
        try:
            checkpoint, _ = read_checkpoint(note, key)
            if checkpoint.size > size:
                proof = await self._client.consistency(size, checkpoint.size) if size else []
                if self._device.seen[0] != size:
                    # Another call moved `seen` meanwhile: then this proof is of other sizes, and says nothing.
                    return await self._link(note)
                self._device.verified(note, proof, key)
            elif checkpoint.size == size:
                self._device.verified(note, [], key)
            elif checkpoint.size:
                proof = await self._client.consistency(checkpoint.size, size)
                verify_consistency(checkpoint.size, size, proof, checkpoint.root, root)
        except EvidenceError as error:
            raise RecordUntrusted(f"the server shows another history: {error}") from error

    async def _ask_opening(self) -> Opening:
        founding = await self.entry(self._device.began)
        if founding is None or founding.act is None or type(founding.act.body.get("opening")) is not dict:
            raise RecordUntrusted("the log's first entry names no opening")
        index = founding.act.body["opening"].get("index")
        if type(index) is not int:
            raise RecordUntrusted("the founding names no opening")
        return await self._client.centre_entry(index), await self._client.centre_receipt(index)
