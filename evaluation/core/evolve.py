"""The fold of the evaluation: what each entry changes. Reads only body and verified act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import cases, checks, clarification, compliance, leaving, lots, motions, returning
from evaluation.core.results import parse_ranking, parse_rows
from evaluation.core.rounds import SHEET, Freeze, Round, Seal
from evaluation.core.state import Declaration, Evaluation, Fixed
from evaluation.core.tender import Scoring
from evaluation.errors import EventRefused, UnknownEvent
from evidence.core.act import Act
from evidence.core.canonical import unb64u
from evidence.core.entry import Entry
from evidence.core.envelope import Envelope


def evolve(state: Evaluation, entry: Entry) -> Evaluation:
    """The state after this entry; UnknownEvent where the evaluation does not know its type."""
    if entry.type not in EVENTS:
        raise UnknownEvent(f"{entry.type} is no event of the evaluation")
    return _agree(EVENTS[entry.type](state, entry), entry.n)


def _agree(state: Evaluation, n: int) -> Evaluation:
    """Mark the rounds whose gate G2 is reached by this entry."""
    rounds = tuple(
        replace(found, releasable=n)
        if found.releasable is None and found.agreed is not None and state.witnessed > found.agreed
        else found
        for found in state.rounds
    )
    return state if rounds == state.rounds else replace(state, rounds=rounds)


def _definition(state: Evaluation, entry: Entry) -> Evaluation:
    sha256 = unb64u(_act(entry).body["sha256"], 32)
    return replace(state, fixed=Fixed(entry.n, sha256, Scoring.parse(entry.body["scoring"])))


def _witnessed(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, witnessed=entry.body["size"])


def _stage(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, stage=_act(entry).body["to"])


def _commitment(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, commitments={**state.commitments, _act(entry).sub: entry.n})


def _declaration(state: Evaluation, entry: Entry) -> Evaluation:
    body = _act(entry).body
    made = Declaration(entry.n, body["recuse"], tuple(body["grounds"]))
    return replace(state, declarations={**state.declarations, _act(entry).sub: made})


def _recused(state: Evaluation, entry: Entry) -> Evaluation:
    return leaving.left(state, entry.body["seat"])


def _round(state: Evaluation, entry: Entry) -> Evaluation:
    body = entry.body
    void = [[str(purpose), int(number)] for purpose, number in body.get("void", ())]
    state = replace(state, rounds=leaving.voided(state.rounds, void))
    opened = Round(
        purpose=body["purpose"],
        matter=body["matter"],
        number=body["round"],
        n=entry.n,
        required=tuple(body["required"]),
        choices=tuple(body.get("choices", ())),
        bidders=state.scored if body["purpose"] == SHEET else (),
    )
    return replace(state, rounds=(*state.rounds, opened))


def _sealed(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    envelope = Envelope.parse(act.body["envelope"])
    found = state.find_round(envelope.purpose, act.body["round"])
    seal = Seal(act.id, act.sub, entry.n, envelope)
    return _with(
        state,
        found,
        replace(found, seals={**found.seals, act.id: seal}, current={**found.current, act.sub: act.id}),
    )


def _acked(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, seal = state.find_seal(unb64u(act.body["act"], 32))
    seal = replace(seal, acks=seal.acks | {act.sub})
    return _with(state, found, replace(found, seals={**found.seals, seal.id: seal}))


def _rejected(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, seal = state.find_seal(unb64u(act.body["act"], 32))
    seal = replace(seal, rejects={**seal.rejects, act.sub: act.body["code"]})
    return _with(state, found, replace(found, seals={**found.seals, seal.id: seal}))


def _faulty(state: Evaluation, entry: Entry) -> Evaluation:
    found = state.find_round(entry.body["purpose"], entry.body["round"])
    return _with(state, found, replace(found, faulty=found.faulty | {str(entry.body["holder"])}))


def _frozen(state: Evaluation, entry: Entry) -> Evaluation:
    found = state.find_round(entry.body["purpose"], entry.body["round"])
    sheets = tuple((str(seat), unb64u(act, 32)) for seat, act in entry.body["sheets"])
    return _with(state, found, replace(found, freeze=Freeze(entry.leaf, entry.n, sheets)))


def _confirmed(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, freeze = _freeze(state, act)
    freeze = replace(freeze, confirmed=freeze.confirmed | {act.sub}, disputed=freeze.disputed - {act.sub})
    return _with(state, found, replace(found, freeze=freeze))


def _disputed(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, freeze = _freeze(state, act)
    return _with(state, found, replace(found, freeze=replace(freeze, disputed=freeze.disputed | {act.sub})))


def _approved(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, freeze = _freeze(state, act)
    freeze = replace(freeze, approved=entry.n, silent=tuple(act.body["silent"]))
    return _with(state, found, replace(found, freeze=freeze))


def _released(state: Evaluation, entry: Entry) -> Evaluation:
    act = _act(entry)
    found, _ = _freeze(state, act)
    shares = tuple(unb64u(share, 32) for _, share in act.body["shares"])
    return _with(state, found, replace(found, releases={**found.releases, act.sub: shares}))


def _opened(state: Evaluation, entry: Entry) -> Evaluation:
    found, seal = state.find_seal(unb64u(entry.body["act"], 32))
    return _with(state, found, replace(found, plaintexts={**found.plaintexts, seal.id: unb64u(entry.body["p"])}))


def _unreadable(state: Evaluation, entry: Entry) -> Evaluation:
    found, seal = state.find_seal(unb64u(entry.body["act"], 32))
    return _with(state, found, replace(found, unreadable={**found.unreadable, seal.id: entry.body["code"]}))


def _all_opened(state: Evaluation, entry: Entry) -> Evaluation:
    found = state.find_round(entry.body["purpose"], entry.body["round"])
    return _with(state, found, replace(found, opened=entry.n))


def _elected(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, chair=entry.body["seat"])


def _tied(state: Evaluation, entry: Entry) -> Evaluation:
    return state


def _undecided(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, chair_undecided=True, chair_tied=tuple(entry.body["tied"]))


def _voted(state: Evaluation, entry: Entry) -> Evaluation:
    if state.fixed is None:
        raise EventRefused("a vote before any definition")
    act = _act(entry)
    findings = compliance.parse(act.body["findings"], state.fixed.scoring, state.pages(advice=True))
    return replace(state, votes={**state.votes, act.sub: findings})


def _concluded(state: Evaluation, entry: Entry) -> Evaluation:
    rejected = tuple((str(bidder), str(item)) for bidder, item in entry.body["rejected"])
    return replace(state, valid=tuple(entry.body["valid"]), rejected=rejected)


def _tallied(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, rows=parse_rows(entry.body))


def _ranked(state: Evaluation, entry: Entry) -> Evaluation:
    return replace(state, ranking=parse_ranking(entry.body))


def _act(entry: Entry) -> Act:
    if entry.act is None:
        raise EventRefused(f"{entry.type} needs an act")
    return entry.act


def _freeze(state: Evaluation, act: Act) -> tuple[Round, Freeze]:
    found = state.find_freeze(unb64u(act.body["freeze"], 32))
    if found.freeze is None:
        raise EventRefused("the round is not frozen")
    return found, found.freeze


def _with(state: Evaluation, old: Round, new: Round) -> Evaluation:
    return replace(state, rounds=tuple(new if found is old else found for found in state.rounds))


EVENTS: dict[str, Callable[[Evaluation, Entry], Evaluation]] = {
    "DefinitionFixed": _definition,
    "Witnessed": _witnessed,
    "StageAdvanced": _stage,
    "CommitmentSigned": _commitment,
    "RecusalDeclared": _declaration,
    "MemberRecused": _recused,
    "RoundOpened": _round,
    "BallotSealed": _sealed,
    "SheetSealed": _sealed,
    "SheetResealed": _sealed,
    "ShareAcked": _acked,
    "ShareRejected": _rejected,
    "HolderFaulty": _faulty,
    "SheetsFrozen": _frozen,
    "FreezeConfirmed": _confirmed,
    "FreezeDisputed": _disputed,
    "OpeningApproved": _approved,
    "SharesReleased": _released,
    "SheetOpened": _opened,
    "SheetUnreadable": _unreadable,
    "SheetsOpened": _all_opened,
    "ChairElected": _elected,
    "ChairTied": _tied,
    "ChairUndecided": _undecided,
    "ChairDrawn": lots.on_chair_drawn,
    "TieDrawn": lots.on_tie_drawn,
    "CoefficientDrawn": lots.on_coefficient_drawn,
    "DrawAnnulled": lots.on_annulled,
    "ReviewVoted": _voted,
    "ReviewConcluded": _concluded,
    "ScoresTallied": _tallied,
    "RankingFixed": _ranked,
    **clarification.EVENTS,
    **motions.EVENTS,
    **returning.EVENTS,
    **checks.EVENTS,
    **cases.EVENTS,
    **leaving.EVENTS,
}
