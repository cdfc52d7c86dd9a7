"""A city node's part in a draw: it contributes, reveals, and stands in for those who do not (protocols.md 4).

Contributing: (C1) this node's own replay holds the opening, whose holders are those of the replayed offers, its own key
among them; (C2) D1: the opening has the quorum of this node's own policy; (C3) the secret is on disk, sealed, before
the act that commits to it is signed.
Revealing: (V1) the freeze of its own replay lists this node's own contribution; (V2) D2: the freeze has the quorum;
(V3) no secret of this attempt left for another freeze: recorded in one write with the act.
Releasing: (D1) V2 and V3 for the shares; (D2) the log states who is missing, and this node's own clock is past the
time; (D3) the freeze lists them with 2f+1 acknowledgements; (D4) a true reveal in the log keeps the shares where they
are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from evaluation.draw_errors import NoSuchDraw
from evidence.core.canonical import Object, b64u, encode, unb64u
from evidence.core.envelope import Envelope
from evidence.core.origins import proceeding_of
from evidence.errors import EvidenceError
from evidence.ports import Envelopes, Sealed
from sessions.core.drawing import bound
from sessions.core.draws import Contribution, Draw, DrawFreeze
from sessions.core.state import Proceeding
from sessions.draw_secrets import check_one, is_committed
from sessions.node_errors import NotListed, NotYet, RevealThere
from sessions.node_holder import holder_index
from sessions.node_ports import NodeStore


@dataclass(frozen=True, slots=True)
class Share:
    """A contribution as this holder found it: its share `y`, or the code of why there is none."""

    made: Contribution
    index: int
    y: bytes | None
    code: str = ""


def opened(state: Proceeding, leaf: bytes) -> Draw:
    """The draw whose D1 this replay shows, or NotYet."""
    try:
        found = state.drawing.opened(leaf)
    except NoSuchDraw as error:
        raise NotYet("the log shown opens no draw with this leaf hash") from error
    if found.contributable is None:
        raise NotYet("the opening is not witnessed in the log shown")
    return found


def frozen(state: Proceeding, leaf: bytes) -> tuple[Draw, DrawFreeze]:
    """The draw whose D2 this replay shows, or NotYet."""
    try:
        found, freeze = state.drawing.frozen(leaf)
    except NoSuchDraw as error:
        raise NotYet("the log shown freezes no draw with this leaf hash") from error
    if found.revealable is None:
        raise NotYet("the freeze is not witnessed in the log shown")
    return found, freeze


def is_draw(state: Proceeding, leaf: bytes) -> bool:
    """Whether a draw was frozen with this leaf hash."""
    return any(found.freeze is not None and found.freeze.leaf == leaf for found in state.drawing.draws)


def keep(store: NodeStore, origin: str, found: Draw, sealed: Sealed) -> tuple[Envelope, bytes]:
    """C3: envelope and secret as they were kept first; the ones in hand only where there are none."""
    kept = encode({"envelope": sealed.envelope.json, "s": b64u(sealed.secret)})
    return _read(store.put_secret(_name(origin, found), kept))


def kept(store: NodeStore, origin: str, found: Draw) -> tuple[Envelope, bytes] | None:
    """What this node dealt for the draw, if it did."""
    value = store.secret(_name(origin, found))
    return None if value is None else _read(value)


def own_secret(store: NodeStore, origin: str, found: Draw, freeze: DrawFreeze, domain: str) -> bytes:
    """V1: the secret behind this node's own listed contribution."""
    dealt = kept(store, origin, found)
    if domain not in freeze.listed or dealt is None or found.contributions[domain].envelope != dealt[0]:
        raise NotListed("the freeze does not list what this node contributed")
    return dealt[1]


def dealt(
    state: Proceeding,
    found: Draw,
    made: Contribution,
    *,
    domain: str,
    key: ec.EllipticCurvePrivateKey,
    envelopes: Envelopes,
) -> Share:
    """The holder's check on sight, 1.5(7), of a contribution."""
    index = holder_index(state.evaluation, domain)
    try:
        return Share(made, index, envelopes.open_share(made.envelope, bound(state, found, made.author), index, key))
    except EvidenceError as error:
        return Share(made, index, None, error.code)


def missing(found: Draw, *, now: int, envelopes: Envelopes) -> tuple[Contribution, ...]:
    """D2 to D4: whose shares may leave, in the order of the log's statement."""
    # D2
    if found.missed_n is None:
        raise NotYet("the log shown states nobody missing")
    if found.unrevealed and now < found.reveal_by:
        raise NotYet("there is still time to reveal, by this node's clock")
    for author in found.missed:
        # D3
        if found.freeze is None or author not in found.freeze.listed or not found.safe(author):
            raise NotListed(f"{author} has no safe contribution in the freeze")
        # D4
        if author in found.reveals and is_committed(found, author, found.reveals[author], envelopes):
            raise RevealThere(f"{author} revealed the committed secret")
    return tuple(found.contributions[author] for author in found.missed)


def result(state: Proceeding, name: str, envelopes: Envelopes) -> tuple[int, ...]:
    """Where the result of the draw `name` from a pool stands (`sessions.core.drawn_list`): pool, opening, freeze and
    result; NotYet before there is one. Its secrets are the committed ones: a custodian calls whom nobody could choose.
    """
    found = state.drawing.live(name)
    if found is None or found.pool is None or found.freeze is None or found.resolved is None:
        raise NotYet("the log shown has no result of a draw of this name from a pool")
    check_one(found, envelopes)
    return found.pool.n, found.n, found.freeze.n, found.resolved


def answer(share: Share) -> tuple[str, Object]:
    """Name and body of the answer to a dealt share."""
    named: Object = {"act": b64u(share.made.id), "index": share.index}
    return ("share.ack", named) if share.y is not None else ("share.reject", named | {"code": share.code})


def _name(origin: str, found: Draw) -> str:
    return f"draw {proceeding_of(origin)} {found.leaf.hex()}"


def _read(value: bytes) -> tuple[Envelope, bytes]:
    found = json.loads(value)
    return Envelope.parse(found["envelope"]), unb64u(found["s"], 32)
