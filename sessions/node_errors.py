"""Errors of a city node.

NodeError
├── NotYet               the log shown so far does not hold what was asked for (`not-yet`)
├── LogForked            the log shown contradicts what this node holds or signed (`log-forked`)
├── HoldsMore            this node's copy goes beyond what is said to be left (`holds-more`)
├── LogRefused           the log does not replay, or was not founded under this node's pins (`log-refused`)
├── OtherSuccessor       another log continues that one already (`other-successor`)
├── NotAHolder           this city holds no share in that proceeding (`not-a-holder`)
├── NotSealed            the act named is no seal of this proceeding (`not-sealed`)
├── ForeignSeat          the seat belongs to another centre, or to nobody (`foreign-seat`)
├── VenueNotLost         the main server answers this node: acts go there (`venue-not-lost`)
├── JournalFull          a seat, or its venue, has left more acts than anybody signs (`journal-full`)
├── NotPartnership       the act is none that a partner signs towards its host (`not-partnership`)
├── OtherCode            the announced device has another comparison code (`other-code`)
├── AlreadyVouched       this node vouched for the seat with another key (`already-vouched`)
├── ReleaseRefused       one of R1 to R5 does not hold
│   ├── NotListed            R3: the list is not that of the required members (`freeze-incomplete`)
│   ├── NotApproved          R4: no approval, an unanswered seat, or an open dispute (`release-not-approved`)
│   ├── NotOverdue           U3: the main centre still has time to open (`not-overdue`)
│   ├── OtherFreeze          R5: shares of this round left for another freeze (`released-elsewhere`)
│   └── RevealThere          the contributor revealed: its shares stay (`reveal-there`)
├── OtherRelease         not a release of the shares that are to be opened together (`other-release`)
├── FalseShare           a released share is not the one that was dealt to its holder (`share-false`)
├── CiphertextNotKept    a listed ciphertext is not here as it was sealed (`ciphertext-not-kept`)
├── ClockBackwards       this node's clock stands before a time that it signed (`clock-backwards`)
└── NodeStateBroken      keys and records on disk do not belong together (`node-state-broken`)
"""

from __future__ import annotations


class NodeError(Exception):
    """A city node refuses; `code` is stable, the text is for engineers."""

    code = "node"


class NotYet(NodeError):
    """Ask again when the log shown holds more."""

    code = "not-yet"


class LogForked(NodeError):
    """Two histories of one log: the node stops serving it."""

    code = "log-forked"


class HoldsMore(NodeError):
    """Nothing is gone that this node holds: `tongping recover` takes it back. `size` is that of its copy."""

    code = "holds-more"

    def __init__(self, text: str, size: int) -> None:
        super().__init__(text)
        self.size = size


class OtherSuccessor(NodeError):
    """A log goes on once: the one that was admitted first stands."""

    code = "other-successor"


class LogRefused(NodeError):
    """An entry breaks a rule, or the founding differs from this node's own policy and trust."""

    code = "log-refused"


class NotAHolder(NodeError):
    """The proceeding does not name this city among its holders."""

    code = "not-a-holder"


class NotSealed(NodeError):
    """The act is known, and is no sealed sheet or ballot."""

    code = "not-sealed"


class ForeignSeat(NodeError):
    """A node vouches for the seats of its own centre only."""

    code = "foreign-seat"


class VenueNotLost(NodeError):
    """A journal is for what the main server cannot be given."""

    code = "venue-not-lost"


class JournalFull(NodeError):
    """What follows stays on its device, and is merged from there."""

    code = "journal-full"


class NotPartnership(NodeError):
    """What a centre signs between proceedings, and towards the host that it pinned; nothing else."""

    code = "not-partnership"


class AlreadyVouched(NodeError):
    """One seat, one key: another thumbprint needs the rebinding of a later version."""

    code = "already-vouched"


class OtherCode(NodeError):
    """What the officer read is not the code of the key that is shown: nobody vouches for it."""

    code = "other-code"


class ReleaseRefused(NodeError):
    """Shares stay where they are."""

    code = "release-refused"


class NotListed(ReleaseRefused):
    """The freeze does not list each required member once, with its current and acked seal."""

    code = "freeze-incomplete"


class NotApproved(ReleaseRefused):
    """Somebody who has to agree did not, or objects."""

    code = "release-not-approved"


class NotOverdue(ReleaseRefused):
    """Ten minutes from the gate belong to the main centre, unless the proceeding is aborted."""

    code = "not-overdue"


class OtherFreeze(ReleaseRefused):
    """One freeze per round, for ever."""

    code = "released-elsewhere"


class RevealThere(ReleaseRefused):
    """A draw's contributor is called missing, and its true secret stands in the log."""

    code = "reveal-there"


class OtherRelease(NodeError):
    """Another freeze, another log, or no release at all: whoever brought it looks for the right file."""

    code = "other-release"


class FalseShare(NodeError):
    """The equation convicts the holder that signed it; the round opens with k others (protocols.md 1.5(7))."""

    code = "share-false"


class CiphertextNotKept(NodeError):
    """Another city opens, whose node kept it; its author is not to blame."""

    code = "ciphertext-not-kept"


class ClockBackwards(NodeError):
    """A wrong time is worse than no signature."""

    code = "clock-backwards"


class NodeStateBroken(NodeError):
    """A witness whose record is gone or foreign must be retired, not restarted."""

    code = "node-state-broken"
