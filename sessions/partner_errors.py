"""Errors of a partnership: agreements, invitations, naming. (Acts that do not hold: `sessions.errors`.)

PartnershipError
├── AgreementState       the agreement is not in the state that this needs (`agreement-state`)
│   └── NotInForce           both centres have not signed, or it ended (`agreement-not-in-force`)
├── InvitationState      the invitation was answered, withdrawn or convened (`invitation-state`)
├── OfferRefused         what is offered cannot be (`offer-refused`)
├── NamingRefused        rooms, seats or keys are not what was offered or pinned (`naming-refused`)
├── StaleVersion         the resource has changed since it was read (`precondition-failed`)
└── CursorRefused        not a cursor of this tenant and this log (`cursor-refused`)
"""

from __future__ import annotations


class PartnershipError(Exception):
    """Two centres cannot do this together; `code` is stable, the text is for engineers."""

    code = "partnership"


class AgreementState(PartnershipError):
    """Signed, ended, or not there yet."""

    code = "agreement-state"


class NotInForce(AgreementState):
    """Nobody is invited without an agreement that holds."""

    code = "agreement-not-in-force"


class InvitationState(PartnershipError):
    """Too late, or too early, for this answer."""

    code = "invitation-state"


class OfferRefused(PartnershipError):
    """An offer that could not be kept."""

    code = "offer-refused"


class NamingRefused(PartnershipError):
    """A venue that does not fit its invitation."""

    code = "naming-refused"


class StaleVersion(PartnershipError):
    """If-Match names another version."""

    code = "precondition-failed"


class CursorRefused(PartnershipError):
    """Changed, or given to another tenant or for another log."""

    code = "cursor-refused"
