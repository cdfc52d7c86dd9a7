"""Errors of the meeting. (A city node's are in `sessions.node_errors`.)

SessionError
├── UnknownKey           no key of this proceeding has that thumbprint (`unknown-key`)
│   ├── NotVouched           the seat's centre has not vouched for this key (`not-vouched`)
│   ├── SeatKeyEnded         the key was replaced (`seat-key-ended`)
│   └── SeatSuspended        two devices have the key (`seat-suspended`)
├── WrongLog             the act is for another log (`wrong-log`)
├── WrongSeat            the key is not that of `sub` (`wrong-seat`)
├── ActRepeated          the act is in the log; `index` says where (`act-repeated`)
├── ActGap               an act of this key is missing in between (`act-gap`)
├── ActFork              the key has another act at this place of its chain (`act-fork`)
├── SeenUnknown          `seen` is no root of this log, or older than before (`seen-unknown`)
├── CauseNotStated       nobody has said yet why acts of the seat are missing (`cause-not-stated`)
├── NotOverdue           the time of an incident is not over (`not-overdue`)
├── NotNight             areas are sealed and opened at night only (`not-night`)
├── NotSuspended         the seat's key is not suspended (`not-suspended`)
├── UnknownAct           no such act (`unknown-act`)
├── WrongRole            the actor's role does not allow it (`wrong-role`)
│   └── WrongVenue           the role would allow it in another venue (`wrong-venue`)
├── GateError
│   ├── Paused               the proceeding is paused (`paused`)
│   ├── NotPaused            there is nothing to resume (`not-paused`)
│   ├── Closed               the proceeding is closed (`closed`)
│   └── Aborted              the proceeding was aborted (`aborted`)
├── FoundingRefused      roster, keys or holders cannot found a proceeding (`founding-refused`)
│   └── NotFounded           nothing comes before `proceeding.found` (`not-founded`)
├── AlreadyFixed         the founding fact stands already (`already-fixed`)
├── ObjectMismatch       the bytes are not those that the act names (`object-mismatch`)
├── MemberMismatch       the definition names others than the roster (`member-mismatch`)
├── PinsMismatch         the seat pinned another policy or trust (`pins-mismatch`)
├── UnknownVenue         no such venue (`unknown-venue`)
├── UnknownRoom          no such room (`unknown-room`)
├── UnknownSeat          no such seat (`unknown-seat`)
├── UnknownPage          no such document or page (`unknown-page`)
├── UnknownHelp          nobody asked for this help (`unknown-help`)
├── NotBound             the seat has no key yet (`not-bound`)
├── SeatIsOpen           nobody was drawn for the seat yet (`seat-open`)
├── SeatingRefused       not the next one of the draw, or not the place that is free (`seating-refused`)
├── NotAdmitted          the room was not admitted (`not-admitted`)
├── NotLost              the venue or recording is not lost (`not-lost`)
├── NotOffline           the act depends on what others do meanwhile (`not-offline`)
├── NotReady             the meeting's part of the stage is incomplete (`not-ready`)
│   ├── ExpertsUndrawn       experts sit whose draw nobody has stated (`experts-undrawn`)
│   └── DrawDiffers          other venues were drawn than those of the founding (`draw-differs`)
├── SegmentRefused       a segment is out of form or repeated (`segment-refused`)
├── LookRefused          a look that nobody can have had (`look-refused`)
├── ReportRefused        the report is not the one that follows from the log (`report-refused`)
├── SigningRefused
│   ├── SigningTurn          another seat's signature is under way (`signing-turn`)
│   ├── WrongCredential      not the seat's own credential (`wrong-credential`)
│   ├── WrongDocument        not the frozen report (`wrong-document`)
│   ├── AlreadySigned        the seat has signed (`already-signed`)
│   ├── AlreadyConfirmed     the seat has stated this very ranking (`already-confirmed`)
│   ├── RankingUnconfirmed   not every signer has ranked the log by its own device (`ranking-unconfirmed`)
│   └── RankingDiffers       a signer's own ranking is not the report's (`ranking-differs`)
├── CommandRefused       a fact of the server that cannot be (`command-refused`)
└── EntryRefused         an entry that does not continue this log (`entry-refused`)
"""

from __future__ import annotations


class SessionError(Exception):
    """The meeting refuses; `code` is stable, the text is for engineers."""

    code = "session"


class UnknownKey(SessionError):
    """No key of this proceeding has that thumbprint."""

    code = "unknown-key"


class NotVouched(UnknownKey):
    """The seat's centre has not vouched for this key."""

    code = "not-vouched"


class SeatKeyEnded(UnknownKey):
    """The key was replaced; its acts no longer count."""

    code = "seat-key-ended"


class SeatSuspended(UnknownKey):
    """Two devices have the key; the supervisor decides."""

    code = "seat-suspended"


class CauseNotStated(SessionError):
    """Operator and supervisor say why acts of the seat are missing, before it goes on."""

    code = "cause-not-stated"


class NotOverdue(SessionError):
    """The time of an incident is not over."""

    code = "not-overdue"


class NotNight(SessionError):
    """Areas are sealed and opened at night only."""

    code = "not-night"


class NotSuspended(SessionError):
    """The seat's key is not suspended."""

    code = "not-suspended"


