"""Errors of the evidence package.

EvidenceError
├── Malformed            bytes that do not follow protocols.md section 1 (`malformed`)
├── Untrusted            a signature, proof or key that does not hold (`untrusted`)
│   └── NoQuorum         too few witnesses cosigned (`no-quorum`)
├── StaleSize            an append expected another size (`stale-size`)
├── RepeatedAct          the log holds this act already (`repeated-act`)
├── LostLease            the owner's epoch is over (`lost-lease`)
├── UnknownLog           no log of this origin here (`unknown-log`)
├── ObjectMissing        the vault has no such object (`object-missing`)
├── ObjectRejected       the vault was offered bytes that do not hash to their name (`object-rejected`)
├── Retained             the object is kept until a date that has not come (`retained`)
├── NotRetained          no date was set for the object, so nothing says that it may go (`not-retained`)
├── WitnessConflict      a witness holds another size (`witness-conflict`)
├── WitnessRefused       a witness refused a checkpoint for good: a fork (`witness-refused`)
└── Unavailable          a store or a witness did not answer (`evidence-unavailable`)
    └── EntriesLost      the witnesses saw more of this log than it holds (`entries-lost`)
"""

from __future__ import annotations


class EvidenceError(Exception):
    """Something is wrong with evidence; `code` is stable, the text is for engineers."""

    code = "evidence"


class Malformed(EvidenceError):
    """The bytes do not follow their layout."""

    code = "malformed"


class Untrusted(EvidenceError):
    """A signature, proof or key does not hold."""

    code = "untrusted"


class NoQuorum(Untrusted):
    """Too few of the policy's witnesses cosigned the checkpoint."""

    code = "no-quorum"


class StaleSize(EvidenceError):
    """Someone else appended first."""

    code = "stale-size"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"expected size {expected}, the log has {actual}")
        self.expected = expected
        self.actual = actual


class RepeatedAct(EvidenceError):
    """The act's id, its idempotency key, stands in the log already."""

    code = "repeated-act"

    def __init__(self, index: int) -> None:
        super().__init__(f"the act stands at index {index}")
        self.index = index


class LostLease(EvidenceError):
    """This process no longer owns the log."""

    code = "lost-lease"


class UnknownLog(EvidenceError):
    """No log of this origin is kept here."""

    code = "unknown-log"


class ObjectMissing(EvidenceError):
    """The vault holds no object of this name."""

    code = "object-missing"


class ObjectRejected(EvidenceError):
    """The object's bytes do not hash to the name they came with."""

    code = "object-rejected"


class Retained(EvidenceError):
    """The object is kept until a date that has not come."""

    code = "retained"


class NotRetained(EvidenceError):
    """No date was set for the object, so nothing says that it may go."""

    code = "not-retained"


class WitnessConflict(EvidenceError):
    """The witness holds another size than we sent (C2SP tlog-witness, status 409)."""

    code = "witness-conflict"

    def __init__(self, size: int) -> None:
        super().__init__(f"the witness is at size {size}")
        self.size = size


class WitnessRefused(EvidenceError):
    """The witness refused the checkpoint; if unexplained, stop (protocols.md section 2)."""

    code = "witness-refused"


class Unavailable(EvidenceError):
    """A store or a witness did not answer; nothing was decided."""

    code = "evidence-unavailable"


class EntriesLost(Unavailable):
    """Entries that were acknowledged are not here: the log takes nothing until they are back (protocols.md 6)."""

    code = "entries-lost"
