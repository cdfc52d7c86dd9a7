"""A log that lost its end and goes on under another origin, for tests: what is left, what was stated, what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidence.core import act as acts_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.continues import Remains
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from sessions.core.continued import STATE, Continuing, Leaf
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, Drive, signer_of

CITIES = tuple(sorted({*HOLDERS, FINANCE} - {MAIN}))
REASON = "数据库与各城市副本同时损坏"


@dataclass
class Lost:
    """`drive` has `size` entries left of `whole`, which were witnessed."""

    drive: Drive
    whole: list[Entry]
    tree: Tree
    size: int

    def acts_of(self, seat: str) -> list[Act]:
        """What the seat signed of what is missing, in its order."""
        return [entry.act for entry in self.whole[self.size :] if entry.act is not None and entry.act.sub == seat]

    def left(self, **changes: object) -> Remains:
        given = {"origin": self.drive.state.log, "size": self.size, "root": self.tree.root(self.size)}
        return Remains(**{**given, "witnessed": len(self.whole), **changes})  # type: ignore[arg-type]

    def statement(self, domain: str, *, signer: str | None = None, **changes: object) -> str:
        """`copy.state` of this city's node."""
        left = self.left()
        body: Object = {
            "size": left.size,
            "root": b64u(left.root),
            "witnessed": {"size": left.witnessed, "root": b64u(self.tree.root())},
            "released": [],
            **changes,
        }
        made = acts_form.make(
            signer_of(signer or domain), act=STATE, aud=left.origin, sub=domain, body=body, ctr=1, iat=1
        )
        return made.jws

    def leaf(self, n: int) -> Leaf:
        """What somebody's receipt proves of entry n."""
        entry = self.whole[n]
        act = entry.act
        return Leaf(n, entry.leaf, act.id if act else None, act.sub if act else None, sha256(entry.data))

    def body(self, *, known: Sequence[Leaf] = (), held: Sequence[str] | None = None, **changes: object) -> Object:
        stated = [self.statement(city) for city in CITIES] if held is None else held
        opening: Object = {"origin": f"{MAIN}/centre", "index": 9, "leaf": b64u(bytes(32))}
        made = Continuing(
            left=self.left(),
            checkpoint=sha256(b"note of what is left"),
            root=self.tree.root(),
            note=sha256(b"witnessed"),
            known=tuple(known),
            held=tuple(stated),
            absent=(),
            opening=opening,
            reason=REASON,
        )
        return made.json | changes

    def go_on(self, body: Object | None = None, *, known: Sequence[Leaf] = (), owner: str = MAIN) -> list[Entry]:
        """`log.continue`, under the next origin."""
        former = self.drive.origin
        self.drive.origin = f"{self.drive.state.origin}/r{len(self.drive.state.continuations) + 2}"
        try:
            return self.drive.perform(owner, "log.continue", self.body(known=known) if body is None else body)
        except BaseException:
            self.drive.origin = former
            raise

    def confirm(self, owner: str = FINANCE) -> list[Entry]:
        continued = self.drive.state.continuations[-1].leaf
        return self.drive.perform(owner, "log.confirm", {"continued": b64u(continued)})

    def resume(
        self, seat: str, confirmed: Sequence[Act] | None = None, own: Sequence[Act] | None = None
    ) -> list[Entry]:
        """The seat comes back; by default its person confirms all that it signed of what is missing."""
        mine = self.acts_of(seat) if own is None else own
        key = self.drive.state.keys[self.drive.state.seat_key[seat]]
        last = mine[-1] if mine else None
        ids = [b64u(act.id) for act in (mine if confirmed is None else confirmed)]
        body: Object = {"offline": ids, "ctr": last.ctr if last else key.ctr, "server_ctr": key.ctr}
        chain: Mapping[str, object] = {"ctr": last.ctr + 1, "prev": last.id} if last else {}
        return self.drive.take(self.drive.act(seat, "seat.resume", body, **chain))


def lose(drive: Drive, size: int) -> Lost:
    """The drive's log is cut back to so many entries; all of it had been witnessed."""
    whole, tree = drive.entries, drive.tree
    drive.entries, drive.tree, drive.state = whole[:size], Tree([entry.leaf for entry in whole[:size]]), EMPTY
    for entry in drive.entries:
        drive.state = evolve(drive.state, entry)
    return Lost(drive, whole, tree, size)
