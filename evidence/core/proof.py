"""C2SP tlog-proof files: the receipt that is handed out for one entry."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.canonical import b64, decimal, unb64
from evidence.core.merkle import verify_inclusion
from evidence.core.note import Checkpoint, VerifierKey
from evidence.core.policy import Policy
from evidence.errors import Malformed

MAGIC = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """Inclusion of leaf `index` in the tree of the cosigned checkpoint `note`."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes

    def __bytes__(self) -> bytes:
        lines = [MAGIC, f"index {self.index}", *(b64(h) for h in self.hashes)]
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.note

    @staticmethod
    def parse(data: bytes) -> Proof:
        """Read a tlog-proof without an `extra` line."""
        head, separator, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise Malformed("a tlog-proof's head is ASCII") from error
        if not separator or len(lines) < 2 or lines[0] != MAGIC or not lines[1].startswith("index "):
            raise Malformed("not a tlog-proof")
        return Proof(decimal(lines[1].removeprefix("index ")), tuple(unb64(line, 32) for line in lines[2:]), note)

    def check(self, leaf: bytes, policy: Policy, log_key: VerifierKey) -> Checkpoint:
        """The entry with this leaf hash stands at `index` of a tree that the quorum cosigned."""
        checkpoint = policy.check_exactly(self.note, log_key)
        verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint
