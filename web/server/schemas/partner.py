"""Bodies of the partner door (docs/protocol.md section 10)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from evidence.core.canonical import MAX_INTEGER
from web.server.schemas.form import Body

Act = Annotated[str, Field(min_length=1, max_length=60_000)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class Token(Body):
    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(Body):
    error: str


class Signed(Body):
    act: Act


class Naming(Body):
    act: Act
    disclosures: list[Annotated[str, Field(max_length=60_000)]] = Field(max_length=4)


class Chain(Body):
    aud: str
    ctr: int
    prev: str


class Agreement(Body):
    agreement: str
    state: str
    host: str
    partner: str
    terms: str
    until: str
    offer: str
    signed: list[str]
    chain: Chain


class Agreements(Body):
    agreements: list[Agreement]


class Deed(Body):
    index: int
    leaf: str
    entry: str
    disclosure: str
    receipt: str | None


class Deeds(Body):
    acts: list[Deed]


class Invitation(Body):
    invitation: str
    agreement: str
    state: str
    venue: str
    starts: str
    rooms: int
    seats: int
    specialities: list[tuple[str, int]]
    proceeding: str | None
    chain: Chain


class Invitations(Body):
    invitations: list[Invitation]


class VenueRoom(Body):
    label: str
    id: str | None


class VenueSeat(Body):
    label: str
    role: str
    speciality: str | None
    id: str | None


class Venue(Body):
    rooms: list[VenueRoom]
    seats: list[VenueSeat]
    witness: str | None
    holder: bool


class _Open(Body):
    """Members may be added as the meeting goes on; clients ignore what they do not know."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class OwnRoom(Body):
    id: str
    admitted: bool
    recording: bool


class OwnSeat(Body):
    id: str
    role: str
    vouched: bool
    bound: bool


class Own(Body):
    rooms: list[OwnRoom]
    seats: list[OwnSeat]


class Proceeding(_Open):
    id: str
    origin: str
    phase: str
    starts: str | None
    seats: int
    specialities: list[tuple[str, int]]
    venue: str
    own: Own


class Proceedings(Body):
    proceedings: list[Proceeding]


class Vouched(Body):
    index: int
    id: str
    leaf: str


class Results(_Open):
    report: str | None


class Event(Body):
    sequence: int
    log: str
    index: int
    leaf: str
    type: str
    time: str
    subject: str | None


class Events(Body):
    events: list[Event]
    cursor: str
    more: bool


class ClientToRegister(Body):
    jwk: dict[str, str]
    scopes: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=40)


class Client(Body):
    client: str


class AgreementToOffer(Body):
    terms: Annotated[str, Field(min_length=1, max_length=60_000)]
    until: Annotated[str, Field(max_length=10)]
    sign: bool


class Nothing(Body):
    pass


class Reason(Body):
    reason: Text


class InvitationToOffer(Body):
    agreement: Annotated[str, Field(max_length=64)]
    venue: Annotated[str, Field(pattern=r"^venue-[1-9][0-9]{0,3}$")]
    starts: Annotated[str, Field(max_length=40)]
    rooms: Count
    seats: Count
    specialities: list[Annotated[list[str | int], Field(min_length=2, max_length=2)]] = Field(max_length=30)
