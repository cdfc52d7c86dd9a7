"""Who checks an act: everything up to `seen` (docs/protocol.md section 3). Service, node and verifier use this one."""

from __future__ import annotations

from collections.abc import Callable

from evidence.core.act import NO_ACT, NOTHING_SEEN, Act, thumbprint, verify
from evidence.core.canonical import Object
from evidence.core.origins import following
from sessions.core import cut_off
from sessions.core.state import Key, Proceeding
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    NotVouched,
    SeatKeyEnded,
    SeatSuspended,
    SeenUnknown,
    UnknownKey,
    WrongLog,
    WrongSeat,
)

RootAt = Callable[[int], bytes | None]
"""The root of our log at that size, or None where the log was never so large."""


def check(state: Proceeding, act: Act, *, root_at: RootAt) -> None:
    """Raise what is wrong with the act, or return. `evidence.core.act.parse` has checked its form.

    (1) to (5) as in `signed`.
    (6) `ctr` is the key's next, and `prev` its last act; of a seat that comes back from being cut off, and of a second
        act at one place, the rules judge that themselves, since what does not fit is kept (`sessions.core.cut_off`).
    (7) `seen` is our root at that size, and not smaller than in the key's last act; of a log that was continued since
        it may be any root of what is missing, except that the one at the witnessed size is known.
    """
    key = signed(state, act)
    # (6)
    judged = cut_off.judged_by_rules(state, key, act)
    if not judged and act.ctr > key.ctr + 1:
        raise ActGap(f"ctr {act.ctr} after {key.ctr}")
    if not judged and (act.ctr <= key.ctr or act.prev != key.last):
        raise ActFork(f"another act has ctr {act.ctr}, or `prev` is not the key's last act")
    # (7)
    size, root = act.seen
    lost = _lost_root(state, act)
    known = NOTHING_SEEN[1] if size == 0 else lost or (root_at(size) if size <= state.size else None)
    older = size < key.seen_size and key.live and not (judged and act.ctr <= key.ctr)
    if known != root or older:
        raise SeenUnknown(f"`seen` is not our root at size {size}, or older than before")


def signed(state: Proceeding, act: Act) -> Key:
    """The key that signed this act for this log, as the log stands; raises what is wrong with it.

    (1) The key is known and live: in the state, or, for the two acts that bring their own key, in their body, where
        `proceeding.found` carries the main centre's identity and `seat.bind` must match the vouched thumbprint. An act
        that was made before the key's end was known goes on to (7): the rules refuse it, and it is kept.
    (2) The signature holds under that key.
    (3) `aud` is this log; of what a seat merges, or a key that has ended left, it may be one that this log continues,
        and of what continues this log, the next one.
    (4) `sub` is the key's owner.
    (5) The id is new; a repeated act gets the first answer again.
    """
    # (1)
    key = _key(state, act)
    # (2)
    verify(act, key.jwk)
    # (3)
    if state.founding is not None and act.aud not in _logs(state, key, act):
        raise WrongLog(f"the act is for {act.aud[:80]!r}")
    # (4)
    if act.sub != key.owner:
        raise WrongSeat(f"the key is not that of {act.sub[:40]!r}")
    # (5)
    if act.id in state.acts:
        raise ActRepeated(state.acts[act.id])
    return key


def _logs(state: Proceeding, key: Key, act: Act) -> tuple[str, ...]:
    """The logs that an act of this key may be for."""
    if act.act == "log.continue":
        return (following(state.log),)
    former = tuple(each.left.origin for each in state.continuations)
    merged = key.merge is not None or not key.live or act.id in state.acts
    return (state.log, *former) if merged else (state.log,)


def _lost_root(state: Proceeding, act: Act) -> bytes | None:
    """The root that an act of a continued log may have seen of what is missing since; None where that is not it."""
    found = next((each for each in state.continuations if each.left.origin == act.aud), None)
    size, root = act.seen
    if found is None or not found.left.size < size <= found.left.witnessed:
        return None
    return found.root if size == found.left.witnessed else root


def _key(state: Proceeding, act: Act) -> Key:
    """The key that must have signed, as recipe step (1) finds it."""
    if state.founding is None:
        return _founder(act)
    if act.kid in state.keys:
        key = state.keys[act.kid]
        if not key.live and not cut_off.is_late(state, key, act):
            raise SeatKeyEnded("the key was replaced")
        if key.suspended:
            raise SeatSuspended("two devices have this key; the supervisor decides")
        return key
    if act.act == "seat.bind":
        return _bound(state, act)
    raise UnknownKey("no key of this proceeding has that thumbprint")


def _founder(act: Act) -> Key:
    if act.act != "proceeding.found":
        raise UnknownKey("the first act founds the proceeding")
    identities = act.body.get("identities")
    domain, _, path = act.aud.partition("/")
    if domain != act.sub or not path.startswith("proceedings/"):
        raise WrongSeat("a proceeding is founded by the centre of its origin")
    if not isinstance(identities, dict) or not isinstance(identities.get(domain), dict):
        raise UnknownKey("the founding names no identity of its centre")
    return _fresh(identities[domain], domain)


def _bound(state: Proceeding, act: Act) -> Key:
    if "jwk" not in act.body or not isinstance(act.body["jwk"], dict):
        raise UnknownKey("seat.bind brings its key")
    key = _fresh(act.body["jwk"], act.sub)
    if state.vouches.get(act.sub) != key.kid:
        raise NotVouched("the seat's centre has not vouched for this key")
    return key


def _fresh(jwk: Object, owner: str) -> Key:
    return Key(kid=thumbprint(jwk), jwk=jwk, owner=owner, ctr=0, last=NO_ACT)
