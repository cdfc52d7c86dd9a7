"""A city node where a frozen round is to be opened without the main centre (protocols.md section 3, "Opening").

From G2 on the result is fixed: if `SheetsOpened` is missing after ten minutes, or the proceeding is aborted, k holders
open it by themselves. The node asks nobody then: its own replay, the gate's note and the ciphertexts that it kept. The
main server's log is followed as far as it can be, and nothing waits for that.

A release, by order of the city's own operator:
(U1) as R1, R3, R4: this node's own replay has a frozen, approved round that is not opened and not void;
(U2) as R2: the note with which the log states that the gate was witnessed has the quorum of this node's own policy, in
     this very history. The node keeps it as soon as the gate has passed (`keep`);
(U3) the proceeding was aborted, or the gate was witnessed ten minutes ago by this node's own clock, which stands before
     no time that it signed;
(U4) as R5: one freeze of this round, for ever, with fsync before the answer. It is the very act that the main server
     would have got, and gets if it ever comes back: the chain of this node's acts goes on.

An opening, by any one city with k releases: by (U1) to (U3), and (O1) to (O7) of `sessions.released`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from evaluation.core.rounds import Round
from evaluation.core.state import Evaluation
from evidence.core import act as acts
from evidence.core.canonical import JSON, Object, b64u, unb64u
from evidence.errors import EvidenceError, Unavailable
from evidence.ports import Envelopes
from sessions import released
from sessions.node_errors import ClockBackwards, NodeError, NotOverdue, NotYet, OtherRelease
from sessions.node_holder import find_freeze, releasable
from sessions.node_mirror import Gate, Mirror
from sessions.node_ports import NodeStore

if TYPE_CHECKING:
    from sessions.node import CityNode

logger = logging.getLogger(__name__)

# protocols.md section 3: "if `SheetsOpened` is missing after 10 min".
PATIENCE_S = 600
UNAIDED = "unaided"


class Opening:
    def __init__(self, *, node: CityNode, store: NodeStore, envelopes: Envelopes, clock: Callable[[], float]) -> None:
        self._node = node
        self._store = store
        self._envelopes = envelopes
        self._clock = clock

    async def keep(self, mirror: Mirror) -> None:
        """Keep the note of each gate that has passed and whose round is not opened yet (U2), as soon as it is shown."""
        for found in mirror.state.evaluation.rounds:
            if found.agreed is not None and found.opened is None and not found.void:
                with suppress(EvidenceError, NodeError):
                    await mirror.gate(found.agreed)

    async def release(self, origin: str) -> str:
        """`share.release` for the round that waits to be opened, by U1 to U4."""
        async with self._node.question(origin, UNAIDED, b"") as (_, mirror):
            await self._follow(mirror)
            found, freeze = waiting(mirror.state.evaluation)
            await self._demand(mirror, found)
            return await self._node.give(mirror, found, freeze)

    async def open(self, origin: str, releases: Sequence[str]) -> Object:
        """The round of these releases, opened: what the result file says."""
        brought = [acts.parse(release) for release in releases]
        freezes = {str(act.body.get("freeze")) for act in brought}
        if len(freezes) != 1:
            raise OtherRelease("releases of one freeze are opened together")
        freeze = unb64u(freezes.pop(), 32)
        async with self._node.question(origin, UNAIDED, b"") as (_, mirror):
            await self._follow(mirror)
            found = find_freeze(mirror.state.evaluation, freeze)
            gate = await self._demand(mirror, found)
            return await asyncio.to_thread(self._open, mirror, found, freeze, gate, brought)

    def _open(self, mirror: Mirror, found: Round, freeze: bytes, gate: Gate, brought: Sequence[acts.Act]) -> Object:
        state = released.before_opening(mirror.entries, mirror.state, freeze)
        logged = released.in_log(mirror.entries, freeze)
        given = released.gathered(
            state,
            freeze,
            brought,
            logged,
            identities=self._node.pins.trust.identities,
            root_at=lambda size: mirror.tree.root(size) if size <= len(mirror.tree) else None,
            envelopes=self._envelopes,
        )
        told = released.result(state, freeze, given, ciphertext=self._store.object, envelopes=self._envelopes)
        rows: list[JSON] = [{"holder": domain, "id": b64u(act.id), "act": act.jws} for domain, act in given.items()]
        return {
            "v": 1,
            "origin": mirror.origin,
            "purpose": found.purpose,
            "round": found.number,
            "freeze": {"n": found.freeze.n if found.freeze else None, "leaf": b64u(freeze)},
            "gate": gate.json,
            "releases": rows,
            **told,
            "log": released.agreement(found, told),
        }

    async def _demand(self, mirror: Mirror, found: Round) -> Gate:
        """(U1) to (U3); what the log itself has opened waits for no clock."""
        # U1
        n = releasable(mirror.state.evaluation, found)
        # U2
        try:
            gate = await mirror.gate(n)
        except Unavailable as error:
            raise NotYet("no quorum on the gate is kept here, and the main server is away") from error
        # U3
        if mirror.state.aborted or found.opened is not None:
            return gate
        known, now = self._store.witnessed(mirror.origin), int(self._clock())
        if known is not None and now < known.time:
            raise ClockBackwards("this node's clock stands before a time that it signed")
        if (left := gate.at + PATIENCE_S - now) > 0:
            raise NotOverdue(f"the main centre has {left} s left to open the round")
        return gate

    async def _follow(self, mirror: Mirror) -> None:
        """The newest that the main server shows. Where it is away, or shows something else than this node's own copy
        goes on with, that copy counts: a server that shows nonsense cannot keep a fixed result closed."""
        try:
            await mirror.catch_up()
        except (EvidenceError, NodeError) as error:
            logger.warning("opening %s by what is held here: %s (%s)", mirror.origin, error, error.code)


def waiting(state: Evaluation) -> tuple[Round, bytes]:
    """The round that is frozen and neither opened nor void, and its freeze; NotYet where there is none."""
    for found in reversed(state.rounds):
        if found.freeze is not None and found.opened is None and not found.void:
            return found, found.freeze.leaf
    raise NotYet("no frozen round waits to be opened in what this node holds")
