"""What a city node needs from outside, in MUST / MUST NOT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from evidence.core.act import Act
from evidence.core.tiles import Tile
from evidence.core.witness import Decision, WitnessState


class NodeStore(Protocol):
    """Everything a node must not forget. Synchronous: a call lasts as long as one fsync.

    Every write MUST be durable before it returns, and MUST be whole or absent after a crash at any point.
    Nothing that was written MUST be changed or removed, except a witnessed tree, which grows.
    """

    def secret(self, name: str) -> bytes | None:
        """A key by name. It MUST be stored sealed, and MUST NOT open under another name."""

    def put_secret(self, name: str, value: bytes) -> bytes:
        """The stored key: the first one under a name wins."""

    def witnessed(self, origin: str) -> WitnessState | None:
        """What was cosigned last of this log."""

    def opening(self, origin: str) -> bytes | None:
        """The add-log body that admitted the log; empty for a pinned one."""

    def admit(self, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        """The stored state: the first admission of an origin wins."""

    def succeed(self, former: str, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        """`admit` of the log that continues `former`, which ends in the same step: its state names the successor, for
        ever. MUST raise OtherSuccessor, and do nothing, where another one was named, or `former` is not known."""

    def cosign(self, origin: str, decide: Callable[[WitnessState | None], Decision]) -> Decision:
        """Look up, decide and store the new state in one step that no other call MUST come between."""

    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The copy of the log: entries [start, stop), as far as it goes."""

    def head(self, origin: str) -> bytes | None:
        """The checkpoint that covers exactly the mirrored entries."""

    def extend(self, origin: str, start: int, entries: Sequence[bytes], head: bytes) -> None:
        """Entries from index `start` on, and the checkpoint that covers them all."""

    def released(self, origin: str) -> list[bytes]:
        """The freezes that `sign` recorded with `once`, of all logs of this log's proceeding."""

    def act(self, origin: str, kind: str, subject: bytes) -> str | None:
        """The act that this node signed on the subject."""

    def sign(
        self,
        origin: str,
        kind: str,
        subject: bytes,
        make: Callable[[int, bytes], Act],
        *,
        once: tuple[str, int, bytes] | None = None,
    ) -> str:
        """The stored act of (kind, subject), else that of `make(ctr, prev)`, stored as this log's next one; the first
        one's `ctr` is the maker's, every later one follows the last.
        `once` = (purpose, round, freeze): MUST raise OtherFreeze where the round was recorded with another freeze, in
        whatever log of the proceeding; record and act MUST be one write."""

    def journal(self, origin: str) -> list[bytes]:
        """The lines of this log's journal (`sessions.node_journal`), in their order."""

    def journals(self) -> list[str]:
        """The logs that have lines."""

    def note(self, origin: str, start: int, lines: Sequence[bytes]) -> None:
        """Lines from index `start` on, all of them in one write; NodeStateBroken where others stand there."""

    def put_object(self, data: bytes) -> None:
        """A copy of a ciphertext, by its SHA-256."""

    def object(self, sha256_: bytes) -> bytes | None:
        """The copy; None too where its bytes no longer have that hash."""


class LogSource(Protocol):
    """The main server's logs as it shows them. Nothing that it returns is trusted.

    Every method MUST raise Unavailable where no answer came, and MUST NOT return more than the answer's legal size.
    """

    async def checkpoint(self, origin: str) -> bytes:
        """The newest checkpoint, of the centre log too. NotYet where there is none."""

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        """A bundle of entries (C2SP tlog-tiles)."""

    async def receipt(self, origin: str, n: int) -> bytes:
        """The tlog-proof of entry n with the quorum's cosignatures. NotYet before there is a quorum."""

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        """A vault object of at most `size` bytes; None where the server does not have it."""

    async def announced(self, origin: str) -> Mapping[str, str]:
        """Thumbprints of the keys that devices of this centre's seats have announced, by seat."""

    async def bring(self, origin: str, door: str, act: str) -> None:
        """Hand in an act of this centre at `vouches` (`seat.vouch`) or `journals` (`venue.journal`). Unavailable where
        the server did not take it."""
