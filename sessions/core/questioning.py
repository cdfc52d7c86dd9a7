"""The bidder's key: the main centre vouches for it, for one question, and it signs nothing but the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import clarification
from evidence.core.act import Act, thumbprint
from evidence.core.entry import Draft, Entry
from sessions.core.state import Key, Proceeding
from sessions.errors import AlreadyFixed, CommandRefused


def vouch(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`bidder.vouch`: a key that nobody has here, for a bidder that is no seat."""
    drafts = clarification.vouch(state.evaluation, act)
    if thumbprint(act.body["jwk"]) in state.keys:
        raise AlreadyFixed("the key is known here already")
    bidder = clarification.find(state.evaluation, act.body["question"]).bidder
    if bidder in state.seats or bidder in state.identities:
        raise CommandRefused("a bidder of this name cannot sign here")
    return drafts


def on_vouched(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    kid = thumbprint(act.body["jwk"])
    bidder = clarification.find(state.evaluation, act.body["question"]).bidder
    return replace(state, keys={**state.keys, kid: Key(kid=kid, jwk=act.body["jwk"], owner=bidder)})


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"bidder.vouch": vouch}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"BidderVouched": on_vouched}
