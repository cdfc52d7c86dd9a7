"""Members who leave the committee, and who takes their place (87号令 49, 实施条例 48).

A member leaves by its own declaration, by a request for recusal that the supervisor grants, or because the supervisor
finds it absent or unfit. What it voted and sealed is void and kept: `SheetVoided` names each seal, and neither a vote
nor a sheet of it counts any more. Where the committee that is left breaks the law, nothing more is decided until
somebody sits in the place (`sessions.core.seating`). A newcomer goes through the stages from the declarations on, and
only what is missing is done again: others' votes and sheets stand, and opened sheets stay closed to the newcomer until
its own is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from evaluation.core import chair, clarification, compliance, motions, rejection, sealing, stages
from evaluation.core.committee import Member
from evaluation.core.outcome import LOT
from evaluation.core.rounds import BALLOT, CHAIR, SCORES, SHEET, Round
from evaluation.core.state import Evaluation, Request
from evaluation.errors import AlreadyDone, CommitteeRefused, DeclarationRefused, EventRefused, NotRequired
from evaluation.step_errors import LeavingRefused
from evidence.core.act import Act
from evidence.core.canonical import JSON, b64u, members, unb64u
from evidence.core.entry import Draft, Entry

_T = TypeVar("_T")

GROUNDS = frozenset({"recusal", "absent", "unfit", "unreadable-sheet"})
"""实施条例 48: a ground of recusal, who left without leave, health; and protocols.md section 3: a sheet that its own
author cannot make readable."""
ASKERS = frozenset({"supplier", "buyer", "agency", "member", "supervisor", "other"})
"""Whose request it is: 政府采购法 12 gives it to suppliers, who have no seat; an operator brings it."""


def remove(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`member.remove`: the supervisor finds that a member cannot go on."""
    body = members(act.body, {"seat": str, "ground": str, "reason": str})
    clarification.text(body["reason"])
    if body["ground"] not in GROUNDS:
        raise LeavingRefused(f"a ground is one of {', '.join(sorted(GROUNDS))}")
    check(state, body["seat"])
    return Draft("MemberRemoved", {}, act), *void(state, body["seat"], body["ground"], act.id)


