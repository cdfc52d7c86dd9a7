"""A city node where a log's acknowledged entries are gone everywhere (docs/protocol.md 11.2).

Looking at what is said to be left, before this node states anything or admits the log that goes on:
(L1) its own copy is no longer: else `tongping recover` has not been tried (HoldsMore);
(L2) its own copy and what the main server shows beyond it lead to the root of what is left;
(L3) what this node cosigned within it is a prefix of it, and beyond it is no more than is said to have been witnessed.
It states how far copy and record go, and for which freezes it released. It admits the next log by ending the one before
in the same step: no two of them grow beside each other, and there is one next log. As a centre it confirms only what
its own replay took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from evidence.core import act as acts
from evidence.core import entry as entries
from evidence.core.canonical import Object, b64u
from evidence.core.continues import of_opening
from evidence.core.merkle import Tree, leaf_hash
from evidence.core.witness import AddLog, WitnessState
from evidence.errors import UnknownLog
from sessions.core.continued import STATE
from sessions.node_copy import pull
from sessions.node_errors import HoldsMore, LogForked, NotYet
from sessions.node_keys import NodeKeys
from sessions.node_ports import LogSource, NodeStore

if TYPE_CHECKING:
    from sessions.node import CityNode

CONFIRM = "confirm"
"""The kind of question whose answer is an act `log.confirm`."""
# The main server's door at which a node hands it in.
CONFIRMATIONS = "confirmations"


class Continuing:
    def __init__(
        self, *, node: CityNode, keys: NodeKeys, store: NodeStore, source: LogSource, clock: Callable[[], float]
    ) -> None:
        self._node = node
        self._keys = keys
        self._store = store
        self._source = source
        self._clock = clock

    async def state(self, origin: str, size: int, root: bytes) -> tuple[str, bytes]:
        """`copy.state`, and the note that this node cosigned last."""
        known, tree = await self._left(origin, size)
        if tree.root() != root:
            raise LogForked(f"what is shown of {origin} does not lead to what is said to be left of it")
        body: Object = {
            "size": size,
            "root": b64u(root),
            "witnessed": {"size": known.size, "root": b64u(known.root)},
            "released": sorted(b64u(freeze) for freeze in self._store.released(origin)),
        }
        made = acts.make(
            self._keys.identity,
            act=STATE,
            aud=origin,
            sub=self._keys.domain,
            body=body,
            ctr=1,
            iat=int(self._clock()),
            seen=(size, root),
        )
        if not known.note:
            return made.jws, b""
        return made.jws, self._node.witness.cosigned(known)

    async def admit(self, body: bytes) -> None:
        """Gate G0; of a log that continues another one, by L1 to L3."""
        left = of_opening(entries.parse(AddLog.parse(body).entry))
        if left is not None:
            known, tree = await self._left(left.origin, left.size)
            if tree.root() != left.root:
                raise LogForked(f"what is shown of {left.origin} does not lead to what is said to be left of it")
            if known.size > left.witnessed:
                raise LogForked(f"this node cosigned {known.size} entries of {left.origin}")
        await asyncio.to_thread(self._node.witness.add_log, body)

    async def confirm(self, origin: str) -> str:
        """`log.confirm`, as the city's own operator asks for it; handed in at the main server."""
        async with self._node.question(origin, CONFIRM, b"") as (stored, mirror):
            if stored is None:
                await mirror.catch_up()
                if mirror.state.log != origin or not mirror.state.continuations:
                    raise NotYet("the log shown does not go on under this origin yet")
                newest = mirror.state.continuations[-1]
                await mirror.quorum(newest.n)
                stored = await self._node.sign(mirror, CONFIRM, b"", "log.confirm", {"continued": b64u(newest.leaf)})
        await self._source.bring(origin, CONFIRMATIONS, stored)
        return stored

    async def _left(self, origin: str, size: int) -> tuple[WitnessState, Tree]:
        """This node's record of the log, and the tree of its first `size` entries."""
        known = self._store.witnessed(origin)
        if known is None:
            raise UnknownLog("no add-log admitted this log")
        own = await asyncio.to_thread(self._store.entries, origin)
        # L1
        if len(own) > size:
            raise HoldsMore(f"this node's copy of {origin} has {len(own)} entries", len(own))
        # L2
        shown = await pull(self._source, origin, len(own), size)
        tree = Tree([leaf_hash(data) for data in (*own, *shown)])
        # L3
        if len(tree) != size or (0 < known.size <= size and tree.root(known.size) != known.root):
            raise LogForked(f"what is shown of {origin} is not what this node cosigned at {known.size}")
        return known, tree
