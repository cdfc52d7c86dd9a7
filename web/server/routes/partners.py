"""The host's side of partnerships, for its administrator (docs/protocol.md 10.7)."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from sessions.core.partnership import Agreement
from web.server.allow import UNKNOWN, Caller, Doors, Here
from web.server.errors import NotFound
from web.server.idempotency import WRITES, answered, once, once_without_body
from web.server.partner_views import (
    agreement_of,
    invitation_of,
    partners,
    show_agreement,
    show_invitation,
    version,
)
from web.server.schemas import partner as form

doors = Doors("partners")
HERE = "/v1/partners/{centre}"
PERMISSION = "partners.host"


@doors.open(
    "POST",
    HERE + "/clients",
    operation="registerClient",
    permission=PERMISSION,
    reads=form.ClientToRegister,
    headers=WRITES,
    status_code=201,
    response_model=form.Client,
)
async def register_client(here: Caller, centre: str) -> Response:
    return await once(here, form.ClientToRegister, partial(_register, here, centre))


@doors.open(
    "DELETE",
    HERE + "/clients/{client}",
    operation="endClient",
    permission=PERMISSION,
    headers=WRITES,
    status_code=204,
)
async def end_client(here: Caller, centre: str, client: str) -> Response:
    async def work() -> Response:
        if not await here.services.partners.end(centre, client):
            raise NotFound(UNKNOWN)
        return Response(status_code=204)

    return await once_without_body(here, work)


@doors.open("GET", HERE + "/agreements", operation="listPartnerAgreements", permission=PERMISSION)
async def list_agreements(here: Caller, centre: str) -> form.Agreements:
    return form.Agreements(agreements=[show_agreement(here, a) for a in partners(here).agreements(centre)])


@doors.open(
    "POST",
    HERE + "/agreements",
    operation="offerAgreement",
    permission=PERMISSION,
    reads=form.AgreementToOffer,
    headers=WRITES,
    status_code=201,
    response_model=form.Agreement,
)
async def offer_agreement(here: Caller, centre: str) -> Response:
    return await once(here, form.AgreementToOffer, partial(_offer, here, centre))


@doors.open(
    "POST",
    HERE + "/agreements/{agreement}/signature",
    operation="signAgreementAsHost",
    permission=PERMISSION,
    reads=form.Nothing,
    headers=WRITES,
    status_code=201,
    response_model=form.Agreement,
)
async def sign_agreement(here: Caller, centre: str, agreement: str) -> Response:
    async def work(body: form.Nothing) -> Response:
        await partners(here).sign(agreement_of(here, agreement, centre))
        return _agreement(here, agreement_of(here, agreement, centre))

    return await once(here, form.Nothing, work)


@doors.open(
    "POST",
    HERE + "/agreements/{agreement}/end",
    operation="endAgreementAsHost",
    permission=PERMISSION,
    reads=form.Reason,
    headers=WRITES,
    status_code=201,
    response_model=form.Agreement,
)
async def end_agreement(here: Caller, centre: str, agreement: str) -> Response:
    async def work(body: form.Reason) -> Response:
        found = agreement_of(here, agreement, centre)
        await partners(here).act(found.id, "agreement.end", {"reason": body.reason})
        return _agreement(here, agreement_of(here, agreement, centre))

    return await once(here, form.Reason, work)


@doors.open("GET", HERE + "/invitations", operation="listPartnerInvitations", permission=PERMISSION)
async def list_invitations(here: Caller, centre: str) -> form.Invitations:
    return form.Invitations(invitations=[show_invitation(here, i) for i in partners(here).invitations(centre)])


@doors.open(
    "POST",
    HERE + "/invitations",
    operation="offerInvitation",
    permission=PERMISSION,
    reads=form.InvitationToOffer,
    headers=WRITES,
    status_code=201,
    response_model=form.Invitation,
)
async def offer_invitation(here: Caller, centre: str) -> Response:
    return await once(here, form.InvitationToOffer, partial(_invite, here, centre))


@doors.open(
    "POST",
    HERE + "/invitations/{invitation}/withdrawal",
    operation="withdrawInvitation",
    permission=PERMISSION,
    reads=form.Reason,
    headers=WRITES,
    status_code=201,
    response_model=form.Invitation,
)
async def withdraw_invitation(here: Caller, centre: str, invitation: str) -> Response:
    async def work(body: form.Reason) -> Response:
        found = invitation_of(here, invitation, centre)
        told = {"invitation": found.id, "reason": body.reason}
        await partners(here).act(found.agreement, "invitation.withdraw", told)
        found = invitation_of(here, invitation, centre)
        return answered(show_invitation(here, found), 201, version=version(found))

    return await once(here, form.Reason, work)


async def _register(here: Here, centre: str, body: form.ClientToRegister) -> Response:
    if centre not in here.services.identities or centre == here.tenant:
        raise NotFound(UNKNOWN)
    client = await here.services.partners.register(centre, dict(body.jwk), frozenset(body.scopes))
    return answered(form.Client(client=client), 201)


async def _offer(here: Here, centre: str, body: form.AgreementToOffer) -> Response:
    found = partners(here)
    name = await found.offer(centre, terms=body.terms.encode(), until=body.until)
    if body.sign:
        await found.sign(agreement_of(here, name))
    return _agreement(here, agreement_of(here, name))


async def _invite(here: Here, centre: str, body: form.InvitationToOffer) -> Response:
    agreement = agreement_of(here, body.agreement, centre)
    offer = body.model_dump(exclude={"agreement"})
    found = invitation_of(here, await partners(here).invite(agreement, offer))
    return answered(show_invitation(here, found), 201, version=version(found))


def _agreement(here: Here, found: Agreement) -> Response:
    return answered(show_agreement(here, found), 201, version=version(found))
