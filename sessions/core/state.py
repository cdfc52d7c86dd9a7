"""A proceeding as folded from its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation.core.committee import MEMBER_ROLES
from evaluation.core.state import Evaluation
from evidence.core.act import NO_ACT, NOTHING_SEEN
from evidence.core.canonical import Object
from sessions.core.city_names import CityName
from sessions.core.commands import ClockSample
from sessions.core.continued import Continuation
from sessions.core.draws import Drawing
from sessions.core.places import Places
from sessions.errors import UnknownRoom, UnknownSeat, UnknownVenue

OPEN = "open"
PAUSED = "paused"
ABORTED = "aborted"
CLOSED = "closed"

OPERATOR = "operator"
SUPERVISOR = "supervisor"
AUDITOR = "auditor"
ROOM = "room"
ROLES = MEMBER_ROLES | {OPERATOR, SUPERVISOR, AUDITOR, ROOM}

VENUE_LOST = "venue-lost"
RECORDING_LOST = "recording-lost"
ORDERED = "ordered"
OVERDUE = "incident-overdue"
NIGHT = "overnight"

Pause = tuple[str, str]
"""Cause, and the venue or room that it holds for ("" for an ordered pause)."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who acts. A room device is a seat under its room's id. `venue` is "" for who sits in none. A seat with a
    `stratum` is founded open: who sits in it is drawn under that label, or designated where the founding says so."""

    id: str
    role: str
    venue: str
    centre: str
    stratum: str = ""

    @property
    def member(self) -> bool:
        """Whether the seat has a vote in the committee."""
        return self.role in MEMBER_ROLES


@dataclass(frozen=True, slots=True)
class Venue:
    """A centre's place in this proceeding."""

    id: str
    centre: str
    kind: str

    @property
    def main(self) -> bool:
        return self.kind == "main"


@dataclass(frozen=True, slots=True)
class Room:
    """An endpoint with camera and microphone."""

    id: str
    venue: str


@dataclass(frozen=True, slots=True)
class Founding:
    """What `ProceedingFounded` states; newcomers' seats are added. `special` is the approval of designated members,
    `follows` the aborted proceeding that this one's new committee takes up anew: origin, size and root of its log."""

    main: str
    policy: bytes
    trust: bytes
    rule_pack: tuple[str, str, bytes]
    opening: tuple[str, int, bytes]
    venues: Mapping[str, Venue]
    rooms: Mapping[str, Room]
    seats: Mapping[str, Seat]
    holders: tuple[str, ...]
    holder_k: int
    identities: Mapping[str, Object]
    special: bytes | None = None
    follows: tuple[str, int, bytes] | None = None
    engine: str = "1"
    names: Mapping[str, CityName] = field(default_factory=dict)
    """What people call the centres' cities; founded before the agreement said it, a proceeding knows none."""

    @property
    def main_venue(self) -> Venue:
        """The one main venue."""
        return next(venue for venue in self.venues.values() if venue.main)


@dataclass(frozen=True, slots=True)
class Merge:
    """Acts `first` to `to` of a seat that was cut off come into the log: announced by the act `resume`, `last` being
    the one before it. `confirmed` are those that the person confirmed on return."""

    first: int
    to: int
    last: bytes
    resume: bytes
    seen: tuple[int, bytes]
    confirmed: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the head of its chain of acts in this log. `owner` is a seat id or a domain. `ended` is the size of the
    log at which the key ended, `late` the number of acts that came after that and were kept."""

    kid: str
    jwk: Object
    owner: str
    ctr: int = 0
    last: bytes = NO_ACT
    seen_size: int = 0
    ended: int | None = None
    late: int = 0
    suspended: bool = False
    merge: Merge | None = None

    @property
    def live(self) -> bool:
        """Whether the key may act."""
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Offer:
    """A holder's key for this proceeding, as entry `n`."""

    n: int
    leaf: bytes
    pk: bytes


@dataclass(frozen=True, slots=True)
class HoldersFrozen:
    """The frozen holder set; `offers` are leaf hashes, `keys` public keys, both in the order of the holders."""

    n: int
    version: int
    offers: tuple[bytes, ...]
    set: bytes
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Succession:
    """Holders that are lost for good, each with its successor: as ordered at entry `n`, until all have offered."""

    n: int
    by: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition in force; its scoring is `evaluation.fixed.scoring`."""

    n: int
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A member's cloud key: its name at the signing service, and the hash of its certificate."""

    credential: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Seated:
    """How a member came to its seat: `opened` and `position` of the draw, or who else named it; `person` is the digest
    of the disclosure of the person."""

    n: int
    kind: str
    person: str
    opened: bytes = b""
    stratum: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """Entry `n`: an operator saw the person of a seat, and the device whose key has this thumbprint."""

    n: int
    thumbprint: str


