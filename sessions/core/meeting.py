"""The meeting: rooms, recordings, the shared page, incidents (docs/protocol.md 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import Object, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core import segments
from sessions.core.commands import (
    CloseSegments,
    EndRecording,
    LoseRecording,
    LoseVenue,
    RegainRecording,
    StartRecording,
)
from sessions.core.draws import seconds
from sessions.core.state import (
    AUDITOR,
    ORDERED,
    OVERDUE,
    RECORDING_LOST,
    ROOM,
    VENUE_LOST,
    LostVenue,
    Page,
    Pause,
    Proceeding,
)
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    NotAdmitted,
    NotBound,
    NotLost,
    NotPaused,
    UnknownPage,
    WrongRole,
)

# A reason is a sentence or two; it stands in the log for good.
_MAX_REASON = 500
FAILURES = ("power", "network", "equipment")


def admit(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`room.admit`: somebody on the spot saw that the room is in order."""
    room = state.room(members(act.body, {"room": str})["room"])
    if room.id not in state.seat_key:
        raise NotBound("the room's device has no key yet")
    if room.id in state.admitted:
        raise AlreadyFixed("the room is admitted")
    return (Draft("RoomAdmitted", {}, act),)


def start_recording(state: Proceeding, command: StartRecording) -> tuple[Draft, ...]:
    """Admitted rooms that this engine does not record yet; another engine takes over after a restart."""
    _rooms(command.rooms)
    for name in command.rooms:
        if state.room(name).id not in state.admitted:
            raise NotAdmitted(f"{name} is not admitted")
        if state.recording.get(name) == command.engine:
            raise AlreadyFixed(f"{name} is being recorded")
    return (Draft("RecordingStarted", {"rooms": list(command.rooms), "engine": command.engine}),)


def end_recording(state: Proceeding, command: EndRecording) -> tuple[Draft, ...]:
    """Rooms that are being recorded."""
    _rooms(command.rooms)
    for name in command.rooms:
        if state.room(name).id not in state.recording:
            raise CommandRefused(f"{name} is not being recorded")
    return (Draft("RecordingEnded", {"rooms": list(command.rooms)}),)


def close_segments(state: Proceeding, command: CloseSegments) -> tuple[Draft, ...]:
    """Segments in the order of their tracks, each once."""
    state.venue(command.venue)
    segments.follow(state.tracks, state.rooms, command.venue, command.segments)
    return (Draft("SegmentsClosed", {"venue": command.venue, "segments": list(command.segments)}),)


def lose_venue(state: Proceeding, command: LoseVenue) -> tuple[Draft, ...]:
    """The venue's seats are cut off: pause in the same append."""
    venue = state.venue(command.venue)
    if venue.id in state.lost or venue.id in state.replaced:
        raise AlreadyFixed("the venue is lost already, or another one has its place")
    if not 0 <= command.size <= state.size:
        raise CommandRefused("a venue acknowledges what the log holds")
    if not state.waiting(venue.id):
        raise NotBound("no seat of the venue is bound, so none was ever there to be lost")
    return _lost(venue.id, command.size)


def _lost(venue: str, size: int) -> tuple[Draft, ...]:
    paused = Draft("ProceedingPaused", {"cause": VENUE_LOST, "venue": venue})
    return Draft("VenueLost", {"venue": venue, "size": size}), paused


def lose_recording(state: Proceeding, command: LoseRecording) -> tuple[Draft, ...]:
    """A room that is being recorded sends nothing: no evaluation without a recording (87号令 39)."""
    if state.room(command.room).id not in state.recording:
        raise CommandRefused("the room is not being recorded")
    if (RECORDING_LOST, command.room) in state.pauses or command.room in state.waived or state.night is not None:
        raise AlreadyFixed("the recording is lost already, or nobody waits for it")
    return (Draft("ProceedingPaused", {"cause": RECORDING_LOST, "room": command.room}),)


def regain_recording(state: Proceeding, command: RegainRecording) -> tuple[Draft, ...]:
    """Packets flow again."""
    if (RECORDING_LOST, command.room) not in state.pauses and command.room not in state.waived:
        raise NotLost("the recording is not lost")
    return (Draft("ProceedingResumed", {"venues": [], "room": command.room}),)


