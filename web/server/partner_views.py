"""Agreements and invitations as the door shows them to one of their parties, and where a stranger's question ends."""

from __future__ import annotations

from evidence.core.canonical import b64u
from sessions.core import partnership
from sessions.core.naming import Ids
from sessions.partners import Partners
from web.server.allow import UNKNOWN, Here
from web.server.errors import NotFound
from web.server.schemas import partner as form


def partners(here: Here) -> Partners:
    """The partnerships of this installation."""
    return here.services.proceedings.partners


def agreement_of(here: Here, name: str, tenant: str | None = None) -> partnership.Agreement:
    """The tenant's agreement; another one's is as unknown as none."""
    found = partners(here).state.agreement(tenant or here.tenant, name)
    if found is None:
        raise NotFound(UNKNOWN)
    return found


def invitation_of(here: Here, name: str, tenant: str | None = None) -> partnership.Invitation:
    """The tenant's invitation; another one's is as unknown as none."""
    found = partners(here).state.invitation(tenant or here.tenant, name)
    if found is None:
        raise NotFound(UNKNOWN)
    return found


def show_agreement(here: Here, found: partnership.Agreement) -> form.Agreement:
    return form.Agreement(
        agreement=found.id,
        state=found.state,
        host=found.host,
        partner=found.partner,
        terms=b64u(found.terms),
        until=found.until,
        offer=b64u(found.offer),
        signed=list(found.signed),
        chain=form.Chain(**partners(here).chain(found, here.tenant)),
    )


def show_invitation(here: Here, found: partnership.Invitation) -> form.Invitation:
    agreement = partners(here).state.agreements[found.agreement]
    offer = found.offer
    return form.Invitation(
        invitation=found.id,
        agreement=found.agreement,
        state=found.state,
        venue=offer.venue,
        starts=offer.starts,
        rooms=offer.rooms,
        seats=offer.seats,
        specialities=list(offer.specialities),
        proceeding=found.origin.rpartition("/")[2] or None,
        chain=form.Chain(**partners(here).chain(agreement, here.tenant)),
    )


def show_venue(found: partnership.Invitation) -> form.Venue:
    """The venue as it was named; NotFound before."""
    named, ids = found.named, found.ids or Ids()
    if named is None:
        raise NotFound(UNKNOWN)
    return form.Venue(
        rooms=[form.VenueRoom(label=label, id=ids.rooms.get(label)) for label in named.rooms],
        seats=[
            form.VenueSeat(label=s.label, role=s.role, speciality=s.speciality, id=ids.seats.get(s.label))
            for s in named.seats
        ],
        witness=named.witness,
        holder=named.holder,
    )


def version(found: partnership.Agreement | partnership.Invitation) -> str:
    """What the ETag says: the newest act that concerns it."""
    return b64u(found.version)
