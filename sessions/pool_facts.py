"""A pool's facts held against a draw from it: nobody with an interest in a bidder stands in what is drawn from.

`decide` demands the facts' hash, and only that: they are the custodian's, and no city's node gets them. The server
asks before it takes `draw.open`, every verifier after it (政府采购法实施条例 9; protocols.md 4(2)).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from evaluation.core import conflicts
from evaluation.core.tender import Definition
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import Object, sha256, unb64u
from sessions.core.drawing import read_strata
from sessions.core.night import CHINA
from sessions.core.state import Proceeding

_EVE = timedelta(days=1)


def check(state: Proceeding, body: Object, facts: bytes, definition: Definition, at: str) -> None:
    """`body` of a `draw.open` from a pool that is frozen in `state`; DrawRefused where the facts forbid it.

    (1) The facts are the named ones, of every candidate of the pool.
    (2) The filter is about all bidders of the tender, and counts its years back from the draw's day, or the day before.
    (3) Pool, partition and filter are the frozen ones, and who had to be left out is left out (`conflicts.check`).
    """
    pool = state.drawing.pools[unb64u(body["pool"], 32)]
    # (1)
    if sha256(facts) != unb64u(body["facts"], 32):
        raise DrawRefused("other facts than the draw names")
    told = conflicts.read_facts(facts)
    if not len(told.candidates) == len(told.rows) == pool.count:
        raise DrawRefused("the facts are not those of every candidate of the pool")
    # (2)
    asked = conflicts.read(told.filter_)
    if asked.bidders != {bidder.code for bidder in definition.bidders}:
        raise DrawRefused("the filter is about other bidders than the tender's")
    if not timedelta() <= _day(at) - asked.day <= _EVE:
        raise DrawRefused("the years count back from another day than the draw's")
    # (3)
    conflicts.check(
        told.rows,
        told.candidates,
        filter_=told.filter_,
        digest=unb64u(body["filter"], 32),
        partition=unb64u(body["partition"], 32),
        pool_digest=pool.root,
        strata=[stratum for stratum, _ in read_strata(body["strata"])],
    )


def _day(at: str) -> date:
    """The day of an entry's time where the committee sits."""
    return datetime.fromisoformat(at).astimezone(CHINA).date()
