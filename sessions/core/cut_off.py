"""Seats that were cut off: what they signed meanwhile, how it is merged, and what ends a key (protocols.md section 6).

A seat of a lost venue comes back with `seat.resume`, which names the acts that its person confirms now. Then its acts
follow in the order of their `ctr`. Each counts from its place in the log, under the state there, and leaves exactly one
`OfflineAct`: refused and unconfirmed ones stay in the log as such. The claimed time of an act reorders nothing. No act
from before the return comes in by another way: its place in the chain lies before that of `seat.resume`. What a key
signed before its end was known to it, and what comes only then, is refused and kept in the same way. Two acts at one
place of a chain are a cloned key's, wherever the second one comes from: both are kept, and the key is suspended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.errors import EvaluationError
from evidence.core.act import Act
from evidence.core.canonical import b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import EvidenceError, Malformed
from sessions.core import night
from sessions.core.state import OPERATOR, RECORDING_LOST, ROOM, SUPERVISOR, Key, Merge, Proceeding
from sessions.errors import (
    ActFork,
    ActGap,
    CauseNotStated,
    CommandRefused,
    NotBound,
    NotLost,
    NotOffline,
    NotReady,
    NotSuspended,
    SeatKeyEnded,
    SessionError,
)

OFFLINE = frozenset({"sheet.seal", "recusal.declare", "incident.note"})
"""What depends on nobody else's state, so that it may be signed without seeing it. Ballots, votes, answers to a freeze,
corrections, draws, the report and whatever changes a stage are not among them."""
ACCEPTED, REFUSED = "accepted", "refused"
UNCONFIRMED, REPLACED = "unconfirmed", "seat-replaced"
NEVER_AGAIN = frozenset(
    {
        "seat.bind",
        "seat.resume",
        "seat.lose",
        "seat.reinstate",
        "seat.release",
        "member.seat",
        "identity.check",
        "draw.open",
        "report.sign",
    }
)
"""Of the acts that this log had once, and lost, those that speak of the moment, or come with more than themselves."""
MAX_LATE = 256
"""Acts of an ended key that are kept: far more than anybody signs in a night without the network, and few enough that
who stole a device cannot fill the log."""
_MAX_TEXT = 500
# Who must have said why acts are missing before the seat goes on.
_CAUSE_BY = frozenset({OPERATOR, SUPERVISOR})

Rules = Callable[[Proceeding, Act], tuple[Draft, ...]]


def judged_by_rules(state: Proceeding, key: Key, act: Act) -> bool:
    """Whether the place of this act in its chain is answered with an event, and not refused at the door."""
    resumes = act.act == "seat.resume" and is_waiting(state, act.sub)
    return key.merge is not None or resumes or is_late(state, key, act) or is_second(state, act)


def is_second(state: Proceeding, act: Act) -> bool:
    """Whether the seat's key has signed another act at this place of its chain before: no device of ours does that, so
    somebody has a copy of the key. While a seat is merging, the merge looks for it by itself."""
    key = state.keys.get(act.kid)
    return key is not None and key.live and key.merge is None and act.sub in state.seats and act.ctr <= key.ctr


def keep_second(act: Act) -> tuple[Draft, ...]:
    """Both acts are kept, the second one counting for nothing; the key is suspended until the supervisor decides."""
    return (_suspended(act),)


def is_late(state: Proceeding, key: Key, act: Act) -> bool:
    """Whether the act was made before its key's end was known where it was made, and comes only now. What it saw of a
    log that was continued since counts as far as that log is left."""
    size = min([act.seen[0], *(each.left.size for each in state.continuations if each.left.origin == act.aud)])
    return key.ended is not None and size <= key.ended and key.late < MAX_LATE


def keep_late(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """An act of a key that has ended counts for nothing, and is not dropped silently."""
    return (_refused(act, REPLACED if act.sub in state.evaluation.recused else SeatKeyEnded.code),)


def resume(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.resume`: the person is there again, and says which acts made meanwhile still hold.

    (1) The seat waits, and if acts of an earlier key of it are missing, operator and supervisor have stated why.
    (2) `ctr` is the seat's last act before this one; `server_ctr` is ours.
    (3) What is confirmed was made meanwhile; without acts to merge the seat is back at once.
    """
    # (1)
    body = members(act.body, {"offline": list, "ctr": int, "server_ctr": int})
    seat = state.seat(act.sub)
    if not is_waiting(state, seat.id):
        raise NotLost("the seat is not cut off, or has resumed")
    if night.closed(state, place(state, seat.id)):
        raise NotReady("the area is closed for the night")
    if not state.causes.get(seat.id, _CAUSE_BY) >= _CAUSE_BY:
        raise CauseNotStated("operator and supervisor state why acts of the seat are missing")
    # (2)
    key = state.keys[act.kid]
    if act.ctr != body["ctr"] + 1:
        raise ActGap("`ctr` is the seat's last act before this one")
    if body["server_ctr"] != key.ctr:
        raise ActGap(f"our last ctr of this key is {key.ctr}")
    # (3)
    made = body["ctr"] - key.ctr
    confirmed = [unb64u(named, 32) for named in body["offline"]]
    if len(set(confirmed)) != len(confirmed) or len(confirmed) > made:
        raise CommandRefused("more acts are confirmed than were made")
    if not made and act.prev != key.last:
        return (_gap(key, act),)
    resumed = Draft("SeatResumed", {}, act)
    return (resumed,) if made else (resumed, *_back(state, seat.id, act.seen))


