"""Opening what a round froze, from the shares that its holders released (protocols.md section 3, "Opening").

(1) For each listed seal: its envelope, and the context that it must be bound to.
(2) The shares whose equation holds; a share that breaks it convicts its holder and is left aside.
(3) With k of them: combine; the secret is the committed one.
(4) The ciphertext opens, and its plaintext is the committed one. Where it does not, the seat is to blame, not a holder.
Reading the plaintext (form, seat, round, ranges) is the fold's own work: `decide` does it, and every verifier again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.core.rounds import Round
from evaluation.core.sealing import context
from evidence.core.envelope import Context, Envelope, sheet_commitment, split_payload
from evidence.errors import EvidenceError, Untrusted
from evidence.ports import Envelopes
from sessions.core.state import Proceeding

UNREADABLE = "sheet-unreadable"
"""Code of `SheetUnreadable` where the ciphertext or the commitment is wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One seal of the freeze: what its author signed, and the shares y_i by the holder's index (from 1)."""

    act: bytes
    envelope: Envelope
    context: Context
    shares: Mapping[int, bytes]


def listed(state: Proceeding, found: Round) -> tuple[Listed, ...]:
    """(1) One for each seal of the freeze, in its order; holder i is the i-th of the frozen set (protocols.md 1.5)."""
    if found.freeze is None:
        raise Untrusted("nothing was frozen")
    items: list[Listed] = []
    for position, (seat, act) in enumerate(found.freeze.sheets):
        envelope = found.seals[act].envelope
        if envelope.c is None:
            raise Untrusted("a seal without a commitment")
        bound = context(state.evaluation, found.purpose, seat, found.number, envelope.c, sealed=envelope.set)
        holders = state.evaluation.set_of(envelope.set)
        shares = {
            index: found.releases[domain][position]
            for index, domain in enumerate(holders.domains if holders else (), 1)
            if domain in found.releases
        }
        items.append(Listed(act, envelope, bound, shares))
    return tuple(items)


def enough(items: Sequence[Listed], envelopes: Envelopes) -> bool:
    """Whether every listed seal has k shares that hold."""
    return all(len(_valid(item, envelopes)) >= item.context.k for item in items)


def open_all(
    items: Sequence[Listed], ciphertext: Callable[[bytes], bytes], envelopes: Envelopes
) -> tuple[tuple[bytes, bytes | str], ...]:
    """(act id, plaintext) for each, or its failure's code; `ciphertext` gives an object by its SHA-256.

    MUST be called only where `enough`; Untrusted otherwise.
    """
    return tuple((item.act, _open(item, ciphertext, envelopes)) for item in items)


def _open(item: Listed, ciphertext: Callable[[bytes], bytes], envelopes: Envelopes) -> bytes | str:
    # (1)
    item.envelope.check_context(item.context)
    # (2)
    valid = _valid(item, envelopes)
    if len(valid) < item.context.k:
        raise Untrusted("too few shares hold")
    # (3)
    secret = envelopes.combine(dict(sorted(valid.items())[: item.context.k]))
    envelopes.check_secret(item.envelope, secret)
    # (4)
    if item.envelope.ct_sha256 is None:
        raise Untrusted("the envelope has no payload")
    data = ciphertext(item.envelope.ct_sha256)
    try:
        plaintext, _ = split_payload(envelopes.open_payload(item.envelope, item.context, secret, data))
    except EvidenceError:
        return UNREADABLE
    return plaintext if sheet_commitment(plaintext) == item.envelope.c else UNREADABLE


def _valid(item: Listed, envelopes: Envelopes) -> dict[int, bytes]:
    held: dict[int, bytes] = {}
    for index, share in item.shares.items():
        try:
            envelopes.check_share(item.envelope.feldman, index, share)
        except EvidenceError:
            continue
        held[index] = share
    return held
