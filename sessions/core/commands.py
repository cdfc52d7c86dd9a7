"""What may be asked of a proceeding: acts of persons and centres, and facts that the server states.

All hashes are 32 raw bytes; the log writes them base64url.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.core.commands import OpenRound as OpenRound
from evidence.core.act import Act
from evidence.core.canonical import Object
from sessions.core.continued import Leaf


@dataclass(frozen=True, slots=True)
class Perform:
    """An act that `sessions.core.acts.check` has let through."""

    act: Act


@dataclass(frozen=True, slots=True)
class FixDefinition:
    """`definition.fix` with the document that it names."""

    act: Act
    document: bytes


@dataclass(frozen=True, slots=True)
class AuthoriseSignature:
    """`report.sign` with the hash of the prepared revision that the vault holds."""

    act: Act
    revision: bytes


@dataclass(frozen=True, slots=True)
class FreezeHolders:
    """Every holder has offered its key."""


@dataclass(frozen=True, slots=True)
class IssueCredential:
    """The signing service made a credential; `certificate` = SHA-256 of its leaf's DER."""

    seat: str
    credential: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class NoteWitnessed:
    """A checkpoint of `size` has its quorum; `note` = hash of the cosigned note in the vault."""

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class StartRecording:
    """The engine records these rooms."""

    rooms: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class EndRecording:
    """The engine has stopped and every segment of these rooms is in the log."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CloseSegments:
    """Segments of one venue lie in the vault (docs/protocol.md section 5)."""

    venue: str
    segments: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class LoseVenue:
    """A venue is cut off; `size` = the last size that it acknowledged."""

    venue: str
    size: int


@dataclass(frozen=True, slots=True)
class LoseRecording:
    """An admitted room sends nothing that could be recorded."""

    room: str


@dataclass(frozen=True, slots=True)
class RegainRecording:
    """The room's packets flow again."""

    room: str


@dataclass(frozen=True, slots=True)
class FreezeReport:
    """The report lies in the vault: hashes of the document, its content and the ranking, and of the workbook, which
    reports of earlier releases did not have; `form` of the content, which those before form 4 did not say."""

    document: bytes
    size: int
    content: bytes
    ranking: bytes
    workbook: bytes | None = None
    form: int | None = None


@dataclass(frozen=True, slots=True)
class RecordSignature:
    """The revision with the signature of `seat`, authorised by `act`, lies in the vault."""

    seat: str
    act: bytes
    document: bytes
    size: int


@dataclass(frozen=True, slots=True)
class OpenLot:
    """The evaluation calls for a lot under this label."""

    label: str


@dataclass(frozen=True, slots=True)
class FreezeDraw:
    """Every contribution to the draw that this leaf opened is safe."""

    opened: bytes


@dataclass(frozen=True, slots=True)
class MissReveals:
    """Who did not reveal in time, or revealed something else than was committed; sorted."""

    freeze: bytes
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolveDraw:
    """The secrets of a frozen draw, in frozen order; whoever states them checked s·G = A_0 of each."""

    freeze: bytes
    secrets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """The incident of this venue or room lasts longer than the pack allows."""

    subject: str


@dataclass(frozen=True, slots=True)
class PageView:
    """A seat had this image of a page on its screen, from `start` to `end` in ms since the epoch."""

    seat: str
    document: bytes
    page: int
    image: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NotePages:
    """What seats had on their screens since the last time that it was stated."""

    views: tuple[PageView, ...]


@dataclass(frozen=True, slots=True)
class ClockSample:
    """A seat's own clock in ms when its ping was sent, how far the server's was ahead, and the round trip in ms."""

    seat: str
    clock: int
    offset: int
    rtt: int


@dataclass(frozen=True, slots=True)
class NoteOffsets:
    """Seats whose clocks are new, or have moved against the server's."""

    samples: tuple[ClockSample, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something happened at a seat, at a time in ms since the epoch."""

    seat: str
    what: str
    at: int


@dataclass(frozen=True, slots=True)
class NoteSeats:
    """What was noticed at members' seats since the last time that it was stated."""

    events: tuple[Noticed, ...]


@dataclass(frozen=True, slots=True)
class BeginNight:
    """The tender's cut-off time has come."""


@dataclass(frozen=True, slots=True)
class NoteClockJump:
    """The server's clock was set by so many milliseconds."""

    by_ms: int


@dataclass(frozen=True, slots=True)
class NoteLooks:
    """What supervisors and auditors looked at (docs/protocol.md 2.2)."""

    looks: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class NoteAdvice:
    """The documents were compared, and what that showed lies in the vault."""

    sha256: bytes
    size: int
    facts: int


@dataclass(frozen=True, slots=True)
class NoteLeaves:
    """Entries of what is missing were proven; the vault holds them with their receipts."""

    leaves: tuple[Leaf, ...]


Command = (
    Perform
    | FixDefinition
    | AuthoriseSignature
    | FreezeHolders
    | IssueCredential
    | NoteWitnessed
    | StartRecording
    | EndRecording
    | CloseSegments
    | LoseVenue
    | LoseRecording
    | RegainRecording
    | OpenRound
    | NoteAdvice
    | FreezeReport
    | RecordSignature
    | OpenLot
    | FreezeDraw
    | MissReveals
    | Due
    | BeginNight
    | NoteOffsets
    | NoteClockJump
    | NoteLooks
    | NotePages
    | NoteSeats
    | ResolveDraw
    | NoteLeaves
)
