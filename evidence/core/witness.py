"""What a witness decides, and the bodies of its requests (C2SP tlog-witness, and `add-log` of protocols.md 2).

The decision is pure. Whoever runs a witness MUST make look-up, decision and storing of the new state one atomic step,
and MUST have the new state on disk before it answers: else two requests at once could roll its record back.

`decide` for add-checkpoint:
(1) the origin is known, and goes on under no other one;
(2) the log's key signed the checkpoint;
(3) the old size is at most the checkpoint's;
(4) the old size is the one that this witness cosigned last;
(5) the proof leads from that tree to this one; at equal sizes the roots are the same;
(6) the clock did not go backwards since the last cosignature: a wrong time is worse than none.

`admit` for add-log (gate G0):
(1) the entry lies in a checkpoint of the pinned centre log that the quorum cosigned;
(2) it is a `ProceedingOpened` of that log, its act signed by the centre's identity key;
(3) the new origin belongs to that centre, and its key is a log key under the origin's name;
(4) where it continues a log whose entries are gone (docs/protocol.md 11.2), the witness begins with what is left of it,
    so that it cosigns nothing else; whoever runs it MUST have looked at what is left, and ends that log in the same
    step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from evidence.core import act as acts
from evidence.core import entry as entries
from evidence.core.canonical import MAX_BYTES, Object, b64, decimal, members, unb64
from evidence.core.continues import of_opening
from evidence.core.merkle import EMPTY_ROOT, leaf_hash, verify_consistency
from evidence.core.note import ED25519, MAX_NOTE, Checkpoint, Note, VerifierKey, read_checkpoint
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.errors import Malformed, Untrusted

MAX_PROOF_LINES = 63
"""C2SP tlog-witness: a client MUST NOT send more."""
MAX_ADD_CHECKPOINT = 64 + MAX_PROOF_LINES * 45 + MAX_NOTE
"""The old size line, proof lines of 44 characters and their line feeds, the note."""
MAX_ADD_LOG = (MAX_BYTES + 2) // 3 * 4 + 64 * 45 + MAX_NOTE + 128
"""An entry in base64 and its tlog-proof."""


class Answer(Enum):
    """The outcomes that C2SP tlog-witness names; in brackets the HTTP status that `web` gives each."""

    COSIGNED = "cosigned"  # 200, a cosignature line
    MALFORMED = "malformed"  # 400
    UNSIGNED = "unsigned"  # 403
    UNKNOWN_ORIGIN = "unknown-origin"  # 404
    CONFLICT = "conflict"  # 409, with the witness's size
    INCONSISTENT = "inconsistent"  # 422: bad proof, or another root at the same size
    ENDED = "ended"  # 410: the log goes on under another origin
    CLOCK_BACKWARDS = "clock-backwards"  # 503: nothing is wrong with the request


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What a witness keeps of one log: its key and the newest tree that it cosigned, with the time and the note that it
    was shown; `successor` is the log that continues it."""

    log_key: VerifierKey
    size: int = 0
    root: bytes = EMPTY_ROOT
    time: int = 0
    note: bytes = b""
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`state` is to be stored, and then `text` to be cosigned, where `answer` is COSIGNED."""

    answer: Answer
    state: WitnessState | None
    text: bytes = b""

    @property
    def size(self) -> int:
        """The size that a CONFLICT reports."""
        return self.state.size if self.state else 0


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of add-checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old}", *(b64(h) for h in self.proof)]
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.note

    @staticmethod
    def parse(body: bytes) -> AddCheckpoint:
        """Read the body strictly."""
        if len(body) > MAX_ADD_CHECKPOINT:
            raise Malformed("the request is too long")
        head, separator, note = body.partition(b"\n\n")
        if not separator or not head.isascii():
            raise Malformed("add-checkpoint is an old size, a proof, a blank line, a checkpoint")
        first, *lines = head.decode("ascii").split("\n")
        if not first.startswith("old "):
            raise Malformed("the first line is the old size")
        if len(lines) > MAX_PROOF_LINES:
            raise Malformed("too many proof lines")
        request = AddCheckpoint(decimal(first.removeprefix("old ")), tuple(unb64(line, 32) for line in lines), note)
        Checkpoint.parse(Note.parse(note).text)
        return request

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, its signature not yet checked: only good to look up the origin's state."""
        return Checkpoint.parse(Note.parse(self.note).text)


