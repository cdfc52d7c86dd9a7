"""The end of an aborted proceeding: nothing more is decided in it, and nothing of it is lost.

Another committee evaluates in a proceeding of its own. This one is recorded to its end, what was fixed before the abort
is opened, whatever is sealed stays sealed, and then its log is closed: so its root stands in the centre's log and its
evidence file is written like any other's.
"""

from __future__ import annotations

from collections.abc import Callable

from evidence.core.act import Act
from evidence.core.canonical import members
from evidence.core.entry import Draft
from sessions.core import drawing
from sessions.core.state import Proceeding
from sessions.errors import NotReady, SessionError


def seal(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.seal`: the last entry of an aborted log."""
    members(act.body, {})
    check(state)
    return (Draft("ProceedingClosed", {}, act),)


def check(state: Proceeding) -> None:
    """NotReady while something of it is under way: a fixed result must not be hidden by an abort."""
    if state.recording:
        raise NotReady("the recordings have not ended")
    if open_draws := drawing.unresolved(state):
        raise NotReady(f"{', '.join(open_draws)} drawn without a result")
    for found in state.evaluation.rounds:
        if found.releasable is not None and found.opened is None:
            raise NotReady(f"the {found.purpose}s of round {found.number} are fixed and not opened yet")


def ready(state: Proceeding) -> bool:
    """Whether the aborted proceeding can be sealed now."""
    try:
        check(state)
    except SessionError:
        return False
    return True


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"proceeding.seal": seal}