@dataclass(frozen=True, slots=True)
class LostVenue:
    """A venue that is cut off: who must resume, and what those who did had `seen` (size, root)."""

    size: int
    waiting: frozenset[str]
    resumed: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)

    @property
    def proven(self) -> tuple[int, bytes]:
        """The newest root that a resumed seat proved; nothing where all were released."""
        return max(self.resumed.values(), key=lambda seen: seen[0], default=NOTHING_SEEN)


@dataclass(frozen=True, slots=True)
class Journal:
    """What a venue's own node kept of what its seats signed while they were cut off, as it stated it in entry `n`: ids
    in their order, between two times of its own clock in ms."""

    n: int
    venue: str
    acts: tuple[bytes, ...]
    lost: int
    returned: int


@dataclass(frozen=True, slots=True)
class Night:
    """A night since entry `n`; areas are opened from `opens` on. `sealed`: venue -> numbers of its seals."""

    n: int
    opens: int
    sealed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """What everybody looks at, and since which entry's time."""

    document: bytes
    number: int
    at: str


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A seat asked for help with entry `n`; `answer` once somebody gave it."""

    id: bytes
    n: int
    seat: str
    kind: str
    text: str
    at: str
    answer: str | None = None
    answered: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of the report: authorised by `act` over the prepared `revision`; `document` once it is signed."""

    seat: str
    act: bytes
    index: int
    revision: bytes
    document: bytes | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The frozen report and its signatures in their order; `form` is its content's (`evaluation.core.report`)."""

    n: int
    document: bytes
    size: int
    content: bytes
    ranking: bytes
    workbook: bytes | None = None
    form: int = 2
    signatures: tuple[Signature, ...] = ()

    @property
    def revision(self) -> bytes:
        """The newest revision that is signed, or the frozen document."""
        return next((s.document for s in reversed(self.signatures) if s.document is not None), self.document)

    @property
    def pending(self) -> Signature | None:
        """The signature that is authorised and not made yet."""
        return next((s for s in self.signatures if s.document is None), None)

    @property
    def signed(self) -> tuple[str, ...]:
        """The seats whose signatures are made."""
        return tuple(s.seat for s in self.signatures if s.document is not None)


@dataclass(frozen=True, slots=True)
class Ending:
    """Signing besides signatures: dissents with their reasons, times set (seat, until), who is deemed to agree, and the
    digest of the ranking that each signer's own device came to."""

    dissents: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    deemed: frozenset[str] = frozenset()
    rankings: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Superseded:
    """A report that was reopened at entry `n`: it stays, with its signatures, and counts no more."""

    n: int
    report: Report
    ending: Ending


Track = tuple[str, str, int]
"""Room, kind, take."""


