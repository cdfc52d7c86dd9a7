"""The wall between centres: what exists for a tenant, and how much of it, by role and stage (docs/protocol.md 10).

The one place that decides. A tenant is a centre at the partner door. In a proceeding it is the host (whose log it is),
a guest (a venue in it is its own) or a stranger, for whom the proceeding does not exist. `sessions.core.permission`
says which of the doors a guest may use at which gate; here stands what is behind each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from evaluation.core.results import ranking_json, rows_json
from evaluation.core.stages import CHECK_IN
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from sessions.core.partnership import Invitation
from sessions.core.permission import ACROSS_PROCEEDINGS, GUEST, TABLE, roles_of
from sessions.core.state import ABORTED, CLOSED, Proceeding

SCOPES = frozenset(ACROSS_PROCEEDINGS) | {name for name in TABLE if name.startswith("partner.")}
"""Everything that a partner's token can open; a scope is the name of a permission."""
BEFORE, MEETING = "before", "meeting"

# Facts that name one seat, room or venue: a tenant always sees its own.
_OWN = frozenset(
    {
        "SeatVouched",
        "SeatBound",
        "CredentialIssued",
        "RoomAdmitted",
        "RecordingStarted",
        "RecordingEnded",
        "VenueLost",
        "VenueRejoined",
        "SeatResumed",
    }
)
# What everybody in the meeting notices, from the start on.
_MEETING = frozenset(
    {
        "StageAdvanced",
        "ProceedingPaused",
        "ProceedingResumed",
        "ProceedingAborted",
        "ProceedingClosed",
        "ReportFrozen",
    }
)
_FOUNDED = "ProceedingFounded"
_STARTED = "StageAdvanced"


def exists_for(state: Proceeding, tenant: str) -> bool:
    """Whether the tenant may know that this proceeding is there."""
    return state.founding is not None and GUEST in roles_of(state, tenant)


def is_own_seat(state: Proceeding, tenant: str, seat: object) -> bool:
    """Whether the seat sits for this tenant."""
    return isinstance(seat, str) and seat in state.seats and state.seats[seat].centre == tenant


def is_own_room(state: Proceeding, tenant: str, room: object) -> bool:
    """Whether the room is in a venue of this tenant."""
    return isinstance(room, str) and room in state.rooms and state.venues[state.rooms[room].venue].centre == tenant


def shown(state: Proceeding, tenant: str, invitation: Invitation | None) -> Object:
    """A proceeding as this guest sees it now: before the start count, time, specialities and its own; no more."""
    own = {
        "rooms": [
            {"id": room, "admitted": room in state.admitted, "recording": room in state.recording}
            for room in state.rooms
            if is_own_room(state, tenant, room)
        ],
        "seats": [
            {"id": seat.id, "role": seat.role, "vouched": seat.id in state.vouches, "bound": seat.id in state.seat_key}
            for seat in state.seats.values()
            if seat.centre == tenant
        ],
    }
    offer = None if invitation is None else invitation.offer
    brief: Object = {
        "id": state.origin.rpartition("/")[2],
        "origin": state.origin,
        "phase": phase(state),
        "starts": None if offer is None else offer.starts,
        "seats": len([1 for seat in state.members if seat.centre == tenant]),
        "specialities": [] if offer is None else list(offer.specialities),
        "venue": next(venue.id for venue in state.venues.values() if venue.centre == tenant),
        "own": own,
    }
    if brief["phase"] == BEFORE:
        return brief
    return brief | {
        "stage": state.stage,
        "gate": state.gate,
        "pauses": [list(pause) for pause in sorted(state.pauses)],
        "size": state.size,
        "venues": [{"id": v.id, "kind": v.kind, "lost": v.id in state.lost} for v in state.venues.values()],
    }


def phase(state: Proceeding) -> str:
    """before, meeting, closed or aborted."""
    if state.gate in (CLOSED, ABORTED):
        return state.gate
    return BEFORE if state.stage == CHECK_IN else MEETING


def results(state: Proceeding) -> Object:
    """What is public once the proceeding is closed; the door's gate sees to that."""
    ranking, report = state.evaluation.ranking, state.report
    found: Object = {"rows": [], "ranking": [], "candidates": []}
    if ranking is not None:
        found |= rows_json(state.evaluation.rows) | ranking_json(ranking)
    return found | {"report": None if report is None else b64u(report.revision)}


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event as one tenant gets it; `sequence` counts that tenant's events of that log without a gap."""

    sequence: int
    log: str
    index: int
    leaf: str
    type: str
    time: str
    subject: str | None

    def to_json(self) -> Object:
        return {
            "sequence": self.sequence,
            "log": self.log,
            "index": self.index,
            "leaf": self.leaf,
            "type": self.type,
            "time": self.time,
            "subject": self.subject,
        }


@dataclass(frozen=True, slots=True)
class Feed:
    """A tenant's events of one proceeding, folded entry by entry. What an entry shows depends on the entries before
    it and never on when it is read, so an event once given out stays what it was."""

    tenant: str
    started: bool = False
    size: int = 0
    count: int = 0

    def take(self, state: Proceeding, entry: Entry) -> tuple[Feed, FeedEvent | None]:
        """The feed after the entry, and its event, if the tenant sees one; `state` knows the roster."""
        started = self.started or entry.type in (_STARTED, "ProceedingAborted")
        subject = _subject(state, self.tenant, entry)
        sees = entry.type == _FOUNDED or (entry.type in _MEETING and started)
        sees = sees or (entry.type in _OWN and subject is not None)
        event = None
        if sees:
            event = FeedEvent(
                sequence=self.count,
                log=entry.origin,
                index=entry.n,
                leaf=b64u(entry.leaf),
                type=feed_type(entry.type),
                time=entry.at,
                subject=subject,
            )
        return replace(self, started=started, size=entry.n + 1, count=self.count + (event is not None)), event


def feed_type(kind: str) -> str:
    """`StageAdvanced` -> `session.stage-advanced`."""
    return "session." + re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def _subject(state: Proceeding, tenant: str, entry: Entry) -> str | None:
    """The tenant's own seat, room or venue that the entry is about."""
    body = entry.body if entry.act is None else {**entry.act.body, **entry.body}
    seat = body.get("seat", entry.act.sub if entry.act is not None else None)
    if entry.type in ("SeatVouched", "SeatBound", "CredentialIssued", "SeatResumed"):
        return str(seat) if is_own_seat(state, tenant, seat) else None
    if entry.type in ("VenueLost", "VenueRejoined"):
        venue = state.venues.get(str(body.get("venue")))
        return venue.id if venue is not None and venue.centre == tenant else None
    rooms = body.get("rooms", [body.get("room")])
    return next((room for room in rooms if is_own_room(state, tenant, room)), None) if entry.type in _OWN else None
