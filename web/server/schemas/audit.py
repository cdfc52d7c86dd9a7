"""What an auditor's search over all proceedings finds."""

from __future__ import annotations

from web.server.schemas.administration import CityName
from web.server.schemas.form import Body


class FoundVenue(Body):
    id: str
    centre: str
    kind: str


class FoundBidder(Body):
    id: str
    name: str


class FoundEvent(Body):
    n: int
    at: str
    type: str


class FoundProceeding(Body):
    """One that was found; `title` is null and `bidders` are none before the definition is fixed, and once it was
    deleted. `seat` is the one that the office's auditor has there."""

    id: str
    origin: str
    seat: str
    title: str | None
    opened: str
    stage: str
    state: str
    venues: list[FoundVenue]
    cities: dict[str, CityName]
    bidders: list[FoundBidder]
    events: list[FoundEvent]


class FoundProceedings(Body):
    """The newest opening first; `cursor` is null at the end. `whole` is false while some proceeding is not taken up."""

    proceedings: list[FoundProceeding]
    cursor: str | None
    whole: bool
