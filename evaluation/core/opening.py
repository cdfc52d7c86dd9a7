"""Opening: seats confirm, the supervisor approves, holders release, all is opened at once (protocols.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluation.core import chair, checks
from evaluation.core.commands import OpenRound
from evaluation.core.rounds import BALLOT, CHAIR, SHEET, Freeze, Round
from evaluation.core.sealing import code, round_opened
from evaluation.core.state import Evaluation
from evaluation.errors import (
    AlreadyDone,
    AlreadyOpened,
    CommitmentMismatch,
    Disputed,
    NotApproved,
    NotFrozen,
    NotRequired,
    RoundError,
    SeenTooOld,
    SheetError,
    SilentSeats,
    TooFewShares,
)
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, members, unb64u
from evidence.core.entry import Draft
from evidence.core.envelope import scalar, sheet_commitment
from evidence.errors import Malformed


def confirm(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`freeze.ok`: the seat found its own act id in the freeze. It also takes back the seat's own dispute."""
    found, freeze = _frozen(state, members(act.body, {"freeze": str}), act)
    if found.opened is not None:
        raise AlreadyOpened("the round is open")
    if act.sub in freeze.confirmed:
        raise AlreadyDone("the seat has confirmed")
    return (Draft("FreezeConfirmed", {}, act),)


def dispute(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`freeze.dispute`: blocks the opening; too late once people have agreed, for shares may be on their way."""
    found, freeze = _frozen(state, members(act.body, {"freeze": str}), act)
    if found.agreed is not None:
        raise AlreadyDone("the opening is agreed")
    if act.sub in freeze.disputed or act.sub in freeze.confirmed:
        raise AlreadyDone("the seat has answered")
    return (Draft("FreezeDisputed", {}, act),)


def approve(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`opening.approve`: sheets only; names every required seat that did not confirm."""
    body = members(act.body, {"freeze": str, "silent": list})
    found = state.find_freeze(unb64u(body["freeze"], 32))
    if found.purpose != SHEET:
        raise RoundError("ballots open by the members' own confirmations")
    if found.freeze is None or found.freeze.approved is not None:
        raise AlreadyDone("the opening is approved")
    if found.freeze.disputed:
        raise Disputed("a seat disputes the freeze")
    silent = body["silent"]
    # A seat may confirm while the supervisor decides: naming it then does no harm.
    named = all(isinstance(seat, str) for seat in silent)
    if not named or silent != sorted(set(silent)) or not set(found.unconfirmed) <= set(silent) <= set(found.required):
        raise SilentSeats("the approval names every required seat that did not confirm, sorted")
    return (Draft("OpeningApproved", {}, act),)


def release(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`share.release`: after people agreed, after the gate was witnessed, one share for each listed act.

    A release after the opening is still taken: the holder gave its share, and its chain of acts goes on.
    """
    body = members(act.body, {"freeze": str, "shares": list})
    found = state.find_freeze(unb64u(body["freeze"], 32))
    gate = found.agreed
    if gate is None or found.releasable is None or found.lapsed:
        raise NotApproved("shares may not leave yet")
    if act.seen[0] <= gate:
        raise SeenTooOld("made before the gate was seen with a quorum")
    if act.sub in found.releases:
        raise AlreadyDone("the holder has released")
    try:
        given = [(unb64u(listed, 32), scalar(unb64u(share, 32))) for listed, share in body["shares"]]
    except (TypeError, ValueError) as error:
        raise Malformed("shares are [act id, y]") from error
    if tuple(listed for listed, _ in given) != found.listed:
        raise Malformed("one share for each act of the freeze, in its order")
    return (Draft("SharesReleased", {}, act),)


def open_round(state: Evaluation, command: OpenRound) -> tuple[Draft, ...]:
    """One append: every listed plaintext, and what follows from them.

    (1) k holders released and the round is not open.
    (2) Exactly the listed acts, in the order of the freeze.
    (3) A plaintext hashes to its commitment: nothing else can be put in its place.
    (4) One that cannot be read counts for nobody and is marked, its bytes being provably the seat's own.
    (5) Ballots are counted at once.
    (6) Sheets are looked over, where the pack says so: what differs or lies far off is shown to the committee.
    """
    found = state.find_round(command.purpose, command.round)
    # (1)
    if found.opened is not None:
        raise AlreadyOpened("the round is open")
    if found.releasable is None or found.freeze is None or len(found.releases) < state.holder_k:
        raise TooFewShares(f"{len(found.releases)} of {state.holder_k} releases")
    # (2)
    if tuple(act for act, _ in command.plaintexts) != found.listed:
        raise Malformed("one plaintext for each act of the freeze, in its order")
    drafts: list[Draft] = []
    readable: dict[bytes, bytes] = {}
    for (seat, act), (_, plaintext) in zip(found.freeze.sheets, command.plaintexts, strict=True):
        told: Object = {"act": b64u(act)}
        try:
            if isinstance(plaintext, str):
                raise _Unreadable(code(plaintext))
            # (3)
            if sheet_commitment(plaintext) != found.seals[act].envelope.c:
                raise CommitmentMismatch("the plaintext is not the committed one")
            state.read(found, seat, plaintext)
        except (SheetError, _Unreadable) as error:
            # (4)
            drafts.append(Draft("SheetUnreadable", told | {"code": error.code}))
            continue
        drafts.append(Draft("SheetOpened", told | {"p": b64u(plaintext)}))
        readable[act] = plaintext
    return *drafts, *opened(state, found, readable)


def opened(state: Evaluation, found: Round, readable: Mapping[bytes, bytes]) -> tuple[Draft, ...]:
    """`SheetsOpened`, and what follows from these plaintexts: (5) and (6) of `open_round`."""
    if found.freeze is None:
        raise NotFrozen("the round is not frozen")
    freeze = {"purpose": found.purpose, "round": found.number, "freeze": b64u(found.freeze.leaf)}
    shown = Draft("SheetsOpened", freeze)
    # (5)
    if found.purpose == BALLOT:
        read = (state.read(found, seat, readable[act]) for seat, act in found.freeze.sheets if act in readable)
        return shown, *_elect(state, found, [choice for choice in read if isinstance(choice, str)])
    # (6)
    seen = replace(found, plaintexts=readable, opened=found.freeze.n)
    rounds = tuple(seen if each is found else each for each in state.rounds)
    return shown, *checks.checked(replace(state, rounds=rounds))


def _elect(state: Evaluation, found: Round, ballots: list[str]) -> tuple[Draft, ...]:
    result = chair.count(ballots, found.choices)
    votes = [list(pair) for pair in result.votes]
    if result.elected is not None:
        return (Draft("ChairElected", {"seat": result.elected, "votes": votes}),)
    tied = Draft("ChairTied", {"tied": list(result.leaders), "votes": votes})
    held = sum(each.purpose == BALLOT and not each.void for each in state.rounds)
    if held >= state.rules.tied_rounds:
        return tied, Draft("ChairUndecided", {"tied": list(result.leaders)})
    return tied, round_opened(state, BALLOT, CHAIR, found.number + 1, result.leaders)


def _frozen(state: Evaluation, body: Object, act: Act) -> tuple[Round, Freeze]:
    found = state.find_freeze(unb64u(body["freeze"], 32))
    if found.freeze is None:
        raise NotFrozen("the round is not frozen")
    if act.sub not in found.required:
        raise NotRequired("the seat has no part in this round")
    return found, found.freeze


class _Unreadable(Exception):
    """The opener found the ciphertext itself broken; `code` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
