"""Bodies of what an administrator sees and hands in."""

from __future__ import annotations

from evidence.core.canonical import Object
from web.server.schemas.form import Body


class Alarm(Body):
    kind: str
    subject: str | None


class ListedProceeding(Body):
    """A proceeding at a glance; `gate` is `starting` where this process has not taken it up yet."""

    id: str
    origin: str | None
    title: str | None
    stage: str | None
    gate: str
    alarms: list[Alarm]


class ProceedingList(Body):
    proceedings: list[ListedProceeding]


class CityName(Body):
    """What people call a centre's city."""

    zh: str
    en: str


class RosterVenue(Body):
    id: str
    centre: str
    kind: str


class RosterRoom(Body):
    id: str
    venue: str


class SeatState(Body):
    id: str
    role: str
    venue: str | None
    centre: str
    announced: bool
    vouched: bool
    bound: bool


class ProceedingSummary(ListedProceeding):
    """How far a founding is, and who has checked in."""

    size: int
    offers: int
    holders: int
    frozen: bool
    witnessed: int
    definition: bool
    cities: dict[str, CityName]
    venues: list[RosterVenue]
    rooms: list[RosterRoom]
    seats: list[SeatState]


class AgreedCentre(Body):
    domain: str
    operator: str
    name: CityName | None


class RulePack(Body):
    id: str
    version: str
    sha256: str
    regime: str
    form: int
    rules: Object


class TenderSetup(Body):
    main: str
    centres: list[AgreedCentre]
    packs: list[RulePack]


class StoredDocument(Body):
    sha256: str
    size: int
    pages: int
    notes: list[str]
