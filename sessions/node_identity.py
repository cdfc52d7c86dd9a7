"""Whom a city vouches for: people whom its own operator checked in the log, one device at a time.

A voucher upon an identity check, as the node's own replay of the log shows it:
(I1) the entry is an `IdentityChecked`; its act was checked by the replay: key, chain, role, venue, no other check;
(I2) the operator who signed it and the seat that it is about are both seats of this centre;
(I3) this node's own key vouched for the very key that the operator signed with.
So no city vouches for another's people, whatever the main server or another city's operator says.
"""

from __future__ import annotations

from evidence.core.act import thumbprint
from evidence.core.canonical import Object
from sessions.node_errors import ForeignSeat
from sessions.node_mirror import Mirror


def checked(mirror: Mirror, check: int, *, domain: str, identity: Object) -> tuple[str, str]:
    """Seat and thumbprint of the check at this index; ForeignSeat where I1 to I3 do not hold."""
    # I1
    entry = mirror.entries[check] if 0 <= check < len(mirror.entries) else None
    if entry is None or entry.type != "IdentityChecked" or entry.act is None:
        raise ForeignSeat(f"entry {check} is no identity check")
    # I2
    act, seats = entry.act, mirror.state.seats
    if seats[act.sub].centre != domain or seats[act.body["seat"]].centre != domain:
        raise ForeignSeat(f"entry {check} is about people of another centre")
    # I3
    own = thumbprint(identity)
    if not any(
        found.type == "SeatVouched"
        and found.act is not None
        and found.act.kid == own
        and (found.act.body["seat"], found.act.body["thumbprint"]) == (act.sub, act.kid)
        for found in mirror.entries[:check]
    ):
        raise ForeignSeat("this node did not vouch for the operator's key")
    return act.body["seat"], act.body["thumbprint"]


def vouch_subject(mirror: Mirror, seat: str) -> bytes:
    """What the answers about this seat are stored under: anew for each device that the log has seen lost."""
    before = sum(
        entry.type == "SeatVouched" and entry.act is not None and entry.act.body["seat"] == seat
        for entry in mirror.entries
    )
    lost = before - (seat in mirror.state.vouches)
    return f"{seat}#{lost}".encode() if lost else seat.encode()


def same_code(shown: str, read: str) -> bool:
    """Whether an officer's figures are those, however they are grouped."""
    return "".join(shown.split()) == "".join(read.replace("-", " ").split())
