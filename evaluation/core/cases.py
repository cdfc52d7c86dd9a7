"""Cases of sealed sheets that do not go the straight way (protocols.md section 3, the table of cases).

A holder may be lost before the freeze: then a seal counts as safe with k acknowledgements, if the supervisor names who
is missing; what is opened then carries the flag `k-acks-only`. (Where fewer remain, holders are replaced and sheets
sealed again, `sealing.reseal`.) A sheet may be unreadable although its key is right, or its holders may be lost after
the freeze: then its own author may open it, with exactly the plaintext that was committed to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import opening
from evaluation.core.rounds import BALLOT, SHEET, Round
from evaluation.core.sealing import round_opened
from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, CommitmentMismatch, NotRequired, RoundError, RoundFrozen
from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import sheet_commitment
from evidence.errors import Malformed

_MAX_REASON = 500


def miss(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`holders.miss`: the supervisor names holders that are lost.

    Before the freeze k of them must remain: their acknowledgements are enough then. After it, and once people have
    agreed to open, the other way round: so many are named that no k remain, none of whom has released.
    """
    body = members(act.body, {"purpose": str, "round": int, "holders": list, "reason": str})
    found = state.find_round(body["purpose"], body["round"])
    named = body["holders"]
    if not named or any(not isinstance(name, str) or name not in state.holders for name in named):
        raise Malformed("holders of this proceeding are named")
    if named != sorted(set(named)):
        raise Malformed("each is named once, in order")
    _reason(body["reason"])
    spare = len(state.holders) - state.holder_k
    if found.freeze is None and len(found.faulty | set(named)) > spare:
        raise Malformed("k holders remain")
    if found.freeze is not None:
        if found.opened is not None or found.releasable is None or len(named) <= spare:
            raise RoundFrozen("the round is frozen: its holders release, unless fewer than k remain")
        if set(named) & set(found.releases):
            raise RoundError("one of these holders has released")
    if set(named) == found.missing:
        raise AlreadyDone("these holders are named already")
    return (Draft("HoldersMissing", {}, act),)


def author_open(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`sheet.author_open`: (1) the author's own sheet or ballot, which was found unreadable, or whose holders are lost;
    (2) the committed plaintext; (3) it reads as one of this seat and round. (4) With the last one of a round whose
    holders are lost, the round is open, in the same append. Where it does not fit, nothing is opened."""
    body = members(act.body, {"act": str, "p": str})
    # (1)
    found, seal = state.find_seal(unb64u(body["act"], 32))
    if seal.seat != act.sub:
        raise NotRequired("another seat's sheet")
    orphaned = found.orphaned(len(state.holders), state.holder_k) and seal.id in found.listed and not found.void
    unreadable = seal.id in found.unreadable and found.purpose == SHEET
    if not unreadable and not orphaned:
        raise RoundError("the sheet is not unreadable, and its holders are not lost")
    if seal.id in found.plaintexts:
        raise AlreadyDone("the sheet is opened")
    # (2)
    plaintext = unb64u(body["p"])
    if sheet_commitment(plaintext) != seal.envelope.c:
        raise CommitmentMismatch("the plaintext is not the committed one")
    # (3)
    state.read(found, seal.seat, plaintext)
    made = Draft("SheetAuthorOpened", {}, act)
    # (4)
    plaintexts = {**found.plaintexts, seal.id: plaintext}
    if not orphaned or set(plaintexts) != set(found.listed):
        return (made,)
    return made, *opening.opened(state, found, plaintexts)


def renew(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`round.renew`: the holders of a frozen round are lost and its authors do not open it: all members seal anew.

    Nothing that the holders kept was opened, so it is fair; whoever has opened an own sheet before is told, by number.
    """
    body = members(act.body, {"purpose": str, "round": int, "reason": str})
    _reason(body["reason"])
    found = state.find_round(body["purpose"], body["round"])
    if not found.orphaned(len(state.holders), state.holder_k):
        raise RoundError("the round can be opened by its holders")
    number = 1 + sum(each.purpose == found.purpose for each in state.rounds)
    choices = found.choices if found.purpose == BALLOT else None
    renewed = Draft("RoundRenewed", {"opened": len(found.plaintexts)}, act)
    return renewed, round_opened(state, found.purpose, found.matter, number, choices, required=found.required)


def _reason(text: str) -> None:
    if not 1 <= len(text.strip()) <= len(text) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")


def on_renewed(state: Evaluation, entry: Entry) -> Evaluation:
    body = entry.act.body if entry.act else {}
    found = state.find_round(body["purpose"], body["round"])
    return _with(state, found, replace(found, void=True))


def on_missing(state: Evaluation, entry: Entry) -> Evaluation:
    body = entry.act.body if entry.act else {}
    found = state.find_round(body["purpose"], body["round"])
    return _with(state, found, replace(found, missing=frozenset(body["holders"])))


def on_author_opened(state: Evaluation, entry: Entry) -> Evaluation:
    body = entry.act.body if entry.act else {}
    found, seal = state.find_seal(unb64u(body["act"], 32))
    unreadable = {act: code for act, code in found.unreadable.items() if act != seal.id}
    plaintexts = {**found.plaintexts, seal.id: unb64u(body["p"])}
    made = replace(found, unreadable=unreadable, plaintexts=plaintexts, authored=found.authored | {seal.id})
    return _with(state, found, made)


def few_acks(state: Evaluation) -> bool:
    """Whether a frozen round rests on seals with k acknowledgements only: the verdict's flag `k-acks-only`."""
    return any(
        len(found.seals[act].acks) <= state.holder_k
        for found in state.rounds
        if found.freeze is not None and found.missing | found.faulty
        for act in found.listed
    )


def _with(state: Evaluation, old: Round, new: Round) -> Evaluation:
    return replace(state, rounds=tuple(new if found is old else found for found in state.rounds))


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "holders.miss": miss,
    "sheet.author_open": author_open,
    "round.renew": renew,
}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "HoldersMissing": on_missing,
    "SheetAuthorOpened": on_author_opened,
    "RoundRenewed": on_renewed,
}