def declare(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`incident.declare`: whoever is on the spot says that power, network or equipment of a venue failed. It is lost
    from then on, whatever still answers: pause and lock, and the clocks of a lost venue run. One that could not connect
    at all has no seat that could resume: it is back with the first one that is bound (`cut_off.connected`)."""
    body = members(act.body, {"venue": str, "kind": str, "text": str})
    venue = state.venue(body["venue"])
    if body["kind"] not in FAILURES:
        raise Malformed(f"what fails is one of {', '.join(FAILURES)}")
    _words(body["text"])
    declared = Draft("IncidentDeclared", {}, act)
    if venue.id in state.lost or venue.id in state.replaced:
        return (declared,)
    keys = (state.keys[kid] for seat, kid in state.seat_key.items() if state.seat(seat).venue == venue.id)
    size = max((key.seen_size for key in keys), default=0)
    return declared, *_lost(venue.id, size)


def waive(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`recording.waive`: the supervisor lets the session go on without a room's recorder, in writing."""
    body = members(act.body, {"room": str, "reason": str})
    _words(body["reason"])
    if (RECORDING_LOST, state.room(body["room"]).id) not in state.pauses:
        raise NotLost("the recording is not lost")
    return (Draft("RecordingWaived", {}, act),)


def show(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`page.show`: a page of a document of the definition, by the presenter."""
    body = members(act.body, {"document": str, "page": int})
    if act.sub != state.presenter:
        raise WrongRole("only the presenter turns the page")
    pages = dict(state.evaluation.fixed.scoring.documents) if state.evaluation.fixed else {}
    if not 1 <= body["page"] <= pages.get(unb64u(body["document"], 32), 0):
        raise UnknownPage("no such document, or no such page in it")
    return (Draft("PageShown", {}, act),)


def hand_over(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`presenter.hand-over`: by the presenter, or by the main operator."""
    to = state.seat(members(act.body, {"to": str})["to"])
    actor = state.seat(act.sub)
    if actor.id != state.presenter and not (actor.role == "operator" and state.in_main_venue(actor)):
        raise WrongRole("the presenter or the main operator hands over")
    if to.role in (ROOM, AUDITOR, "supervisor") or to.id in state.evaluation.recused:
        raise WrongRole("this seat does not present")
    if to.id not in state.seat_key:
        raise NotBound("the seat has no key yet")
    return (Draft("PresenterChanged", {}, act),)


def pause(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.pause`, with its reason."""
    _reason(act.body)
    if (ORDERED, "") in state.pauses:
        raise AlreadyFixed("a pause is ordered already")
    return (Draft("ProceedingPaused", {"cause": ORDERED}, act),)


def resume(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.resume` ends an ordered pause and no other."""
    _reason(act.body)
    if (ORDERED, "") not in state.pauses:
        raise NotPaused("no pause was ordered")
    return (Draft("ProceedingResumed", {"venues": []}, act),)


def abort(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.abort`, for good."""
    _reason(act.body)
    return (Draft("ProceedingAborted", {}, act),)


def on_admitted(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, admitted={**state.admitted, act.body["room"]: entry.n})


def on_recording(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"rooms": list, "engine": str})
    engines = {str(room): str(body["engine"]) for room in body["rooms"]}
    return replace(state, recording={**state.recording, **engines})


def on_recorded(state: Proceeding, entry: Entry) -> Proceeding:
    ended = members(entry.body, {"rooms": list})["rooms"]
    kept = {room: engine for room, engine in state.recording.items() if room not in ended}
    pauses = state.pauses - {(RECORDING_LOST, room) for room in ended}
    return replace(state, recording=kept, pauses=pauses)


def on_segments(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"venue": str, "segments": list})
    return replace(state, tracks=segments.follow(state.tracks, state.rooms, body["venue"], body["segments"]))


def on_page(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, page=Page(unb64u(act.body["document"], 32), act.body["page"], entry.at))


def on_presenter(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, presenter=act.body["to"])


def on_lost(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"venue": str, "size": int})
    lost = LostVenue(body["size"], state.waiting(body["venue"]))
    return replace(state, lost={**state.lost, body["venue"]: lost})


def on_paused(state: Proceeding, entry: Entry) -> Proceeding:
    cause = _cause(entry.body)
    return replace(state, pauses=state.pauses | {cause}, since={**state.since, cause: seconds(entry.at)})


def on_resumed(state: Proceeding, entry: Entry) -> Proceeding:
    """An act ends the ordered pause; `room` that of a recording; `venues` those of venues."""
    body = members(entry.body, {"venues": list}, {"room": str})
    ended: set[Pause] = {(VENUE_LOST, venue) for venue, _, _ in body["venues"]}
    if entry.act is not None:
        ended.add((ORDERED, ""))
    if "room" in body:
        ended.add((RECORDING_LOST, body["room"]))
    return replace(state, pauses=state.pauses - ended, waived=state.waived - {body.get("room", "")})


def on_rejoined(state: Proceeding, entry: Entry) -> Proceeding:
    venue = members(entry.body, {"venue": str})["venue"]
    return replace(state, lost={name: lost for name, lost in state.lost.items() if name != venue})


def on_aborted(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, aborted=True)


def _cause(body: Object) -> Pause:
    found = members(body, {"cause": str}, {"venue": str, "room": str})
    return str(found["cause"]), str(found.get("venue") or found.get("room") or "")


def _rooms(rooms: tuple[str, ...]) -> None:
    if not rooms or len(set(rooms)) != len(rooms):
        raise CommandRefused("rooms are named, each once")


def on_declared(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """What follows stands in its own events."""
    return state


def on_waived(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """Until its packets flow again."""
    room = act.body["room"]
    gone = {(RECORDING_LOST, room), (OVERDUE, room)}
    return replace(state, waived=state.waived | {room}, pauses=state.pauses - gone)


def _reason(body: Object) -> None:
    _words(members(body, {"reason": str})["reason"])


def _words(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= len(reason) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "room.admit": admit,
    "page.show": show,
    "presenter.hand-over": hand_over,
    "proceeding.pause": pause,
    "proceeding.resume": resume,
    "proceeding.abort": abort,
    "incident.declare": declare,
    "recording.waive": waive,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "RoomAdmitted": on_admitted,
    "PageShown": on_page,
    "PresenterChanged": on_presenter,
    "ProceedingAborted": on_aborted,
    "IncidentDeclared": on_declared,
    "RecordingWaived": on_waived,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "RecordingStarted": on_recording,
    "RecordingEnded": on_recorded,
    "SegmentsClosed": on_segments,
    "VenueLost": on_lost,
    "ProceedingPaused": on_paused,
    "VenueRejoined": on_rejoined,
    "ProceedingResumed": on_resumed,
}
