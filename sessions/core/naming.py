"""What a host offers, what the partner names for it, and which ids that gets (docs/protocol.md 10.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from evaluation.core.committee import MEMBER_ROLES
from evidence.core import disclosure
from evidence.core.canonical import Object, members
from evidence.errors import Malformed
from sessions.core.state import OPERATOR
from sessions.partner_errors import NamingRefused, OfferRefused

MEMBERS = MEMBER_ROLES
ROLES = MEMBERS | {OPERATOR}
NAMES = "names"
"""The disclosure that holds `[[label, name, organisation]…]`."""
# A committee has at most nine members (evaluation.core); two operators a room and as many rooms are generous.
MAX_SEATS, MAX_ROOMS = 30, 9
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Invited:
    """The offer of one venue: all that a partner learns before the start."""

    id: str
    venue: str
    starts: str
    rooms: int
    seats: int
    specialities: tuple[tuple[str, int], ...]

    @staticmethod
    def read(body: Object) -> Invited:
        """From the body of `invitation.offer`; OfferRefused where it cannot be kept."""
        value = members(
            body, {"invitation": str, "venue": str, "starts": str, "rooms": int, "seats": int, "specialities": list}
        )
        specialities = tuple(_speciality(item) for item in value["specialities"])
        if not value["venue"].startswith("venue-") or value["venue"] == "venue-1":
            raise OfferRefused("a partner's venue is a secondary one")
        try:
            zoned = datetime.fromisoformat(value["starts"]).tzinfo is not None
        except ValueError as error:
            raise OfferRefused("`starts` is an RFC 3339 time") from error
        if not zoned:
            raise OfferRefused("`starts` has an offset")
        if not 1 <= value["rooms"] <= MAX_ROOMS or not 1 <= value["seats"] <= MAX_SEATS:
            raise OfferRefused("a venue has rooms and seats, and not too many")
        if len(dict(specialities)) != len(specialities) or sum(n for _, n in specialities) > value["seats"]:
            raise OfferRefused("the specialities do not fit the seats")
        return Invited(
            value["invitation"], value["venue"], value["starts"], value["rooms"], value["seats"], specialities
        )


@dataclass(frozen=True, slots=True)
class NamedSeat:
    """A seat as its own city calls it."""

    label: str
    role: str
    speciality: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A venue named by its centre; `names` is the digest of the disclosure with the members' names."""

    rooms: tuple[str, ...]
    seats: tuple[NamedSeat, ...]
    witness: str | None
    holder: bool
    names: str

    @property
    def members(self) -> tuple[NamedSeat, ...]:
        """Those with a vote."""
        return tuple(seat for seat in self.seats if seat.role in MEMBERS)

    @staticmethod
    def read(body: Object, sd: Sequence[str]) -> Named:
        """From the body of `venue.name` and its `_sd`."""
        value = members(body, {"invitation": str, "rooms": list, "seats": list, "witness": object, "holder": bool})
        if len(sd) != 1:
            raise NamingRefused("the names are one disclosure")
        if value["witness"] is not None and not isinstance(value["witness"], str):
            raise NamingRefused("a witness is a verifier key, or null")
        return Named(
            rooms=tuple(_label(item) for item in value["rooms"]),
            seats=tuple(_seat(item) for item in value["seats"]),
            witness=value["witness"],
            holder=value["holder"],
            names=sd[0],
        )


@dataclass(frozen=True, slots=True)
class Ids:
    """Label -> the id in the proceeding, as `venue.convene` gave it out."""

    rooms: Mapping[str, str] = field(default_factory=dict)
    seats: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(body: Object) -> Ids:
        """From the body of `venue.convene`."""
        return Ids(dict(body["rooms"]), dict(body["seats"]))

    def to_json(self) -> Object:
        """As `venue.convene` says it."""
        return {
            "rooms": [list(pair) for pair in self.rooms.items()],
            "seats": [list(pair) for pair in self.seats.items()],
        }


def check_named(named: Named, offer: Invited, shown: Mapping[str, tuple[str, str]]) -> None:
    """The venue is what was offered; `shown` is `read_names` of its disclosure. NamingRefused otherwise."""
    labels = [*named.rooms, *(seat.label for seat in named.seats)]
    if len(labels) != len(set(labels)):
        raise NamingRefused("every label stands once")
    if len(named.rooms) != offer.rooms or len(named.members) != offer.seats or len(named.seats) > MAX_SEATS:
        raise NamingRefused(f"the invitation is for {offer.rooms} rooms and {offer.seats} members")
    if not any(seat.role == OPERATOR for seat in named.seats):
        raise NamingRefused("a venue has an operator")
    offered = Counter(dict(offer.specialities))
    if Counter(seat.speciality for seat in named.members if seat.speciality is not None) != offered:
        raise NamingRefused("the members' specialities are not those of the invitation")
    if shown.keys() != {seat.label for seat in named.members}:
        raise NamingRefused("exactly the members have names")


def read_names(text: str) -> dict[str, tuple[str, str]]:
    """Label -> (name, organisation) of a disclosure; NamingRefused where it is another one."""
    found = disclosure.parse(text)
    if found.name != NAMES or not isinstance(found.value, list):
        raise NamingRefused("not a disclosure of names")
    rows: dict[str, tuple[str, str]] = {}
    for row in found.value:
        if not isinstance(row, list) or len(row) != 3 or not all(isinstance(part, str) for part in row):
            raise NamingRefused("a row of names is [label, name, organisation]")
        label, name, organisation = (_label(part) for part in row)
        rows[label] = (name, organisation)
    if len(rows) != len(found.value):
        raise NamingRefused("every label stands once")
    return rows


def _seat(value: object) -> NamedSeat:
    found = members(value, {"label": str, "role": str, "speciality": object})
    speciality = found["speciality"]
    if found["role"] not in ROLES or (speciality is not None and found["role"] not in MEMBERS):
        raise NamingRefused("a partner names experts, buyers' representatives and operators")
    return NamedSeat(_label(found["label"]), found["role"], None if speciality is None else _label(speciality))


def _label(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise NamingRefused("a label or a name is a short printable text")
    return value


def _speciality(value: object) -> tuple[str, int]:
    if not isinstance(value, list) or len(value) != 2 or type(value[1]) is not int or value[1] < 1:
        raise Malformed("a speciality is [name, count]")
    return _label(value[0]), value[1]
