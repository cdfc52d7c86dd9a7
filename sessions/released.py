"""Opening a frozen round from the holders' releases and one node's copy, without the main centre (protocols.md 3).

From G2 on the result is fixed: whoever holds k releases finds the very same sheets, and nothing done here changes one.
(O1) Each release is signed by a holder under the identity that the agreement names, for this log and this freeze.
(O2) It is one that the log's rules would take: made after the gate was seen, on this history, with one share for each
     listed act. One that stands in the log is taken from there.
(O3) Each of its shares lies on what the author committed to; one that does not convicts its holder (1.5(7)).
(O4) There are k of them; where fewer were brought, those of the log whose shares hold make up for them.
(O5) Each listed ciphertext is here, under the hash that its seal names: what is missing blames no author.
(O6) Combine, decrypt and read as the main server would have (`sessions.opening`, `evaluation.core.opening`).
(O7) Where the log opened the round after all, say whether it opened the same.
Two cities that open with the same releases write the same octets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from evaluation.core import opening
from evaluation.core.commands import OpenRound
from evaluation.core.rounds import Round
from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, TooFewShares
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, b64u, decode_object, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import EvidenceError
from evidence.ports import Envelopes
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from sessions.node_errors import CiphertextNotKept, FalseShare, LogForked, NotAHolder, OtherRelease
from sessions.opening import listed, open_all

RELEASE = "share.release"
_EACH = frozenset({"SheetOpened", "SheetUnreadable"})
RootAt = Callable[[int], bytes | None]
"""This copy's root at a size, or None where it does not go so far."""


def before_opening(entries: Sequence[Entry], state: Proceeding, freeze: bytes) -> Proceeding:
    """The state in which the log opened this round, where it did; else `state`. What became of bids afterwards does not
    change how its sheets are read."""
    end = state.evaluation.find_freeze(freeze).opened
    if end is None:
        return state
    while entries[end - 1].type in _EACH:
        end -= 1
    made = EMPTY
    for entry in entries[:end]:
        made = evolve(made, entry)
    return made


def in_log(entries: Sequence[Entry], freeze: bytes) -> dict[str, Act]:
    """The releases for this freeze that stand in the log, by holder."""
    found = (entry.act for entry in entries if entry.type == "SharesReleased" and entry.act is not None)
    return {act.sub: act for act in found if act.body["freeze"] == b64u(freeze)}


def gathered(
    state: Proceeding,
    freeze: bytes,
    brought: Sequence[Act],
    logged: Mapping[str, Act],
    *,
    identities: Mapping[str, Object],
    root_at: RootAt,
    envelopes: Envelopes,
) -> dict[str, Act]:
    """(O1) to (O4): k releases or more, by holder. `state` is that of `before_opening`."""
    evaluation = state.evaluation
    found = evaluation.find_freeze(freeze)
    given: dict[str, Act] = {}
    for act in brought:
        # (O1)
        if (act.act, act.aud) != (RELEASE, state.log) or act.body.get("freeze") != b64u(freeze):
            raise OtherRelease(f"what {act.sub[:80]!r} signed is no release for this freeze of {state.log}")
        if act.sub not in state.holders or act.sub not in identities:
            raise NotAHolder(f"{act.sub[:80]!r} holds no share here")
        acts.verify(act, identities[act.sub])
        known = given.get(act.sub, logged.get(act.sub, act))
        if known.id != act.id:
            raise AlreadyDone(f"{act.sub} gave two releases")
        # (O2)
        if act.sub not in logged:
            opening.release(evaluation, act)
        if root_at(act.seen[0]) not in (None, act.seen[1]):
            raise LogForked(f"{act.sub} released on another history than this node holds")
        # (O3)
        if (false := _false(evaluation, found, act, envelopes)) is not None:
            raise FalseShare(f"the share that {act.sub} gave of {b64u(false)} is not the one that was dealt to it")
        given[act.sub] = act
    # (O4)
    for domain, act in sorted(logged.items()):
        short = domain not in given and len(given) < evaluation.holder_k
        if short and _false(evaluation, found, act, envelopes) is None:
            given[domain] = act
    if len(given) < evaluation.holder_k:
        raise TooFewShares(f"{len(given)} of {evaluation.holder_k} releases")
    return dict(sorted(given.items()))


