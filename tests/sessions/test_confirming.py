"""Nobody signs before every signer's own device has ranked the log as the report does (issue of the rules, item 8)."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from evaluation.core.results import ranking_digest
from evaluation.errors import TooEarly
from evidence.core.canonical import Object, b64u, encode, sha256, unb64u
from evidence.errors import Malformed
from sessions.core import confirming
from sessions.core.commands import AuthoriseSignature
from sessions.core.replay import Replay
from sessions.core.todo import todo
from sessions.core.view import summary, view, visibility
from sessions.errors import (
    AlreadyConfirmed,
    AlreadySigned,
    RankingDiffers,
    RankingUnconfirmed,
    UnknownAct,
    WrongDocument,
    WrongRole,
)
from tests.sessions.drive import MEMBERS, Drive

OTHER = sha256(b"another ranking")


def signing() -> Drive:
    """The stage has begun; nobody has ranked."""
    drive = Drive().until("report")
    drive.freeze_report()
    drive.advance()
    return drive


def due(drive: Drive, seat: str) -> list[str]:
    return todo(drive.state, drive.state.seat(seat))


def test_everybody_ranks_before_anybody_signs() -> None:
    drive = signing()
    for seat in MEMBERS:
        assert due(drive, seat) == ["ranking.confirm"]
        with pytest.raises(RankingUnconfirmed):
            drive.authorise("seat-1")
        (entry,) = drive.rank(seat)
        assert (entry.type, entry.body) == ("RankingConfirmed", {})
    assert [due(drive, seat) for seat in MEMBERS] == [["report.sign"]] * len(MEMBERS)
    assert view(drive.state, "auditor-1")["report"]["ranked"] == list(MEMBERS)
    drive.sign_all()


def test_a_ranking_that_differs_stands_in_the_log_and_nobody_signs() -> None:
    """It is taken, so that it shows; the same seat may state the right one, and the first stays in the log."""
    drive = signing()
    for seat in MEMBERS[1:]:
        drive.rank(seat)
    stated, differed = drive.rank("seat-1", OTHER)
    assert (stated.type, differed.type) == ("RankingConfirmed", "RankingDiffered")
    assert drive.state.report is not None
    assert differed.body == {"seat": "seat-1", "ranking": b64u(drive.state.report.ranking)}
    assert view(drive.state, "supervisor-1")["report"]["ranked_otherwise"] == ["seat-1"]
    for seat in MEMBERS:
        assert due(drive, seat) == []
        with pytest.raises(RankingDiffers):
            drive.authorise(seat)
    with pytest.raises(AlreadyConfirmed):
        drive.rank("seat-1", OTHER)
    drive.rank("seat-1")
    drive.sign_all()
    assert "RankingDiffered" in [entry.type for entry in drive.entries]


def test_the_way_out_is_dissent_or_the_time_that_was_set() -> None:
    """Neither a member who differs nor one who says nothing can keep the others from signing for ever."""
    drive = signing()
    for seat in MEMBERS[:3]:
        drive.rank(seat)
    drive.rank("seat-4", OTHER)
    assert drive.state.report is not None
    document = b64u(drive.state.report.document)
    drive.perform("seat-4", "report.dissent", {"document": document, "reason": "本机排名不一致"})
    with pytest.raises(RankingUnconfirmed):
        drive.authorise("seat-1")
    drive.perform("seat-1", "signing.call", {"seat": "seat-5", "until": "2026-11-21T08:30:00.000Z"})
    while len(drive.entries) < 60 * 31:
        drive.witness()
    drive.perform("seat-1", "member.deem", {"seat": "seat-5", "reason": "逾期未表示意见"})
    for seat in MEMBERS[:3]:
        drive.sign(seat)
    with pytest.raises(RankingDiffers):
        drive.authorise("seat-4")


def test_no_ranking_is_stated_too_early_for_another_document_by_others_or_after_the_signature() -> None:
    drive = Drive().until("report")
    drive.freeze_report()
    with pytest.raises(TooEarly):
        drive.rank("seat-1")
    drive.advance()
    assert drive.state.report is not None
    right: Object = {"ranking": b64u(drive.state.report.ranking), "document": b64u(drive.state.report.document)}
    with pytest.raises(WrongDocument):
        drive.perform("seat-1", "ranking.confirm", right | {"document": b64u(OTHER)})
    for body in (right | {"ranking": "x"}, right | {"ranking": None}, {"ranking": right["ranking"]}, right | {"a": 1}):
        with pytest.raises(Malformed):
            drive.perform("seat-1", "ranking.confirm", body)
    for other in ("operator-1", "supervisor-1", "auditor-1", "room-1"):
        with pytest.raises(WrongRole):
            drive.perform(other, "ranking.confirm", right)
    drive.rank_all()
    drive.sign("seat-1")
    with pytest.raises(AlreadySigned):
        drive.rank("seat-1", OTHER)


def test_with_the_control_switched_off_a_differing_report_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "check", lambda state, seat: None)
    drive = signing()
    drive.rank("seat-1", OTHER)
    drive.sign("seat-2")


def test_a_digest_of_so_few_rankings_is_shown_to_nobody_who_may_not_see_the_ranking() -> None:
    drive = signing()
    (entry,) = drive.rank("seat-1")
    assert visibility(entry, drive.state, "operator-2") == "summary"
    assert visibility(entry, drive.state, "seat-5") == "full"
    assert visibility(entry, drive.state, "room-1") == "hash"


def test_nor_is_the_reports_own_digest_which_a_few_guesses_tell() -> None:
    """招标投标法 44: no outcome is told before it may be; protocols.md 5: nothing under 80 bits is hashed unsalted."""
    drive = signing()
    frozen = next(entry for entry in drive.entries if entry.type == "ReportFrozen")
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    told = unb64u(frozen.body["ranking"], 32)
    guesses = [
        replace(
            ranking,
            places=tuple((bidder, n) for n, bidder in enumerate(order, 1)),
            candidates=order[: len(ranking.candidates)],
        )
        for order in permutations(bidder for bidder, _ in ranking.places)
    ]
    assert [guess for guess in guesses if ranking_digest(guess) == told] == [ranking], "the digest tells it"
    for seat, seen in (("operator-2", "summary"), ("operator-1", "full"), ("seat-5", "full"), ("supervisor-1", "full")):
        assert visibility(frozen, drive.state, seat) == seen
    assert summary(frozen, drive.state) == {"type": "ReportFrozen"}
    assert b64u(told) not in encode(view(drive.state, "operator-2")).decode()


def test_a_verifier_decides_it_again() -> None:
    """ADR 2: what was refused, and what differed, follows from the log alone."""
    drive = signing()
    drive.rank("seat-1", OTHER)
    drive.rank_all()
    drive.rank("seat-1")
    drive.sign_all()
    replay = Replay(drive.entries, load=lambda _: encode(drive.definition), check=lambda state, act: None)
    assert len(list(replay)) == len(drive.entries)
    assert replay.state == drive.state


def test_logs_of_the_first_engine_know_no_such_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were signed without, and stay valid (tests/vectors/proceeding-v1.json.gz)."""
    old = json.loads(gzip.decompress((Path(__file__).parents[1] / "vectors" / "proceeding-v1.json.gz").read_bytes()))
    assert "ranking.confirm" not in json.dumps(old)
    monkeypatch.setattr("tests.sessions.drive.founding", first_engine)
    drive = signing()
    assert due(drive, "seat-1") == ["report.sign"]
    with pytest.raises(UnknownAct):
        drive.rank("seat-1")
    act = drive.act(
        "seat-1",
        "report.sign",
        {
            "credential": "credential-seat-1",
            "hashes": [b64u(OTHER)],
            "document": b64u(drive.state.report.document if drive.state.report else b""),
        },
    )
    drive.execute(AuthoriseSignature(act, OTHER))


def first_engine(identities: Object) -> Object:
    from tests.sessions import example

    return example.founding(identities) | {"engine": "1"}
