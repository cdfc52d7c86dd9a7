"""Declarations, chair, compliance review, and the order of stages (docs/protocol.md 2.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.errors import (
    AlreadyDone,
    ChairUndecided,
    EvaluationError,
    NotNextStage,
    NotRequired,
    StageIncomplete,
    TooFewBidders,
)
from evidence.core.canonical import encode
from evidence.errors import EvidenceError
from sessions.errors import SessionError, WrongRole
from tests.sessions.drive import HOLDERS, MEMBERS, SHOWN, Drive
from tests.sessions.rounds import copy_of, seal


@pytest.fixture(scope="module")
def ready() -> Drive:
    return Drive().until("detailed-review")


@pytest.fixture
def drive(ready: Drive) -> Drive:
    """A fresh copy at the beginning of the detailed review."""
    return copy_of(ready)


def test_stages_follow_without_a_leap(drive: Drive) -> None:
    for body in (
        {"from": "detailed-review", "to": "report"},
        {"from": "compliance-review", "to": "detailed-review"},
        {"from": "detailed-review", "to": "detailed-review"},
        {"from": "detailed-review", "to": "compliance-review"},
        {"from": "detailed-review", "to": "lunch"},
    ):
        with pytest.raises(NotNextStage):
            drive.perform("operator-1", "stage.advance", body)
    with pytest.raises(StageIncomplete):
        drive.advance()


def test_a_recused_member_leaves_and_the_committee_is_incomplete() -> None:
    """政府采购法实施条例 9; replacement comes later, so the stage cannot end."""
    drive = Drive().until("declarations")
    drive.declare(MEMBERS[1:])
    drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    for body in (
        {"recuse": True, "grounds": [], "shown": SHOWN},
        {"recuse": False, "grounds": ["other-relation"], "shown": SHOWN},
        {"recuse": True, "grounds": ["unheard"], "shown": SHOWN},
        {"recuse": True, "grounds": ["other-relation", "other-relation"], "shown": SHOWN},
        {"recuse": True, "grounds": [["other-relation"]], "shown": SHOWN},
        {"recuse": 1, "grounds": ["other-relation"], "shown": SHOWN},
    ):
        with pytest.raises((EvaluationError, EvidenceError)):
            drive.perform("seat-1", "recusal.declare", body)
    made = drive.perform("seat-1", "recusal.declare", {"recuse": True, "grounds": ["other-relation"], "shown": SHOWN})
    assert [entry.type for entry in made] == ["RecusalDeclared", "MemberRecused"]
    assert drive.state.evaluation.seats == MEMBERS[1:]
    with pytest.raises(WrongRole):
        drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    with pytest.raises(EvaluationError) as refused:
        drive.advance()
    assert refused.value.code == "committee-refused"


def test_declarations_are_made_once() -> None:
    drive = Drive().until("declarations")
    drive.declare(["seat-1"])
    with pytest.raises(AlreadyDone):
        drive.perform("seat-1", "commitment.sign", {"shown": SHOWN})
    with pytest.raises(AlreadyDone):
        drive.perform("seat-1", "recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN})
    with pytest.raises(StageIncomplete):
        drive.advance()


def test_only_the_required_take_part(drive: Drive) -> None:
    evaluation = drive.state.evaluation
    narrowed = replace(evaluation.rounds[-1], required=MEMBERS[1:])
    drive.state = replace(drive.state, evaluation=replace(evaluation, rounds=(*evaluation.rounds[:-1], narrowed)))
    with pytest.raises(NotRequired):
        seal(drive, "seat-1")


def test_every_refusal_has_a_code() -> None:
    """House rule 2: each class with a stable kebab-case code, and no two alike."""

    def below(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    for root, package in ((EvaluationError, "evaluation"), (SessionError, "sessions.errors")):
        codes = [getattr(kind, "code", "") for kind in below(root) if kind.__module__.startswith(package)]
        assert len(set(codes)) == len(codes)
        assert all(code and encode(code).decode().strip('"').replace("-", "").isalpha() for code in codes)


def test_three_tied_rounds_end_undecided() -> None:
    """Issue 2: a tie for chair ends undecided until lots come with the rules; each round is between the tied."""
    drive = Drive().until("chair-election")
    assert drive.round.choices == ("seat-1", "seat-2", "seat-4", "seat-5")
    three = dict(zip(MEMBERS, ("seat-1", "seat-1", "seat-2", "seat-2", "seat-4"), strict=True))
    assert [e.type for e in drive.vote(three)[6:]] == ["ChairTied", "RoundOpened"]
    assert list(drive.round.choices) == ["seat-1", "seat-2"]
    with pytest.raises(EvaluationError):
        drive.ballot("seat-3", "seat-4")
    with pytest.raises(StageIncomplete):
        drive.advance()
    # Five votes between two are never tied, except where one cannot be read.
    for number in (2, 3):
        assert drive.round.number == number
        for seat, choice in zip(MEMBERS, ("seat-1", "seat-1", "seat-2", "seat-2", "seat-1"), strict=True):
            drive.seal(seat, drive.ballot(seat, choice))
        drive.to_opening()
        for domain in HOLDERS:
            drive.release(domain)
        ended = [entry.type for entry in drive.open(broken={"seat-5": "sheet-unreadable"})[6:]]
        assert ended == (["ChairTied", "RoundOpened"] if number == 2 else ["ChairTied", "ChairUndecided"])
    with pytest.raises(ChairUndecided):
        drive.advance()


def test_fewer_than_three_valid_bidders_end_the_tender() -> None:
    """政府采购法 36."""
    drive = Drive().until("compliance-review")
    lost = [("bidder-1", "letter"), ("bidder-2", "licence")]
    drive.review(dict.fromkeys(MEMBERS, lost))
    assert drive.state.evaluation.valid == ("bidder-3", "bidder-4")
    with pytest.raises(TooFewBidders):
        drive.advance()


def test_a_member_votes_once_and_the_last_vote_concludes() -> None:
    drive = Drive().until("compliance-review")
    for seat in MEMBERS[:-1]:
        (_entry,) = drive.perform(seat, "review.vote", {"findings": drive.findings()})
    with pytest.raises(AlreadyDone):
        drive.perform("seat-1", "review.vote", {"findings": drive.findings()})
    with pytest.raises(StageIncomplete):
        drive.advance()
    last = drive.perform("seat-5", "review.vote", {"findings": drive.findings()})
    assert [entry.type for entry in last] == ["ReviewVoted", "ReviewConcluded"]
