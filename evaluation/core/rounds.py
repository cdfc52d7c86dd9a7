"""Secret rounds: seal, acknowledge, freeze, confirm, approve, release, open (protocols.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evidence.core.envelope import Envelope

BALLOT = "ballot"
SHEET = "sheet"
CHAIR = "chair"
SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Seal:
    """A sealed sheet or ballot in the log at index `n`; `acks` and `rejects` by holder."""

    id: bytes
    seat: str
    n: int
    envelope: Envelope
    acks: frozenset[str] = frozenset()
    rejects: Mapping[str, str] = field(default_factory=dict)

    def answered(self, holder: str) -> bool:
        """The holder has acknowledged or rejected it: a holder answers once."""
        return holder in self.acks or holder in self.rejects


@dataclass(frozen=True, slots=True)
class Freeze:
    """What will be opened: [seat, act id] sorted. `approved` is the index of the supervisor's approval."""

    leaf: bytes
    n: int
    sheets: tuple[tuple[str, bytes], ...]
    confirmed: frozenset[str] = frozenset()
    disputed: frozenset[str] = frozenset()
    approved: int | None = None
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """One secret round. `seals` holds every seal ever made, `current` the one that counts for each seat.

    `releasable` is the index from which holders may be asked for their shares: it is set once and never unset.
    `bidders` are those that sheets of this round are about; `voided` are seals of members who left, kept and never
    counted (87号令 49); `missing` are holders that the supervisor named, `faulty` those that rejected what others took.
    """

    purpose: str
    matter: str
    number: int
    n: int
    required: tuple[str, ...]
    choices: tuple[str, ...]
    seals: Mapping[bytes, Seal] = field(default_factory=dict)
    current: Mapping[str, bytes] = field(default_factory=dict)
    freeze: Freeze | None = None
    releasable: int | None = None
    releases: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    opened: int | None = None
    plaintexts: Mapping[bytes, bytes] = field(default_factory=dict)
    unreadable: Mapping[bytes, str] = field(default_factory=dict)
    void: bool = False
    missing: frozenset[str] = frozenset()
    authored: frozenset[bytes] = frozenset()
    bidders: tuple[str, ...] = ()
    voided: frozenset[bytes] = frozenset()
    faulty: frozenset[str] = frozenset()

    def safe(self, seat: str, k: int) -> bool:
        """The seat's current seal has k+1 acknowledgements: one holder may be lost and it still opens.

        With k of them it is safe if a holder is missing: the supervisor has named it (`holders.miss`), or it is faulty.
        """
        if seat not in self.current:
            return False
        acks = self.seals[self.current[seat]].acks
        return len(acks) > k or (len(acks) == k and bool((self.missing | self.faulty) - acks))

    def unsafe(self, k: int) -> tuple[str, ...]:
        """Required seats without a safe seal."""
        return tuple(seat for seat in self.required if not self.safe(seat, k))

    @property
    def sealed_to(self) -> bytes:
        """The holder set that a frozen round is sealed to; each listed seal is sealed to the same."""
        return self.seals[self.listed[0]].envelope.set if self.listed else b""

    @property
    def lapsed(self) -> bool:
        """Void before it was opened: it is opened no more, and nobody is asked for shares of it."""
        return self.void and self.opened is None

    def orphaned(self, holders: int, k: int) -> bool:
        """Frozen, agreed to be opened, and so many holders are named lost since that k cannot release."""
        return self.releasable is not None and self.opened is None and len(self.missing) > holders - k

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Required seats that did not say `freeze.ok`."""
        confirmed = self.freeze.confirmed if self.freeze else frozenset()
        return tuple(seat for seat in self.required if seat not in confirmed)

    @property
    def agreed(self) -> int | None:
        """The index of the gate's entry once people have agreed to open; None before.

        Ballots need every `freeze.ok`, sheets the approval; an open dispute blocks both.
        """
        if self.freeze is None or self.freeze.disputed:
            return None
        if self.purpose == BALLOT:
            return None if self.unconfirmed else self.freeze.n
        return self.freeze.approved

    @property
    def listed(self) -> tuple[bytes, ...]:
        """The act ids of the freeze, in its order."""
        return tuple(act for _, act in self.freeze.sheets) if self.freeze else ()
