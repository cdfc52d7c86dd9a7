"""Errors of the main server's part of a meeting.

ServiceError
├── UnknownProceeding    no proceeding of this id here (`unknown-proceeding`)
├── NotFoundedYet        its opening waits for the witnesses, or the process is starting (`not-founded-yet`)
├── NotWitnessedYet      no quorum has cosigned this entry yet (`not-witnessed-yet`)
├── NotArchived          the evidence file is not written yet (`not-archived`)
├── TenderRefused        what the administrator handed in does not fit together (`tender-refused`)
├── ObjectNotThere       a seal's ciphertext must be in the vault before its act (`object-missing`)
├── NothingToSign        this seat has nothing to sign (`nothing-to-sign`)
├── StaleRevision        the hash to be signed is not of the newest revision (`stale-revision`)
├── RoomNotAdmitted      a room publishes after its admission only (`room-not-admitted`)
├── NodeUnavailable      a city node did not answer (`node-unavailable`)
├── NodeRefused          a city node answered no; `reason` is its code (`node-refused`)
├── NotAnnounced         no device of this seat announced that key (`not-announced`)
├── StillDue             something is not ready yet; asked again later (`still-due`)
├── NotOwner             another process keeps the logs now (`not-owner`)
└── KeyLost              a log's key is missing though its log is open (`key-lost`)
"""

from __future__ import annotations


class ServiceError(Exception):
    """The main server cannot do this; `code` is stable, the text is for engineers."""

    code = "service"


class UnknownProceeding(ServiceError):
    """No proceeding of this id is kept here."""

    code = "unknown-proceeding"


class NotFoundedYet(ServiceError):
    """Ask again: nothing can be done in a proceeding before its entry 0."""

    code = "not-founded-yet"


class NotWitnessedYet(ServiceError):
    """There is no receipt before the quorum has cosigned."""

    code = "not-witnessed-yet"


class NotArchived(ServiceError):
    """The evidence file is written after the final root has its quorum."""

    code = "not-archived"


class TenderRefused(ServiceError):
    """The tender does not fit together; nothing was opened."""

    code = "tender-refused"


class ObjectNotThere(ServiceError):
    """An act speaks of an object that the vault does not hold, or of another size."""

    code = "object-missing"


class NothingToSign(ServiceError):
    """The stage, the role or an earlier signature leaves this seat nothing to sign."""

    code = "nothing-to-sign"


class StaleRevision(ServiceError):
    """The act signs over a hash that was not prepared, or not over the newest revision."""

    code = "stale-revision"


class RoomNotAdmitted(ServiceError):
    """No evidence, no action: the admission must be in the log first."""

    code = "room-not-admitted"


class NodeUnavailable(ServiceError):
    """No answer; nothing was decided."""

    code = "node-unavailable"


class NodeRefused(ServiceError):
    """The node said no."""

    code = "node-refused"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class NotAnnounced(ServiceError):
    """What is checked or vouched for must be the key that the seat's device shows now."""

    code = "not-announced"


class StillDue(ServiceError):
    """Not ready; the duty stays."""

    code = "still-due"


class NotOwner(ServiceError):
    """This process lost its lease: it appends nothing and signs nothing any more."""

    code = "not-owner"


class KeyLost(ServiceError):
    """Without its key a log cannot go on: restore the key from the back-up, or open `/r2` (protocols.md 2)."""

    code = "key-lost"
