"""The root: `decide` and `evolve`. It checks role, relation, gate and stage, then delegates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evaluation.core import decide as evaluation_decide
from evaluation.core import evolve as evaluation_evolve
from evaluation.core.commands import OpenRound
from evidence.core.act import Act
from evidence.core.canonical import members
from evidence.core.entry import Draft, Entry
from evidence.core.origins import following
from evidence.errors import EvidenceError
from sessions.core import (
    aborted,
    advising,
    attention,
    clocks,
    confirming,
    continuing,
    cut_off,
    dissent,
    draw_answers,
    draw_fold,
    drawing,
    founding,
    help_requests,
    identity,
    looks,
    meeting,
    night,
    page_views,
    questioning,
    readiness,
    reopening,
    replacing,
    seating,
    signing_off,
    unsealing,
    venue_clocks,
    venue_journal,
)
from sessions.core.commands import (
    AuthoriseSignature,
    BeginNight,
    CloseSegments,
    Command,
    Due,
    EndRecording,
    FixDefinition,
    FreezeDraw,
    FreezeHolders,
    FreezeReport,
    IssueCredential,
    LoseRecording,
    LoseVenue,
    MissReveals,
    NoteAdvice,
    NoteClockJump,
    NoteLeaves,
    NoteLooks,
    NoteOffsets,
    NotePages,
    NoteSeats,
    NoteWitnessed,
    OpenLot,
    Perform,
    RecordSignature,
    RegainRecording,
    ResolveDraw,
    StartRecording,
)
from sessions.core.continued import CONTINUED
from sessions.core.draws import seconds
from sessions.core.permission import demand
from sessions.core.state import ABORTED, CLOSED, OPEN, PAUSED, Proceeding
from sessions.errors import Aborted, ActFork, Closed, CommandRefused, EntryRefused, Paused, SeatKeyEnded, UnknownAct

EVENT_OF: Mapping[str, str] = {
    "proceeding.found": "ProceedingFounded",
    "definition.fix": "DefinitionFixed",
    "holder.offer": "HolderOffered",
    "holders.replace": "HoldersReplaced",
    "seat.vouch": "SeatVouched",
    "seat.bind": "SeatBound",
    "identity.check": "IdentityChecked",
    "room.admit": "RoomAdmitted",
    "page.show": "PageShown",
    "presenter.hand-over": "PresenterChanged",
    "help.ask": "HelpAsked",
    "help.answer": "HelpAnswered",
    "proceeding.pause": "ProceedingPaused",
    "seat.resume": "SeatResumed",
    "seat.lose": "SeatLost",
    "seat.reinstate": "SeatReinstated",
    "seat.release": "SeatReleased",
    "incident.note": "IncidentNoted",
    "venue.journal": "VenueJournaled",
    "venue.replace": "VenueReplaced",
    "incident.decide": "IncidentDecided",
    "incident.declare": "IncidentDeclared",
    "recording.waive": "RecordingWaived",
    "area.seal": "AreaSealed",
    "area.open": "AreaOpened",
    "proceeding.resume": "ProceedingResumed",
    "proceeding.abort": "ProceedingAborted",
    "proceeding.seal": "ProceedingClosed",
    "stage.advance": "StageAdvanced",
    "commitment.sign": "CommitmentSigned",
    "recusal.declare": "RecusalDeclared",
    "ballot.seal": "BallotSealed",
    "sheet.seal": "SheetSealed",
    "sheet.reseal": "SheetResealed",
    "share.ack": "ShareAcked",
    "share.reject": "ShareRejected",
    "round.freeze": "SheetsFrozen",
    "freeze.ok": "FreezeConfirmed",
    "freeze.dispute": "FreezeDisputed",
    "opening.approve": "OpeningApproved",
    "holders.miss": "HoldersMissing",
    "sheet.author_open": "SheetAuthorOpened",
    "round.renew": "RoundRenewed",
    "share.release": "SharesReleased",
    "review.vote": "ReviewVoted",
    "motion.open": "MotionOpened",
    "motion.vote": "MotionVoted",
    "clarification.ask": "ClarificationAsked",
    "clarification.approve": "ClarificationApproved",
    "clarification.refuse": "ClarificationRefused",
    "bidder.vouch": "BidderVouched",
    "clarification.answer": "ClarificationAnswered",
    "clarification.lapse": "ClarificationLapsed",
    "stage.back": "StepBackAsked",
    "stage.back-approve": "StepBackAnswered",
    "extension.ask": "ExtensionAsked",
    "score.correct": "ScoreCorrected",
    "ranking.confirm": "RankingConfirmed",
    "report.sign": "SignatureAuthorised",
    "report.dissent": "ReportDissented",
    "signing.call": "SigningCalled",
    "member.deem": "MemberDeemedAgreed",
    "reopening.ask": "ReopeningAsked",
    "reopening.approve": "ReopeningAnswered",
    "member.remove": "MemberRemoved",
    "member.seat": "MemberSeated",
    "recusal.request": "RecusalRequested",
    "recusal.decide": "RecusalDecided",
    "proceeding.close": "ProceedingClosed",
    "log.continue": "LogContinued",
    "log.confirm": "ContinuationConfirmed",
    "pool.freeze": "PoolFrozen",
    "draw.open": "DrawOpened",
    "draw.contribute": "DrawContributed",
    "draw.freeze": "DrawFrozen",
    "draw.reveal": "DrawRevealed",
    "draw.annul": "DrawAnnulled",
    "draw.answer": "DrawAnswerStated",
    "draw.countersign": "DrawAnswered",
    "draw.external": "ExternalDraw",
}
"""The event that carries each act (docs/protocol.md section 2)."""

# These are also facts of the server, without an act.
_ALSO_FACTS = frozenset({"ProceedingPaused", "ProceedingResumed", "DrawOpened", "DrawFrozen"})
_ACTS = {
    **founding.ACTS,
    **identity.ACTS,
    **meeting.ACTS,
    **help_requests.ACTS,
    **cut_off.ACTS,
    **continuing.ACTS,
    **venue_journal.ACTS,
    **clocks.ACTS,
    **night.ACTS,
    **aborted.ACTS,
    **signing_off.ACTS,
    **reopening.ACTS,
    **questioning.ACTS,
    **dissent.ACTS,
    **confirming.ACTS,
    **seating.ACTS,
    **replacing.ACTS,
}
_TIMED_ACTS = {**night.TIMED, **drawing.ACTS, **draw_answers.ACTS, **dissent.TIMED}
_EVENTS_OF_ACTS = {
    **founding.EVENTS_OF_ACTS,
    **identity.EVENTS_OF_ACTS,
    **meeting.EVENTS_OF_ACTS,
    **help_requests.EVENTS_OF_ACTS,
    **cut_off.EVENTS_OF_ACTS,
    **continuing.EVENTS_OF_ACTS,
    **venue_journal.EVENTS_OF_ACTS,
    **clocks.EVENTS_OF_ACTS,
    **night.EVENTS_OF_ACTS,
    **signing_off.EVENTS_OF_ACTS,
    **reopening.EVENTS_OF_ACTS,
    **draw_fold.EVENTS_OF_ACTS,
    **questioning.EVENTS_OF_ACTS,
    **dissent.EVENTS_OF_ACTS,
    **confirming.EVENTS_OF_ACTS,
    **seating.EVENTS_OF_ACTS,
    **replacing.EVENTS_OF_ACTS,
}
_FACTS = {
    **founding.FACTS,
    **meeting.FACTS,
    **page_views.FACTS,
    **attention.FACTS,
    **cut_off.FACTS,
    **continuing.FACTS,
    **clocks.FACTS,
    **night.FACTS,
    **venue_clocks.FACTS,
    **signing_off.FACTS,
    **draw_fold.FACTS,
    **looks.FACTS,
    **advising.FACTS,
    **unsealing.FACTS,
    **reopening.FACTS,
    **confirming.FACTS,
}
# Facts and the gates at which the server may state them. A closed log cannot grow. Recording goes on through a pause.
# An aborted proceeding is still recorded to its end and witnessed, and a fixed result is still opened.
_LIVE = frozenset({OPEN, PAUSED})
_NOT_CLOSED = frozenset({OPEN, PAUSED, ABORTED})
_STATED: Mapping[type, tuple[Callable[[Proceeding, Any], tuple[Draft, ...]], frozenset[str]]] = {
    FreezeHolders: (founding.freeze_holders, _LIVE),
    IssueCredential: (founding.issue, _LIVE),
    NoteWitnessed: (founding.witness, _NOT_CLOSED),
    StartRecording: (meeting.start_recording, _LIVE),
    EndRecording: (meeting.end_recording, _NOT_CLOSED),
    CloseSegments: (meeting.close_segments, _NOT_CLOSED),
    LoseVenue: (meeting.lose_venue, _LIVE),
    LoseRecording: (meeting.lose_recording, _LIVE),
    RegainRecording: (meeting.regain_recording, _LIVE),
    NoteAdvice: (advising.note, _LIVE),
    NoteClockJump: (clocks.jump, _LIVE),
    NoteOffsets: (venue_clocks.note, _LIVE),
    NoteLooks: (looks.note, _NOT_CLOSED),
    NoteLeaves: (continuing.note, _LIVE),
    OpenRound: (lambda state, command: evaluation_decide.decide(state.evaluation, command), _NOT_CLOSED),
    FreezeReport: (signing_off.freeze_report, frozenset({OPEN})),
    RecordSignature: (signing_off.record, _LIVE),
}
# What depends on the time of its entry, too. A frozen draw is resolved whatever happens to the proceeding.
_TIMED: Mapping[type, tuple[Callable[[Proceeding, Any, str], tuple[Draft, ...]], frozenset[str]]] = {
    OpenLot: (drawing.open_lot, frozenset({OPEN})),
    FreezeDraw: (drawing.freeze, _LIVE),
    MissReveals: (drawing.miss, _NOT_CLOSED),
    Due: (clocks.due, _LIVE),
    BeginNight: (night.begin, _LIVE),
    NotePages: (page_views.note, _LIVE),
    NoteSeats: (attention.note, _LIVE),
    ResolveDraw: (drawing.resolve, _NOT_CLOSED),
}


def decide(state: Proceeding, command: Command, *, at: str, entropy: bytes) -> tuple[Draft, ...]:
    """The events that follow from the command, in one append; else an error with a stable code.

    Deterministic in its arguments, because every verifier decides again (ADR 2). Only deadlines of draws need `at`; no
    rule of this version needs `entropy`: a lot is drawn from what the holders contribute.
    """
    if not (isinstance(command, Perform) and command.act.act == "log.confirm"):
        continuing.demand_confirmed(state)
    match command:
        case Perform(act):
            return _perform(state, act, at)
        case FixDefinition():
            _demand(state, command.act, "definition.fix")
            return founding.fix_definition(state, command)
        case AuthoriseSignature():
            _demand(state, command.act, "report.sign")
            return signing_off.authorise(state, command)
    founding.founding(state)
    if type(command) in _TIMED:
        timed, gates = _TIMED[type(command)]
        _check_gate(state, gates)
        return timed(state, command, at)
    made, gates = _STATED[type(command)]
    _check_gate(state, gates)
    return made(state, command)


def evolve(state: Proceeding, entry: Entry) -> Proceeding:
    """The state after `entry`; EntryRefused or UnknownEvent where it cannot follow.

    Folding shows what the log says; whether it was allowed is shown by deciding again (ADR 2).
    """
    if entry.n != state.size or (state.size > 0 and entry.origin != _log_of(state, entry)) or entry.v != 1:
        raise EntryRefused("the entry does not continue this log, or has an unknown version")
    if (entry.type == "ProceedingFounded") != (state.size == 0) or state.closed is not None:
        raise EntryRefused("the first entry founds, and after the last none follows")
    _check_form(entry)
    try:
        return _fold(state, entry)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise EntryRefused(f"the body of entry {entry.n} is out of form") from error
    except EvidenceError as error:
        raise EntryRefused(f"entry {entry.n}: {error}") from error


def _perform(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    key = state.keys.get(act.kid)
    if key is not None and not key.live:
        _check_gate(state, _NOT_CLOSED)
        return cut_off.keep_late(state, act)
    if cut_off.is_second(state, act):
        _check_gate(state, _NOT_CLOSED)
        return cut_off.keep_second(act)
    if key is not None and key.merge is not None:
        continuing.demand_turn(state, act)
        known = continuing.known_place(state, act.id) is not None
        return cut_off.merge(state, act, lambda then, one: _rules(then, one, at), known=known)
    return _rules(state, act, at)


def _rules(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    if act.act not in EVENT_OF:
        raise UnknownAct(f"no act {act.act[:40]!r}")
    if act.act in ("definition.fix", "report.sign"):
        raise CommandRefused(f"{act.act} comes with more than the act")
    _demand(state, act, act.act)
    if act.act in _ACTS:
        drafts = _ACTS[act.act](state, act)
        return *drafts, *unsealing.disclosed(state, drafts)
    if act.act in _TIMED_ACTS:
        return _TIMED_ACTS[act.act](state, act, at)
    if act.act in evaluation_decide.TIMED:
        return evaluation_decide.TIMED[act.act](state.evaluation, act, at)
    if drawing.concerns(state, act):
        return drawing.ANSWERS_OF_HOLDERS[act.act](state, act)
    if act.act == "stage.advance":
        readiness.check(state)
    drafts = evaluation_decide.decide(state.evaluation, act)
    return *drafts, *unsealing.disclosed(state, drafts)


def _demand(state: Proceeding, act: Act, permission: str) -> None:
    if act.act != permission:
        raise CommandRefused(f"{permission} needs its own act")
    if act.kid in state.keys and not state.keys[act.kid].live:
        raise SeatKeyEnded("the key was replaced")
    if cut_off.is_second(state, act):
        raise ActFork(f"another act has ctr {act.ctr}")
    venue = None
    if permission == "room.admit":
        venue = state.room(members(act.body, {"room": str})["room"]).venue
    elif permission == "incident.declare":
        venue = state.venue(members(act.body, {"venue": str, "kind": str, "text": str})["venue"]).id
    elif permission == "seat.lose":
        venue = state.seat(members(act.body, {"seat": str, "reason": str})["seat"]).venue
    elif permission == "identity.check":
        form = {"seat": str, "thumbprint": str, "document": str, "note": object}
        venue = state.seat(members(act.body, form)["seat"]).venue
    elif permission == "help.answer":
        asked = help_requests.find(state, members(act.body, {"asked": str, "text": str})["asked"])
        venue = state.seat(asked.seat).venue
    demand(state, act.sub, permission, venue=venue)


def _log_of(state: Proceeding, entry: Entry) -> str:
    """The origin that the next entry has: another one where the log goes on under it."""
    return following(state.log) if entry.type == CONTINUED else state.log


def _check_gate(state: Proceeding, gates: frozenset[str]) -> None:
    if state.gate in gates:
        return
    raise {CLOSED: Closed, ABORTED: Aborted, PAUSED: Paused}[state.gate](f"the proceeding is {state.gate}")


def _check_form(entry: Entry) -> None:
    """An event carries the act that the protocol names for it, and no other."""
    named = entry.type in EVENT_OF.values()
    if entry.type in cut_off.WITH_ANY_ACT and (entry.act is not None or entry.type in _FACTS):
        return
    if not named and entry.type not in _FACTS and entry.type not in evaluation_evolve.EVENTS:
        raise EntryRefused(f"unknown event {entry.type}")
    if entry.act is None:
        if named and entry.type not in _ALSO_FACTS:
            raise EntryRefused(f"{entry.type} needs an act")
    elif EVENT_OF.get(entry.act.act) != entry.type:
        raise EntryRefused(f"{entry.type} carries the act {entry.act.act[:40]!r}")


def _fold(state: Proceeding, entry: Entry) -> Proceeding:
    act = entry.act
    if act is not None and entry.type in _EVENTS_OF_ACTS:
        state = _EVENTS_OF_ACTS[entry.type](state, entry, act)
    elif entry.type in _FACTS:
        state = _FACTS[entry.type](state, entry)
    evaluation = state.evaluation
    if entry.type == "Witnessed":
        state = replace(state, drawing=draw_fold.on_witnessed(state.drawing, entry))
    if act is not None and entry.type not in cut_off.WITH_ANY_ACT and drawing.concerns(state, act):
        state = draw_fold.ANSWERS_OF_HOLDERS[entry.type](state, entry, act)
    elif entry.type in evaluation_evolve.EVENTS:
        evaluation = evaluation_evolve.evolve(evaluation, entry)
    presenter, day = state.presenter, state.day
    if presenter in evaluation.recused and presenter not in state.evaluation.recused:
        presenter = founding.first_presenter(state.seats.values(), state.venues)
    if entry.type == "StageAdvanced" and day is None:
        day = seconds(entry.at)
    keys, acts = state.keys, state.acts
    if act is not None:
        acts = acts.put(act.id, entry.n)
        if not cut_off.keeps_chain(state, entry, act):
            key = replace(keys[act.kid], ctr=act.ctr, last=act.id, seen_size=act.seen[0])
            keys = {**keys, act.kid: key}
    size = entry.n + 1
    return replace(state, size=size, evaluation=evaluation, keys=keys, acts=acts, presenter=presenter, day=day)
