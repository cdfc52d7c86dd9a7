"""Whom a verifier trusts: a C2SP tlog-policy with one flat quorum, and the pinned centre log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence.core.canonical import decimal
from evidence.core.note import COSIGNATURE_V1, ED25519, Checkpoint, Note, VerifierKey, read_checkpoint
from evidence.errors import Malformed, NoQuorum, Untrusted


@dataclass(frozen=True, slots=True)
class Policy:
    """`quorum` of `witnesses` must have cosigned; `log` is the pinned centre log.

    A proceeding's log key is not pinned here: it comes from `ProceedingOpened` in the centre log (protocols.md 2).
    """

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...]
    quorum: int

    @staticmethod
    def parse(text: str) -> Policy:
        """Read `log <vkey>`, `witness <alias> <vkey>`, `group <name> <k> <aliases>`, `quorum <name>`."""
        log: VerifierKey | None = None
        witnesses: dict[str, VerifierKey] = {}
        groups: dict[str, tuple[int, list[str]]] = {}
        chosen: str | None = None
        for raw in text.splitlines():
            words = raw.split("#", 1)[0].split()
            match words:
                case []:
                    continue
                case ["log", vkey] if log is None:
                    log = VerifierKey.parse(vkey)
                case ["witness", alias, vkey] if alias not in witnesses:
                    witnesses[alias] = VerifierKey.parse(vkey)
                case ["group", name, count, *members] if name not in groups:
                    groups[name] = (decimal(count), members)
                case ["quorum", name] if chosen is None:
                    chosen = name
                case _:
                    raise Malformed(f"policy line not understood: {raw!r}")
        if log is None or log.type != ED25519 or chosen not in groups:
            raise Malformed("a policy names one log, its witnesses, a group and the quorum")
        k, aliases = groups[chosen]
        if any(a not in witnesses for a in aliases) or len(set(aliases)) != len(aliases):
            raise Malformed("the quorum's group names unknown or repeated witnesses")
        keys = tuple(witnesses[a] for a in aliases)
        if not 1 <= k <= len(keys) or any(key.type != COSIGNATURE_V1 for key in keys):
            raise Malformed("the quorum cannot be met")
        # One operator under two aliases would count twice, and a log never counts as its own witness.
        if len({key.public for key in (log, *keys)}) <= len(keys) or len({key.name for key in keys}) < len(keys):
            raise Malformed("two of the policy's keys are one")
        return Policy(log, keys, k)

    def __str__(self) -> str:
        lines = [f"log {self.log}"]
        lines += [f"witness w{i} {key}" for i, key in enumerate(self.witnesses, 1)]
        aliases = " ".join(f"w{i}" for i in range(1, len(self.witnesses) + 1))
        return "\n".join([*lines, f"group cities {self.quorum} {aliases}", "quorum cities", ""])

    def cosignatures(self, note: Note) -> dict[str, int]:
        """The policy's witnesses that cosigned, with their times; a bad signature of a known key is Untrusted."""
        times = {key.name: note.verify(key) for key in self.witnesses}
        return {name: time for name, time in times.items() if time is not None}

    def check(self, note: bytes, log_key: VerifierKey) -> Checkpoint:
        """The checkpoint, if its log signed it and the quorum cosigned it."""
        checkpoint, parsed = read_checkpoint(note, log_key)
        got = len(self.cosignatures(parsed))
        if got < self.quorum:
            raise NoQuorum(f"{got} of {self.quorum} witnesses cosigned {checkpoint.origin} at {checkpoint.size}")
        return checkpoint

    def beyond(self, ahead: Sequence[int]) -> int:
        """The largest size that witnesses saw beyond a log, where the others are no quorum any more; else 0.
        `ahead` has one size for each of them, and 0 for one that saw no more than the log holds."""
        found = [size for size in ahead if size]
        return max(found, default=0) if len(self.witnesses) - len(found) < self.quorum else 0

    def arranged(self, note: bytes, log_key: VerifierKey) -> bytes:
        """The note in its one form: the log, then each witness, as the policy orders them.

        A note grows in the order in which witnesses answer; what stands for good must not depend on it.
        """
        parsed = Note.parse(note)
        lines = ""
        for key in (log_key, *self.witnesses):
            mine = (line for line in parsed.signatures if (line.name, line.key_id) == (key.name, key.id))
            lines += next((str(line) for line in mine), "")
        return parsed.text + b"\n" + lines.encode("utf-8")

    def check_exactly(self, note: bytes, log_key: VerifierKey) -> Checkpoint:
        """`check`, and the note is in its one form: so that a stored note has no byte without a meaning."""
        checkpoint = self.check(note, log_key)
        if note != self.arranged(note, log_key):
            raise Untrusted("the note carries signatures that the policy does not name, twice, or out of order")
        return checkpoint