def merge(state: Proceeding, act: Act, rules: Rules, *, known: bool) -> tuple[Draft, ...]:
    """An act of a seat that is merging; `known`: it is proven that this log had it once, and lost it.

    (1) An act that the merge does not announce waits for its turn; a second one at a place is a cloned key's.
    (2) Chain: `ctr` and `prev` follow, and the last one is the one that the resume act names.
    (3) Accepted if it may be signed offline or was accepted once, is confirmed, its member still sits, and the rules
        take it here and now.
    (4) After the last one the seat is merged, and with the last seat the venue is back.
    """
    key = state.keys[act.kid]
    merging = _merging(key)
    # (1)
    if act.ctr > merging.to + 1:
        raise ActGap(f"acts up to {merging.to} are being merged")
    if act.ctr <= key.ctr or act.ctr == merging.to + 1 or (act.ctr == merging.to and act.id != merging.last):
        return (_suspended(act),)
    # (2)
    if act.ctr != key.ctr + 1 or act.prev != key.last:
        return (_gap(key, act),)
    # (3)
    drafts: tuple[Draft, ...] = ()
    code = _refusal(state, merging, act, known)
    if code is None:
        try:
            # The pause that this very merge is about to end does not stand in its way.
            drafts = rules(replace(state, pauses=frozenset()), act)
        except (SessionError, EvaluationError, EvidenceError) as error:
            code = error.code
    accepted = Draft("OfflineAct", {"act": b64u(act.id), "result": ACCEPTED, "code": None})
    made = (*drafts, accepted) if code is None else (_refused(act, code),)
    # (4)
    if act.ctr < merging.to:
        return made
    done = Draft("SeatMerged", {"seat": act.sub, "from": merging.first, "to": merging.to})
    return (*made, done, *_back(state, act.sub, merging.seen))