class WrongLog(SessionError):
    """The act's `aud` is another log."""

    code = "wrong-log"


class WrongSeat(SessionError):
    """The key belongs to another seat or centre than `sub`."""

    code = "wrong-seat"


class ActRepeated(SessionError):
    """The act is in the log already: whoever sent it gets the first answer again."""

    code = "act-repeated"

    def __init__(self, index: int) -> None:
        super().__init__(f"the act is entry {index}")
        self.index = index


class ActGap(SessionError):
    """An act of this key is missing in between."""

    code = "act-gap"


class ActFork(SessionError):
    """The key has another act at this place of its chain: two tabs, or a cloned profile."""

    code = "act-fork"


class SeenUnknown(SessionError):
    """`seen` is no root of this log, or smaller than in the key's last act."""

    code = "seen-unknown"


class UnknownAct(SessionError):
    """No act of this name."""

    code = "unknown-act"


class WrongRole(SessionError):
    """The actor's role does not allow it."""

    code = "wrong-role"


class WrongVenue(WrongRole):
    """The role would allow it in another venue."""

    code = "wrong-venue"


class GateError(SessionError):
    """Not at this gate."""

    code = "gate"


class Paused(GateError):
    """The proceeding is paused."""

    code = "paused"


class NotPaused(GateError):
    """There is nothing to resume."""

    code = "not-paused"


class Closed(GateError):
    """The proceeding is closed: its log no longer grows."""

    code = "closed"


class Aborted(GateError):
    """The proceeding was aborted."""

    code = "aborted"


class FoundingRefused(SessionError):
    """Roster, keys or holders cannot found a proceeding."""

    code = "founding-refused"


class NotFounded(FoundingRefused):
    """Nothing comes before `proceeding.found`."""

    code = "not-founded"


class AlreadyFixed(SessionError):
    """The fact is stated once, and was."""

    code = "already-fixed"


class ObjectMismatch(SessionError):
    """The bytes offered are not those that the act names."""

    code = "object-mismatch"


class MemberMismatch(SessionError):
    """The definition names other members, or another log, than the roster."""

    code = "member-mismatch"


class PinsMismatch(SessionError):
    """The seat pinned another policy or trust than the founding."""

    code = "pins-mismatch"


class UnknownVenue(SessionError):
    """No such venue."""

    code = "unknown-venue"


class UnknownRoom(SessionError):
    """No such room."""

    code = "unknown-room"


class UnknownSeat(SessionError):
    """No such seat."""

    code = "unknown-seat"


class UnknownPage(SessionError):
    """No such document, or no such page in it."""

    code = "unknown-page"


class UnknownHelp(SessionError):
    """Nobody asked for this help."""

    code = "unknown-help"


class NotBound(SessionError):
    """The seat has no key yet."""

    code = "not-bound"


class SeatIsOpen(SessionError):
    """Nobody was drawn for the seat yet."""

    code = "seat-open"


class SeatingRefused(SessionError):
    """Not the next one of the draw, or not the place that is free."""

    code = "seating-refused"


class NotAdmitted(SessionError):
    """The room was not admitted."""

    code = "not-admitted"


class NotLost(SessionError):
    """The venue or recording is not lost."""

    code = "not-lost"


class NotOffline(SessionError):
    """Signed while cut off, it counts for nothing: who signs it has to see the log as it is."""

    code = "not-offline"


class NotReady(SessionError):
    """The meeting's part of the stage is incomplete; the text says what is missing."""

    code = "not-ready"


class ExpertsUndrawn(NotReady):
    """Experts sit whom nobody drew and nobody approved of; the supervisor states where they were drawn."""

    code = "experts-undrawn"


class DrawDiffers(NotReady):
    """Venues were drawn, and the founding has others; or their draw has no result yet."""

    code = "draw-differs"


class SegmentRefused(SessionError):
    """A segment is out of form, of another venue, or repeated."""

    code = "segment-refused"


class LookRefused(SessionError):
    """A look that nobody can have had."""

    code = "look-refused"


class ReportRefused(SessionError):
    """The report is not the one that follows from the log."""

    code = "report-refused"


class SigningRefused(SessionError):
    """A signature of the report is not due."""

    code = "signing-refused"


class SigningTurn(SigningRefused):
    """Another seat's signature is under way; signatures follow one another."""

    code = "signing-turn"


class WrongCredential(SigningRefused):
    """Not the seat's own credential."""

    code = "wrong-credential"


class WrongDocument(SigningRefused):
    """Not the frozen report."""

    code = "wrong-document"


class AlreadySigned(SigningRefused):
    """The seat has signed, or its signature is under way."""

    code = "already-signed"


class AlreadyConfirmed(SigningRefused):
    """The seat has stated this very ranking."""

    code = "already-confirmed"


class RankingUnconfirmed(SigningRefused):
    """Nobody signs before every signer's own device has ranked the log."""

    code = "ranking-unconfirmed"


class RankingDiffers(SigningRefused):
    """Nobody signs while a signer's own device comes to another ranking."""

    code = "ranking-differs"


class CommandRefused(SessionError):
    """A fact of the server that cannot be at this place of the log."""

    code = "command-refused"


class EntryRefused(SessionError):
    """An entry that does not continue this log, or whose body is out of form."""

    code = "entry-refused"
