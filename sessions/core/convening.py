"""From named venues to one tender: which ids rooms and seats get, and whose names stand in the definition. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidence.core.canonical import Object
from sessions.core.naming import MEMBERS, Ids, Named
from sessions.core.state import ROOM

# Roles share the numbers of their kind of seat (docs/protocol.md section 1).
_KIND = dict.fromkeys(MEMBERS, "seat")


@dataclass(frozen=True, slots=True)
class Guest:
    """A named venue; `names` is `naming.read_names` of its disclosure."""

    invitation: str
    venue: str
    centre: str
    named: Named
    names: Mapping[str, tuple[str, str]]


def assemble(tender: Object, guests: Sequence[Guest]) -> tuple[Object, dict[str, Ids]]:
    """The tender with the guests' venues, rooms, seats and members in it; the ids by invitation.

    Each gets the lowest free number, guests in their order, so that the same call gives the same ids.
    """
    definition = dict(tender["definition"])
    venues, rooms, seats = list(tender["venues"]), list(tender["rooms"]), list(tender["seats"])
    persons = list(definition.get("members", []))
    given: dict[str, Ids] = {}
    for guest in guests:
        taken = {str(item["id"]) for item in (*rooms, *seats)}
        at_home = {"venue": guest.venue, "centre": guest.centre}
        room_ids = {label: _next("room", taken) for label in guest.named.rooms}
        seat_ids = {seat.label: _next(_KIND.get(seat.role, seat.role), taken) for seat in guest.named.seats}
        venues.append({"id": guest.venue, "centre": guest.centre, "kind": "secondary"})
        rooms += [{"id": room, "venue": guest.venue} for room in room_ids.values()]
        seats += [{"id": room, "role": ROOM, **at_home} for room in room_ids.values()]
        seats += [{"id": seat_ids[seat.label], "role": seat.role, **at_home} for seat in guest.named.seats]
        for seat in guest.named.members:
            name, organisation = guest.names[seat.label]
            persons.append({"seat": seat_ids[seat.label], "name": name, "organisation": organisation})
        given[guest.invitation] = Ids(room_ids, seat_ids)
    definition["members"] = sorted(persons, key=lambda person: _order(person["seat"]))
    whole = {key: value for key, value in tender.items() if key != "invitations"} | {
        "definition": definition,
        "venues": sorted(venues, key=lambda item: _order(item["id"])),
        "rooms": sorted(rooms, key=lambda item: _order(item["id"])),
        "seats": seats,
    }
    return whole, given


def _next(kind: str, taken: set[str]) -> str:
    number = next(n for n in range(1, len(taken) + 2) if f"{kind}-{n}" not in taken)
    taken.add(f"{kind}-{number}")
    return f"{kind}-{number}"


def _order(name: object) -> tuple[str, int]:
    kind, _, number = str(name).rpartition("-")
    return kind, int(number) if number.isdigit() else 0
