"""Sealing: a round is opened, members seal, holders acknowledge, the operator freezes (protocols.md section 3)."""

from __future__ import annotations

import re
from dataclasses import replace

from evaluation.core.rounds import BALLOT, SHEET, Round, Seal
from evaluation.core.sheet import PART
from evaluation.core.state import Evaluation, Fixed, Holders
from evaluation.errors import (
    AlreadyDone,
    AlreadySealed,
    CommitmentMismatch,
    CopiedSeal,
    NotRequired,
    NotSafe,
    NotWitnessed,
    RoundFrozen,
    SealRefused,
    SeenTooOld,
    StageIncomplete,
    StaleSeal,
    WrongDefinition,
    WrongHolders,
)
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, b64u, encode, members, unb64u
from evidence.core.entry import Draft
from evidence.core.envelope import Context, Envelope
from evidence.errors import Malformed

PURPOSE_OF = {"ballot.seal": BALLOT, "sheet.seal": SHEET, "sheet.reseal": SHEET}
SEALED = {BALLOT: "BallotSealed", SHEET: "SheetSealed"}
RESEALED = "SheetResealed"
FAULTY_SINCE, REJECTS = 3, 2
"""The first engine that notices a faulty holder, and after how many rejects."""
# A code says in one word why a share or a sheet cannot be used; longer texts have no place in the log.
_CODE = re.compile(r"[a-z][a-z0-9-]{1,63}", re.ASCII)


def code(text: str) -> str:
    """The code, or Malformed."""
    if not _CODE.fullmatch(text):
        raise Malformed("a code is a short word in kebab-case")
    return text


def fixed(state: Evaluation) -> Fixed:
    """The definition in force, or StageIncomplete."""
    if state.fixed is None:
        raise StageIncomplete("no definition is fixed")
    return state.fixed


def holder_set(state: Evaluation) -> Holders:
    """The frozen holders, or StageIncomplete."""
    if state.holder_set is None:
        raise StageIncomplete("the holders are not frozen")
    return state.holder_set


def round_opened(
    state: Evaluation,
    purpose: str,
    matter: str,
    number: int,
    choices: tuple[str, ...] | None,
    *,
    required: tuple[str, ...] | None = None,
    void: list[JSON] | None = None,
) -> Draft:
    """A round opens only when G1 is witnessed: nobody seals to holders or names that could still be swapped.

    All of the committee take part unless `required` says who; `void` are earlier rounds that count no more.
    """
    gate = state.sealing_gate
    if gate is None or state.witnessed <= gate:
        raise NotWitnessed("holders and definition have no quorum in this log yet")
    body: Object = {
        "purpose": purpose,
        "matter": matter,
        "round": number,
        "definition": b64u(fixed(state).sha256),
        "required": list(state.seats if required is None else required),
    }
    if void:
        body["void"] = void
    if choices is not None:
        body["choices"] = list(choices)
    return Draft("RoundOpened", body)


def context(
    state: Evaluation, purpose: str, seat: str, number: int, subject: bytes, *, sealed: bytes | None = None
) -> Context:
    """What an envelope of this seat in this round is bound to: the holders in force, or those of the set `sealed`."""
    holders = holder_set(state) if sealed is None else state.set_of(sealed) or holder_set(state)
    return Context(purpose, state.origin, seat, number, subject, state.holder_k, holders.keys)


