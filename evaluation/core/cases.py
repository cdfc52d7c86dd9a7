"""Cases of sealed sheets that do not go the straight way (protocols.md section 3, the table of cases).

A holder may be lost before the freeze: then a seal counts as safe with k acknowledgements, if the supervisor names who
is missing; what is opened then carries the flag `k-acks-only`. A sheet may be unreadable although its key is right:
then its own author may open it, with exactly the plaintext that was committed to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core.rounds import Round
from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, CommitmentMismatch, NotRequired, RoundError, RoundFrozen
from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import sheet_commitment
from evidence.errors import Malformed

_MAX_REASON = 500


def miss(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`holders.miss`: before the freeze the supervisor names holders that are lost; k of them must remain."""
    body = members(act.body, {"purpose": str, "round": int, "holders": list, "reason": str})
    found = state.find_round(body["purpose"], body["round"])
    if found.freeze is not None:
        raise RoundFrozen("the round is frozen")
    named = body["holders"]
    if not named or any(not isinstance(name, str) or name not in state.holders for name in named):
        raise Malformed("holders of this proceeding are named")
    if named != sorted(set(named)) or len(named) > len(state.holders) - state.holder_k:
        raise Malformed("each is named once, in order, and k holders remain")
    if not 1 <= len(body["reason"].strip()) <= len(body["reason"]) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")
    if set(named) == found.missing:
        raise AlreadyDone("these holders are named already")
    return (Draft("HoldersMissing", {}, act),)


def author_open(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`sheet.author_open`: (1) the author's own sheet, which was found unreadable; (2) the committed plaintext; (3) it
    reads as a sheet of this seat and round. Where it does not fit, the sheet stays unreadable."""
    body = members(act.body, {"act": str, "p": str})
    # (1)
    found, seal = state.find_seal(unb64u(body["act"], 32))
    if seal.seat != act.sub:
        raise NotRequired("another seat's sheet")
    if seal.id not in found.unreadable:
        raise RoundError("the sheet is not unreadable")
    # (2)
    plaintext = unb64u(body["p"])
    if sheet_commitment(plaintext) != seal.envelope.c:
        raise CommitmentMismatch("the plaintext is not the committed one")
    # (3)
    state.read(found, seal.seat, plaintext)
    return (Draft("SheetAuthorOpened", {}, act),)


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
        if found.freeze is not None and found.missing
        for act in found.listed
    )


def _with(state: Evaluation, old: Round, new: Round) -> Evaluation:
    return replace(state, rounds=tuple(new if found is old else found for found in state.rounds))


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "holders.miss": miss,
    "sheet.author_open": author_open,
}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "HoldersMissing": on_missing,
    "SheetAuthorOpened": on_author_opened,
}