@dataclass(frozen=True, slots=True)
class AddLog:
    """The body of add-log: the `ProceedingOpened` entry and its tlog-proof."""

    entry: bytes
    proof: bytes

    def __bytes__(self) -> bytes:
        return b64(self.entry).encode("ascii") + b"\n\n" + self.proof

    @staticmethod
    def parse(body: bytes) -> AddLog:
        """Read the body strictly."""
        if len(body) > MAX_ADD_LOG:
            raise Malformed("the request is too long")
        head, separator, proof = body.partition(b"\n\n")
        if not separator or not head.isascii():
            raise Malformed("add-log is an entry, a blank line, a tlog-proof")
        entry = unb64(head.decode("ascii"))
        entries.parse(entry)
        Proof.parse(proof)
        return AddLog(entry, proof)


def decide(state: WitnessState | None, request: AddCheckpoint, now: int) -> Decision:
    """Steps (1) to (6) of add-checkpoint; `now` in seconds since the epoch by the witness's clock."""
    # (1)
    if state is None:
        return Decision(Answer.UNKNOWN_ORIGIN, None)
    if state.successor:
        return Decision(Answer.ENDED, state)
    # (2)
    try:
        checkpoint, note = read_checkpoint(request.note, state.log_key)
    except Untrusted:
        return Decision(Answer.UNSIGNED, state)
    # (3)
    if request.old > checkpoint.size:
        return Decision(Answer.MALFORMED, state)
    # (4)
    if request.old != state.size:
        return Decision(Answer.CONFLICT, state)
    # (5)
    try:
        _check_growth(state, checkpoint, request.proof)
    except Untrusted:
        return Decision(Answer.INCONSISTENT, state)
    # (6)
    if now < state.time:
        return Decision(Answer.CLOCK_BACKWARDS, state)
    grown = replace(state, size=checkpoint.size, root=checkpoint.root, time=now, note=request.note)
    return Decision(Answer.COSIGNED, grown, note.text)


def admit(request: AddLog, policy: Policy, identity: Object) -> WitnessState:
    """The state of the newly admitted log; Malformed or Untrusted where a step fails.

    `identity` is the centre's identity key (a JWK) out of `trust.json`. A witness that already knows the origin
    answers as before where the key is the same, and refuses another one: a key changes by the centre's order only.
    """
    # (1)
    proof = Proof.parse(request.proof)
    proof.check(leaf_hash(request.entry), policy, policy.log)
    # (2)
    entry = entries.parse(request.entry)
    if entry.n != proof.index:
        raise Untrusted("the entry names another index than its proof")
    if entry.origin != policy.log.name or entry.type != "ProceedingOpened" or entry.act is None:
        raise Untrusted("the entry opens no proceeding of the centre log")
    acts.verify(entry.act, identity)
    if entry.act.act != "proceeding.open" or entry.act.aud != entry.origin:
        raise Untrusted("the act opens no proceeding")
    # (3)
    body = members(entry.act.body, {"kind": str, "origin": str, "vkey": str}, {"continues": dict})
    key = VerifierKey.parse(body["vkey"])
    centre = policy.log.name.rpartition("/")[0]
    if not body["origin"].startswith(centre + "/proceedings/") or key.name != body["origin"] or key.type != ED25519:
        raise Untrusted("the new log's origin or key is not this centre's")
    # (4)
    left = of_opening(entry)
    if left is None:
        if "/" in body["origin"].removeprefix(centre + "/proceedings/"):
            raise Untrusted("a log of this name continues another one")
        return WitnessState(key)
    return WitnessState(key, left.size, left.root)


def _check_growth(state: WitnessState, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if checkpoint.size == state.size:
        if proof or checkpoint.root != state.root:
            raise Untrusted("two roots at one size")
    elif state.size == 0:
        if proof:
            raise Untrusted("nothing is to be proved from the empty tree")
    else:
        verify_consistency(state.size, checkpoint.size, proof, state.root, checkpoint.root)
