"""Framework agreements and invitations, as a partner's own system handles them (docs/protocol.md 10.3)."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from evidence.core.canonical import b64u
from web.server.allow import Caller, Doors, Here
from web.server.idempotency import CHANGES, answered, once, version_asked
from web.server.partner_views import (
    agreement_of,
    invitation_of,
    partners,
    show_agreement,
    show_invitation,
    show_venue,
    version,
)
from web.server.schemas import partner as form

doors = Doors("partner")
AGREEMENTS, INVITATIONS = "/v1/partner/agreements", "/v1/partner/invitations"
READ_AGREEMENTS, READ_INVITATIONS = "partner.agreements.read", "partner.invitations.read"
ANSWER = "partner.invitations.answer"
OCTETS = "application/octet-stream"
TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}}


@doors.open("GET", AGREEMENTS, operation="listAgreements", permission=READ_AGREEMENTS)
async def list_agreements(here: Caller) -> form.Agreements:
    return form.Agreements(agreements=[show_agreement(here, a) for a in partners(here).agreements(here.tenant)])


@doors.open(
    "GET",
    AGREEMENTS + "/{agreement}",
    operation="getAgreement",
    permission=READ_AGREEMENTS,
    response_model=form.Agreement,
)
async def get_agreement(here: Caller, agreement: str) -> Response:
    found = agreement_of(here, agreement)
    return answered(show_agreement(here, found), version=version(found))


@doors.open(
    "GET",
    AGREEMENTS + "/{agreement}/terms",
    operation="getTerms",
    permission=READ_AGREEMENTS,
    response_class=Response,
    responses=TEXT,
)
async def get_terms(here: Caller, agreement: str) -> Response:
    return Response(await partners(here).terms(agreement_of(here, agreement)), media_type=OCTETS)


@doors.open("GET", AGREEMENTS + "/{agreement}/acts", operation="listAgreementActs", permission=READ_AGREEMENTS)
async def list_acts(here: Caller, agreement: str) -> form.Deeds:
    found = partners(here)
    return form.Deeds(
        acts=[
            form.Deed(
                index=deed.entry.n,
                leaf=b64u(deed.entry.leaf),
                entry=b64u(deed.entry.data),
                disclosure=deed.disclosure,
                receipt=found.receipt(deed),
            )
            for deed in found.deeds(agreement_of(here, agreement))
        ]
    )


@doors.open(
    "POST",
    AGREEMENTS + "/{agreement}/signature",
    operation="signAgreement",
    permission="partner.agreements.sign",
    reads=form.Signed,
    headers=CHANGES,
    status_code=201,
    response_model=form.Agreement,
)
async def sign(here: Caller, agreement: str) -> Response:
    agreement_of(here, agreement)
    return await once(here, form.Signed, partial(_act_on_agreement, here, agreement, "agreement.sign"))


@doors.open(
    "POST",
    AGREEMENTS + "/{agreement}/end",
    operation="endAgreement",
    permission="partner.agreements.end",
    reads=form.Signed,
    headers=CHANGES,
    status_code=201,
    response_model=form.Agreement,
)
async def end(here: Caller, agreement: str) -> Response:
    agreement_of(here, agreement)
    return await once(here, form.Signed, partial(_act_on_agreement, here, agreement, "agreement.end"))


@doors.open("GET", INVITATIONS, operation="listInvitations", permission=READ_INVITATIONS)
async def list_invitations(here: Caller) -> form.Invitations:
    return form.Invitations(invitations=[show_invitation(here, i) for i in partners(here).invitations(here.tenant)])


@doors.open(
    "GET",
    INVITATIONS + "/{invitation}",
    operation="getInvitation",
    permission=READ_INVITATIONS,
    response_model=form.Invitation,
)
async def get_invitation(here: Caller, invitation: str) -> Response:
    found = invitation_of(here, invitation)
    return answered(show_invitation(here, found), version=version(found))


@doors.open(
    "POST",
    INVITATIONS + "/{invitation}/acceptance",
    operation="acceptInvitation",
    permission=ANSWER,
    reads=form.Signed,
    headers=CHANGES,
    status_code=201,
    response_model=form.Invitation,
)
async def accept(here: Caller, invitation: str) -> Response:
    invitation_of(here, invitation)
    return await once(here, form.Signed, partial(_act_on_invitation, here, invitation, "invitation.accept"))


@doors.open(
    "POST",
    INVITATIONS + "/{invitation}/refusal",
    operation="declineInvitation",
    permission=ANSWER,
    reads=form.Signed,
    headers=CHANGES,
    status_code=201,
    response_model=form.Invitation,
)
async def decline(here: Caller, invitation: str) -> Response:
    invitation_of(here, invitation)
    return await once(here, form.Signed, partial(_act_on_invitation, here, invitation, "invitation.decline"))


@doors.open(
    "GET",
    INVITATIONS + "/{invitation}/venue",
    operation="getVenue",
    permission=READ_INVITATIONS,
    response_model=form.Venue,
)
async def get_venue(here: Caller, invitation: str) -> Response:
    found = invitation_of(here, invitation)
    return answered(show_venue(found), version=version(found))


@doors.open(
    "PUT",
    INVITATIONS + "/{invitation}/venue",
    operation="nameVenue",
    permission="partner.venues.name",
    reads=form.Naming,
    headers=CHANGES,
    response_model=form.Venue,
)
async def name_venue(here: Caller, invitation: str) -> Response:
    invitation_of(here, invitation)
    return await once(here, form.Naming, partial(_name, here, invitation))


async def _act_on_agreement(here: Here, agreement: str, kind: str, body: form.Signed) -> Response:
    await _perform(here, agreement, kind, body.act, ())
    found = agreement_of(here, agreement)
    return answered(show_agreement(here, found), 201, version=version(found))


async def _act_on_invitation(here: Here, invitation: str, kind: str, body: form.Signed) -> Response:
    await _perform(here, invitation, kind, body.act, ())
    found = invitation_of(here, invitation)
    return answered(show_invitation(here, found), 201, version=version(found))


async def _name(here: Here, invitation: str, body: form.Naming) -> Response:
    await _perform(here, invitation, "venue.name", body.act, tuple(body.disclosures))
    found = invitation_of(here, invitation)
    return answered(show_venue(found), version=version(found))


async def _perform(here: Here, subject: str, kind: str, act: str, disclosures: tuple[str, ...]) -> int:
    return await partners(here).perform(
        act,
        by=here.tenant,
        kinds=frozenset({kind}),
        subject=subject,
        version=version_asked(here),
        disclosures=disclosures,
    )
