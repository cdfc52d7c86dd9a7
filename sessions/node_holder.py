"""What a holder checks in the replayed state before it acknowledges a share or lets its shares go. Pure.

`acknowledgement` is 1.5(7) of protocols.md, with the context taken from this node's own replay.

`releasable` is R3 and R4 of protocols.md section 3; R1 is the replay itself (`sessions.node_mirror`), R2 the quorum on
the gate's entry, R5 the record in the node's store.
(R3) the freeze lists each required member once, sorted, with its current seal, acknowledged by k+1 holders;
(R4) ballots: every member said `freeze.ok`. Sheets: the supervisor's approval names each who did not. No open dispute.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from evaluation.core.rounds import BALLOT, Round, Seal
from evaluation.core.sealing import context
from evaluation.core.state import Evaluation
from evaluation.errors import NoSuchFreeze, NoSuchSeal
from evidence.core.canonical import Object, b64u
from evidence.errors import EvidenceError, Malformed
from evidence.ports import Envelopes
from sessions.node_errors import NotAHolder, NotApproved, NotListed, NotSealed, NotYet


@dataclass(frozen=True, slots=True)
class Dealt:
    """A seal as this holder found it: its share `y`, or the code of why there is none."""

    seal: Seal
    index: int
    y: bytes | None
    code: str = ""

    @property
    def act(self) -> str:
        return "share.reject" if self.y is None else "share.ack"

    @property
    def body(self) -> Object:
        """The body of the answer."""
        named: Object = {"act": b64u(self.seal.id), "index": self.index}
        return named if self.y is not None else named | {"code": self.code}


def holder_index(state: Evaluation, domain: str) -> int:
    """i of this holder, from 1 in the order of the founding."""
    if domain not in state.holders:
        raise NotAHolder(f"{domain} is no holder here")
    return state.holders.index(domain) + 1


def find_seal(state: Evaluation, act: bytes) -> tuple[Round, Seal]:
    """The seal; the caller has made sure that the act stands in the log."""
    try:
        return state.find_seal(act)
    except NoSuchSeal as error:
        raise NotSealed("the act seals nothing") from error


def dealt(
    state: Evaluation,
    found: Round,
    seal: Seal,
    *,
    domain: str,
    key: ec.EllipticCurvePrivateKey,
    envelopes: Envelopes,
) -> Dealt:
    """The holder's check on sight, 1.5(7), under this holder's own key and replayed state."""
    index = holder_index(state, domain)
    try:
        if seal.envelope.c is None:
            raise Malformed("the envelope has no payload")
        sealed = seal.envelope.set
        bound = context(state, found.purpose, seal.seat, found.number, seal.envelope.c, sealed=sealed)
        return Dealt(seal, index, envelopes.open_share(seal.envelope, bound, index, key))
    except EvidenceError as error:
        return Dealt(seal, index, None, error.code)


def find_freeze(state: Evaluation, leaf: bytes) -> Round:
    """The frozen round, or NotYet."""
    try:
        return state.find_freeze(leaf)
    except NoSuchFreeze as error:
        raise NotYet("the log shown holds no freeze of this leaf hash") from error


def releasable(state: Evaluation, found: Round) -> int:
    """R3 and R4; returns the index of the gate's entry, whose quorum is R2."""
    if found.freeze is None:
        raise NotYet("the round is not frozen")
    if found.lapsed:
        raise NotApproved("the round is void: what was sealed in it stays closed")
    # R3
    listed = [seat for seat, _ in found.freeze.sheets]
    current = [found.current.get(seat) for seat in listed]
    if listed != sorted(found.required) or current != list(found.listed):
        raise NotListed("the freeze is not the list of the required members' current seals")
    if unsafe := state.unsafe(found):
        raise NotListed(f"{', '.join(unsafe)} not acknowledged by k+1 holders")
    # R4
    if found.freeze.disputed:
        raise NotApproved("a dispute is open")
    if found.purpose == BALLOT:
        if found.unconfirmed:
            raise NotApproved(f"{', '.join(found.unconfirmed)} did not say freeze.ok")
        return found.freeze.n
    if found.freeze.approved is None or not set(found.unconfirmed) <= set(found.freeze.silent):
        raise NotApproved("the supervisor's approval is missing, or does not name each silent seat")
    return found.freeze.approved