def seal(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`sheet.seal`, `ballot.seal`: recipe "Server" of protocols.md section 3; see `reseal` for another one's sake.

    (1) The round is open, not frozen, and the seat is required in it.
    (2) Definition and part are those in force.
    (3) The act was made after its signer had verified G1.
    (4) `replaces` names the seat's current seal, or null if there is none.
    (5) The envelope is sealed to the frozen holders.
    (6) Commitment and ciphertext are nobody's yet.
    """
    found, envelope = _sealed(state, act)
    # (6)
    for earlier in state.rounds:
        for other in earlier.seals.values():
            if other.envelope.c == envelope.c or other.envelope.ct_sha256 == envelope.ct_sha256:
                raise CopiedSeal("commitment or ciphertext is already in the log")
    return (Draft(SEALED[found.purpose], {}, act),)


def reseal(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`sheet.reseal`: the same plaintext for other holders, without asking the expert again.

    (1) to (5) as in `seal`.
    (6) The current seal is to holders who were replaced, or one of them rejected its dealing that is not faulty.
    (7) The same commitment, so the same plaintext; and a secret and a ciphertext that nobody has used.
    """
    found, envelope = _sealed(state, act)
    # (6)
    current = found.current.get(act.sub)
    if current is None or not state.due_again(found, act.sub):
        raise SealRefused("the seat's current seal needs no other dealing")
    # (7)
    if envelope.c != found.seals[current].envelope.c:
        raise CommitmentMismatch("another plaintext: that is a new seal, and the expert's own")
    for earlier in state.rounds:
        for other in earlier.seals.values():
            secret = other.envelope.feldman[0] == envelope.feldman[0]
            if secret or other.envelope.ct_sha256 == envelope.ct_sha256:
                raise CopiedSeal("secret or ciphertext is already in the log")
    return (Draft(RESEALED, {}, act),)


def _sealed(state: Evaluation, act: Act) -> tuple[Round, Envelope]:
    """(1) to (5) of a seal."""
    types = {"envelope": dict, "definition": str, "round": int, "part": list, "replaces": object}
    body = members(act.body, types)
    purpose = PURPOSE_OF[act.act]
    # (1)
    found = state.find_round(purpose, body["round"])
    if found.freeze is not None:
        raise RoundFrozen("the round is frozen")
    if act.sub not in found.required:
        raise NotRequired("the seat has no part in this round")
    # (2)
    if unb64u(body["definition"], 32) != fixed(state).sha256:
        raise WrongDefinition("made for another definition")
    if encode(body["part"]) != encode(PART):
        raise SealRefused("a sheet has one part in this version")
    # (3)
    gate = state.sealing_gate
    if gate is None or act.seen[0] <= gate:
        raise SeenTooOld("made before holders and definition were seen with a quorum")
    # (4)
    _check_replaces(found, act.sub, body["replaces"])
    # (5)
    envelope = Envelope.parse(body["envelope"])
    if envelope.purpose != purpose or envelope.c is None:
        raise SealRefused("the envelope has another purpose")
    try:
        envelope.check_context(context(state, purpose, act.sub, found.number, envelope.c))
    except Malformed as error:
        raise WrongHolders(str(error)) from error
    return found, envelope


def acknowledge(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`share.ack`: the holder opened its share of this seal and it fits the dealing."""
    body = members(act.body, {"act": str, "index": int})
    found, sealed = _check_answer(state, act, body)
    then = replace(sealed, acks=sealed.acks | {act.sub})
    return Draft("ShareAcked", {}, act), *_faulty(state, found, then)


def reject(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`share.reject`: the dealing is bad; the seat seals again. Who keeps saying so of what others took is faulty."""
    body = members(act.body, {"act": str, "index": int, "code": str})
    code(body["code"])
    found, sealed = _check_answer(state, act, body)
    then = replace(sealed, rejects={**sealed.rejects, act.sub: body["code"]})
    return Draft("ShareRejected", {}, act), *_faulty(state, found, then)


def freeze(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`round.freeze`: only when every required member's current seal is safe."""
    body = members(act.body, {"purpose": str, "round": int})
    found = state.find_round(body["purpose"], body["round"])
    if found.freeze is not None:
        raise RoundFrozen("the round is frozen")
    if unsafe := state.unsafe(found):
        raise NotSafe(f"{', '.join(unsafe)} not safely sealed")
    state.lawful()
    sheets = [[seat, b64u(found.current[seat])] for seat in sorted(found.required)]
    return (Draft("SheetsFrozen", {"purpose": found.purpose, "round": found.number, "sheets": sheets}, act),)


def index_of(state: Evaluation, sealed: bytes, holder: str) -> int:
    """i of the holder in the set that an envelope was sealed to, from 1; WrongHolders where it is none of them."""
    found = state.set_of(sealed)
    if found is None or holder not in found.domains:
        raise WrongHolders("sealed to other holders")
    return found.domains.index(holder) + 1


def _check_replaces(found: Round, seat: str, replaces: object) -> None:
    current = found.current.get(seat)
    if replaces is None:
        if current is not None:
            raise AlreadySealed("the seat has sealed; a new seal names the one that it replaces")
    elif unb64u(replaces, 32) != current:
        raise StaleSeal("`replaces` is not the seat's current seal")


def _faulty(state: Evaluation, found: Round, answered: Seal) -> tuple[Draft, ...]:
    """`HolderFaulty`, as soon as a holder has rejected two seals of a round that k others acknowledged: it counts as
    missing from then on (protocols.md section 3), so that nobody deals anew for its sake. k others always remain.

    One reject may be the author's fault, and so may two of one author: then that author's sheet opens with the others'
    shares all the same, and the alarm has people look at both.
    """
    if state.engine < FAULTY_SINCE or found.freeze is not None or found.void:
        return ()
    seals = [answered if each.id == answered.id else each for each in found.seals.values()]
    taken = [each for each in seals if len(each.acks) >= state.holder_k]
    drafts, lost = [], found.missing | found.faulty
    for holder in state.holders:
        rejected = sum(holder in each.rejects for each in taken)
        if holder in lost or rejected < REJECTS or len(lost) >= len(state.holders) - state.holder_k:
            continue
        lost |= {holder}
        drafts.append(Draft("HolderFaulty", {"purpose": found.purpose, "round": found.number, "holder": holder}))
    return tuple(drafts)


def _check_answer(state: Evaluation, act: Act, body: Object) -> tuple[Round, Seal]:
    """Any seal may be answered, replaced ones included: a holder's acts are appended in the order it made them."""
    found, sealed = state.find_seal(unb64u(body["act"], 32))
    if body["index"] != index_of(state, sealed.envelope.set, act.sub):
        raise Malformed("the index is not the holder's own")
    if sealed.answered(act.sub):
        raise AlreadyDone("the holder answered for this seal")
    return found, sealed
