"""What the evidence package needs from outside, in MUST / MUST NOT."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core.entry import Entry
from evidence.core.envelope import Context, Envelope
from evidence.core.note import VerifierKey
from evidence.core.witness import AddCheckpoint, AddLog


@dataclass(frozen=True, slots=True)
class StoredDisclosure:
    """`text` as handed out; `kind` is its class: `open`, `case` or `person` (protocols.md 5)."""

    digest: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Message:
    """An outbox message, stored in the same transaction as the entries that it announces."""

    id: int
    origin: str
    body: bytes


class Ledger(Protocol):
    """The logs of one installation: entries, checkpoints, disclosures, outbox.

    Every write MUST be durable before it returns, MUST be refused with LostLease under another epoch than the
    origin's newest, and MUST leave nothing behind where it is refused. Entries, checkpoints and cosignatures MUST NOT
    be changed or removed, by this interface or by the application's database role.
    After Unavailable it is unknown whether the write happened: the caller MUST read before it writes again.
    """

    async def lease(self, origin: str, owner: str, ttl_s: float) -> int:
        """The new epoch, larger than every earlier one. MUST raise LostLease while another owner's lease runs."""

    async def renew(self, origin: str, epoch: int, ttl_s: float) -> None:
        """The same epoch for another `ttl_s`. MUST raise LostLease where a newer one was given out."""

    async def release(self, origin: str, epoch: int) -> None:
        """The lease ends now. MUST do nothing where the epoch is over."""

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
        """The new size. All or nothing; MUST raise StaleSize where the log has not `expected_size` entries and
        RepeatedAct where an act's id stands in the log. The failure of one append MUST NOT fail another one."""

    async def size(self, origin: str) -> int:
        """Committed entries. MUST raise UnknownLog where the origin was never leased."""

    async def entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        """The octets of the entries [start, stop), as far as they are committed."""

    async def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        """The leaf hashes of the entries [start, stop), as far as they are committed."""

    async def act_index(self, origin: str, act_id: bytes) -> int | None:
        """Where the act stands."""

    async def disclosures(self, origin: str, digests: Sequence[str]) -> dict[str, StoredDisclosure]:
        """Those of the digests that are stored (and not erased)."""

    async def disclose(self, origin: str, disclosures: Sequence[StoredDisclosure], *, epoch: int) -> None:
        """Store disclosures of entries that are there already; of each digest the first text wins."""

    async def erase(self, origin: str, digests: Sequence[str]) -> None:
        """Delete these disclosures for good; no error where there are none. Their digests stay: the log verifies."""

    async def put_checkpoint(self, origin: str, size: int, note: bytes, *, epoch: int) -> bytes:
        """The stored note: the first one for a size wins, and nobody MUST see another one.
        MUST raise StaleSize where fewer than `size` entries are committed. The root is the caller's to build from
        committed entries."""

    async def add_cosignatures(self, origin: str, size: int, lines: Sequence[str]) -> bytes:
        """The stored note with these signature lines behind it; the first line of each key wins. Needs no epoch:
        a cosignature is as good whoever brings it."""

    async def checkpoint(self, origin: str, size: int | None = None) -> bytes | None:
        """The note of that size (the newest by default) with all its cosignatures."""

    async def checkpoints(self, origin: str) -> list[bytes]:
        """All notes, by size."""

    async def origins(self) -> list[str]:
        """Every log, by name."""

    async def outbox(self, limit: int) -> list[Message]:
        """The oldest messages that were not settled."""

    async def settle(self, ids: Sequence[int]) -> None:
        """These messages were delivered."""


class Vault(Protocol):
    """Objects by their SHA-256 in lower-case hex: write once."""

    async def put(self, data: bytes) -> str:
        """The object's name. MUST be durable before it returns; putting the same bytes again is no error."""

    async def put_file(self, path: Path) -> str:
        """`put` of a file's bytes, which MUST NOT all be in memory at once. The file itself stays the caller's."""

    async def get(self, name: str) -> bytes:
        """The object. MUST hash what it returns; ObjectMissing, or ObjectRejected where the store's bytes differ."""

    def pieces(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        """The object's octets from `start` on, which MUST NOT all be in memory at once. MUST hash the whole object and
        MUST NOT give the last piece where the store's bytes differ (ObjectRejected); ObjectMissing before the first."""

    async def has(self, name: str) -> bool:
        """Whether the object is there, by name only."""

    async def size(self, name: str) -> int:
        """Its length; ObjectMissing."""

    async def retain(self, name: str, until: datetime) -> None:
        """The object stays until then. MUST be durable before it returns and MUST NOT shorten what was set before;
        ObjectMissing. Where the store can lock objects, its own administrator MUST NOT be able to delete them."""

    async def remove(self, name: str, now: datetime) -> None:
        """The object is gone. MUST raise Retained where its date lies after `now` and NotRetained where none was set,
        and MUST do nothing then; no error where the object is not there."""


class Witness(Protocol):
    """A witness as a log sees it (C2SP tlog-witness, and `add-log`)."""

    @property
    def vkey(self) -> VerifierKey: ...

    async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
        """Signature lines, not yet verified. WitnessConflict with the witness's size; UnknownLog; WitnessRefused where
        the checkpoint was refused for good; Unavailable."""

    async def add_log(self, request: AddLog) -> None:
        """Admission of a new proceeding's log (gate G0); idempotent. Untrusted, WitnessRefused, Unavailable."""


class Sealed(Protocol):
    """What the author of an envelope keeps: `ct` goes to the vault, `secret` stays."""

    @property
    def envelope(self) -> Envelope: ...
    @property
    def ct(self) -> bytes | None: ...
    @property
    def secret(self) -> bytes: ...


class Envelopes(Protocol):
    """The ciphers of protocols.md 1.5; `evidence.adapters.envelope_p256` is one, as a module."""

    def seal(self, context: Context, payload: bytes | None, entropy: Callable[[int], bytes]) -> Sealed:
        """MUST take a new secret for every envelope."""

    def open_share(self, envelope: Envelope, context: Context, index: int, key: ec.EllipticCurvePrivateKey) -> bytes:
        """y_i. MUST make the whole check 1.5(7) and raise Malformed or Untrusted where it fails."""

    def check_share(self, feldman: Sequence[bytes], index: int, share: bytes) -> None:
        """MUST raise Untrusted where y_i·G differs from the sum of i^j·A_j."""

    def combine(self, shares: Mapping[int, bytes]) -> bytes:
        """Lagrange at 0. MUST NOT be trusted without `check_secret` or `open_payload`."""

    def check_secret(self, envelope: Envelope, secret: bytes) -> None:
        """MUST raise Untrusted where s·G differs from A_0."""

    def open_payload(self, envelope: Envelope, context: Context, secret: bytes, ct: bytes) -> bytes:
        """The payload. MUST check s·G = A_0, the ciphertext's hash and the context; the caller checks c."""