def result(
    state: Proceeding,
    freeze: bytes,
    releases: Mapping[str, Act],
    *,
    ciphertext: Callable[[bytes], bytes | None],
    envelopes: Envelopes,
) -> Object:
    """(O5) and (O6): what stands for each listed seal, in the order of the freeze, and what follows from all."""
    found = state.evaluation.find_freeze(freeze)
    shares = {domain: tuple(unb64u(y, 32) for _, y in act.body["shares"]) for domain, act in releases.items()}
    ready = replace(found, releases=shares)
    rounds = tuple(ready if each is found else each for each in state.evaluation.rounds)
    evaluation = replace(state.evaluation, rounds=rounds)
    # (O5)
    held = {_ciphertext(found, act): b"" for act in found.listed}
    for name in held:
        data = ciphertext(name)
        if data is None or sha256(data) != name:
            acked = sorted(
                {domain for act in found.listed if _ciphertext(found, act) == name for domain in found.seals[act].acks}
            )
            raise CiphertextNotKept(f"a listed ciphertext is not here as it was sealed; {', '.join(acked)} kept it")
        held[name] = data
    # (O6)
    plaintexts = open_all(listed(replace(state, evaluation=evaluation), ready), held.__getitem__, envelopes)
    drafts = opening.open_round(evaluation, OpenRound(found.purpose, found.number, plaintexts))
    follows: list[JSON] = [{"type": each.type, "body": each.body} for each in drafts if each.type not in _EACH]
    opened = [each for each in drafts if each.type in _EACH]
    sheets: list[JSON] = [
        _sheet(found, seat, draft, plaintext)
        for (seat, _), draft, (_, plaintext) in zip(_sheets(found), opened, plaintexts, strict=True)
    ]
    return {"sheets": sheets, "follows": follows}


def agreement(found: Round, told: Object) -> Object | None:
    """(O7) Where the log opened the round, and whether each sheet is the same there; None where it did not."""
    if found.opened is None:
        return None
    same = all(
        (each["p"] if each["code"] is None else None) == _opened_as(found, unb64u(each["act"], 32))
        for each in told["sheets"]
    )
    return {"n": found.opened, "agrees": same}


def _opened_as(found: Round, act: bytes) -> str | None:
    plaintext = found.plaintexts.get(act)
    # What its author opened later was unreadable when the round was opened.
    return None if plaintext is None or act in found.unreadable else b64u(plaintext)


def _false(evaluation: Evaluation, found: Round, act: Act, envelopes: Envelopes) -> bytes | None:
    """The first listed seal whose share in this release does not lie on its polynomial."""
    for name, y in act.body["shares"]:
        seal = found.seals[unb64u(name, 32)]
        holders = evaluation.set_of(seal.envelope.set)
        if holders is None or act.sub not in holders.domains:
            raise NotAHolder(f"nothing was sealed to {act.sub}")
        try:
            envelopes.check_share(seal.envelope.feldman, holders.domains.index(act.sub) + 1, unb64u(y, 32))
        except EvidenceError:
            return seal.id
    return None


def _sheets(found: Round) -> tuple[tuple[str, bytes], ...]:
    return found.freeze.sheets if found.freeze else ()


def _ciphertext(found: Round, act: bytes) -> bytes:
    return found.seals[act].envelope.ct_sha256 or b""


def _sheet(found: Round, seat: str, draft: Draft, plaintext: bytes | str) -> Object:
    """One sheet: ids and digests; its exact octets `p`, where they are the committed ones; what they say, where they
    can be read, and `code` where not."""
    act = unb64u(draft.body["act"], 32)
    envelope = found.seals[act].envelope
    readable = draft.type == "SheetOpened" and isinstance(plaintext, bytes)
    return {
        "seat": seat,
        "act": b64u(act),
        "c": b64u(envelope.c or b""),
        "ct": {"sha256": b64u(envelope.ct_sha256 or b""), "size": envelope.ct_size},
        "code": None if readable else draft.body["code"],
        "p": b64u(plaintext) if isinstance(plaintext, bytes) else None,
        "says": decode_object(plaintext) if readable and isinstance(plaintext, bytes) else None,
    }