def request(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`recusal.request`: for a supplier or for oneself, on a ground of the pack, in words."""
    body = members(act.body, {"seat": str, "from": str, "ground": str, "text": str})
    clarification.text(body["text"])
    if body["seat"] not in state.seats:
        raise NotRequired("no member of the committee")
    if body["from"] not in ASKERS or body["ground"] not in state.rules.recusal_grounds:
        raise DeclarationRefused(f"a ground is one of {', '.join(state.rules.recusal_grounds)}")
    same = [found for found in state.requests if (found.seat, found.ground) == (body["seat"], body["ground"])]
    if any(found.granted is None for found in same):
        raise AlreadyDone("the same request waits")
    return (Draft("RecusalRequested", {}, act),)


def settle(state: Evaluation, act: Act) -> tuple[Draft, ...]:
    """`recusal.decide`: the supervisor grants a request or not, with the reason."""
    body = members(act.body, {"request": str, "recuse": bool, "reason": str})
    clarification.text(body["reason"])
    found = find(state, body["request"])
    if found.granted is not None:
        raise AlreadyDone("the request is decided")
    decided = Draft("RecusalDecided", {}, act)
    if not body["recuse"] or found.seat not in state.seats:
        return (decided,)
    check(state, found.seat)
    return decided, Draft("MemberRecused", {"seat": found.seat}), *void(state, found.seat, "recusal", act.id)


def check(state: Evaluation, seat: str) -> None:
    """The member sits in the committee and may leave now: nothing that people agreed to open or draw hangs on it."""
    if seat not in state.seats:
        raise NotRequired("no member of the committee")
    for found in _live(state):
        if seat in found.required and found.agreed is not None and found.opened is None:
            raise LeavingRefused("the round is agreed to be opened: what is fixed is opened first")
    drawn = state.ranking is not None and any(by == LOT for by, _, _ in state.ranking.undecided)
    if state.settled or drawn or state.chair_undecided:
        raise LeavingRefused("a lot was called for: nothing is drawn twice for free")


def void(state: Evaluation, seat: str, ground: str, decision: bytes) -> tuple[Draft, ...]:
    """`SheetVoided` of every seal of the leaver that counts, and what the rest of the committee has thereby decided."""
    seals = [found.current[seat] for found in _live(state) if seat in found.current and _counts(found)]
    drafts = [Draft("SheetVoided", {"act": b64u(act), "ground": ground, "decision": b64u(decision)}) for act in seals]
    return *drafts, *_rest(left(state, seat))


def left(state: Evaluation, seat: str) -> Evaluation:
    """The committee without this member: no vote, no seal and no candidature of it counts any more.

    (1) Rounds that are not opened go on without it; one that was frozen is thawed, since no share can have left.
    (2) Ballots that are not opened are void as a whole: the leaver stood in them.
    (3) Its sheet in an opened round counts no more.
    (4) Votes on bids and motions that are not decided are taken back; what was decided stands.
    (5) A chair's office ends; who follows is elected as if nobody had been, and drawn by another lot if need be.
    """
    rounds = tuple(_without(found, seat) for found in state.rounds)
    steps = state.steps
    chair_left = state.chair == seat
    moved = tuple(
        each if each.carried is not None else replace(each, votes=_but(each.votes, seat)) for each in steps.motions
    )
    return replace(
        state,
        recused=state.recused | {seat},
        rounds=rounds,
        votes=_but(state.votes, seat),
        chair=None if chair_left else state.chair,
        chair_tied=() if chair_left else state.chair_tied,
        drawn_chairs=state.drawn_chairs + (chair_left and bool(state.chair_tied)),
        steps=replace(steps, motions=moved, hurried=steps.hurried - {seat}),
    )


def seated(state: Evaluation, seat: str, role: str, replaces: str | None) -> Evaluation:
    """The committee with a newcomer, who must seal what is not opened yet; an open seat was counted from the start."""
    if replaces is None:
        return state
    rounds = tuple(
        replace(found, required=(*found.required, seat))
        if found.purpose == SHEET and found.opened is None and not found.void
        else found
        for found in state.rounds
    )
    successors = {**state.successors, replaces: seat}
    return replace(state, members=(*state.members, Member(seat, role)), successors=successors, rounds=rounds)


def returns(state: Evaluation) -> tuple[Draft, ...]:
    """`StageReturned` to the declarations, with which a newcomer's part begins; nothing where they are not over."""
    if stages.STAGES.index(state.stage) <= stages.STAGES.index(stages.DECLARATIONS):
        return ()
    ballots = [found for found in _live(state) if found.purpose == BALLOT]
    void = [[found.purpose, found.number] for found in ballots if state.chair is None]
    return (Draft("StageReturned", {"from": state.stage, "to": stages.DECLARATIONS, "void": void, "asked": None}),)


def election(state: Evaluation) -> tuple[Draft, ...]:
    """The round that the election begins with; none where the chair stands. Ballots of an earlier election are void:
    each has its own three rounds before the lot."""
    if state.chair is not None:
        return ()
    void: list[JSON] = [[found.purpose, found.number] for found in _live(state) if found.purpose == BALLOT]
    number = 1 + sum(found.purpose == BALLOT for found in state.rounds)
    choices = chair.eligible(state.committee, buyer=state.rules.buyer_may_chair)
    return (sealing.round_opened(state, BALLOT, CHAIR, number, choices, void=void),)


def scoring(state: Evaluation) -> tuple[Draft, ...]:
    """The round of sheets with which the detailed review begins.

    (1) Without a standing round it is everybody's.
    (2) Where a bid must be scored that the standing sheets are not about, they are void, and it is everybody's.
    (3) A round that is not opened goes on, the newcomer being required in it.
    (4) After an opening it is the newcomers' alone.
    """
    number = next_number(state)
    standing = [found for found in _live(state) if found.purpose == SHEET]
    # (1)
    if not standing:
        return (sealing.round_opened(state, SHEET, SCORES, number, None),)
    # (2)
    if not set(state.standing) <= set(standing[-1].bidders):
        void: list[JSON] = [[found.purpose, found.number] for found in standing]
        return (sealing.round_opened(state, SHEET, SCORES, number, None, void=void),)
    # (3)
    missing = unscored(state)
    if standing[-1].opened is None or not missing:
        return ()
    # (4)
    return (sealing.round_opened(state, SHEET, SCORES, number, None, required=missing),)


def concluded(state: Evaluation) -> tuple[Draft, ...]:
    """`ReviewConcluded`, once every member of a lawful committee has voted on the bids."""
    if state.valid is not None or set(state.votes) != set(state.seats) or not _is_lawful(state):
        return ()
    valid, rejected = compliance.conclude(state.votes, sealing.fixed(state).scoring)
    body = {"valid": list(valid), "rejected": [list(pair) for pair in rejected]}
    remaining = tuple(bidder for bidder in valid if bidder not in state.steps.rejected)
    return Draft("ReviewConcluded", body), *rejection.failing(state, remaining)


def next_number(state: Evaluation) -> int:
    """The number of the next round of sheets: rounds that are void keep theirs."""
    return 1 + sum(found.purpose == SHEET for found in state.rounds)


def unscored(state: Evaluation) -> tuple[str, ...]:
    """Members without an opened sheet that counts."""
    scored = {read.seat for read in state.sheets()}
    return tuple(seat for seat in state.seats if seat not in scored)


def unreadable(state: Evaluation) -> tuple[bytes, ...]:
    """Sheets that could not be read and still count."""
    rounds = [found for found in _live(state) if found.purpose == SHEET]
    return tuple(act for found in rounds for act in found.unreadable if act not in found.voided)


def blind(state: Evaluation, seat: str) -> bool:
    """Whether the seat is a newcomer's whose own sheet is not opened: it is not sent the others'."""
    missing = unscored(state) if seat in state.successors.values() else ()
    return seat in missing and len(missing) < len(state.seats)


def find(state: Evaluation, name: JSON) -> Request:
    """The request of this id, or LeavingRefused."""
    wanted = unb64u(name, 32)
    for found in state.requests:
        if found.id == wanted:
            return found
    raise LeavingRefused("no request of this id")


def voided(rounds: Sequence[Round], void: Sequence[JSON]) -> tuple[Round, ...]:
    """The rounds, those named by [purpose, number] being void."""
    named = [list(each) for each in void]
    return tuple(replace(found, void=True) if [found.purpose, found.number] in named else found for found in rounds)


def _rest(state: Evaluation) -> tuple[Draft, ...]:
    """What follows at once where the committee is lawful without the leaver: its votes may be complete now."""
    if not _is_lawful(state):
        return ()
    drafts: list[Draft] = []
    if state.stage == stages.COMPLIANCE_REVIEW:
        drafts += concluded(state)
    for each in state.steps.motions:
        drafts += motions.decided(state, each)
    if state.chair is None and state.stage == stages.CHAIR_ELECTION:
        drafts += election(state)
    elif state.chair is None:
        drafts += returns(state)
    return tuple(drafts)


def _but(given: Mapping[str, _T], seat: str) -> dict[str, _T]:
    return {name: value for name, value in given.items() if name != seat}


def _without(found: Round, seat: str) -> Round:
    if found.void or seat not in found.required:
        return found
    if found.opened is not None:
        act = found.current.get(seat)
        return found if act is None or found.purpose == BALLOT else replace(found, voided=found.voided | {act})
    if found.purpose == BALLOT:
        return replace(found, void=True)
    own = {found.current[seat]} if seat in found.current else set()
    return replace(
        found,
        required=tuple(name for name in found.required if name != seat),
        current=_but(found.current, seat),
        voided=found.voided | own,
        freeze=None,
        releasable=None,
    )


def _counts(found: Round) -> bool:
    return found.purpose == SHEET or found.opened is None


def _live(state: Evaluation) -> list[Round]:
    return [found for found in state.rounds if not found.void]


def _is_lawful(state: Evaluation) -> bool:
    try:
        state.lawful()
    except CommitteeRefused:
        return False
    return True


def _on_removed(state: Evaluation, entry: Entry) -> Evaluation:
    return left(state, _act(entry).body["seat"])


def _on_requested(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    return replace(state, requests=(*state.requests, Request(act.id, entry.n, act.body["seat"], act.body["ground"])))


def _on_decided(state: Evaluation, entry: Entry) -> Evaluation:
    body = _act(entry).body
    found = find(state, body["request"])
    decided = replace(found, granted=body["recuse"])
    return replace(state, requests=tuple(decided if each is found else each for each in state.requests))


def _on_seated(state: Evaluation, entry: Entry) -> Evaluation:
    body = _act(entry).body
    return seated(state, body["seat"], entry.body["role"], body["replaces"])


def _act(entry: Entry) -> Act:
    if entry.act is None:
        raise EventRefused(f"{entry.type} needs an act")
    return entry.act


ACTS: dict[str, Callable[[Evaluation, Act], tuple[Draft, ...]]] = {
    "member.remove": remove,
    "recusal.request": request,
    "recusal.decide": settle,
}
EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "MemberRemoved": _on_removed,
    "RecusalRequested": _on_requested,
    "RecusalDecided": _on_decided,
    "MemberSeated": _on_seated,
    "SheetVoided": lambda state, entry: state,
}
