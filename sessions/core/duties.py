"""What the server has to do next, from the state alone: after kill -9 it simply goes on.

A question to a holder, once due, stays due until its answer is in the log, whatever happens meanwhile (a seal that is
replaced is still acknowledged). A node counts its acts as it answers, and they are appended in that order: so each
holder has one queue, in the order in which its questions became due, and only its head is a duty.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.core import lots, stages
from sessions.core import advising, clocks, continuing, night, signing_off
from sessions.core.commands import FreezeDraw as FreezeDraw
from sessions.core.commands import FreezeHolders as FreezeHolders
from sessions.core.commands import OpenLot as OpenLot
from sessions.core.state import ABORTED, CLOSED, OPEN, PAUSED, Proceeding


@dataclass(frozen=True, slots=True)
class AskOffer:
    """Ask the holder for `holder.offer`."""

    domain: str


@dataclass(frozen=True, slots=True)
class AskAck:
    """Ask the holder for `share.ack` (or `share.reject`) of the sealed act."""

    domain: str
    act: bytes


@dataclass(frozen=True, slots=True)
class AskRelease:
    """Ask the holder for `share.release` of the frozen round; the gate's entry is witnessed."""

    domain: str
    freeze: bytes


@dataclass(frozen=True, slots=True)
class AskContribution:
    """Ask the holder for `draw.contribute` to the draw that this leaf opened; D1 is witnessed."""

    domain: str
    opened: bytes


@dataclass(frozen=True, slots=True)
class AskReveal:
    """Ask the holder for `draw.reveal` of the frozen draw; D2 is witnessed."""

    domain: str
    freeze: bytes


@dataclass(frozen=True, slots=True)
class AskVouch:
    """Ask the seat's centre for `seat.vouch` upon the identity check that is entry `check`. It stands in no holder's
    queue: a person at the door must not hold up the shares, nor they the person."""

    domain: str
    check: int


@dataclass(frozen=True, slots=True)
class Vouch:
    """The main centre vouches for its own seat, which its operator has checked."""

    seat: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class AwaitIncident:
    """At `until` (seconds since the epoch) the incident of this venue or room is stated overdue: `Due`."""

    subject: str
    until: int


@dataclass(frozen=True, slots=True)
class AwaitNight:
    """At `until` (seconds since the epoch) the tender's cut-off time has come: `BeginNight`."""

    until: int


@dataclass(frozen=True, slots=True)
class AwaitReveals:
    """At `until` (seconds since the epoch) whoever has not revealed is stated missing: `MissReveals`."""

    freeze: bytes
    until: int


@dataclass(frozen=True, slots=True)
class ResolveDraw:
    """Every secret is there: check them against their commitments, then the command of the same name."""

    freeze: bytes


@dataclass(frozen=True, slots=True)
class AwaitWitnesses:
    """A gate waits: bring a checkpoint of at least `size` to its quorum, then `NoteWitnessed`."""

    size: int


@dataclass(frozen=True, slots=True)
class OpenRound:
    """k holders have released: combine, decrypt, then the command of the same name."""

    purpose: str
    round: int


@dataclass(frozen=True, slots=True)
class IssueCredential:
    """Have the signing service make the member's credential, then the command of the same name."""

    seat: str


@dataclass(frozen=True, slots=True)
class CompareDocuments:
    """Compare the documents for facts of collusion, then `NoteAdvice`. The meeting waits for nothing of it."""


@dataclass(frozen=True, slots=True)
class RenderReport:
    """Make the report, then `FreezeReport`."""


@dataclass(frozen=True, slots=True)
class FinishSignature:
    """The seat has authorised its signature: make it, then `RecordSignature`."""

    seat: str
    act: bytes


