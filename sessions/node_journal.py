"""What the seats of a city's own venue sign while the main server is away, kept by the city's node (protocols.md 6).

An act is kept where all of this holds; each refusal has its code, and changes nothing for the seat:
(J1) it is an act of this log, signed by the live key of a seat as this node's own replay knows it, and not in the log;
(J2) the seat sits in a venue of this city;
(J3) it may be signed offline;
(J4) what it has seen is this node's own history, as far as this node has seen it;
(J5) it follows in its key's chain: the first one is beyond what the log shows, and each next one follows one that is
     here. A second one at a place of one that is here is kept, too: whoever cloned the key has to show in the log;
(J6) neither its seat nor its venue has left more than anybody signs;
(J7) the main server does not answer this node itself;
(J8) it is on disk before the seat hears of it. The same act again is the same answer, whenever it comes.

The journal of a log is a list of lines in the store: `lost` with this node's clock, acts, `returned`. Before its first
act a loss leaves no line: a main server that is started anew is nobody's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import MAX_BYTES, Object, decode_object, encode
from sessions.core import acts as log_acts
from sessions.core.cut_off import OFFLINE
from sessions.core.state import Proceeding
from sessions.core.venue_journal import MAX_ACTS
from sessions.errors import ActFork, ActGap, NotOffline, SeatKeyEnded, SeenUnknown
from sessions.node_errors import ForeignSeat, JournalFull, NodeStateBroken
from sessions.node_ports import NodeStore

MAX_OF_KEY = 64
"""Of one seat: a score may be sealed anew, and there are notes. A stolen device cannot take the others' places."""
# An act as a JSON string, with its name around it.
_MAX_LINE = MAX_BYTES + 64


@dataclass(slots=True)
class Cut:
    """One loss of the main server, in ms on this node's clock, and what seats left meanwhile."""

    lost: int
    acts: list[Act] = field(default_factory=list)
    returned: int | None = None


class Journal:
    """One log's, as the store has it."""

    def __init__(self, *, origin: str, store: NodeStore) -> None:
        self.cuts: list[Cut] = []
        self._origin = origin
        self._store = store
        self._size = 0
        self._take([decode_object(line, limit=_MAX_LINE) for line in store.journal(origin)])

    @property
    def cut(self) -> Cut | None:
        """The loss that is not over."""
        return self.cuts[-1] if self.cuts and self.cuts[-1].returned is None else None

    def holds(self, act: bytes) -> bool:
        """Whether the act of this id was kept, in whichever loss."""
        return any(kept.id == act for cut in self.cuts for kept in cut.acts)

    def keep(self, act: Act, *, lost: int) -> None:
        """Durable when this returns; `lost` begins a loss where none lasts."""
        begins: list[Object] = [] if self.cut else [{"lost": lost}]
        self._write([*begins, {"act": act.jws}])

    def mend(self, at: int) -> None:
        """The main server answers again. A clock that was set back does not return before it was lost."""
        if self.cut is not None:
            self._write([{"returned": max(at, self.cut.lost)}])

    def _write(self, lines: Sequence[Object]) -> None:
        self._store.note(self._origin, self._size, [encode(line) for line in lines])
        self._take(lines)

    def _take(self, lines: Sequence[Object]) -> None:
        for line in lines:
            match line:
                case {"lost": int(at)} if self.cut is None:
                    self.cuts.append(Cut(at))
                case {"act": str(jws)} if self.cut is not None:
                    self.cut.acts.append(acts.parse(jws))
                case {"returned": int(at)} if self.cut is not None:
                    self.cut.returned = at
                case _:
                    raise NodeStateBroken("a line of the journal without a meaning")
        self._size += len(lines)


def of_venues(state: Proceeding, cut: Cut) -> Iterator[tuple[str, list[bytes]]]:
    """The ids that each venue's seats left, in their order."""
    found: dict[str, list[bytes]] = {}
    for act in cut.acts:
        found.setdefault(state.seat(act.sub).venue, []).append(act.id)
    return iter(found.items())


def check(
    state: Proceeding, act: Act, *, domain: str, kept: Sequence[Act], root_at: Callable[[int], bytes | None]
) -> None:
    """J1 to J6: raise why the node of this domain does not keep the act. `kept` is what it has of this loss, `root_at`
    the root of its own copy at a size, None beyond it."""
    # J1
    key = log_acts.signed(state, act)
    if not key.live:
        raise SeatKeyEnded("the key was replaced")
    # J2
    if not _sits_here(state, act.sub, domain):
        raise ForeignSeat(f"{act.sub[:40]!r} sits in no venue of {domain}")
    # J3
    if act.act not in OFFLINE:
        raise NotOffline(f"{act.act[:40]!r} needs the log as it is")
    # J4
    size, root = act.seen
    if size < key.seen_size or root_at(size) not in (root, None):
        raise SeenUnknown(f"`seen` is not our root at size {size}, or older than before")
    # J5
    mine = [each for each in kept if each.kid == act.kid]
    if act.ctr <= key.ctr or (act.ctr == key.ctr + 1 and act.prev != key.last):
        raise ActFork(f"another act has ctr {act.ctr}, or `prev` is not the key's last act")
    if mine and not any(act.ctr == each.ctr or (act.ctr - 1, act.prev) == (each.ctr, each.id) for each in mine):
        raise ActGap(f"ctr {act.ctr} follows none of those that are here")
    # J6
    venue = state.seat(act.sub).venue
    if len(mine) >= MAX_OF_KEY or sum(state.seat(each.sub).venue == venue for each in kept) >= MAX_ACTS:
        raise JournalFull("no seat signs so much in one loss")


def _sits_here(state: Proceeding, name: str, domain: str) -> bool:
    seat = state.seats.get(name)
    return seat is not None and seat.venue in state.venues and state.venues[seat.venue].centre == domain
