"""A venue's journal: what its own node kept of what its seats signed while they were cut off (protocols.md section 6).

The node signs it when it is back, the centre's key being the venue's own. From then on an act that the main server
drops has a name: each id of a journal has to stand in the log, as an event or as refused, whoever brings it. The other
way round proves less: a seat may not have reached its node. So an act that was merged and is in no journal is told
only where the same venue's node was keeping others of the same loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, members, tagged, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.continued import CONFIRMED
from sessions.core.cut_off import OFFLINE
from sessions.core.state import Journal, Proceeding
from sessions.errors import WrongVenue

MAX_ACTS = 512
"""Acts in one journal: far more than a venue signs in a night without the network, and few enough for one entry: an id
takes 46 characters, 62 in the act's base64url."""
_TAG = "venue-journal"


def body(venue: str, acts: Sequence[bytes], *, lost: int, returned: int) -> Object:
    """What the node signs; times in ms on its own clock."""
    return {
        "venue": venue,
        "acts": [b64u(act) for act in acts],
        "count": len(acts),
        "digest": b64u(digest(acts)),
        "lost": lost,
        "returned": returned,
    }


def digest(acts: Sequence[bytes]) -> bytes:
    """T(`venue-journal`, the ids in their order): what stands for the whole journal."""
    return tagged(_TAG, b"".join(acts))


def journal(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`venue.journal`. Nothing here depends on how far the log is: what a node signed has to be taken, since its later
    acts follow it."""
    said = _read(act.body)
    if state.venue(said.venue).centre != act.sub:
        raise WrongVenue("a centre keeps the journals of its own venues")
    return (Draft("VenueJournaled", {}, act),)


def on_journaled(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, journals=(*state.journals, replace(_read(act.body), n=entry.n)))


@dataclass(frozen=True, slots=True)
class Finding:
    """An act that stands in a venue's journal and not in the log (`missing`), or was merged and is not in the journal
    of its venue (`beside`)."""

    kind: str
    venue: str
    act: bytes

    @property
    def as_json(self) -> Object:
        return {"kind": self.kind, "venue": self.venue, "act": b64u(self.act)}


def findings(state: Proceeding, entries: Sequence[Entry]) -> tuple[Finding, ...]:
    """Both kinds, for the whole log `entries` that was folded to `state`."""
    missing = [
        Finding("missing", kept.venue, act) for kept in state.journals for act in kept.acts if act not in state.acts
    ]
    return *missing, *_beside(state, entries)


def _beside(state: Proceeding, entries: Sequence[Entry]) -> list[Finding]:
    journaled = {(kept.venue, act) for kept in state.journals for act in kept.acts}
    found: list[Finding] = []
    merged: dict[str, list[tuple[str, bytes]]] = {}
    for entry in entries:
        if entry.type == "VenueLost":
            merged[entry.body["venue"]] = []
        if entry.type == CONFIRMED:
            # All venues come back from what the main server lost: of that no venue's node keeps a journal.
            found += [each for rest in merged.values() for each in _unkept(rest, journaled)]
            merged = {}
        if entry.type == "VenueRejoined":
            found += _unkept(merged.pop(entry.body["venue"], ()), journaled)
        if entry.type == "OfflineAct":
            made = entries[state.acts[unb64u(entry.body["act"], 32)]].act
            if made is not None and made.act in OFFLINE and (venue := state.seat(made.sub).venue) in merged:
                merged[venue].append((venue, made.id))
    return [*found, *(each for rest in merged.values() for each in _unkept(rest, journaled))]


def _unkept(merged: Sequence[tuple[str, bytes]], journaled: set[tuple[str, bytes]]) -> list[Finding]:
    """Of one loss of one venue."""
    if not journaled.intersection(merged):
        return []
    return [Finding("beside", venue, act) for venue, act in merged if (venue, act) not in journaled]


def _read(said: Object) -> Journal:
    form = {"venue": str, "acts": list, "count": int, "digest": str, "lost": int, "returned": int}
    found = members(said, form)
    acts = tuple(unb64u(act, 32) for act in found["acts"])
    if not 1 <= len(set(acts)) == len(acts) <= MAX_ACTS:
        raise Malformed(f"a journal has 1 to {MAX_ACTS} acts, each once")
    if found["count"] != len(acts) or unb64u(found["digest"], 32) != digest(acts):
        raise Malformed("count and digest are those of the acts")
    if not 0 <= found["lost"] <= found["returned"]:
        raise Malformed("a venue is lost before it returns")
    return Journal(0, found["venue"], acts, found["lost"], found["returned"])


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"venue.journal": journal}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"VenueJournaled": on_journaled}