@dataclass(frozen=True, slots=True)
class Proceeding:
    """The whole state. `size` is the number of entries folded; before the first one there is no `founding`.

    `since` says from when the clock of each pause counts, in seconds since the epoch; `causes` are the roles that have
    said why acts of a seat are missing; `reopening` is the request that waits for the supervisor, and its reason.
    `day`: since when, in seconds, this day's cut-off counts; `waived`: rooms without which the supervisor goes on.
    `viewed`: until when the log says what a seat had on its screen, in ms. `people` are digests of the disclosures of
    members' names. `replaced`: a venue that was lost for good -> the one in its place.
    """

    origin: str = ""
    size: int = 0
    founding: Founding | None = None
    aborted: bool = False
    closed: int | None = None
    pauses: frozenset[Pause] = frozenset()
    since: Mapping[Pause, int] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    seat_key: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, Checked] = field(default_factory=dict)
    vouches: Mapping[str, str] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    holders_frozen: HoldersFrozen | None = None
    succession: Succession | None = None
    definition: Definition | None = None
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    witnessed: int = 0
    admitted: Mapping[str, int] = field(default_factory=dict)
    recording: Mapping[str, str] = field(default_factory=dict)
    tracks: Mapping[Track, int] = field(default_factory=dict)
    lost: Mapping[str, LostVenue] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    journals: tuple[Journal, ...] = ()
    causes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    presenter: str = ""
    page: Page | None = None
    viewed: Mapping[str, int] = field(default_factory=dict)
    noticed: Mapping[str, int] = field(default_factory=dict)
    helps: tuple[HelpRequest, ...] = ()
    acts: Places = field(default_factory=Places)
    evaluation: Evaluation = field(default_factory=Evaluation)
    report: Report | None = None
    ending: Ending = field(default_factory=Ending)
    superseded: tuple[Superseded, ...] = ()
    day: int | None = None
    night: Night | None = None
    clocks: Mapping[str, ClockSample] = field(default_factory=dict)
    waived: frozenset[str] = frozenset()
    reopening: tuple[bytes, str] | None = None
    drawing: Drawing = field(default_factory=Drawing)
    seated: Mapping[str, Seated] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    notes: bytes | None = None
    continuations: tuple[Continuation, ...] = ()

    @property
    def log(self) -> str:
        """The origin of the log as it goes on now; `origin` is the proceeding's own, that of its founding, for ever."""
        return self.continuations[-1].log if self.continuations else self.origin

    @property
    def gate(self) -> str:
        """open, paused, aborted or closed."""
        if self.closed is not None:
            return CLOSED
        if self.aborted:
            return ABORTED
        return PAUSED if self.pauses else OPEN

    @property
    def stage(self) -> str:
        """The legal stage."""
        return self.evaluation.stage

    @property
    def venues(self) -> Mapping[str, Venue]:
        return self.founding.venues if self.founding else {}

    @property
    def rooms(self) -> Mapping[str, Room]:
        return self.founding.rooms if self.founding else {}

    @property
    def seats(self) -> Mapping[str, Seat]:
        return self.founding.seats if self.founding else {}

    @property
    def holders(self) -> tuple[str, ...]:
        """The holders of the founding, or those who have succeeded them."""
        return self.evaluation.holders

    @property
    def successors(self) -> tuple[str, ...]:
        """Who is to offer a key in place of a lost holder, and has not."""
        if self.succession is None:
            return ()
        ordered = self.succession
        named = (self.offers.get(by) for by in ordered.by.values())
        return tuple(
            by for by, made in zip(ordered.by.values(), named, strict=True) if made is None or made.n < ordered.n
        )

    @property
    def holder_k(self) -> int:
        return self.founding.holder_k if self.founding else 0

    @property
    def identities(self) -> Mapping[str, Object]:
        return self.founding.identities if self.founding else {}

    @property
    def cities(self) -> Mapping[str, CityName]:
        """What people call the centres' cities, by domain."""
        return self.founding.names if self.founding else {}

    @property
    def members(self) -> tuple[Seat, ...]:
        """The seats with a vote, recused ones included."""
        return tuple(seat for seat in self.seats.values() if seat.member)

    @property
    def signers(self) -> tuple[str, ...]:
        """Who must sign the report: the committee in its order."""
        return self.evaluation.seats

    @property
    def main(self) -> str:
        """The main centre's domain."""
        return self.founding.main if self.founding else ""

    def is_open(self, seat: Seat) -> bool:
        """Whether nobody was drawn or designated for the seat yet."""
        return bool(seat.stratum) and seat.id not in self.seated and seat.id not in self.evaluation.recused

    def seat(self, name: str) -> Seat:
        """The seat, or UnknownSeat."""
        if name not in self.seats:
            raise UnknownSeat(f"no seat {name[:40]!r}")
        return self.seats[name]

    def room(self, name: str) -> Room:
        """The room, or UnknownRoom."""
        if name not in self.rooms:
            raise UnknownRoom(f"no room {name[:40]!r}")
        return self.rooms[name]

    def venue(self, name: str) -> Venue:
        """The venue, or UnknownVenue."""
        if name not in self.venues:
            raise UnknownVenue(f"no venue {name[:40]!r}")
        return self.venues[name]

    def waiting(self, venue: str) -> frozenset[str]:
        """Bound seats of the venue, its room devices included, recused members not: who resumes after its loss."""
        return frozenset(
            seat.id
            for seat in self.seats.values()
            if seat.venue == venue and seat.id in self.seat_key and seat.id not in self.evaluation.recused
        )

    def in_main_venue(self, seat: Seat) -> bool:
        """Whether the seat sits in the main venue."""
        return seat.venue in self.venues and self.venues[seat.venue].main


EMPTY = Proceeding()
