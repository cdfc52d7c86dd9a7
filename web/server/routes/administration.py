"""What an administrator does in a browser: proceedings at a glance, documents handed in, a tender tried before it is
opened (docs/protocol.md section 6)."""

from __future__ import annotations

from evaluation.core import intake
from evaluation.core.rules import shelf
from evidence.core.canonical import b64u
from sessions.core.city_names import CityName
from sessions.core.state import CLOSED, Proceeding
from sessions.keeper import ProceedingKeeper
from sessions.service_errors import NotFoundedYet
from sessions.uploads import MAX_DOCUMENT
from web.server.allow import Caller, Doors
from web.server.errors import NotAllowed, NotJson
from web.server.limits import MAX_TENDER, stream_body
from web.server.schemas import administration as form
from web.server.schemas.session import Link

doors = Doors("administration")
PDF = "application/pdf"
# An act that is in no checkpoint with its quorum for so long is an alarm (protocols.md 2).
UNWITNESSED_S = 60.0


@doors.open("POST", "/v1/administrator/links", operation="issueAdministratorLink", permission="create", status_code=201)
async def issue_link(here: Caller) -> Link:
    if here.session is not None:
        raise NotAllowed("a session of an administrator makes no other ones: `tongping admin-link` does")
    token = await here.services.identity.issue_administrator_link()
    return Link(token=token, url=f"{here.services.origin}/sign-in#{token}")


@doors.open("GET", "/v1/proceedings", operation="listProceedings", permission="create")
async def listed(here: Caller) -> form.ProceedingList:
    found = []
    for name in reversed(here.services.proceedings.ids):
        try:
            keeper = here.services.keeper(name)
        except NotFoundedYet:
            found.append(_starting(name))
        else:
            found.append(await _listed(keeper, here.services.clock()))
    return form.ProceedingList(proceedings=found)


@doors.open("GET", "/v1/proceedings/{id}/summary", operation="getProceedingSummary", permission="summary")
async def summary(here: Caller, id: str) -> form.ProceedingSummary:
    keeper, state = here.keeper, here.keeper.state
    announced = {found.seat for found in keeper.announced.waiting(state)}
    return form.ProceedingSummary(
        **(await _listed(keeper, here.services.clock())).model_dump(),
        size=state.size,
        offers=len(state.offers),
        holders=len(state.holders),
        frozen=state.holders_frozen is not None,
        witnessed=state.witnessed,
        definition=state.definition is not None,
        cities={domain: _city(name) for domain, name in state.cities.items()},
        venues=[form.RosterVenue(id=v.id, centre=v.centre, kind=v.kind) for v in state.venues.values()],
        rooms=[form.RosterRoom(id=room.id, venue=room.venue) for room in state.rooms.values()],
        seats=[
            form.SeatState(
                id=seat.id,
                role=seat.role,
                venue=seat.venue or None,
                centre=seat.centre,
                announced=seat.id in announced,
                vouched=seat.id in state.vouches,
                bound=seat.id in state.seat_key,
            )
            for seat in state.seats.values()
        ],
    )


@doors.open("GET", "/v1/setup", operation="getSetup", permission="create")
async def setup(here: Caller) -> form.TenderSetup:
    """What a tender can be made of here: the agreement's centres, and the rule packs with what each allows."""
    proceedings = here.services.proceedings
    return form.TenderSetup(
        main=proceedings.partners.host,
        centres=[
            form.AgreedCentre(
                domain=party.domain, operator=party.operator, name=_city(party.name) if party.name else None
            )
            for party in proceedings.parties
        ],
        packs=[
            form.RulePack(
                id=pack.key[0],
                version=pack.key[1],
                sha256=b64u(pack.sha256),
                regime=pack.regime,
                form=pack.form,
                rules=pack.value,
            )
            for pack in shelf.PACKS.values()
        ],
    )


@doors.open("POST", "/v1/uploads", operation="uploadDocument", permission="create", reads=PDF, status_code=201)
async def upload(here: Caller) -> form.StoredDocument:
    if here.request.headers.get("content-type", "").partition(";")[0].strip().lower() != PDF:
        raise NotJson(f"this route reads {PDF}")
    found = await here.services.uploads.receive(stream_body(here.request, MAX_DOCUMENT), limit=MAX_DOCUMENT)
    return form.StoredDocument(sha256=b64u(found.sha256), size=found.size, pages=found.pages, notes=list(found.notes))


@doors.open(
    "POST",
    "/v1/tender-checks",
    operation="checkTender",
    permission="create",
    reads="application/json",
    status_code=204,
)
async def check(here: Caller) -> None:
    """Everything that founding would refuse is refused here, and nothing is opened."""
    tender = intake.load(await here.octets("application/json", limit=MAX_TENDER), limit=MAX_TENDER)
    await here.services.proceedings.check(tender, staged=here.services.staged)


def _city(name: CityName) -> form.CityName:
    return form.CityName(zh=name.zh, en=name.en)


def _starting(name: str) -> form.ListedProceeding:
    return form.ListedProceeding(id=name, origin=None, title=None, stage=None, gate="starting", alarms=[])


async def _listed(keeper: ProceedingKeeper, now: float) -> form.ListedProceeding:
    state, tender = keeper.state, await keeper.tender()
    return form.ListedProceeding(
        id=keeper.id,
        origin=state.origin,
        title=None if tender is None else tender.title,
        stage=state.stage,
        gate=state.gate,
        alarms=listed_alarms(keeper, state, now),
    )


def listed_alarms(keeper: ProceedingKeeper, state: Proceeding, now: float) -> list[form.Alarm]:
    """What the administrator of the machines must hear of, at `now` in seconds of Unix time."""
    found = [form.Alarm(kind=kind, subject=subject or None) for kind, subject in sorted(state.pauses)]
    if keeper.recorder.alarm is not None:
        found.append(form.Alarm(kind=keeper.recorder.alarm, subject=None))
    found += [form.Alarm(kind="witness-refused", subject=name) for name in sorted(keeper.log.alarms)]
    oldest = keeper.log.oldest_unwitnessed
    if oldest is not None and now - oldest.timestamp() >= UNWITNESSED_S:
        found.append(form.Alarm(kind="unwitnessed", subject=None))
    if state.gate != CLOSED and keeper.lost:
        found.append(form.Alarm(kind="not-owner", subject=None))
    if keeper.log.ahead:
        found.append(form.Alarm(kind="entries-lost", subject=None))
    return found