@dataclass(frozen=True, slots=True)
class EndRecordings:
    """Stop recording these rooms, announce their last segments, then `EndRecording`."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordRoot:
    """The log is closed: its final root goes into the centre log, and the evidence file is written."""


Duty = (
    AskOffer
    | AskAck
    | AskRelease
    | AskContribution
    | AskReveal
    | AskVouch
    | Vouch
    | AwaitReveals
    | AwaitIncident
    | AwaitNight
    | FreezeDraw
    | OpenLot
    | ResolveDraw
    | AwaitWitnesses
    | FreezeHolders
    | OpenRound
    | IssueCredential
    | CompareDocuments
    | RenderReport
    | FinishSignature
    | EndRecordings
    | RecordRoot
)


def duties(state: Proceeding) -> tuple[Duty, ...]:
    """Everything that is due now; each is idempotent, and gone once the log shows it done."""
    if state.founding is None or not continuing.confirmed(state):
        return ()
    if state.gate == CLOSED:
        return (RecordRoot(),)
    due: list[Duty] = []
    for domain in dict.fromkeys((*state.holders, *state.successors)):
        due += queue(state, domain)[:1]
    if (size := witness_size(state)) > state.witnessed:
        due.append(AwaitWitnesses(size))
    due += _openings(state)
    due += _draws(state)
    due += _recordings(state)
    if state.gate in (OPEN, PAUSED):
        due += _people(state)
        due += [AwaitIncident(subject, until) for subject, until in clocks.deadlines(state).items()]
        due += [AwaitNight(until)] if (until := night.cut_off(state)) is not None else []
    return tuple(due)


Question = AskOffer | AskAck | AskRelease | AskContribution | AskReveal


def queue(state: Proceeding, domain: str) -> list[Question]:
    """All open questions to one holder, in the order in which they became due."""
    if domain not in state.offers or domain in state.successors:
        return [AskOffer(domain)] if state.gate != ABORTED else []
    questions: list[tuple[int, Question]] = []
    for found in state.evaluation.rounds:
        questions += [
            (seal.n, AskAck(domain, seal.id))
            for seal in found.seals.values()
            if not seal.answered(domain) and _holds(state, seal.envelope.set, domain)
        ]
        if found.freeze is None or found.releasable is None or domain in found.releases or found.lapsed:
            continue
        if _holds(state, found.sealed_to, domain):
            questions.append((found.releasable, AskRelease(domain, found.freeze.leaf)))
    questions += _questions_of_draws(state, domain)
    return [question for _, question in sorted(questions, key=lambda pair: pair[0])]


def _holds(state: Proceeding, sealed: bytes, domain: str) -> bool:
    """Whether the domain holds a share of what was sealed to this set: a successor knows nothing of earlier seals."""
    found, held = state.evaluation.set_of(sealed), state.evaluation.holder_set
    if found is None or held is None or domain not in held.domains:
        return False
    return held.keys[held.domains.index(domain)] in found.keys


def witness_size(state: Proceeding) -> int:
    """The size that the newest reached gate wants witnessed: G1, freezes, G2 (protocols.md section 2)."""
    gates = [state.evaluation.sealing_gate]
    for found in state.evaluation.rounds:
        gates += [found.freeze.n if found.freeze else None, found.agreed]
    for drawn in state.drawing.draws:
        gates += [drawn.n, drawn.freeze.n if drawn.freeze else None]
    return max((n + 1 for n in gates if n is not None), default=0)


def _questions_of_draws(state: Proceeding, domain: str) -> list[tuple[int, Question]]:
    questions: list[tuple[int, Question]] = []
    for found in state.drawing.draws:
        if domain not in found.contributors:
            continue
        if found.contributable is not None and domain not in found.contributions:
            questions.append((found.contributable, AskContribution(domain, found.leaf)))
        questions += [
            (made.n, AskAck(domain, made.id))
            for made in found.contributions.values()
            if not made.late and not made.answered(domain)
        ]
        if found.freeze is None or found.revealable is None:
            continue
        if domain in found.unrevealed:
            questions.append((found.revealable, AskReveal(domain, found.freeze.leaf)))
        if found.missed_n is not None and domain not in found.releases:
            questions.append((found.missed_n, AskRelease(domain, found.freeze.leaf)))
    return questions


def _draws(state: Proceeding) -> list[Duty]:
    """Lots that the rules call for are opened and frozen as soon as they can be; a frozen draw gets its result."""
    due: list[Duty] = []
    if state.gate == OPEN:
        due += [OpenLot(lot.label) for lot in lots.due(state.evaluation) if _room_for(state, lot.label)]
    for found in state.drawing.draws:
        if found.freeze is None:
            if found.annulled is None and not found.unsafe and state.gate in (OPEN, PAUSED):
                due.append(FreezeDraw(found.leaf))
        elif found.resolvable:
            due.append(ResolveDraw(found.freeze.leaf))
        elif found.resolved is None and found.revealable is not None and found.missed_n is None:
            due.append(AwaitReveals(found.freeze.leaf, found.reveal_by))
    return due


def _room_for(state: Proceeding, label: str) -> bool:
    return all(found.annulled is not None and found.over for found in state.drawing.draws if found.name == label)


def _openings(state: Proceeding) -> list[Duty]:
    return [
        OpenRound(found.purpose, found.number)
        for found in state.evaluation.rounds
        if found.opened is None
        and found.releasable is not None
        and len(found.releases) >= state.holder_k
        and not found.lapsed
    ]


def _recordings(state: Proceeding) -> list[Duty]:
    """Recording ends when everybody has signed, or with an abort."""
    over = state.gate == ABORTED or (state.report is not None and not signing_off.unsigned(state))
    return [EndRecordings(tuple(sorted(state.recording)))] if over and state.recording else []


def _people(state: Proceeding) -> list[Duty]:
    due: list[Duty] = []
    offered = set(state.offers) >= set(state.holders) and not state.successors
    if offered and (state.holders_frozen is None or state.succession is not None):
        due.append(FreezeHolders())
    for seat, found in state.checks.items():
        centre = state.seat(seat).centre
        due.append(Vouch(seat, found.thumbprint) if centre == state.main else AskVouch(centre, found.n))
    due += [IssueCredential(seat) for seat in state.signers if seat in state.seat_key and seat not in state.credentials]
    if advising.comparable(state) and state.evaluation.advice is None and state.stage in advising.COMPARED:
        due.append(CompareDocuments())
    if state.stage == stages.REPORT and state.report is None and state.gate == OPEN:
        due.append(RenderReport())
    if state.report is not None and state.report.pending is not None:
        due.append(FinishSignature(state.report.pending.seat, state.report.pending.act))
    return due
