"""Commitment and recusal (政府采购法实施条例 9): what a member declares before the bids are shown."""

from __future__ import annotations

from evaluation.core.state import Evaluation
from evaluation.errors import AlreadyDone, DeclarationRefused
from evidence.core.act import Act
from evidence.core.canonical import members, unb64u
from evidence.core.entry import Draft


def commit(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`commitment.sign`: `shown` is the hash of the text that the page showed."""
    unb64u(members(act.body, {"shown": str})["shown"], 32)
    if act.sub in state.commitments:
        raise AlreadyDone("the commitment was signed")
    return (Draft("CommitmentSigned", {}, act),)


def declare(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`recusal.declare`: a ground is named if, and only if, the member withdraws."""
    found = members(act.body, {"recuse": bool, "grounds": list, "shown": str})
    unb64u(found["shown"], 32)
    grounds = found["grounds"]
    if any(ground not in state.rules.recusal_grounds for ground in grounds) or len(set(grounds)) != len(grounds):
        raise DeclarationRefused("a ground is unknown or stands twice")
    if found["recuse"] != bool(grounds):
        raise DeclarationRefused("grounds are named if, and only if, the member withdraws")
    if act.sub in state.declarations:
        raise AlreadyDone("the declaration was made")
    declared = Draft("RecusalDeclared", {}, act)
    return (declared, Draft("MemberRecused", {"seat": act.sub})) if found["recuse"] else (declared,)
