"""Commitment and recusal (政府采购法实施条例 9): before the bids are shown, or as soon as a ground is known."""

from __future__ import annotations

from evaluation.core import leaving, stages
from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, DeclarationRefused
from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.core.entry import Draft

LATE_SINCE = 3
"""The first engine under which a member withdraws after the declarations, too."""
_STAGE = frozenset({stages.DECLARATIONS})


def commit(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`commitment.sign`: `shown` is the hash of the text that the page showed."""
    unb64u(members(act.body, {"shown": str})["shown"], 32)
    if act.sub in state.commitments:
        raise AlreadyDone("the commitment was signed")
    return (Draft("CommitmentSigned", {}, act),)


def declare(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`recusal.declare`: a ground is named if, and only if, the member withdraws.

    (1) In its stage each member answers once. Who learns of a ground later withdraws until the tally, whatever it said
        before (实施条例 48); the first two engines knew the stage only.
    (2) What the leaver voted and sealed is void and kept, as of any member who leaves.
    """
    # (1)
    late = state.engine >= LATE_SINCE
    if not late:
        stages.check(state.stage, _STAGE)
    found = members(act.body, {"recuse": bool, "grounds": list, "shown": str})
    unb64u(found["shown"], 32)
    grounds = found["grounds"]
    if any(ground not in state.rules.recusal_grounds for ground in grounds) or len(set(grounds)) != len(grounds):
        raise DeclarationRefused("a ground is unknown or stands twice")
    if found["recuse"] != bool(grounds):
        raise DeclarationRefused("grounds are named if, and only if, the member withdraws")
    if not (late and found["recuse"]):
        stages.check(state.stage, _STAGE)
        if act.sub in state.declarations:
            raise AlreadyDone("the declaration was made")
    declared = Draft("RecusalDeclared", {}, act)
    if not found["recuse"]:
        return (declared,)
    recused = Draft("MemberRecused", {"seat": act.sub})
    if not late:
        return declared, recused
    # (2)
    leaving.check(state, act.sub)
    return declared, recused, *leaving.void(state, act.sub, "recusal", act.id)
