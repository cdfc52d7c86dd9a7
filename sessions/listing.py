"""What a frozen round lists, as the log tells it: envelopes, contexts and the shares that holders released."""

from __future__ import annotations

from evaluation.core.rounds import Round
from evaluation.core.sealing import context
from evidence.errors import Untrusted
from sessions.core.state import Proceeding
from sessions.opening import Listed


def listing(state: Proceeding, found: Round) -> tuple[Listed, ...]:
    """One for each sheet of the freeze, in its order; holder i is the i-th of the frozen set (protocols.md 1.5)."""
    if found.freeze is None:
        raise Untrusted("nothing was frozen")
    items: list[Listed] = []
    for position, (seat, act) in enumerate(found.freeze.sheets):
        envelope = found.seals[act].envelope
        if envelope.c is None:
            raise Untrusted("a seal without a commitment")
        bound = context(state.evaluation, found.purpose, seat, found.number, envelope.c)
        shares = {
            index: found.releases[domain][position]
            for index, domain in enumerate(state.holders, 1)
            if domain in found.releases
        }
        items.append(Listed(act, envelope, bound, shares))
    return tuple(items)