def lose(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.lose`: the device is gone with its key, or before it was bound. The seat is bound anew; what the log holds
    stands."""
    seat = _about(act)
    if state.seat(seat).id in state.vouches and seat not in state.seat_key:
        return (Draft("SeatLost", {"ctr": 0}, act),)
    return (Draft("SeatLost", {"ctr": _key_of(state, seat).ctr}, act),)


def reinstate(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.reinstate`: the supervisor found which of two devices is the person's, and lets the key act again."""
    if not _key_of(state, _about(act)).suspended:
        raise NotSuspended("the seat's key is not suspended")
    return (Draft("SeatReinstated", {}, act),)


def release(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`seat.release`: the venue goes on without this seat; its key ends, so that nothing of it is merged later."""
    seat = _about(act)
    if not is_waiting(state, seat):
        raise NotLost("the seat is not cut off, or has resumed")
    return (Draft("SeatReleased", {}, act), *_back(state, seat, None))


def note(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`incident.note`: what somebody saw happen, about a seat or about none."""
    body = members(act.body, {"seat": object, "text": str})
    _text(body["text"])
    if body["seat"] is not None:
        state.seat(body["seat"] if isinstance(body["seat"], str) else "")
    return (Draft("IncidentNoted", {}, act),)


def on_resumed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """With acts to merge the seat goes on waiting, and its chain stays where it was."""
    venue = place(state, act.sub)
    lost = state.lost[venue]
    key = state.keys[act.kid]
    merging = act.body["ctr"] > key.ctr
    waiting = lost.waiting if merging else lost.waiting - {act.sub}
    lost = replace(lost, waiting=waiting, resumed={**lost.resumed, act.sub: act.seen})
    if merging:
        confirmed = frozenset(unb64u(named, 32) for named in act.body["offline"])
        key = replace(key, merge=Merge(key.ctr + 1, act.body["ctr"], act.prev, act.id, act.seen, confirmed))
    return replace(state, lost={**state.lost, venue: lost}, keys={**state.keys, key.kid: key})


def on_merged(state: Proceeding, entry: Entry) -> Proceeding:
    seat = members(entry.body, {"seat": str, "from": int, "to": int})["seat"]
    key = _key_of(state, seat)
    done = _merging(key)
    key = replace(key, ctr=done.to + 1, last=done.resume, seen_size=done.seen[0], merge=None)
    return _unwait(replace(state, keys={**state.keys, key.kid: key}), seat)


def on_suspended(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, keys={**state.keys, act.kid: replace(state.keys[act.kid], suspended=True)})


def on_gap(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(end_key(state, act.sub), causes={**state.causes, act.sub: frozenset()})


def on_seat_lost(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return end_key(state, act.body["seat"])


def on_reinstated(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    key = _key_of(state, act.body["seat"])
    return replace(state, keys={**state.keys, key.kid: replace(key, suspended=False)})


def on_released(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    """A room that is released is recorded no more, until it is bound and admitted again."""
    seat = state.seat(act.body["seat"])
    state = _unwait(end_key(state, seat.id), seat.id)
    if seat.role != ROOM:
        return state
    return replace(
        state,
        admitted={room: n for room, n in state.admitted.items() if room != seat.id},
        recording={room: engine for room, engine in state.recording.items() if room != seat.id},
        pauses=state.pauses - {(RECORDING_LOST, seat.id)},
    )


def on_noted(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    about = act.body["seat"]
    if about not in state.causes:
        return state
    stated = state.causes[about] | {state.seat(act.sub).role}
    return replace(state, causes={**state.causes, about: stated})


def on_offline(state: Proceeding, entry: Entry) -> Proceeding:
    """What was accepted stands in its own event; what was refused changes nothing. Acts of ended keys are counted."""
    if entry.act is None or state.keys[entry.act.kid].live:
        return state
    key = state.keys[entry.act.kid]
    return replace(state, keys={**state.keys, key.kid: replace(key, late=key.late + 1)})


def keeps_chain(state: Proceeding, entry: Entry, act: Act) -> bool:
    """Whether this entry leaves the chain of its act's key where it is: the place of the act is still ahead of it, or
    is another's, or the key has ended."""
    key = state.keys[act.kid]
    apart = entry.type in ("SeatGap", "SeatSuspended") or not key.live
    return apart or (key.merge is not None and key.merge.resume == act.id)


def _refusal(state: Proceeding, merging: Merge, act: Act, known: bool) -> str | None:
    if act.act in NEVER_AGAIN or not (known or act.act in OFFLINE):
        return NotOffline.code
    if act.id not in merging.confirmed:
        return UNCONFIRMED
    return REPLACED if act.sub in state.evaluation.recused else None


def _refused(act: Act, code: str) -> Draft:
    return Draft("OfflineAct", {"act": b64u(act.id), "result": REFUSED, "code": code}, act)


def _suspended(act: Act) -> Draft:
    return Draft("SeatSuspended", {"seat": act.sub, "code": ActFork.code}, act)


def _gap(key: Key, act: Act) -> Draft:
    return Draft("SeatGap", {"seat": act.sub, "expected": key.ctr + 1}, act)


def _back(state: Proceeding, seat: str, seen: tuple[int, bytes] | None) -> tuple[Draft, ...]:
    """The venue is back with its last waiting seat. `seen` is what that seat proved; None: it was released."""
    venue = place(state, seat)
    lost = state.lost[venue]
    if lost.waiting != {seat}:
        return ()
    if seen is not None:
        lost = replace(lost, resumed={**lost.resumed, seat: seen})
    size, root = lost.proven
    rejoined = Draft("VenueRejoined", {"venue": venue})
    return rejoined, Draft("ProceedingResumed", {"venues": [[venue, size, b64u(root)]]})


def connected(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """A venue that was lost before any seat of it was bound is back with its first `seat.bind`, and what that saw."""
    venue = state.seat(act.sub).venue
    lost = state.lost.get(venue)
    if lost is None or lost.waiting or lost.resumed:
        return ()
    size, root = act.seen
    rejoined = Draft("VenueRejoined", {"venue": venue})
    return rejoined, Draft("ProceedingResumed", {"venues": [[venue, size, b64u(root)]]})


def is_waiting(state: Proceeding, seat: str) -> bool:
    """Whether the seat was cut off, and is not back."""
    lost = state.lost.get(place(state, seat))
    return lost is not None and seat in lost.waiting


def place(state: Proceeding, seat: str) -> str:
    """The venue that a seat is cut off and comes back with; who sits in none belongs to the main one."""
    venue = state.seat(seat).venue
    return venue if venue or state.founding is None else state.founding.main_venue.id


def _unwait(state: Proceeding, seat: str) -> Proceeding:
    venue = place(state, seat)
    lost = state.lost[venue]
    return replace(state, lost={**state.lost, venue: replace(lost, waiting=lost.waiting - {seat})})


def end_key(state: Proceeding, seat: str) -> Proceeding:
    """The key never acts again; the seat may be vouched for and bound with another one."""
    state = replace(state, vouches={name: vouched for name, vouched in state.vouches.items() if name != seat})
    if seat not in state.seat_key:
        return state
    kid = state.seat_key[seat]
    return replace(
        state,
        keys={**state.keys, kid: replace(state.keys[kid], ended=state.size, merge=None)},
        seat_key={name: key for name, key in state.seat_key.items() if name != seat},
    )


def _key_of(state: Proceeding, seat: str) -> Key:
    if state.seat(seat).id not in state.seat_key:
        raise NotBound("the seat has no key")
    return state.keys[state.seat_key[seat]]


def _merging(key: Key) -> Merge:
    if key.merge is None:
        raise CommandRefused("nothing is being merged")
    return key.merge


def _about(act: Act) -> str:
    body = members(act.body, {"seat": str, "reason": str})
    _text(body["reason"])
    return str(body["seat"])


def _text(text: str) -> None:
    if not 1 <= len(text.strip()) <= len(text) <= _MAX_TEXT:
        raise Malformed(f"a reason has 1 to {_MAX_TEXT} characters")


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "seat.resume": resume,
    "seat.lose": lose,
    "seat.reinstate": reinstate,
    "seat.release": release,
    "incident.note": note,
}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "SeatResumed": on_resumed,
    "SeatSuspended": on_suspended,
    "SeatGap": on_gap,
    "SeatLost": on_seat_lost,
    "SeatReinstated": on_reinstated,
    "SeatReleased": on_released,
    "IncidentNoted": on_noted,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "OfflineAct": on_offline,
    "SeatMerged": on_merged,
}
WITH_ANY_ACT = frozenset({"OfflineAct", "SeatSuspended", "SeatGap"})
"""Events that carry an act only to keep it, whatever it is."""
