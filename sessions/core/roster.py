"""The roster of a proceeding: venues, rooms, seats, holders and keys, as the founding act states them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evaluation.core import committee
from evaluation.core.committee import EXPERT, Member
from evaluation.core.draw import EXPERT as DRAWN
from evaluation.core.draw import kind
from evaluation.core.rules import shelf
from evidence.core.act import Act, public_key
from evidence.core.canonical import JSON, Object, members, unb64u
from sessions.core import city_names
from sessions.core.city_names import CityName
from sessions.core.state import AUDITOR, OPERATOR, ROLES, ROOM, SUPERVISOR, Founding, Room, Seat, Venue
from sessions.errors import FoundingRefused

ENGINES = frozenset({"1", "2", "3"})
"""Versions of these rules; changed rules take the next one and stay beside the old (ADR 2). 2: nobody signs before
every signer's own ranking. 3: a member may withdraw until the tally, and nobody leaves a reopened evaluation; a holder
that rejects what others opened counts as missing; before the start, incidents count from the planned start."""
FEWEST_HOLDERS, MOST_HOLDERS = 3, 9
"""protocols.md section 3."""
_ORIGIN = re.compile(r"[a-z0-9.-]{1,100}/proceedings/[a-z2-7]{26}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.ASCII)
_NUMBERED = re.compile(r"[a-z]{1,16}-[1-9][0-9]{0,3}", re.ASCII)
DESIGNATED = "designated"
"""实施条例 47: technically complex or very special projects, where a draw cannot find who is competent."""
_MAX_REFERENCE = 200
# A seat without a venue is for those who watch over all of them.
_VENUELESS = frozenset({SUPERVISOR, AUDITOR})
# The prefix says what a seat is (docs/protocol.md section 1); room devices act under their room's id.
_PREFIX = {OPERATOR: "operator", SUPERVISOR: "supervisor", AUDITOR: "auditor"}


def parse(act: Act) -> Founding:
    """Read `proceeding.found`; FoundingRefused or CommitteeRefused where it cannot found a proceeding.

    `seats` may list room devices; each room has one in any case, at its venue and of its venue's centre.
    """
    found = members(
        act.body,
        {
            **dict.fromkeys(("opening", "rule_pack", "identities"), dict),
            **dict.fromkeys(("engine", "policy", "trust"), str),
            **dict.fromkeys(("holders", "venues", "rooms", "seats"), list),
            "holder_k": int,
        },
        {"special": dict, "follows": dict, "names": dict},
    )
    main = act.aud.partition("/")[0]
    if not _ORIGIN.fullmatch(act.aud) or act.sub != main:
        raise FoundingRefused("a proceeding is founded by the centre of its origin")
    if found["engine"] not in ENGINES:
        raise FoundingRefused("unknown engine")
    opening = members(found["opening"], {"origin": str, "index": int, "leaf": str})
    if opening["origin"] != f"{main}/centre" or opening["index"] < 0:
        raise FoundingRefused("a proceeding is opened in its centre's log")
    identities = _identities(found["identities"])
    venues = _venues(found["venues"], main, identities)
    rooms = _rooms(found["rooms"], venues)
    seats = _seats(found["seats"], venues, rooms, identities)
    holders, holder_k = _holders(found["holders"], found["holder_k"], identities)
    pack = shelf.find(found["rule_pack"])
    committee.check(
        committee_of(seats), least=pack.least_members, experts=pack.experts, source=pack.source("committee")
    )
    return Founding(
        main=main,
        engine=found["engine"],
        policy=unb64u(found["policy"], 32),
        trust=unb64u(found["trust"], 32),
        rule_pack=(*pack.key, pack.sha256),
        opening=(opening["origin"], opening["index"], unb64u(opening["leaf"], 32)),
        venues=venues,
        rooms=rooms,
        seats=seats,
        holders=holders,
        holder_k=holder_k,
        identities=identities,
        special=_special(found.get("special"), seats),
        follows=_follows(found.get("follows"), act.aud),
        names=_names(found.get("names", {}), identities),
    )


def committee_of(seats: Mapping[str, Seat]) -> tuple[Member, ...]:
    """The committee in the roster's order."""
    return tuple(Member(seat.id, seat.role) for seat in seats.values() if seat.member)


def _identities(value: Object) -> dict[str, Object]:
    for domain, jwk in value.items():
        _named(domain, _DOMAIN)
        public_key(members(jwk, {"crv": str, "kty": str, "x": str, "y": str}))
    if len({(jwk["x"], jwk["y"]) for jwk in value.values()}) != len(value):
        raise FoundingRefused("two centres share a key")
    return dict(value)


def _names(value: Object, identities: Mapping[str, Object]) -> dict[str, CityName]:
    if not value.keys() <= identities.keys():
        raise FoundingRefused("a city with a name has an identity key")
    return city_names.parse(value)


def _venues(value: list[JSON], main: str, identities: Mapping[str, Object]) -> dict[str, Venue]:
    venues: dict[str, Venue] = {}
    for item in value:
        found = members(item, {"id": str, "centre": str, "kind": str})
        if found["kind"] not in ("main", "secondary") or found["centre"] not in identities:
            raise FoundingRefused("a venue is main or secondary, and its centre has an identity key")
        venues[_new(found["id"], venues)] = Venue(found["id"], found["centre"], found["kind"])
    if [venue.centre for venue in venues.values() if venue.main] != [main]:
        raise FoundingRefused("exactly one main venue, of the centre of the origin")
    return venues


