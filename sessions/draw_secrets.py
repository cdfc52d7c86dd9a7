"""The secrets of a frozen draw, held against their commitments: s·G = A_0 (protocols.md 4(5) and V9).

`decide` proves that a secret was revealed or combined from shares; here stands what takes points of the curve. The
server asks before it resolves, every verifier after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from evidence.errors import EvidenceError, Untrusted
from evidence.ports import Envelopes
from sessions.core.drawing import candidates
from sessions.core.draws import Draw
from sessions.core.state import Proceeding


def is_committed(found: Draw, author: str, secret: bytes, envelopes: Envelopes) -> bool:
    """Whether it is the secret that this contributor dealt."""
    try:
        envelopes.check_secret(found.contributions[author].envelope, secret)
    except EvidenceError:
        return False
    return True


def of(state: Proceeding, found: Draw, envelopes: Envelopes) -> Iterator[tuple[str, bytes | None]]:
    """Each listed contributor with the secret that the log holds and the commitment fits; None where there is none."""
    for author in found.freeze.listed if found.freeze else ():
        offered = candidates(state, found, author)
        yield author, next((s for s in offered if is_committed(found, author, s, envelopes)), None)


def check(state: Proceeding, envelopes: Envelopes) -> None:
    """V9: every frozen draw has its result, and it was made of the committed secrets; Untrusted otherwise."""
    for found in state.drawing.draws:
        check_one(found, envelopes)


def check_one(found: Draw, envelopes: Envelopes) -> None:
    """The same of one draw."""
    if not found.over:
        raise Untrusted(f"the draw {found.name} has no result")
    for author, secret in zip(found.freeze.listed if found.freeze else (), found.secrets, strict=True):
        if not is_committed(found, author, secret, envelopes):
            raise Untrusted(f"the secret of {author} in the draw {found.name} is not the committed one")