def _rooms(value: list[JSON], venues: Mapping[str, Venue]) -> dict[str, Room]:
    rooms: dict[str, Room] = {}
    for item in value:
        found = members(item, {"id": str, "venue": str})
        if found["venue"] not in venues:
            raise FoundingRefused("a room is in a venue")
        rooms[_new(found["id"], rooms)] = Room(found["id"], found["venue"])
    if {room.venue for room in rooms.values()} != set(venues):
        raise FoundingRefused("every venue has a room")
    return rooms


def _seats(
    value: list[JSON], venues: Mapping[str, Venue], rooms: Mapping[str, Room], identities: Mapping[str, Object]
) -> dict[str, Seat]:
    seats: dict[str, Seat] = {}
    for item in value:
        found = members(item, {"id": str, "role": str, "venue": object, "centre": str}, {"stratum": str})
        role, venue = found["role"], "" if found["venue"] is None else found["venue"]
        if role not in ROLES or not isinstance(venue, str) or found["centre"] not in identities:
            raise FoundingRefused("a seat has a known role, and a centre with an identity key")
        if venue not in venues and not (found["venue"] is None and role in _VENUELESS):
            raise FoundingRefused("a seat is in a venue, except a supervisor's or auditor's")
        if venue and role not in _VENUELESS and found["centre"] != venues[venue].centre:
            raise FoundingRefused("the centre of the venue vouches for its seats")
        if role != ROOM and found["id"].partition("-")[0] != _PREFIX.get(role, "seat"):
            raise FoundingRefused("a seat's id says what it is")
        seats[_new(found["id"], seats)] = Seat(found["id"], role, venue, found["centre"], _stratum(found))
    devices = {room.id: Seat(room.id, ROOM, room.venue, venues[room.venue].centre) for room in rooms.values()}
    if any(devices.get(seat.id) != seat for seat in seats.values() if seat.role == ROOM):
        raise FoundingRefused("a room device acts under its room's id, at its room's venue")
    if not any(seat.role == OPERATOR and venues[seat.venue].main for seat in seats.values()):
        raise FoundingRefused("the main venue has an operator")
    if not any(seat.role == SUPERVISOR for seat in seats.values()):
        raise FoundingRefused("a proceeding has a supervisor")
    return {**seats, **devices}


def _stratum(found: Object) -> str:
    """The label under which the seat's member is drawn, `designated`, or nothing where the roster is fixed."""
    stratum = str(found.get("stratum", ""))
    if "stratum" not in found or (stratum == DESIGNATED and found["role"] == EXPERT):
        return stratum
    if found["role"] != EXPERT or kind(stratum) != DRAWN:
        raise FoundingRefused("experts are drawn, or designated")
    return stratum


def _special(value: Object | None, seats: Mapping[str, Seat]) -> bytes | None:
    """The hash of the approval; there are designated members if, and only if, somebody approved of it."""
    if (value is not None) != any(seat.stratum == DESIGNATED for seat in seats.values()):
        raise FoundingRefused("designated members and their approval belong together (implementing regulations, 47)")
    if value is None:
        return None
    found = members(value, {"reference": str, "document": str})
    if not 1 <= len(found["reference"].strip()) <= len(found["reference"]) <= _MAX_REFERENCE:
        raise FoundingRefused("an approval has a reference")
    return unb64u(found["document"], 32)


def _follows(value: Object | None, origin: str) -> tuple[str, int, bytes] | None:
    """An earlier log of the same centre, closed: what was aborted there is evaluated anew here by others."""
    if value is None:
        return None
    found = members(value, {"origin": str, "size": int, "root": str})
    earlier = found["origin"]
    if not _ORIGIN.fullmatch(earlier) or earlier == origin or earlier.partition("/")[0] != origin.partition("/")[0]:
        raise FoundingRefused("a proceeding follows an earlier one of its centre")
    if found["size"] < 1:
        raise FoundingRefused("a closed log has entries")
    return earlier, found["size"], unb64u(found["root"], 32)


def _holders(value: list[JSON], k: int, identities: Mapping[str, Object]) -> tuple[tuple[str, ...], int]:
    known = all(isinstance(name, str) and name in identities for name in value)
    if not FEWEST_HOLDERS <= len(value) <= MOST_HOLDERS or not known:
        raise FoundingRefused(f"{FEWEST_HOLDERS} to {MOST_HOLDERS} holders with identity keys")
    if len(set(value)) != len(value) or k != len(value) // 2 + 1:
        raise FoundingRefused("each holder once, and k is the majority of them")
    return tuple(value), k


def _new(name: str, known: Mapping[str, object]) -> str:
    _named(name, _NUMBERED)
    if name in known:
        raise FoundingRefused(f"{name} stands twice")
    return name


def _named(name: str, form: re.Pattern[str]) -> None:
    if not form.fullmatch(name):
        raise FoundingRefused(f"{name[:40]!r} is no name of this kind")
